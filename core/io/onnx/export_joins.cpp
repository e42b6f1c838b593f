// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/onnx/export_joins.h"

#include <algorithm>
#include <numeric>

namespace bitscape::io {

JoinedInputs inputsOf(ExportContext& context, int index)
{
    const graph::Layer& layer = context.graph().layer(index);
    const auto shapeOf = [&](int input) { return context.graph().layer(input).outputShape; };
    JoinedInputs joined;
    joined.areTurned = std::ranges::all_of(layer.inputs, [&](int input) {
        return context.isTurned(input) && shapeOf(input).rank() == layer.outputShape.rank();
    });
    for (const int input : layer.inputs) {
        std::string tensor = joined.areTurned ? context.turned(input) : context.stored(input);
        const int missing = layer.outputShape.rank() - shapeOf(input).rank();
        if (missing > 0) {
            std::vector<std::int64_t> axes(static_cast<std::size_t>(missing));
            std::iota(axes.begin(), axes.end(), context.batchAxes());
            tensor = context.out().node(
                "Unsqueeze", {tensor, context.out().integers(layer.name + "/axes", axes)},
                layer.name + "/aligned");
        }
        joined.tensors.push_back(std::move(tensor));
    }
    return joined;
}

std::string chained(ExportContext& context, const JoinedInputs& inputs, std::string_view type,
                    const std::string& name)
{
    std::string y = inputs.tensors.front();
    if (inputs.tensors.size() == 1) {
        return context.out().node("Identity", {y}, name + "/same");
    }
    for (std::size_t i = 1; i < inputs.tensors.size(); ++i) {
        y = context.out().node(type, {y, inputs.tensors[i]}, name + "/joined");
    }
    return y;
}

} // namespace bitscape::io
