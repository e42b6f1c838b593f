// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/search/forgiving_factor.h"

#include "core/base/text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>

namespace bitscape::search {

namespace {

using Json = nlohmann::ordered_json;
constexpr std::string_view kWhere = "goal";
constexpr double kQuantizedNormScaleBits = 6; // QBatchNormalization's default quantizers
constexpr double kQuantizedNormCenterBits = 5;

bool isWeightClass(std::string_view name)
{
    if (name.starts_with('Q')) {
        name.remove_prefix(1);
    }
    return name == "Dense" || name == "Conv1D" || name == "Conv2D" || name == "DepthwiseConv2D";
}

const graph::Function* functionOf(const graph::Layer& layer)
{
    return std::visit(
        [](const auto& op) -> const graph::Function* {
            if constexpr (requires { op.function; }) {
                return &op.function;
            } else {
                return nullptr;
            }
        },
        layer.op);
}

double bitsOr(const quant::QuantizerPtr& quantizer, double otherwise)
{
    return quantizer ? quantizer->bits() : otherwise;
}

double quantizedWeightBits(const graph::Layer& layer, const graph::Configuration& configuration,
                           double referenceBits)
{
    double bits = 0;
    for (int i = 0; i < static_cast<int>(layer.weights.size()); ++i) {
        const graph::Slot* slot = graph::slotOfWeight(layer, i);
        const auto quantizer = slot == nullptr ? nullptr : configuration.find(layer.name, *slot);
        const auto count =
            static_cast<double>(layer.weights[static_cast<std::size_t>(i)].value->size());
        bits += bitsOr(quantizer, referenceBits) * count;
    }
    return bits;
}

double parameterBits(const ForgivingFactor& factor, const graph::Layer& layer,
                     const std::string& className, const graph::Configuration& configuration)
{
    if (const auto* norm = std::get_if<graph::BatchNormOp>(&layer.op)) {
        const bool quantized = className.starts_with('Q');
        const double scale = quantized ? kQuantizedNormScaleBits : factor.referenceBits;
        const double center = quantized ? kQuantizedNormCenterBits : factor.referenceBits;
        return (scale + (norm->center ? center : 0.0)) *
               static_cast<double>(layer.weights.back().value->size());
    }
    if (!isWeightClass(className)) {
        return 0;
    }
    return className.starts_with('Q')
               ? quantizedWeightBits(layer, configuration, factor.referenceBits)
               : static_cast<double>(factor.referenceBits * layer.parameterCount());
}

/// Bits of one element of a layer's output; 0 where AutoQKeras does not count it.
double elementBits(const ForgivingFactor& factor, const graph::Layer& layer,
                   const std::string& className, const graph::Configuration& configuration)
{
    if (std::holds_alternative<graph::InputOp>(layer.op)) {
        return factor.inputBits;
    }
    const bool isActivation = className == "Activation" || className == "QActivation";
    if (!isActivation && !isWeightClass(className)) {
        return 0;
    }
    if (const auto quantizer = configuration.find(layer.name, graph::Slot::Activation)) {
        return quantizer->bits();
    }
    const graph::Function* function = functionOf(layer);
    if (function == nullptr || function->isLinear()) {
        return 0;
    }
    const bool isSoftmax = function->kind == graph::FunctionKind::Softmax;
    const bool isSigmoid = function->kind == graph::FunctionKind::Sigmoid;
    const bool isOutput =
        isActivation ? isSoftmax || isSigmoid : isSoftmax && className.starts_with('Q');
    return isOutput ? factor.outputBits : factor.referenceBits;
}

// ------------------------------------------------------------------------------ goal from JSON

Failure badGoal(std::string message, std::string_view key, std::string hint = {})
{
    return fail(ErrorCode::InvalidArgument, std::move(message), fmt::format("{}.{}", kWhere, key),
                std::move(hint));
}

/// How a key of the params is read into the factor.
struct ParameterRow {
    std::string_view name;
    std::function<Result<void>(const Json&, ForgivingFactor&)> read;
};

ParameterRow numberRow(std::string_view name, double ForgivingFactor::*member, double least)
{
    return {name, [=](const Json& value, ForgivingFactor& factor) -> Result<void> {
                if (!value.is_number() || value.get<double>() < least) {
                    return badGoal(
                        fmt::format("{} must be a number of at least {}.", value.dump(), least),
                        name);
                }
                factor.*member = value.get<double>();
                return {};
            }};
}

ParameterRow bitsRow(std::string_view name, int ForgivingFactor::*member)
{
    return {name, [=](const Json& value, ForgivingFactor& factor) -> Result<void> {
                if (!value.is_number_integer() || value.get<int>() < 1 || value.get<int>() > 64) {
                    return badGoal(fmt::format("{} must be a whole number of bits.", value.dump()),
                                   name);
                }
                factor.*member = value.get<int>();
                return {};
            }};
}

/// A pair [reference, trial] of QTools' arguments.
template <class T>
ParameterRow pairRow(std::string_view name, T EnergyRequest::*member, bool (*valid)(const Json&),
                     const char* rule)
{
    return {name, [=](const Json& value, ForgivingFactor& factor) -> Result<void> {
                if (!value.is_array() || value.size() != 2 || !valid(value[0]) ||
                    !valid(value[1])) {
                    return badGoal(fmt::format("{} must be a pair [reference, trial] of {}.",
                                               value.dump(), rule),
                                   name);
                }
                factor.energy[0].*member = value[0].get<T>();
                factor.energy[1].*member = value[1].get<T>();
                return {};
            }};
}

bool isMemory(const Json& value)
{
    return value == "dram" || value == "sram" || value == "fixed";
}

ParameterRow textRow(std::string_view name, std::string EnergyRequest::*member,
                     std::vector<std::string> allowed)
{
    return {name, [=](const Json& value, ForgivingFactor& factor) -> Result<void> {
                const std::string text = value.is_string() ? value.get<std::string>() : "";
                if (text.empty() ||
                    (!allowed.empty() && std::ranges::find(allowed, text) == allowed.end())) {
                    return badGoal(fmt::format("{} is not known.", value.dump()), name,
                                   "Known are " + join(allowed, ", ") + ".");
                }
                factor.energy[0].*member = text;
                factor.energy[1].*member = text;
                return {};
            }};
}

Result<void> readCounted(const Json& value, ForgivingFactor& factor)
{
    if (value.is_null()) {
        return {};
    }
    if (!value.is_object()) {
        return badGoal("It must be an object: class of layer to what counts.", "config");
    }
    factor.counted.clear();
    for (const auto& [key, parts] : value.items()) {
        if (!parts.is_array()) {
            return badGoal(fmt::format("The entry of {} must be a list.", key), "config");
        }
        std::vector<std::string>& list = factor.counted[key];
        for (const Json& part : parts) {
            if (part != "parameters" && part != "activations") {
                return badGoal(fmt::format("{} cannot be counted.", part.dump()), "config",
                               "Counted are \"parameters\" and \"activations\".");
            }
            list.push_back(part.get<std::string>());
        }
    }
    return {};
}

Result<void> readSources(const Json& value, ForgivingFactor& factor)
{
    if (value.is_null()) {
        return {};
    }
    for (const Json& source : value.is_array() ? value : Json::array({value})) {
        if (!source.is_string()) {
            return badGoal("Source quantizers must be strings.", "source_quantizers");
        }
        factor.energy[1].sourceQuantizers.push_back(source.get<std::string>());
    }
    return {};
}

std::vector<ParameterRow> commonRows()
{
    return {numberRow("delta_p", &ForgivingFactor::deltaP, 0),
            numberRow("delta_n", &ForgivingFactor::deltaN, 0),
            numberRow("rate", &ForgivingFactor::rate, 1.000001),
            numberRow("stress", &ForgivingFactor::stress, 0)};
}

std::vector<ParameterRow> bitsRows()
{
    std::vector<ParameterRow> rows = commonRows();
    rows.push_back(bitsRow("input_bits", &ForgivingFactor::inputBits));
    rows.push_back(bitsRow("output_bits", &ForgivingFactor::outputBits));
    rows.push_back(bitsRow("ref_bits", &ForgivingFactor::referenceBits));
    rows.push_back({"config", &readCounted});
    return rows;
}

std::vector<ParameterRow> energyRows()
{
    const auto isBoolean = [](const Json& value) { return value.is_boolean(); };
    const auto isSize = [](const Json& value) {
        return value.is_number() && value.get<double>() >= 0;
    };
    std::vector<ParameterRow> rows = commonRows();
    rows.push_back(textRow("process", &EnergyRequest::process, {"horowitz"}));
    rows.push_back(
        pairRow("parameters_on_memory", &EnergyRequest::parametersOn, &isMemory, "memories"));
    rows.push_back(
        pairRow("activations_on_memory", &EnergyRequest::activationsOn, &isMemory, "memories"));
    rows.push_back(pairRow("min_sram_size", &EnergyRequest::minimumSramBits, +isSize, "sizes"));
    rows.push_back(pairRow("rd_wr_on_io", &EnergyRequest::readWriteIo, +isBoolean, "booleans"));
    rows.push_back({"source_quantizers", &readSources});
    rows.push_back(
        {"trained_model", [](const Json& value, ForgivingFactor& factor) -> Result<void> {
             factor.energy[0].inference = factor.energy[1].inference = value == true;
             return {};
         }});
    rows.push_back(
        textRow("reference_internal", &EnergyRequest::kerasQuantizer, {"fp16", "fp32", "int8"}));
    rows.push_back(textRow("reference_accumulator", &EnergyRequest::accumulator,
                           {"int16", "int32", "fp16", "fp32"}));
    rows.push_back({"config_json", [](const Json&, ForgivingFactor&) { return Result<void>{}; }});
    return rows;
}

struct GoalRow {
    std::string_view type;
    ForgivingFactor::Kind kind;
    std::vector<ParameterRow> (*parameters)();
};

constexpr GoalRow kGoals[] = {{"bits", ForgivingFactor::Kind::Bits, &bitsRows},
                              {"energy", ForgivingFactor::Kind::Energy, &energyRows},
                              {"cycles", ForgivingFactor::Kind::Cycles, &commonRows}};

Result<void> readParameters(const Json& params, const GoalRow& goal, ForgivingFactor& factor)
{
    const std::vector<ParameterRow> rows = goal.parameters();
    for (const auto& [key, value] : params.items()) {
        const auto row = std::ranges::find(rows, std::string_view(key), &ParameterRow::name);
        if (row == rows.end()) {
            std::vector<std::string> known;
            for (const ParameterRow& parameter : rows) {
                known.emplace_back(parameter.name);
            }
            const std::string near = nearest(key, known);
            return badGoal(fmt::format("The goal {} has no parameter '{}'.", goal.type, key),
                           "params", near.empty() ? "" : "Did you mean '" + near + "'?");
        }
        if (auto ok = row->read(value, factor); !ok) {
            return ok;
        }
    }
    return {};
}

} // namespace

Result<ForgivingFactor> parseGoal(const std::string& json)
{
    const Json goal = Json::parse(json, nullptr, false);
    if (!goal.is_object() || !goal.value("params", Json::object()).is_object()) {
        return fail(ErrorCode::InvalidArgument, "The goal must be {\"type\": …, \"params\": {…}}.",
                    std::string(kWhere));
    }
    const Json type = goal.value("type", Json("bits"));
    const auto* row = std::ranges::find_if(
        kGoals, [&](const GoalRow& candidate) { return type == candidate.type; });
    if (row == std::end(kGoals)) {
        return badGoal(fmt::format("There is no goal {}.", type.dump()), "type",
                       "Known are bits, energy and cycles.");
    }
    ForgivingFactor factor;
    factor.kind = row->kind;
    factor.energy[0].forReference = true;
    if (auto ok = readParameters(goal.value("params", Json::object()), *row, factor); !ok) {
        return fail(std::move(ok).error());
    }
    factor.energy[0].sourceQuantizers = {factor.energy[0].kerasQuantizer};
    return factor;
}

std::string quantizedClass(const graph::Layer& layer, const graph::Configuration& configuration)
{
    const bool converted = configuration.layers.contains(layer.name);
    if (!converted || layer.className.starts_with('Q')) {
        return layer.className;
    }
    const bool isFunction = std::holds_alternative<graph::ActivationOp>(layer.op);
    return isFunction ? "QActivation" : "Q" + layer.className;
}

std::vector<LayerBits> countBits(const ForgivingFactor& factor, const graph::Graph& graph,
                                 bool sequential, const graph::Configuration& configuration)
{
    std::vector<LayerBits> counts;
    for (const graph::Layer& layer : graph.layers()) {
        if (sequential && std::holds_alternative<graph::InputOp>(layer.op)) {
            continue;
        }
        const std::string className = quantizedClass(layer, configuration);
        auto counted = factor.counted.find(className);
        if (counted == factor.counted.end()) {
            counted = factor.counted.find("default");
        }
        LayerBits bits{layer.name};
        for (const std::string& part :
             counted == factor.counted.end() ? std::vector<std::string>{} : counted->second) {
            if (part == "parameters") {
                bits.parameters = parameterBits(factor, layer, className, configuration);
            } else {
                bits.activations = elementBits(factor, layer, className, configuration) *
                                   static_cast<double>(layer.outputShape.elementCount());
            }
        }
        counts.push_back(std::move(bits));
    }
    return counts;
}

Result<double> ForgivingFactor::size(const SizeInput& input,
                                     const graph::Configuration& configuration) const
{
    switch (kind) {
    case Kind::Bits: {
        double total = 0;
        for (const LayerBits& layer :
             countBits(*this, input.graph, input.sequential, configuration)) {
            total += layer.parameters + layer.activations;
        }
        return total;
    }
    case Kind::Energy:
        ensure(input.energy != nullptr, "search: the energy goal without an energy function");
        return input.energy(input.graph, configuration, energy[1]);
    case Kind::Cycles: {
        ensure(input.cost != nullptr, "search: the cycles goal without a cost function");
        auto cost = input.cost(input.graph, configuration);
        if (!cost) {
            return fail(std::move(cost).error());
        }
        return cost->cycles;
    }
    }
    return 0.0;
}

Result<double> ForgivingFactor::referenceSize(const SizeInput& input,
                                              const graph::Configuration& base) const
{
    if (kind == Kind::Energy) {
        // AutoQKeras measures against the reference without stress.
        ensure(input.energy != nullptr, "search: the energy goal without an energy function");
        return input.energy(input.graph, base, energy[0]);
    }
    auto total = size(input, base);
    if (total) {
        *total *= stress;
    }
    return total;
}

double ForgivingFactor::delta(double referenceSize, double trialSize) const
{
    if (!(referenceSize > 0) || !(trialSize > 0)) {
        return 0.0;
    }
    const double gain = trialSize < referenceSize ? deltaP : deltaN;
    // AutoQKeras takes the logarithm of the rate in float32.
    return gain / 100.0 * std::log(referenceSize / trialSize) /
           static_cast<double>(std::log(static_cast<float>(rate)));
}

double ForgivingFactor::score(double metric, double delta) const
{
    return metric * (metric >= 0 ? 1.0 + delta : 1.0 - delta);
}

} // namespace bitscape::search
