// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/train/network_end.h"

#include "core/graph/activation.h"

#include <vector>

namespace bitscape::train {

namespace {

/// The function at the end of a layer; null where an op has none.
graph::Function* endFunction(graph::Op& op)
{
    return std::visit(
        [](auto& held) -> graph::Function* {
            if constexpr (requires { held.function; }) {
                return &held.function;
            } else {
                return nullptr;
            }
        },
        op);
}

} // namespace

Result<graph::GraphPtr> withoutFunction(const graph::GraphPtr& graph, int layer)
{
    std::vector<graph::Layer> layers(graph->layers().begin(), graph->layers().end());
    graph::Function* function = endFunction(layers[static_cast<std::size_t>(layer)].op);
    if (function == nullptr || function->isLinear()) {
        return graph;
    }
    *function = {};
    return graph::Graph::make(
        graph->name(), std::move(layers), {graph->inputs().begin(), graph->inputs().end()},
        {graph->outputs().begin(), graph->outputs().end()}, graph->batchAxis());
}

Result<graph::GraphPtr> withoutEnd(const graph::GraphPtr& graph,
                                   const graph::Configuration& configuration,
                                   std::optional<graph::FunctionKind> skipped)
{
    const int output = graph->outputs().front();
    const graph::Layer& last = graph->layer(output);
    const bool quantized = configuration.find(last.name, graph::Slot::Activation) != nullptr;
    if (!skipped || quantized || graph::functionOf(last.op).kind != *skipped ||
        !graph->consumers(output).empty()) {
        return graph;
    }
    return withoutFunction(graph, output);
}

} // namespace bitscape::train
