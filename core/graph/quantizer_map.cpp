// SPDX-License-Identifier: GPL-3.0-or-later
// MAP of the command line: QKeras' model_quantize dictionary with our keys and patterns.
#include "core/base/text.h"
#include "core/graph/activation.h"
#include "core/graph/configuration.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <regex>

namespace bitscape::graph {

namespace {

using Json = nlohmann::ordered_json;

// --------------------------------------------------------------------------------------- the words

constexpr std::array<std::string_view, 20> kClassKeys{"QDense",
                                                      "QConv1D",
                                                      "QConv2D",
                                                      "QConv2DTranspose",
                                                      "QDepthwiseConv2D",
                                                      "QSeparableConv1D",
                                                      "QSeparableConv2D",
                                                      "QConv2DBatchnorm",
                                                      "QDepthwiseConv2DBatchnorm",
                                                      "QDenseBatchnorm",
                                                      "QBatchNormalization",
                                                      "QActivation",
                                                      "QAdaptiveActivation",
                                                      "QAveragePooling2D",
                                                      "QGlobalAveragePooling2D",
                                                      "QSimpleRNN",
                                                      "QLSTM",
                                                      "QGRU",
                                                      "QBidirectional",
                                                      "QScaleShift"};

/// Parameters of an entry that are no slots of ours: QKeras knows them for layers or modes that are
/// not covered. Their quantizers are checked all the same.
constexpr std::array<std::string_view, 4> kForeignQuantizers{
    "average_quantizer", "recurrent_quantizer", "state_quantizer",
    "recurrent_activation_quantizer"};
constexpr std::array<std::string_view, 2> kModes{"folding_mode", "ema_freeze_delay"};

constexpr std::array<std::string_view, 20> kFunctions{
    "linear", "relu",        "relu6",        "leakyrelu", "leaky_relu",     "softmax",    "sigmoid",
    "tanh",   "elu",         "selu",         "softplus",  "softsign",       "swish",      "silu",
    "gelu",   "exponential", "hard_sigmoid", "hard_tanh", "smooth_sigmoid", "smooth_tanh"};

constexpr std::array<std::string_view, 4> kSettings{"@fold_batchnorm", "@activation_bits",
                                                    "@prefer_adaptive", "@input"};

template <class Range>
bool contains(const Range& words, std::string_view word)
{
    return std::ranges::find(words, word) != words.end();
}

std::string didYouMean(const std::string& near)
{
    return near.empty() ? std::string() : fmt::format("Did you mean '{}'?", near);
}

// ----------------------------------------------------------------------------------- what is given

/// What stands for a quantizer in a map.
struct Choice {
    enum class Kind { None, Empty, Function, Quantizer };
    Kind kind = Kind::None;
    quant::QuantizerPtr quantizer;
    std::string function; ///< a Keras activation, which quantizes nothing
};

struct Entry {
    std::string key;
    std::optional<std::regex> pattern;
    bool isObject = false;
    std::map<std::string, Choice, std::less<>> parameters; ///< of an object
    Choice whole;                                          ///< otherwise
    bool matched = false;

    [[nodiscard]] const Choice* find(std::string_view parameter) const
    {
        const auto found = parameters.find(parameter);
        return found == parameters.end() ? nullptr : &found->second;
    }
};

struct Settings {
    std::optional<bool> foldBatchNorm;
    std::optional<int> activationBits;
    bool preferAdaptive = false;
    std::optional<Choice> input;
};

Result<Choice> readChoice(const Json& value)
{
    if (value.is_null() || (value.is_string() && value.get<std::string>() == "None")) {
        return Choice{};
    }
    if (!value.is_string() && !value.is_object()) {
        return fail(ErrorCode::InvalidArgument, fmt::format("{} is no quantizer.", value.dump()),
                    {}, "Write a string such as \"quantized_bits(4,0,1)\", a dictionary or null.");
    }
    const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    if (text.empty()) {
        return Choice{Choice::Kind::Empty, nullptr, {}};
    }
    if (contains(kFunctions, text)) {
        return Choice{Choice::Kind::Function, nullptr, text};
    }
    auto quantizer = quant::parseQuantizer(text);
    if (!quantizer) {
        return fail(std::move(quantizer).error());
    }
    return Choice{Choice::Kind::Quantizer, std::move(*quantizer), {}};
}

/// Reads and checks a whole map before anything is applied.
class MapReader {
public:
    Result<void> read(const Graph& graph, std::string_view text)
    {
        Json json;
        try {
            json = Json::parse(text);
        } catch (const Json::parse_error& error) {
            return fail(ErrorCode::InvalidArgument, "The map is no valid JSON.",
                        fmt::format("byte {}", error.byte));
        }
        if (!json.is_object()) {
            return fail(ErrorCode::InvalidArgument, "The map must be a JSON object.", {},
                        R"json(Write {"LAYER": {"kernel_quantizer": "quantized_bits(4)"}}.)json");
        }
        for (const auto& [key, value] : json.items()) {
            auto ok = key.starts_with('@') ? readSetting(key, value) : readEntry(graph, key, value);
            if (!ok) {
                return fail(std::move(ok).error().in(key));
            }
        }
        return {};
    }

    [[nodiscard]] std::vector<Entry>& entries() { return m_entries; }
    [[nodiscard]] const Settings& settings() const { return m_settings; }

private:
    Result<void> readFlag(const std::string& key, const Json& value)
    {
        if (!value.is_boolean()) {
            return mustBe(key, value, "true or false");
        }
        if (key == "@fold_batchnorm") {
            m_settings.foldBatchNorm = value.get<bool>();
        } else {
            m_settings.preferAdaptive = value.get<bool>();
        }
        return {};
    }

    Result<void> readSetting(const std::string& key, const Json& value)
    {
        if (key == "@fold_batchnorm" || key == "@prefer_adaptive") {
            return readFlag(key, value);
        }
        if (key == "@activation_bits") {
            constexpr std::int64_t kMostBits = 32;
            if (!value.is_number_integer() || value.get<std::int64_t>() < 1 ||
                value.get<std::int64_t>() > kMostBits) {
                return mustBe(key, value, "a whole number between 1 and 32");
            }
            m_settings.activationBits = value.get<int>();
            return {};
        }
        if (key == "@input") {
            auto choice = readChoice(value);
            if (!choice) {
                return fail(std::move(choice).error());
            }
            m_settings.input = std::move(*choice);
            return {};
        }
        return fail(ErrorCode::InvalidArgument, fmt::format("The map knows no '{}'.", key), {},
                    didYouMean(nearest(key, std::span<const std::string_view>(kSettings))));
    }

    static Failure mustBe(const std::string& key, const Json& value, const char* what)
    {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("{} is {}, but it must be {}.", key, value.dump(), what));
    }

    Result<void> readEntry(const Graph& graph, const std::string& key, const Json& value)
    {
        Entry entry;
        entry.key = key;
        if (auto ok = readPattern(entry); !ok) {
            return ok;
        }
        entry.isObject = value.is_object() && !value.contains("class_name");
        if (!entry.isObject) {
            auto whole = readChoice(value);
            if (!whole) {
                return fail(std::move(whole).error());
            }
            entry.whole = std::move(*whole);
        } else if (auto ok = readParameters(graph, entry, value); !ok) {
            return ok;
        }
        m_entries.push_back(std::move(entry));
        return {};
    }

    static Result<void> readPattern(Entry& entry)
    {
        constexpr std::string_view kPattern = "re:";
        if (!entry.key.starts_with(kPattern)) {
            return {};
        }
        const std::string text = entry.key.substr(kPattern.size());
        try {
            entry.pattern = std::regex(text);
        } catch (const std::regex_error&) {
            return fail(ErrorCode::InvalidArgument, fmt::format("'{}' is no valid pattern.", text),
                        {}, "Patterns are written as in JavaScript: re:^conv[0-9]+$.");
        }
        return {};
    }

    static Result<void> readParameters(const Graph& graph, Entry& entry, const Json& object)
    {
        for (const auto& [parameter, value] : object.items()) {
            if (auto known = checkParameter(graph, entry, parameter); !known) {
                return known;
            }
            if (contains(kModes, parameter)) {
                continue;
            }
            auto read = readChoice(value);
            if (!read) {
                return fail(std::move(read).error().in(parameter));
            }
            entry.parameters[parameter] = std::move(*read);
        }
        return {};
    }

    /// Parameters are slots; those of activation layers are also names of functions.
    static Result<void> checkParameter(const Graph& graph, const Entry& entry,
                                       const std::string& parameter)
    {
        const int index = graph.find(entry.key);
        const bool isActivation =
            index >= 0 ? std::holds_alternative<ActivationOp>(graph.layer(index).op)
                       : entry.key == "QActivation" || entry.key == "QAdaptiveActivation";
        const bool isOpen = index < 0 && !contains(kClassKeys, entry.key);
        std::vector<std::string> known;
        if (isActivation || isOpen) {
            known.assign(kFunctions.begin(), kFunctions.end());
        }
        if (!isActivation || index >= 0) {
            for (const Slot slot : allSlots()) {
                known.push_back(std::string(name(slot)) + "_quantizer");
            }
            known.emplace_back(name(Slot::Activation));
            known.insert(known.end(), kForeignQuantizers.begin(), kForeignQuantizers.end());
            known.insert(known.end(), kModes.begin(), kModes.end());
        }
        if (contains(known, parameter)) {
            return {};
        }
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("There is no parameter '{}'.", parameter), {},
                    didYouMean(nearest(parameter, known)));
    }

    std::vector<Entry> m_entries;
    Settings m_settings;
};

// --------------------------------------------------------------------------------------- the
// layers

/// A class of QKeras: QDense, QActivation, …
bool isOfQKeras(const Layer& layer)
{
    const std::string& name = layer.className;
    return name.size() > 1 && name[0] == 'Q' &&
           std::isupper(static_cast<unsigned char>(name[1])) != 0;
}

/// The layer's activation as the file names it.
std::string functionName(const Layer& layer, const Function& function)
{
    const Json config = Json::parse(layer.originalConfig, nullptr, false);
    if (config.is_object() && config.contains("activation") && config["activation"].is_string()) {
        return config["activation"].get<std::string>();
    }
    switch (function.kind) {
    case FunctionKind::Relu:
        return function == Function{FunctionKind::Relu} ? "relu" : "";
    case FunctionKind::Tanh:
        return "tanh";
    case FunctionKind::Sigmoid:
        return "sigmoid";
    case FunctionKind::Softmax:
        return "softmax";
    case FunctionKind::Linear:
        return "linear";
    default:
        return {};
    }
}

bool isKernelSlot(Slot slot)
{
    return slot == Slot::Kernel || slot == Slot::Depthwise || slot == Slot::Pointwise;
}

bool hasSlot(const Layer& layer, Slot slot)
{
    const std::vector<Slot> slots = slotsOf(layer);
    return std::ranges::find(slots, slot) != slots.end();
}

bool hasKernel(const Layer& layer)
{
    return std::ranges::any_of(slotsOf(layer), isKernelSlot);
}

/// The normalization that @fold_batchnorm takes into this layer: its only reader.
bool isFoldable(const Graph& graph, int index)
{
    const Layer& layer = graph.layer(index);
    const bool computes = std::holds_alternative<ConvOp>(layer.op) ||
                          std::holds_alternative<DepthwiseOp>(layer.op) ||
                          std::holds_alternative<DenseOp>(layer.op);
    const std::vector<int> readers = graph.consumers(index);
    return computes && functionOf(layer.op).isLinear() && readers.size() == 1 &&
           std::ranges::find(graph.outputs(), index) == graph.outputs().end() &&
           std::holds_alternative<BatchNormOp>(graph.layer(readers.front()).op);
}

// ------------------------------------------------------------------------------------- applying it

class MapApplier {
public:
    MapApplier(const Graph& graph, std::vector<Entry>& entries, const Settings& settings,
               MapResult& result)
        : m_graph(graph), m_entries(entries), m_settings(settings), m_result(result)
    {
    }

    Result<void> apply();

private:
    /// The entry that counts for a layer by name, then pattern; null if there is none.
    Entry* namedEntry(const Layer& layer);
    Entry* classEntry(std::string_view key);
    void warn(std::string code, std::string message, const std::string& where)
    {
        m_result.warnings.push_back({std::move(code), std::move(message), where});
    }

    Result<void> applyToLayer(int index);
    void applyToKernelLayer(int index, const Entry* named);
    void applyToActivation(const Layer& layer, const Entry* named);
    void applyToBatchNorm(int index, const Entry* named);
    void applyToAveragePool(const Layer& layer, const Entry* named);
    void applySlots(const Layer& layer, const Entry& entry);
    void setSlot(const Layer& layer, Slot slot, const Choice& choice);
    void setKernels(const Layer& layer, const Entry& entry);
    void quantizeFunction(const Layer& layer);
    void warnOfUnmatched();

    [[nodiscard]] bool folds(int index) const
    {
        return m_result.configuration.foldBatchNorm && isFoldable(m_graph, index);
    }

    const Graph& m_graph;
    std::vector<Entry>& m_entries;
    const Settings& m_settings;
    MapResult& m_result;
};

Entry* MapApplier::namedEntry(const Layer& layer)
{
    Entry* found = nullptr;
    for (Entry& entry : m_entries) {
        if (entry.pattern) {
            if (std::regex_search(layer.name, *entry.pattern)) {
                entry.matched = true;
                found = found == nullptr ? &entry : found;
            }
        } else if (entry.key == layer.name) {
            entry.matched = true;
            return &entry;
        }
    }
    return found;
}

Entry* MapApplier::classEntry(std::string_view key)
{
    const auto found = std::ranges::find(m_entries, key, &Entry::key);
    return found == m_entries.end() ? nullptr : &*found;
}

void MapApplier::setSlot(const Layer& layer, Slot slot, const Choice& choice)
{
    if (choice.kind == Choice::Kind::Function) {
        const std::string own = functionName(layer, functionOf(layer.op));
        if (slot != Slot::Activation || choice.function != own) {
            warn("map_note",
                 fmt::format("'{}' is a function, not a quantizer: it changes nothing.",
                             choice.function),
                 layer.name + "/" + std::string(name(slot)));
        }
        return;
    }
    m_result.configuration.set(layer.name, slot, choice.quantizer);
}

void MapApplier::quantizeFunction(const Layer& layer)
{
    if (!m_settings.activationBits) {
        return;
    }
    const std::string function = functionName(layer, functionOf(layer.op));
    if (function != "relu" && function != "tanh" && function != "sigmoid") {
        return;
    }
    auto quantizer = quant::makeQuantizer("quantized_" + function,
                                          {{"bits", std::int64_t{*m_settings.activationBits}}});
    ensure(quantizer.has_value(), "a quantizer of checked width must exist");
    m_result.configuration.set(layer.name, Slot::Activation, std::move(*quantizer));
}

/// Kernel-type slots; `kernel_quantizer` of a separable layer means both of its kernels.
void MapApplier::setKernels(const Layer& layer, const Entry& entry)
{
    for (const Slot slot : slotsOf(layer)) {
        if (!isKernelSlot(slot)) {
            continue;
        }
        const Choice* choice = entry.find(std::string(name(slot)) + "_quantizer");
        if (choice == nullptr) {
            choice = entry.find("kernel_quantizer");
        }
        if (choice != nullptr) {
            setSlot(layer, slot, *choice);
        }
    }
}

/// What an entry says of the kernels: nothing, explicitly none, or something.
std::optional<bool> saysKernel(const Layer& layer, const Entry& entry)
{
    std::optional<bool> says;
    for (const Slot slot : slotsOf(layer)) {
        if (!isKernelSlot(slot)) {
            continue;
        }
        for (const std::string& key :
             {std::string(name(slot)) + "_quantizer", std::string("kernel_quantizer")}) {
            if (const Choice* choice = entry.find(key)) {
                says = says.value_or(false) || choice->kind == Choice::Kind::Quantizer;
            }
        }
    }
    return says;
}

void MapApplier::applyToKernelLayer(int index, const Entry* named)
{
    const Layer& layer = m_graph.layer(index);
    if (isOfQKeras(layer)) {
        if (named != nullptr) {
            setKernels(layer, *named);
            applySlots(layer, *named);
        }
        return;
    }
    const bool folded = folds(index);
    const std::string plain = "Q" + layer.className;
    const Entry* first = named;
    const Entry* second = nullptr;
    if (named == nullptr) {
        first = folded ? classEntry(plain + "Batchnorm") : classEntry(plain);
        second = folded ? classEntry(plain) : nullptr;
    }
    const Entry* chosen = nullptr;
    for (const Entry* entry : {first, second}) {
        if (chosen == nullptr && entry != nullptr && entry->isObject) {
            // An explicit null is ours: the kernel stays float and the rest of the entry counts.
            const std::optional<bool> says = saysKernel(layer, *entry);
            chosen = says && (*says || entry == named) ? entry : nullptr;
        }
    }
    if (chosen == nullptr) {
        if (named != nullptr && !named->parameters.empty()) {
            warn("map_note",
                 "The entry names no quantizer for the kernel; the layer stays as it is, as in "
                 "QKeras.",
                 layer.name);
        }
        return;
    }
    setKernels(layer, *chosen);
    const Choice* bias = chosen->find("bias_quantizer");
    if (bias != nullptr && (hasSlot(layer, Slot::Bias) || folded)) {
        setSlot(layer, Slot::Bias, *bias);
    }
    if (chosen->find("activation") != nullptr) {
        warn("map_note", "QKeras reads 'activation_quantizer' here and passes over 'activation'.",
             layer.name);
    }
    const Choice* activation = first == nullptr ? nullptr : first->find("activation_quantizer");
    if (activation != nullptr && activation->kind != Choice::Kind::None &&
        activation->kind != Choice::Kind::Empty) {
        setSlot(layer, Slot::Activation, *activation);
    } else {
        quantizeFunction(layer);
    }
    if (folded && m_result.configuration.find(layer.name, Slot::Activation)) {
        warn("map_note",
             "A quantizer between the layer and its normalization keeps the two from being folded; "
             "put it on the normalization or behind it.",
             layer.name);
    }
}

/// Every slot the entry gives, kernels aside.
void MapApplier::applySlots(const Layer& layer, const Entry& entry)
{
    for (const auto& [key, choice] : entry.parameters) {
        const Slot* slot = findSlot(key);
        const bool isKernel = slot != nullptr && isKernelSlot(*slot);
        if (isKernel && hasKernel(layer)) {
            continue;
        }
        if (slot == nullptr || !hasSlot(layer, *slot)) {
            warn("map_note", fmt::format("{} has no use for '{}'.", layer.className, key),
                 layer.name);
            continue;
        }
        setSlot(layer, *slot, choice);
    }
}

void MapApplier::applyToActivation(const Layer& layer, const Entry* named)
{
    const Entry* entry = named;
    bool isAdaptive = false;
    if (named == nullptr) {
        const bool isPlain = layer.className == "Activation" || layer.className == "ReLU" ||
                             layer.className == "LeakyReLU";
        if (!isPlain) {
            return; // QKeras' own layers, and classes that model_quantize passes over
        }
        const Entry* usual = classEntry("QActivation");
        const Entry* adaptive =
            layer.className == "Activation" ? classEntry("QAdaptiveActivation") : nullptr;
        const bool adaptiveFirst = m_settings.preferAdaptive && adaptive != nullptr;
        isAdaptive = adaptiveFirst || usual == nullptr;
        entry = isAdaptive ? adaptive : usual;
    }
    if (entry == nullptr) {
        return;
    }
    const Function function = std::get<ActivationOp>(layer.op).function;
    const Choice* choice = &entry->whole;
    if (entry->isObject) {
        std::string key = functionName(layer, function);
        if (layer.className == "ReLU" || layer.className == "LeakyReLU") {
            key = function.negativeSlope > 0.0F ? "leakyrelu" : "relu";
        }
        choice = entry->find(key);
        for (const char* slotKey : {"activation_quantizer", "activation"}) {
            choice = choice == nullptr ? entry->find(slotKey) : choice;
        }
    }
    const bool says =
        choice != nullptr && (choice->kind != Choice::Kind::Empty || !entry->isObject);
    if (!says) {
        return;
    }
    if (isAdaptive && choice->kind == Choice::Kind::Quantizer) {
        warn("not_covered",
             "QAdaptiveActivation learns its range in training, which is not covered; the function "
             "stays as it is.",
             layer.name);
        return;
    }
    if (choice->kind == Choice::Kind::Empty) {
        quantizeFunction(layer);
    } else if (choice->kind != Choice::Kind::None || named != nullptr) {
        setSlot(layer, Slot::Activation, *choice);
    }
}

void MapApplier::applyToBatchNorm(int index, const Entry* named)
{
    const Layer& layer = m_graph.layer(index);
    const Entry* entry = named;
    if (entry == nullptr && !isOfQKeras(layer)) {
        entry = classEntry("QBatchNormalization");
    }
    const bool vanishes = !layer.inputs.empty() && folds(layer.inputs.front());
    if (entry == nullptr || !entry->isObject || vanishes) {
        return;
    }
    if (isOfQKeras(layer)) {
        applySlots(layer, *entry);
        return;
    }
    // model_quantize gives None for what the entry leaves out, not the layer's defaults. It never
    // reads inverse_quantizer, which cannot go with gamma and variance; alone it is taken here.
    const bool inverseCounts =
        entry->find("gamma_quantizer") == nullptr && entry->find("variance_quantizer") == nullptr;
    for (const Slot slot : slotsOf(layer)) {
        const Choice* choice = entry->find(std::string(name(slot)) + "_quantizer");
        const bool counts = slot != Slot::Inverse || inverseCounts;
        m_result.configuration.set(layer.name, slot, nullptr);
        if (choice != nullptr && counts) {
            setSlot(layer, slot, *choice);
        } else if (choice != nullptr && choice->kind == Choice::Kind::Quantizer) {
            warn("map_note",
                 "inverse_quantizer has no effect beside quantizers of gamma or variance.",
                 layer.name);
        }
    }
}

void MapApplier::applyToAveragePool(const Layer& layer, const Entry* named)
{
    const Entry* entry = named;
    if (entry == nullptr && !isOfQKeras(layer)) {
        entry = classEntry("Q" + layer.className);
    }
    if (entry == nullptr || !entry->isObject) {
        return;
    }
    const Choice* average = entry->find("average_quantizer");
    const bool converts = average != nullptr && average->kind == Choice::Kind::Quantizer;
    if (converts) {
        warn("not_covered", "Quantizing the factor of an average is not covered; it stays float.",
             layer.name);
    }
    const Choice* activation = entry->find("activation_quantizer");
    if (activation != nullptr && (converts || named != nullptr)) {
        setSlot(layer, Slot::Activation, *activation);
    }
}

Result<void> MapApplier::applyToLayer(int index)
{
    const Layer& layer = m_graph.layer(index);
    const Entry* named = namedEntry(layer);
    const bool isActivation = std::holds_alternative<ActivationOp>(layer.op);
    const bool isWhole = named != nullptr && !named->isObject;
    if (isWhole && !isActivation) {
        if (named->whole.kind == Choice::Kind::None || named->pattern) {
            return {}; // excluded; or a pattern meant for activations
        }
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("{} is a {} layer: say which of its tensors the quantizer is for.",
                                layer.name, layer.className),
                    layer.name, R"json(Write {"kernel_quantizer": …, "bias_quantizer": …}.)json");
    }
    const auto* pool = std::get_if<PoolOp>(&layer.op);
    const auto* globalPool = std::get_if<GlobalPoolOp>(&layer.op);
    if (isActivation) {
        applyToActivation(layer, named);
    } else if (hasKernel(layer)) {
        applyToKernelLayer(index, named);
    } else if (std::holds_alternative<BatchNormOp>(layer.op)) {
        applyToBatchNorm(index, named);
    } else if ((pool != nullptr && pool->kind == PoolKind::Average) ||
               (globalPool != nullptr && globalPool->kind == PoolKind::Average)) {
        applyToAveragePool(layer, named);
    } else if (named != nullptr) {
        applySlots(layer, *named);
    }
    return {};
}

void MapApplier::warnOfUnmatched()
{
    std::vector<std::string> known(kClassKeys.begin(), kClassKeys.end());
    for (const Layer& layer : m_graph.layers()) {
        known.push_back(layer.name);
    }
    for (const Entry& entry : m_entries) {
        if (entry.matched || contains(kClassKeys, entry.key)) {
            continue;
        }
        std::string message =
            entry.pattern ? fmt::format("The pattern '{}' of the map matches no layer.", entry.key)
                          : fmt::format("The network has no layer '{}' of the map.", entry.key);
        const std::string near = entry.pattern ? std::string() : nearest(entry.key, known);
        if (!near.empty()) {
            message += " " + didYouMean(near);
        }
        warn("unmatched_map_entry", std::move(message), entry.key);
    }
}

Result<void> MapApplier::apply()
{
    if (m_settings.foldBatchNorm) {
        m_result.configuration.foldBatchNorm = *m_settings.foldBatchNorm;
    }
    if (m_settings.input) {
        m_result.configuration.input = m_settings.input->quantizer;
    }
    for (int index = 0; index < static_cast<int>(m_graph.layers().size()); ++index) {
        if (auto ok = applyToLayer(index); !ok) {
            return ok;
        }
    }
    warnOfUnmatched();
    return {};
}

// ----------------------------------------------------------------------------------- writing a map

Json entryOf(const Layer& layer, const LayerQuantizers& quantizers)
{
    const auto activation = quantizers.find(Slot::Activation);
    if (std::holds_alternative<ActivationOp>(layer.op) && activation != quantizers.end()) {
        return activation->second->toString();
    }
    Json entry = Json::object();
    bool quantizesKernel = !hasKernel(layer);
    for (const auto& [slot, quantizer] : quantizers) {
        entry[std::string(name(slot)) + "_quantizer"] = quantizer->toString();
        quantizesKernel = quantizesKernel || isKernelSlot(slot);
    }
    if (!quantizesKernel) {
        // Without a word on the kernel the entry would be passed over.
        const std::vector<Slot> slots = slotsOf(layer);
        entry[std::string(name(*std::ranges::find_if(slots, isKernelSlot))) + "_quantizer"] =
            nullptr;
    }
    return entry;
}

} // namespace

Result<MapResult> applyMap(const Graph& graph, const Configuration& base, std::string_view json)
{
    MapReader reader;
    if (auto ok = reader.read(graph, json); !ok) {
        return fail(std::move(ok).error());
    }
    MapResult result{base, {}};
    MapApplier applier(graph, reader.entries(), reader.settings(), result);
    if (auto ok = applier.apply(); !ok) {
        return fail(std::move(ok).error());
    }
    return result;
}

std::string toMap(const Graph& graph, const Configuration& configuration)
{
    Json out = Json::object();
    if (configuration.foldBatchNorm) {
        out["@fold_batchnorm"] = true;
    }
    if (configuration.input) {
        out["@input"] = configuration.input->toString();
    }
    for (const Layer& layer : graph.layers()) {
        const auto quantizers = configuration.layers.find(layer.name);
        if (quantizers != configuration.layers.end() && !quantizers->second.empty()) {
            out[layer.name] = entryOf(layer, quantizers->second);
        }
    }
    return out.dump(2, ' ', false, Json::error_handler_t::replace);
}

} // namespace bitscape::graph
