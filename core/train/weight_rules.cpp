// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/train/weight_rules.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace bitscape::train {

namespace {

using Json = nlohmann::json;
constexpr float kEpsilon = 1e-7F; // Keras' backend.epsilon()

/// {"class_name": …, "config": {…}} under a key; null if there is none.
const Json* findObject(const Json& config, const std::string& key)
{
    const auto found = config.find(key);
    const bool usable =
        found != config.end() && found->is_object() && found->contains("class_name");
    return usable ? &*found : nullptr;
}

double numberOf(const Json& object, const char* key, double otherwise)
{
    const auto config = object.find("config");
    if (config == object.end() || !config->is_object()) {
        return otherwise;
    }
    const auto found = config->find(key);
    return found != config->end() && found->is_number() ? found->get<double>() : otherwise;
}

std::vector<int> axesOf(const Json& object)
{
    const Json axis = object.value("config", Json::object()).value("axis", Json(0));
    std::vector<int> axes;
    for (const Json& item : axis.is_array() ? axis : Json::array({axis})) {
        if (item.is_number_integer()) {
            axes.push_back(item.get<int>());
        }
    }
    return axes;
}

std::string classOf(const Json& object)
{
    const Json& name = object["class_name"];
    return name.is_string() ? name.get<std::string>() : std::string();
}

struct ConstraintRow {
    WeightRule::Constraint kind;
    void (*read)(const Json& object, WeightRule& rule);
};

const std::map<std::string, ConstraintRow, std::less<>>& constraintRows()
{
    using Kind = WeightRule::Constraint;
    static const std::map<std::string, ConstraintRow, std::less<>> table{
        {"Clip",
         {Kind::Clip,
          [](const Json& object, WeightRule& rule) {
              rule.low = numberOf(object, "min_value", -1);
              rule.high = numberOf(object, "max_value", 1);
          }}},
        {"MaxNorm",
         {Kind::MaxNorm, [](const Json& object,
                            WeightRule& rule) { rule.high = numberOf(object, "max_value", 2); }}},
        {"MinMaxNorm",
         {Kind::MinMaxNorm,
          [](const Json& object, WeightRule& rule) {
              rule.low = numberOf(object, "min_value", 0);
              rule.high = numberOf(object, "max_value", 1);
              rule.rate = numberOf(object, "rate", 1);
          }}},
        {"UnitNorm", {Kind::UnitNorm, [](const Json&, WeightRule&) {}}},
        {"NonNeg", {Kind::NonNegative, [](const Json&, WeightRule&) {}}},
    };
    return table;
}

/// Whether the file gave the weight the quantizer that it has now.
bool quantizerIsStored(const Json& config, const std::string& prefix,
                       const quant::QuantizerPtr& current)
{
    const auto stored = config.find(prefix + "_quantizer");
    if (stored == config.end() || stored->is_null()) {
        return current == nullptr;
    }
    auto parsed =
        quant::parseQuantizer(stored->is_string() ? stored->get<std::string>() : stored->dump());
    if (!parsed || !current) {
        return false;
    }
    const auto promoted = current->promotedForKernel();
    return **parsed == *current || (promoted && **parsed == *promoted);
}

void warn(Warnings& warnings, std::string message, const graph::Layer& layer)
{
    warnings.push_back({"not_applied", std::move(message), "layer " + layer.name});
}

struct Penalty {
    double l1 = 0, l2 = 0;
};

Penalty penaltyOf(const Json& object, const std::string& what, const graph::Layer& layer,
                  Warnings& warnings)
{
    const std::string name = classOf(object);
    if (name == "L1" || name == "L2" || name == "L1L2") {
        return {numberOf(object, "l1", 0), numberOf(object, "l2", 0)};
    }
    warn(warnings, "The regularizer " + name + " of its " + what + " is not applied.", layer);
    return {};
}

void readRegularizer(const Json& config, const std::string& prefix, const graph::Layer& layer,
                     WeightRule& rule, Warnings& warnings)
{
    if (const Json* object = findObject(config, prefix + "_regularizer")) {
        const Penalty penalty = penaltyOf(*object, prefix, layer, warnings);
        rule.l1 = penalty.l1;
        rule.l2 = penalty.l2;
    }
}

void readConstraint(const Json& config, const std::string& prefix, const graph::Layer& layer,
                    bool keepClip, WeightRule& rule, Warnings& warnings)
{
    const Json* object = findObject(config, prefix + "_constraint");
    if (object == nullptr) {
        return;
    }
    const auto row = constraintRows().find(classOf(*object));
    if (row == constraintRows().end()) {
        warn(warnings,
             "The constraint " + classOf(*object) + " of its " + prefix + " is not applied.",
             layer);
    } else if (row->second.kind != WeightRule::Constraint::Clip || keepClip) {
        rule.constraint = row->second.kind;
        rule.axes = axesOf(*object);
        row->second.read(*object, rule);
    }
}

/// Calls visit(group, element) for every element; elements of one group share a norm.
void forEachInGroups(const Shape& shape, const std::vector<int>& axes,
                     const std::function<void(std::size_t group, Index element)>& visit)
{
    std::vector<bool> reduced(static_cast<std::size_t>(shape.rank()), false);
    for (const int axis : axes) {
        const int index = axis < 0 ? axis + shape.rank() : axis;
        if (index >= 0 && index < shape.rank()) {
            reduced[static_cast<std::size_t>(index)] = true;
        }
    }
    const Index count = shape.elementCount();
    for (Index element = 0; element < count; ++element) {
        Index rest = element;
        std::size_t group = 0;
        std::size_t stride = 1;
        for (int axis = shape.rank() - 1; axis >= 0; --axis) {
            const Index place = rest % shape[axis];
            rest /= shape[axis];
            if (!reduced[static_cast<std::size_t>(axis)]) {
                group += static_cast<std::size_t>(place) * stride;
                stride *= static_cast<std::size_t>(shape[axis]);
            }
        }
        visit(group, element);
    }
}

/// Factor of a group with this norm.
float normFactor(const WeightRule& rule, float norm)
{
    using Kind = WeightRule::Constraint;
    const auto low = static_cast<float>(rule.low);
    const auto high = static_cast<float>(rule.high);
    if (rule.constraint == Kind::UnitNorm) {
        return 1.0F / (kEpsilon + norm);
    }
    if (rule.constraint == Kind::MaxNorm) {
        return std::clamp(norm, 0.0F, high) / (kEpsilon + norm);
    }
    const auto rate = static_cast<float>(rule.rate);
    return (rate * std::clamp(norm, low, high) + (1.0F - rate) * norm) / (kEpsilon + norm);
}

void constrainNorm(const WeightRule& rule, Tensor& weight)
{
    std::vector<double> squares(static_cast<std::size_t>(weight.size()), 0.0);
    forEachInGroups(weight.shape(), rule.axes, [&](std::size_t group, Index element) {
        const double value = weight.data()[element];
        squares[group] += value * value;
    });
    forEachInGroups(weight.shape(), rule.axes, [&](std::size_t group, Index element) {
        weight.data()[element] *= normFactor(rule, static_cast<float>(std::sqrt(squares[group])));
    });
}

} // namespace

std::string configPrefix(std::string_view weight)
{
    weight.remove_prefix(weight.rfind('/') + 1); // of a wrapper: forward/kernel
    const std::string_view suffix = "_kernel";
    if (weight.ends_with(suffix)) {
        weight.remove_suffix(suffix.size());
    }
    return std::string(weight);
}

Json weightSettings(const graph::Layer& layer)
{
    Json config = Json::parse(layer.originalConfig, nullptr, false);
    if (!config.is_object()) {
        return Json::object();
    }
    const Json* inner = findObject(config, "layer");
    return inner == nullptr ? config : Json(inner->value("config", Json::object()));
}

double WeightRule::penalty(const Tensor& weight) const
{
    if (l1 == 0 && l2 == 0) {
        return 0.0;
    }
    double absolute = 0;
    double squares = 0;
    for (const double value : weight.values()) {
        absolute += std::abs(value);
        squares += value * value;
    }
    return l1 * absolute + l2 * squares;
}

void WeightRule::addPenaltyGradient(const Tensor& weight, Tensor& gradient) const
{
    if (l1 == 0 && l2 == 0) {
        return;
    }
    for (Index i = 0; i < weight.size(); ++i) {
        const double value = weight.data()[i];
        const double sign = value > 0 ? 1.0 : (value < 0 ? -1.0 : 0.0);
        gradient.data()[i] += static_cast<float>(l1 * sign + 2.0 * l2 * value);
    }
}

void WeightRule::constrain(Tensor& weight) const
{
    switch (constraint) {
    case Constraint::None:
        return;
    case Constraint::Clip:
        for (float& value : weight.values()) {
            value = std::clamp(value, static_cast<float>(low), static_cast<float>(high));
        }
        return;
    case Constraint::NonNegative:
        for (float& value : weight.values()) {
            value = std::max(value, 0.0F);
        }
        return;
    case Constraint::MaxNorm:
    case Constraint::MinMaxNorm:
    case Constraint::UnitNorm:
        constrainNorm(*this, weight);
        return;
    }
}

std::vector<graph::ActivityPenalty> activityPenalties(const graph::Graph& graph, Warnings& warnings)
{
    std::vector<graph::ActivityPenalty> penalties;
    for (int l = 0; l < static_cast<int>(graph.layers().size()); ++l) {
        const Json config = Json::parse(graph.layer(l).originalConfig, nullptr, false);
        const Json* object =
            config.is_object() ? findObject(config, "activity_regularizer") : nullptr;
        if (object != nullptr) {
            const Penalty penalty = penaltyOf(*object, "output", graph.layer(l), warnings);
            penalties.push_back({l, penalty.l1, penalty.l2});
        }
    }
    return penalties;
}

std::vector<WeightRule> weightRules(const graph::Graph& graph,
                                    const graph::Configuration& configuration,
                                    std::span<const float> clipLimits, Warnings& warnings)
{
    std::vector<WeightRule> rules;
    int lastLayer = -1;
    Json config;
    for (const graph::WeightSlot slot : graph.weightSlots()) {
        const graph::Layer& layer = graph.layer(slot.layer);
        if (slot.layer != lastLayer) {
            lastLayer = slot.layer;
            config = weightSettings(layer);
        }
        const std::string prefix =
            configPrefix(layer.weights[static_cast<std::size_t>(slot.weight)].name);
        const graph::Slot* place = graph::slotOfWeight(layer, slot.weight);
        const quant::QuantizerPtr quantizer =
            place == nullptr ? nullptr : configuration.find(layer.name, *place);
        WeightRule rule;
        if (const float limit = clipLimits[rules.size()]; limit > 0) {
            rule.constraint = WeightRule::Constraint::Clip;
            rule.low = -static_cast<double>(limit);
            rule.high = limit;
        }
        readRegularizer(config, prefix, layer, rule, warnings);
        readConstraint(config, prefix, layer, quantizerIsStored(config, prefix, quantizer), rule,
                       warnings);
        rules.push_back(rule);
    }
    return rules;
}

} // namespace bitscape::train
