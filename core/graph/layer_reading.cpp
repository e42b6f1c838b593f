// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layer_reading.h"

#include <algorithm>
#include <array>
#include <vector>

namespace bitscape::graph {

namespace {

struct FunctionName {
    std::string_view name;
    Function function;
};

constexpr float kLeakyDefault = 0.2F; // of the activation function, in all versions

const std::vector<FunctionName>& functionNames()
{
    static const std::vector<FunctionName> table{
        {"linear", {FunctionKind::Linear}},
        {"relu", {FunctionKind::Relu}},
        {"relu6", {FunctionKind::Relu, 0.0F, 6.0F}},
        {"leaky_relu", {FunctionKind::Relu, kLeakyDefault}},
        {"softmax", {FunctionKind::Softmax}},
        {"sigmoid", {FunctionKind::Sigmoid}},
        {"tanh", {FunctionKind::Tanh}},
        {"elu", {FunctionKind::Elu, 1.0F}},
        {"selu", {FunctionKind::Selu}},
        {"softplus", {FunctionKind::Softplus}},
        {"softsign", {FunctionKind::Softsign}},
        {"swish", {FunctionKind::Swish}},
        {"silu", {FunctionKind::Swish}},
        {"gelu", {FunctionKind::Gelu}},
        {"exponential", {FunctionKind::Exponential}},
    };
    return table;
}

/// Parameters of ReLU, LeakyReLU, ELU and Softmax objects, as layers or inside an activation field.
struct FunctionClass {
    std::string_view name;
    Function (*read)(LayerReading& reading, KerasConfig& config);
};

Function readRelu(LayerReading& /*reading*/, KerasConfig& config)
{
    const float top = config.real("max_value", 0.0F);
    return {FunctionKind::Relu, config.real("negative_slope", 0.0F), top,
            config.real("threshold", 0.0F)};
}

Function readLeakyRelu(LayerReading& /*reading*/, KerasConfig& config)
{
    constexpr float kDefault = 0.3F;
    return {FunctionKind::Relu, config.real("negative_slope", config.real("alpha", kDefault))};
}

Function readElu(LayerReading& /*reading*/, KerasConfig& config)
{
    return {FunctionKind::Elu, config.real("alpha", 1.0F)};
}

/// As an activation; the layer reads its axes itself.
Function readSoftmax(LayerReading& reading, KerasConfig& config)
{
    const Json& axis = config.at("axis");
    if (!axis.is_null() && axis != -1) {
        reading.lacks("a softmax activation over other axes than the last is not covered");
    }
    return {FunctionKind::Softmax};
}

constexpr std::array kFunctionClasses{
    FunctionClass{"ReLU", readRelu},
    FunctionClass{"LeakyReLU", readLeakyRelu},
    FunctionClass{"ELU", readElu},
    FunctionClass{"Softmax", readSoftmax},
};

const FunctionClass* findFunctionClass(std::string_view name)
{
    const auto* found = std::ranges::find(kFunctionClasses, name, &FunctionClass::name);
    return found == kFunctionClasses.end() ? nullptr : found;
}

std::string_view nameBeforeCall(std::string_view text)
{
    return text.substr(0, text.find('('));
}

/// Strings and dictionaries of the registry's names are quantizers; Keras' own activations, which
/// QKeras takes too, are functions.
bool namesQuantizer(const Json& value)
{
    std::string name;
    if (value.is_string()) {
        name = std::string(nameBeforeCall(value.get<std::string>()));
    } else if (member(value, "class_name").is_string()) {
        name = member(value, "class_name").get<std::string>();
    }
    const quant::QuantizerInfo* row = quant::findQuantizer(name);
    return row != nullptr && row->origin != "Keras";
}

} // namespace

void LayerReading::lacks(std::string reason)
{
    if (m_reason.empty()) {
        m_reason = std::move(reason);
    }
}

Function LayerReading::functionByName(const std::string& name)
{
    if (name == "hard_sigmoid" && !isQuantized) {
        return {dialect.major >= 3 ? FunctionKind::HardSigmoidKeras3
                                   : FunctionKind::HardSigmoidKeras2};
    }
    const auto found = std::ranges::find(functionNames(), name, &FunctionName::name);
    if (found == functionNames().end()) {
        lacks("the activation '" + name + "' is not covered");
        return {};
    }
    return found->function;
}

Function LayerReading::functionOfClass(std::string_view className)
{
    const FunctionClass* found = findFunctionClass(className);
    ensure(found != nullptr, "LayerReading: no class of functions");
    return found->read(*this, config);
}

void LayerReading::placeQuantizer(Slot slot, const Json& value)
{
    const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    if (value.is_string() && (text.empty() || text == "None")) {
        return;
    }
    auto parsed = quant::parseQuantizer(text);
    if (!parsed) {
        lacks("its quantizer " + text.substr(0, 80) + " is not covered: " + parsed.error().message);
        return;
    }
    meaning.quantizers[slot] = std::move(*parsed);
}

void LayerReading::quantizer(Slot slot, const char* key, const char* otherwise)
{
    if (config.has(key)) {
        placeQuantizer(slot, config.at(key));
    } else if (otherwise != nullptr && !config.json().contains(key)) {
        placeQuantizer(slot, Json(otherwise));
    }
}

void LayerReading::quantizers(std::initializer_list<Slot> slots)
{
    for (const Slot slot : slots) {
        if (isQuantized) {
            quantizer(slot, (std::string(name(slot)) + "_quantizer").c_str());
        }
    }
}

Function LayerReading::activation(const char* key, Slot slot, const char* otherwise)
{
    const Json absent = otherwise == nullptr ? Json() : Json(otherwise);
    const Json& value = config.json().contains(key) ? config.at(key) : absent;
    if (value.is_null()) {
        return {};
    }
    if (isQuantized && namesQuantizer(value)) {
        placeQuantizer(slot, value);
        return {};
    }
    if (value.is_string()) {
        return functionByName(value.get<std::string>());
    }
    if (!value.is_object()) {
        config.refuse(key, "It must be a text or an object.");
        return {};
    }
    const Json& inner = member(value, "config");
    const Json& kind = member(value, "class_name");
    const std::string className = kind.is_string() ? kind.get<std::string>() : "without a name";
    if (const FunctionClass* found = findFunctionClass(className)) {
        KerasConfig parameters(inner);
        const Function function = found->read(*this, parameters);
        if (parameters.error()) {
            config.refuse(key, parameters.error()->message);
        }
        return function;
    }
    if (className == "function" && inner.is_string()) {
        return functionByName(inner.get<std::string>());
    }
    lacks("the activation object '" + className + "' is not covered");
    return {};
}

std::vector<int> LayerReading::pairs(const char* key, int rank)
{
    const Json& value = config.at(key);
    const auto count = static_cast<std::size_t>(2 * rank);
    std::vector<int> pairs;
    const auto add = [&](const Json& entry) {
        const bool fits = entry.is_number_integer() && entry.get<std::int64_t>() >= 0 &&
                          entry.get<std::int64_t>() <= kMaxExtent;
        if (!fits) {
            config.refuse(key, "It must hold whole numbers from 0.");
        }
        pairs.push_back(fits ? entry.get<int>() : 0);
    };
    if (value.is_null()) {
        return std::vector<int>(count, 1);
    }
    if (!value.is_array()) {
        add(value);
        return std::vector<int>(count, pairs.front());
    }
    for (const Json& entry : value) {
        if (entry.is_array() && entry.size() == 2) {
            add(entry.front());
            add(entry.back());
        } else if (rank > 1) { // one number per axis: the same on both sides
            add(entry);
            add(entry);
        } else {
            add(entry);
        }
    }
    if (pairs.size() != count) {
        config.refuse(key, "It must hold a pair for each axis.");
        pairs.resize(count);
    }
    return pairs;
}

Padding LayerReading::padding()
{
    std::string text = config.text("padding", "valid");
    std::ranges::transform(text, text.begin(), [](unsigned char c) {
        return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    });
    if (text == "valid") {
        return Padding::Valid;
    }
    if (text == "same") {
        return Padding::Same;
    }
    if (text == "causal") {
        return Padding::Causal;
    }
    config.refuse("padding", "It must be valid, same or causal.");
    return Padding::Valid;
}

bool LayerReading::channelsFirst()
{
    return config.text("data_format", "channels_last") == "channels_first";
}

int LayerReading::axis(const char* key, int otherwise)
{
    const Json& value = config.at(key);
    const Json& one = value.is_array() && value.size() == 1 ? value.front() : value;
    if (one.is_null()) {
        return otherwise;
    }
    if (one.is_array() && !one.empty()) {
        lacks("several axes are not covered");
        return otherwise;
    }
    if (!one.is_number_integer() || std::abs(one.get<std::int64_t>()) > Shape::kMaxRank) {
        config.refuse(key, "It must be one axis.");
        return otherwise;
    }
    return one.get<int>();
}

std::vector<int> LayerReading::axes(const char* key, std::vector<int> otherwise)
{
    const Json& value = config.at(key);
    if (value.is_null()) {
        return otherwise;
    }
    std::vector<int> found;
    for (const Json& entry : value.is_array() ? value : Json::array({value})) {
        const std::int64_t axis = entry.is_number_integer() ? entry.get<std::int64_t>() : 0;
        if (axis == 0 || std::abs(axis) > Shape::kMaxRank) {
            config.refuse(key, "It must be an axis, or a list of them, other than the batch.");
            return otherwise;
        }
        found.push_back(static_cast<int>(axis));
    }
    return found.empty() ? otherwise : found;
}

Result<LayerMeaning> LayerReading::inner(const char* key) const
{
    const Json& layer = config.at(key);
    const Json& kind = member(layer, "class_name");
    if (!kind.is_string() || !member(layer, "config").is_object()) {
        return fail(ErrorCode::CorruptFile, "It must be a layer with class_name and config.", key);
    }
    auto read = readLayerConfig(kind.get<std::string>(), member(layer, "config"), dialect, m_kinds);
    if (!read) {
        return fail(std::move(read).error().in(key));
    }
    return read;
}

std::string_view activationName(const Function& function)
{
    if (function.kind == FunctionKind::HardSigmoidKeras2 ||
        function.kind == FunctionKind::HardSigmoidKeras3) {
        return "hard_sigmoid";
    }
    const auto found = std::ranges::find(functionNames(), function, &FunctionName::function);
    return found == functionNames().end() ? std::string_view() : found->name;
}

Json activationField(const Function& function)
{
    if (const std::string_view name = activationName(function); !name.empty()) {
        return std::string(name);
    }
    if (function.kind == FunctionKind::Elu) {
        return {{"class_name", "ELU"}, {"config", {{"alpha", function.negativeSlope}}}};
    }
    return {{"class_name", "ReLU"}, {"config", reluConfig(function)}};
}

Json reluConfig(const Function& function)
{
    return {{"max_value", function.maxValue > 0 ? Json(function.maxValue) : Json(nullptr)},
            {"negative_slope", function.negativeSlope},
            {"threshold", function.threshold}};
}

} // namespace bitscape::graph
