// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/search/autoq_config.h"

#include "core/base/text.h"
#include "core/search/study.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <functional>

namespace bitscape::search {

namespace {

using Json = nlohmann::ordered_json;
using Families = std::vector<std::pair<std::string, std::vector<Candidate>>>;

constexpr std::string_view kRegistered[] = {
    "Dense", "Conv1D",        "Conv2D",          "DepthwiseConv2D", "SimpleRNN",      "LSTM",
    "GRU",   "Bidirectional", "Conv2DTranspose", "SeparableConv1D", "SeparableConv2D"};
constexpr int kDefaultLimit = 8;
constexpr std::size_t kElements = 3; // kernel, bias, activation

Failure bad(std::string message, std::string where, std::string hint = {})
{
    return fail(ErrorCode::InvalidArgument, std::move(message), std::move(where), std::move(hint));
}

Result<void> readFamilies(const Json& value, AutoqConfig& config)
{
    if (value.is_null()) {
        return {};
    }
    if (!value.is_object()) {
        return bad("It must be an object of families.", "quantization_config");
    }
    config.families.clear();
    for (const auto& [family, candidates] : value.items()) {
        std::vector<Candidate> list;
        if (!candidates.is_object() || candidates.empty()) {
            return bad("It must map quantizers to bits.", "quantization_config." + family);
        }
        for (const auto& [quantizer, bits] : candidates.items()) {
            if (!bits.is_number()) {
                return bad(fmt::format("The bits of {} are no number.", quantizer),
                           "quantization_config." + family);
            }
            list.push_back({quantizer, bits.get<int>()});
        }
        config.families.emplace_back(family, std::move(list));
    }
    return {};
}

Result<std::vector<LimitElement>> readElements(const Json& value, const std::string& where)
{
    std::vector<LimitElement> elements;
    for (const Json& item : value.is_array() ? value : Json::array({value})) {
        if (item.is_number_integer()) {
            elements.emplace_back(item.get<int>());
            continue;
        }
        std::vector<std::string> names;
        for (const Json& name : item.is_array() ? item : Json::array({nullptr})) {
            if (!name.is_string()) {
                return bad("An element must be a number of bits or a list of quantizers.", where);
            }
            names.push_back(name.get<std::string>());
        }
        elements.emplace_back(std::move(names));
    }
    return elements;
}

/// Short entries of classes are filled from `default`; regular expressions stay as they are.
void pad(std::vector<LimitElement>& elements, const std::vector<LimitElement>& defaults)
{
    if (elements.size() >= kElements) {
        return;
    }
    for (std::size_t i = elements.size(); i < kElements - 1; ++i) {
        elements.push_back(defaults[std::min(i, defaults.size() - 1)]);
    }
    elements.push_back(defaults.back());
}

Result<void> readLimit(const Json& value, AutoqConfig& config)
{
    if (value.is_null()) {
        return {};
    }
    if (!value.is_object()) {
        return bad("It must be an object: class or pattern to bits.", "limit");
    }
    auto defaults = readElements(value.value("default", Json(kDefaultLimit)), "limit.default");
    if (!defaults) {
        return fail(std::move(defaults).error());
    }
    if (defaults->size() == 1) {
        defaults->resize(kElements, defaults->front());
    }
    if (defaults->size() < kElements) {
        return bad("It must be one number or a list of 3 or 4.", "limit.default");
    }
    for (const auto& [key, entry] : value.items()) {
        auto elements = readElements(entry, "limit." + key);
        if (!elements) {
            return fail(std::move(elements).error());
        }
        if (isRegisteredClass(key)) {
            pad(*elements, *defaults);
        }
        try {
            config.limits.push_back({key, std::regex(key), std::move(*elements)});
        } catch (const std::regex_error&) {
            return bad(fmt::format("'{}' is no regular expression.", key), "limit");
        }
    }
    return {};
}

Result<void> readLayerIndexes(const Json& value, AutoqConfig& config)
{
    if (value.is_null()) {
        return {};
    }
    std::vector<int> indexes;
    for (const Json& index : value.is_array() ? value : Json::array({nullptr})) {
        if (!index.is_number_integer()) {
            return bad("It must be a list of numbers of layers.", "layer_indexes");
        }
        indexes.push_back(index.get<int>());
    }
    config.layerIndexes = std::move(indexes);
    return {};
}

Result<void> readGoal(const Json& value, AutoqConfig& config)
{
    if (value.is_null()) {
        return {};
    }
    auto factor = parseGoal(value.dump());
    if (!factor) {
        return fail(std::move(factor).error());
    }
    config.factor = std::move(*factor);
    return {};
}

Result<void> readActivationBits(const Json& value, AutoqConfig& config)
{
    if (!value.is_number_integer() || value.get<int>() < 1 || value.get<int>() > 32) {
        return bad(fmt::format("{} is no number of bits.", value.dump()), "activation_bits");
    }
    config.activationBits = value.get<int>();
    return {};
}

using Reader = Result<void> (*)(const Json&, AutoqConfig&);

Result<void> ignore(const Json& /*value*/, AutoqConfig& /*config*/)
{
    return {};
}

struct ArgumentRow {
    std::string_view name;
    Reader read;
    /// Values under which a part of AutoQKeras that is not covered stays off; empty: any.
    std::vector<Json> harmless;
};

const std::vector<ArgumentRow>& arguments()
{
    static const std::vector<ArgumentRow> table{
        {"goal", &readGoal, {}},
        {"quantization_config", &readFamilies, {}},
        {"limit", &readLimit, {}},
        {"layer_indexes", &readLayerIndexes, {}},
        {"activation_bits", &readActivationBits, {}},
        {"transfer_weights",
         [](const Json& value, AutoqConfig& config) -> Result<void> {
             config.transferWeights = value == true;
             return {};
         },
         {}},
        {"tune_filters", &ignore, {"none", nullptr}},
        {"learning_rate_optimizer", &ignore, {false, nullptr}},
        {"enable_bn_folding", &ignore, {false, nullptr}},
        {"blocks", &ignore, {nullptr, Json::array()}},
        {"schedule_block", &ignore, {}},
        {"head_name", &ignore, {}},
        {"score_metric", &ignore, {nullptr}},
        {"custom_tuner", &ignore, {nullptr}},
        {"frozen_layers", &ignore, {nullptr, Json::array()}},
        // Said by options of the command or the dialog, or without meaning here.
        {"tune_filters_exceptions", &ignore, {}},
        {"metrics", &ignore, {}},
        {"output_dir", &ignore, {}},
        {"overwrite", &ignore, {}},
        {"mode", &ignore, {}},
        {"max_trials", &ignore, {}},
        {"seed", &ignore, {}},
        {"executions_per_trial", &ignore, {1, nullptr}},
        {"distribution_strategy", &ignore, {}},
        {"custom_objects", &ignore, {}},
        {"debug", &ignore, {}},
    };
    return table;
}

Result<void> readArgument(const std::string& key, const Json& value, AutoqConfig& config)
{
    const auto row = std::ranges::find(arguments(), std::string_view(key), &ArgumentRow::name);
    if (row == arguments().end()) {
        std::vector<std::string> known;
        for (const ArgumentRow& argument : arguments()) {
            known.emplace_back(argument.name);
        }
        const std::string near = nearest(key, known);
        if (!near.empty()) {
            return bad(fmt::format("AutoQKeras has no argument '{}'.", key), key,
                       "Did you mean '" + near + "'?");
        }
        config.warnings.push_back(
            {"unknown_argument", fmt::format("The argument '{}' is not used.", key), key});
        return {};
    }
    if (!row->harmless.empty() && std::ranges::find(row->harmless, value) == row->harmless.end()) {
        return bad(fmt::format("{} = {} is not covered by this release.", key, value.dump()), key,
                   fmt::format("Set it to {}.", row->harmless.front().dump()));
    }
    return row->read(value, config);
}

} // namespace

bool isRegisteredClass(std::string_view className)
{
    return std::ranges::find(kRegistered, className) != std::end(kRegistered);
}

const Families& defaultFamilies()
{
    static const Families table{
        {"kernel",
         {{"binary", 1},
          {"stochastic_binary", 1},
          {"ternary", 2},
          {"stochastic_ternary", 2},
          {"quantized_bits(2,1,1,alpha=1.0)", 2},
          {"quantized_bits(4,0,1)", 4},
          {"quantized_bits(8,0,1)", 8},
          {"quantized_po2(4,1)", 4}}},
        {"bias",
         {{"quantized_bits(4,0,1)", 4}, {"quantized_bits(8,3,1)", 8}, {"quantized_po2(4,8)", 4}}},
        {"activation",
         {{"binary", 1},
          {"binary(alpha='auto_po2')", 1},
          {"ternary", 2},
          {"quantized_relu(3,1)", 3},
          {"quantized_relu(4,2)", 4},
          {"quantized_relu(8,2)", 8},
          {"quantized_relu(8,4)", 8},
          {"quantized_relu(16,8)", 16},
          {"quantized_relu_po2(4,4)", 4}}},
        {"linear",
         {{"binary", 1},
          {"ternary", 2},
          {"quantized_bits(4,1)", 4},
          {"quantized_bits(8,2)", 8},
          {"quantized_bits(16,10)", 16},
          {"quantized_po2(6,4)", 6}}},
    };
    return table;
}

const std::vector<Candidate>& AutoqConfig::family(std::string_view name) const
{
    static const std::vector<Candidate> none;
    const auto found = std::ranges::find(families, name, &Families::value_type::first);
    return found == families.end() ? none : found->second;
}

Result<AutoqConfig> parseAutoqConfig(const std::string& json)
{
    AutoqConfig config;
    config.families = defaultFamilies();
    Json root;
    try {
        root = Json::parse(json);
    } catch (const Json::parse_error& error) {
        return bad("The AutoQKeras configuration is no JSON.", fmt::format("byte {}", error.byte));
    }
    if (!root.is_object()) {
        return bad("The AutoQKeras configuration must be a JSON object.", "--config");
    }
    for (const auto& [key, value] : root.items()) {
        if (auto ok = readArgument(key, value, config); !ok) {
            return fail(std::move(ok).error());
        }
    }
    return config;
}

std::string defaultConfig(const std::string& goal)
{
    constexpr int kMost = 8;
    Json families = Json::object();
    for (const auto& [name, candidates] : defaultFamilies()) {
        Json family = Json::object();
        for (const Candidate& candidate : candidates) {
            if (candidate.bits <= kMost && quant::parseQuantizer(candidate.quantizer)) {
                family[candidate.quantizer] = candidate.bits;
            }
        }
        families[name] = std::move(family);
    }
    Json limit = Json::object();
    for (const char* name : {"Dense", "Conv1D", "Conv2D", "DepthwiseConv2D", "SeparableConv2D"}) {
        limit[name] = {kMost, kMost, kMost};
    }
    limit["Activation"] = {kMost};
    const Json config = {{"goal", {{"type", goal}, {"params", Json::object()}}},
                         {"quantization_config", std::move(families)},
                         {"limit", std::move(limit)},
                         {"tune_filters", "none"},
                         {"transfer_weights", true}};
    return config.dump();
}

} // namespace bitscape::search
