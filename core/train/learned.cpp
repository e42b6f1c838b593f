// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/train/learned.h"

#include "core/graph/layers/layer_kernel.h"
#include "core/train/network_end.h"

#include <algorithm>
#include <functional>
#include <optional>

namespace bitscape::train {

namespace {

bool isUnset(const quant::QuantizerPtr& quantizer)
{
    return quantizer && std::ranges::any_of(quantizer->learned(), [&](const std::string& name) {
               return std::holds_alternative<std::monostate>(quantizer->parameter(name));
           });
}

/// Without the quantizers that are not set yet.
graph::Configuration ready(const graph::Configuration& configuration)
{
    graph::Configuration out = configuration;
    for (auto& [layer, slots] : out.layers) {
        std::erase_if(slots, [](const auto& item) { return isUnset(item.second); });
    }
    out.input = isUnset(out.input) ? nullptr : out.input;
    return out;
}

/// What a layer's output quantizer sees.
Result<Tensor> seenBy(const graph::GraphPtr& graph, int layer,
                      const graph::Configuration& configuration, const graph::WeightSet& weights,
                      std::span<const TensorView> inputs, Parallel& parallel)
{
    auto cut = withoutFunction(graph, layer);
    if (!cut) {
        return fail(std::move(cut).error());
    }
    auto plan = graph::InferencePlan::make(*cut, ready(configuration), weights, {.taps = {layer}});
    if (!plan) {
        return fail(std::move(plan).error());
    }
    auto values = (*plan)->run(inputs, parallel);
    if (!values) {
        return fail(std::move(values).error());
    }
    return std::move(values->back());
}

void set(quant::QuantizerPtr& quantizer, TensorView seen)
{
    if (auto made = quantizer->initialized(seen)) {
        quantizer = std::move(made);
    }
}

Tensor toTensor(const quant::Value& value)
{
    if (const auto* list = std::get_if<std::vector<double>>(&value)) {
        Tensor tensor(Shape{static_cast<Index>(list->size())});
        std::ranges::transform(*list, tensor.data(),
                               [](double v) { return static_cast<float>(v); });
        return tensor;
    }
    Tensor tensor{Shape{}};
    if (const double* number = std::get_if<double>(&value)) {
        tensor.data()[0] = static_cast<float>(*number);
    } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
        tensor.data()[0] = static_cast<float>(*integer);
    }
    return tensor;
}

quant::Value toValue(const Tensor& tensor)
{
    if (tensor.shape().rank() == 0) {
        return static_cast<double>(tensor.data()[0]);
    }
    return std::vector<double>(tensor.values().begin(), tensor.values().end());
}

} // namespace

Result<graph::Configuration> initializeLearned(const graph::GraphPtr& graph,
                                               graph::Configuration configuration,
                                               const graph::WeightSet& weights,
                                               std::span<const TensorView> inputs,
                                               Parallel& parallel)
{
    if (isUnset(configuration.input) && !inputs.empty()) {
        set(configuration.input, inputs.front());
    }
    const auto slots = graph->weightSlots();
    for (int l = 0; l < static_cast<int>(graph->layers().size()); ++l) {
        const graph::Layer& layer = graph->layer(l);
        const auto found = configuration.layers.find(layer.name);
        if (found == configuration.layers.end()) {
            continue;
        }
        for (std::size_t s = 0; s < slots.size(); ++s) {
            const graph::Slot* slot =
                slots[s].layer == l ? graph::slotOfWeight(layer, slots[s].weight) : nullptr;
            const auto held = slot != nullptr ? found->second.find(*slot) : found->second.end();
            if (held != found->second.end() && isUnset(held->second)) {
                set(held->second, weights[s]->view());
            }
        }
        const auto output = found->second.find(graph::Slot::Activation);
        if (output != found->second.end() && isUnset(output->second)) {
            auto seen = seenBy(graph, l, configuration, weights, inputs, parallel);
            if (!seen) {
                return fail(std::move(seen).error());
            }
            set(output->second, seen->view());
        }
    }
    return configuration;
}

LearnedParameters::LearnedParameters(const graph::Graph& graph, graph::Configuration configuration,
                                     graph::TrainingPlan& plan, Warnings& warnings)
    : m_configuration(std::move(configuration)), m_plan(plan)
{
    const auto places = plan.learnedPlaces();
    std::optional<std::size_t> ofInput;
    for (std::size_t i = 0; i < places.size(); ++i) {
        const std::string& layer = graph.layer(places[i].layer).name;
        if (auto own = m_configuration.find(layer, places[i].slot)) {
            m_entries.push_back({{i}, layer, places[i].slot, std::move(own)});
        } else if (ofInput) {
            m_entries[*ofInput].places.push_back(i);
        } else {
            ofInput = m_entries.size();
            m_entries.push_back({{i}, {}, places[i].slot, m_configuration.input});
        }
    }
    for (const auto& [layer, slots] : m_configuration.layers) {
        for (const auto& [slot, quantizer] : slots) {
            if (!quantizer->learned().empty() && graph.find(layer) >= 0 && !learns(layer, slot)) {
                warnings.push_back({"not_learned",
                                    "The quantizer of its " + std::string(graph::name(slot)) +
                                        " keeps its parameters.",
                                    "layer " + layer});
            }
        }
    }
}

bool LearnedParameters::learns(const std::string& layer, graph::Slot slot) const
{
    return std::ranges::any_of(
        m_entries, [&](const Entry& entry) { return entry.layer == layer && entry.slot == slot; });
}

std::vector<Tensor> LearnedParameters::values() const
{
    std::vector<Tensor> values;
    for (const Entry& entry : m_entries) {
        for (const std::string& name : entry.quantizer->learned()) {
            values.push_back(toTensor(entry.quantizer->parameter(name)));
        }
    }
    return values;
}

void LearnedParameters::gradients(std::span<Tensor> into) const
{
    std::size_t next = 0;
    for (const Entry& entry : m_entries) {
        const std::size_t count = entry.quantizer->learned().size();
        for (std::size_t p = 0; p < count; ++p, ++next) {
            std::ranges::fill(into[next].values(), 0.0F);
            for (const std::size_t place : entry.places) {
                const Tensor& part = m_plan.learnedGradients()[place][p];
                ensure(part.size() == into[next].size(), "a gradient as long as its parameter");
                std::ranges::transform(part.values(), into[next].values(), into[next].data(),
                                       std::plus<>());
            }
        }
    }
}

void LearnedParameters::apply(std::span<Tensor> values)
{
    std::size_t next = 0;
    for (Entry& entry : m_entries) {
        for (const std::string& name : entry.quantizer->learned()) {
            auto changed = entry.quantizer->with(name, toValue(values[next]));
            if (changed) {
                entry.quantizer = std::move(*changed);
            } else {
                values[next] = toTensor(entry.quantizer->parameter(name));
            }
            ++next;
        }
        put(entry);
    }
}

void LearnedParameters::put(const Entry& entry)
{
    for (const std::size_t place : entry.places) {
        m_plan.setQuantizer(place,
                            graph::effectiveQuantizer({{entry.slot, entry.quantizer}}, entry.slot));
    }
    if (entry.layer.empty()) {
        m_configuration.input = entry.quantizer;
    } else {
        m_configuration.set(entry.layer, entry.slot, entry.quantizer);
    }
}

} // namespace bitscape::train
