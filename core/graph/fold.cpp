// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/activation.h"
#include "core/graph/execution.h"
#include "core/graph/shape_rules.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace bitscape::graph {

namespace {

/// The `useBias` of an op a normalization can be folded into; null for others.
bool* biasFlag(Op& op)
{
    if (auto* dense = std::get_if<DenseOp>(&op)) {
        return &dense->useBias;
    }
    if (auto* conv = std::get_if<ConvOp>(&op)) {
        return &conv->useBias;
    }
    if (auto* depthwise = std::get_if<DepthwiseOp>(&op)) {
        return &depthwise->useBias;
    }
    return nullptr;
}

/// y = x·inverse[c] + shift[c] of a normalization with its moving statistics.
struct ChannelLine {
    std::vector<float> inverse, shift;
};

ChannelLine lineOf(const Layer& norm)
{
    const auto& op = std::get<BatchNormOp>(norm.op);
    const auto values = [&](const char* name) { return norm.findWeight(name)->value->values(); };
    ChannelLine line;
    for (std::size_t c = 0; c < values("moving_mean").size(); ++c) {
        const double root = std::sqrt(static_cast<double>(values("moving_variance")[c]) +
                                      static_cast<double>(op.epsilon));
        const double gamma = op.scale ? static_cast<double>(values("gamma")[c]) : 1.0;
        const double beta = op.center ? static_cast<double>(values("beta")[c]) : 0.0;
        const double inverse = gamma / root;
        line.inverse.push_back(static_cast<float>(inverse));
        line.shift.push_back(
            static_cast<float>(beta - static_cast<double>(values("moving_mean")[c]) * inverse));
    }
    return line;
}

/// kernel·inverse and bias·inverse + shift; the output channel is the fastest axis of every kernel.
void foldInto(Layer& layer, const ChannelLine& line)
{
    const std::size_t channels = line.inverse.size();
    Tensor kernel = *layer.weights[0].value;
    for (std::size_t i = 0; i < kernel.values().size(); ++i) {
        kernel.values()[i] *= line.inverse[i % channels];
    }
    layer.weights[0].value = std::make_shared<const Tensor>(std::move(kernel));

    Tensor bias(Shape{static_cast<Index>(channels)}, line.shift);
    bool& useBias = *biasFlag(layer.op);
    if (useBias) {
        const auto old = layer.weights[1].value->values();
        for (std::size_t c = 0; c < channels; ++c) {
            bias.values()[c] += old[c] * line.inverse[c];
        }
        layer.weights[1].value = std::make_shared<const Tensor>(std::move(bias));
        return;
    }
    useBias = true;
    layer.weights.push_back({"bias", {}, std::make_shared<const Tensor>(std::move(bias)), true});
}

/// Whether another call of the layer has its weights.
bool isShared(const Graph& graph, int index)
{
    const auto& own = graph.layer(index).weights;
    return !own.empty() && std::ranges::count_if(graph.layers(), [&](const Layer& layer) {
                               return !layer.weights.empty() &&
                                      layer.weights.front().value == own.front().value;
                           }) > 1;
}

bool canFold(const Graph& graph, int norm, const Configuration& configuration)
{
    const auto* own = std::get_if<BatchNormOp>(&graph.layer(norm).op);
    if (own == nullptr || !own->axes.empty()) {
        return false;
    }
    const int producer = graph.layer(norm).inputs[0];
    if (isShared(graph, producer)) {
        return false;
    }
    Op op = graph.layer(producer).op;
    const bool isOutput = std::ranges::find(graph.outputs(), producer) != graph.outputs().end();
    return biasFlag(op) != nullptr && functionOf(op).isLinear() && !isChannelsFirst(op) &&
           !isOutput && graph.consumers(producer).size() == 1 &&
           !configuration.find(graph.layer(producer).name, Slot::Activation);
}

} // namespace

Result<GraphPtr> foldBatchNorm(const Graph& graph, const Configuration& configuration)
{
    std::vector<Layer> layers;
    std::vector<int> place; // of every old layer among the new ones
    for (int index = 0; index < static_cast<int>(graph.layers().size()); ++index) {
        const Layer& layer = graph.layer(index);
        if (canFold(graph, index, configuration)) {
            const int producer = place[static_cast<std::size_t>(layer.inputs[0])];
            foldInto(layers[static_cast<std::size_t>(producer)], lineOf(layer));
            place.push_back(producer);
            continue;
        }
        Layer copy = layer;
        for (int& input : copy.inputs) {
            input = place[static_cast<std::size_t>(input)];
        }
        place.push_back(static_cast<int>(layers.size()));
        layers.push_back(std::move(copy));
    }
    const auto moved = [&](std::span<const int> indices) {
        std::vector<int> out;
        for (const int index : indices) {
            out.push_back(place[static_cast<std::size_t>(index)]);
        }
        return out;
    };
    return Graph::make(graph.name(), std::move(layers), moved(graph.inputs()),
                       moved(graph.outputs()), graph.batchAxis());
}

} // namespace bitscape::graph
