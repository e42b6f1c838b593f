// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/onnx/export_context.h"

#include "core/graph/activation.h"
#include "core/graph/layers/layer_kernel.h"
#include "core/graph/plan_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace bitscape::io {

namespace {

/// Axes of a tensor with the batch, channels moved to the front or to the back.
std::vector<std::int64_t> turningOrder(int rank, bool toTurned)
{
    std::vector<std::int64_t> order(static_cast<std::size_t>(rank));
    std::iota(order.begin(), order.end(), 0);
    if (toTurned) {
        std::rotate(order.begin() + 1, order.end() - 1, order.end());
    } else {
        std::rotate(order.begin() + 1, order.begin() + 2, order.end());
    }
    return order;
}

} // namespace

ExportContext::ExportContext(const graph::Graph& graph, const graph::Configuration& configuration,
                             OnnxForm form, OnnxModel& model)
    : m_graph(graph), m_configuration(configuration), m_form(form), m_writer(model.graph),
      m_names(graph.layers().size())
{
    for (const graph::Layer& layer : graph.layers()) {
        m_writer.reserve(layer.name);
    }
}

bool ExportContext::isOutput(int layer) const
{
    return std::ranges::find(m_graph.outputs(), layer) != m_graph.outputs().end();
}

std::string ExportContext::transposed(const std::string& x, const graph::Layer& layer,
                                      bool toTurned, const std::string& wish)
{
    return m_writer.node("Transpose", {x}, wish,
                         {{"perm", turningOrder(layer.outputShape.rank() + 1, toTurned)}});
}

std::string ExportContext::stored(int layer)
{
    Names& names = m_names[static_cast<std::size_t>(layer)];
    if (names.stored.empty()) {
        const graph::Layer& own = m_graph.layer(layer);
        names.stored = transposed(names.turned, own, false, own.name + "/channels_last");
        if (isOutput(layer)) {
            names.stored = m_writer.rename(names.stored, own.name);
        }
    }
    return names.stored;
}

std::string ExportContext::turned(int layer)
{
    Names& names = m_names[static_cast<std::size_t>(layer)];
    const graph::Layer& own = m_graph.layer(layer);
    if (names.turned.empty()) {
        names.turned = own.outputShape.rank() < 2
                           ? names.stored
                           : transposed(names.stored, own, true, own.name + "/channels_first");
    }
    return names.turned;
}

bool ExportContext::isTurned(int layer) const
{
    return m_names[static_cast<std::size_t>(layer)].stored.empty();
}

bool ExportContext::isGiven(int layer) const
{
    const Names& names = m_names[static_cast<std::size_t>(layer)];
    return !names.stored.empty() || !names.turned.empty();
}

void ExportContext::give(int layer, const std::string& tensor, bool isTurned)
{
    const graph::Layer& own = m_graph.layer(layer);
    const bool isReallyTurned = isTurned && own.outputShape.rank() > 1;
    const bool keepsName = !(isReallyTurned && isOutput(layer));
    const std::string name =
        keepsName ? m_writer.rename(tensor, own.name)
                  : m_writer.rename(tensor, m_writer.fresh(own.name + "/channels_first"));
    Names& names = m_names[static_cast<std::size_t>(layer)];
    (isReallyTurned ? names.turned : names.stored) = name;
}

void ExportContext::finish(int layer, std::string tensor, bool isTurned)
{
    const graph::Layer& own = m_graph.layer(layer);
    const bool isFloat = m_form == OnnxForm::Float;
    const graph::Activation activation =
        graph::activationOf(isFloat ? graph::Configuration{} : m_configuration, own);
    if (activation.quantizer) {
        tensor = apply(*activation.quantizer, tensor, own);
    } else if (!activation.function.isLinear()) {
        const int rank = own.outputShape.rank() + batchAxes();
        tensor = apply(activation.function, tensor, own.name + "/function",
                       isTurned && rank > 2 ? 1 : rank - 1);
    }
    give(layer, tensor, isTurned);
}

quant::QuantizerPtr ExportContext::quantizer(const graph::Layer& layer, graph::Slot slot) const
{
    if (m_form == OnnxForm::Float) {
        return nullptr;
    }
    return graph::effectiveQuantizer(layer, graph::quantizersOf(m_configuration, layer), slot);
}

Tensor ExportContext::quantizedValue(const graph::Layer& layer, std::string_view name) const
{
    const graph::Weight& weight = *layer.findWeight(name);
    const graph::Slot* slot =
        graph::slotOfWeight(layer, static_cast<int>(&weight - layer.weights.data()));
    const auto own = slot == nullptr ? nullptr : quantizer(layer, *slot);
    Tensor value = *weight.value;
    if (own) {
        own->apply(weight.value->view(), value.mutableView(), {});
    }
    return value;
}

std::string ExportContext::weight(const graph::Layer& layer, std::string_view name,
                                  const WeightForm& form)
{
    const graph::Weight* weight = layer.findWeight(name);
    if (weight == nullptr) {
        return {};
    }
    const graph::Slot* slot =
        graph::slotOfWeight(layer, static_cast<int>(weight - layer.weights.data()));
    return this->weight(fmt::format("{}/{}", layer.name, name), *weight->value,
                        slot == nullptr ? nullptr : quantizer(layer, *slot), form);
}

void ExportContext::refuse(const graph::Layer& layer, const std::string& why)
{
    const std::string said = fmt::format("{} ({}: {})", layer.name, layer.className, why);
    if (std::ranges::find(m_refusals, said) == m_refusals.end()) {
        m_refusals.push_back(said);
    }
}

} // namespace bitscape::io
