// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/close_shapes.h"

#include <algorithm>
#include <vector>

namespace bitscape::graph {

Result<GraphPtr> closeShapes(const GraphPtr& graph, std::span<const Shape> inputs)
{
    ensure(inputs.size() == graph->inputs().size(), "closeShapes: one shape per input");
    std::vector<Layer> layers(graph->layers().begin(), graph->layers().end());
    bool isOpen = false;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        Layer& layer = layers[static_cast<std::size_t>(graph->inputs()[i])];
        isOpen = isOpen || std::ranges::any_of(layer.outputShape.sizes(),
                                               [](Index size) { return size < 0; });
        layer.op = InputOp{inputs[i]};
    }
    if (!isOpen) {
        return graph;
    }
    return Graph::make(graph->name(), std::move(layers),
                       {graph->inputs().begin(), graph->inputs().end()},
                       {graph->outputs().begin(), graph->outputs().end()}, graph->batchAxis());
}

} // namespace bitscape::graph
