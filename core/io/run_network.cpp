// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/run_network.h"

#include "core/graph/execution.h"
#include "core/graph/layers/layer_kernel.h"
#include "core/graph/plan_weights.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace bitscape::io {

namespace {

/// y = x·inverse[c] + shift[c] of the normalization inside a folded layer.
struct ChannelLine {
    std::vector<float> inverse, shift;
};

ChannelLine lineOf(const graph::Layer& layer, const graph::BatchNormOp& norm)
{
    const auto values = [&](const char* name) { return layer.findWeight(name)->value->values(); };
    ChannelLine line;
    for (std::size_t c = 0; c < values("moving_mean").size(); ++c) {
        const double root = std::sqrt(static_cast<double>(values("moving_variance")[c]) +
                                      static_cast<double>(norm.epsilon));
        const double gamma = norm.scale ? static_cast<double>(values("gamma")[c]) : 1.0;
        const double beta = norm.center ? static_cast<double>(values("beta")[c]) : 0.0;
        line.inverse.push_back(static_cast<float>(gamma / root));
        line.shift.push_back(static_cast<float>(
            beta - static_cast<double>(values("moving_mean")[c]) * gamma / root));
    }
    return line;
}

/// The layer without its normalization. The output channel is the fastest axis of every kernel.
void unfold(graph::Layer& layer)
{
    const auto folded = std::get<graph::FoldedConvOp>(layer.op);
    const ChannelLine line = lineOf(layer, folded.norm);
    const std::size_t channels = line.inverse.size();
    Tensor kernel = *layer.weights.front().value;
    for (std::size_t i = 0; i < kernel.values().size(); ++i) {
        kernel.values()[i] *= line.inverse[i % channels];
    }
    Tensor bias(Shape{static_cast<Index>(channels)}, line.shift);
    if (const graph::Weight* old = layer.findWeight("bias")) {
        for (std::size_t c = 0; c < channels; ++c) {
            bias.values()[c] += old->value->values()[c] * line.inverse[c];
        }
    }
    std::visit(
        [&](auto conv) {
            conv.useBias = true;
            layer.op = std::move(conv);
        },
        folded.conv);
    layer.weights = {
        {layer.weights.front().name, {}, std::make_shared<const Tensor>(std::move(kernel)), true},
        {"bias", {}, std::make_shared<const Tensor>(std::move(bias)), true}};
}

bool isNarrow(const quant::Quantizer& quantizer)
{
    for (const char* name : {"narrow", "symmetric"}) {
        const auto found = quantizer.parameters().find(name);
        if (found != quantizer.parameters().end()) {
            return quantizer.number(name) != 0.0;
        }
    }
    return true; // ternary and its like
}

bool hasSignedCodes(const quant::Quantizer& quantizer)
{
    return quantizer.parameters().contains("signed") ? quantizer.number("signed") != 0.0
                                                     : quantizer.isSigned();
}

/// Codes at the ends of the range: as the quantizer saturates, or by its width where its scale
/// follows the values.
bool findEnds(const quant::Quantizer& quantizer, UniformGrid& grid)
{
    constexpr float kHuge = 1e30F;
    if (quantizer.isElementwise()) {
        const Tensor ends(Shape{2}, std::vector{-kHuge, kHuge});
        const auto codes = quantizer.codes(ends.view(), {});
        if (!codes) {
            return false;
        }
        grid.low = static_cast<double>(std::min(codes->values()[0], codes->values()[1]));
        grid.high = static_cast<double>(std::max(codes->values()[0], codes->values()[1]));
        grid.isSigned = grid.low < 0;
        return grid.low < grid.high;
    }
    grid.isSigned = hasSignedCodes(quantizer);
    const double levels = std::ldexp(1.0, quantizer.bits() - (grid.isSigned ? 1 : 0));
    grid.high = levels - 1;
    grid.low = !grid.isSigned ? 0 : isNarrow(quantizer) ? -grid.high : -levels;
    return grid.low < grid.high;
}

} // namespace

Tensor RunWeight::quantized() const
{
    Tensor out = *value;
    if (quantizer) {
        quantizer->apply(value->view(), out.mutableView(), {});
    }
    return out;
}

const std::string& RunNetwork::nameOf(const RunWeight& weight) const
{
    return layerOf(weight).weights[static_cast<std::size_t>(weight.weight)].name;
}

Result<graph::GraphPtr> withoutFoldedLayers(const graph::Graph& graph)
{
    std::vector<graph::Layer> layers(graph.layers().begin(), graph.layers().end());
    for (graph::Layer& layer : layers) {
        if (std::holds_alternative<graph::FoldedConvOp>(layer.op)) {
            unfold(layer);
        }
    }
    return graph::Graph::make(graph.name(), std::move(layers),
                              {graph.inputs().begin(), graph.inputs().end()},
                              {graph.outputs().begin(), graph.outputs().end()}, graph.batchAxis());
}

Result<RunNetwork> runNetwork(const ExportInput& input)
{
    RunNetwork run{input.graph, input.configuration, {}};
    if (run.configuration.foldBatchNorm) {
        auto folded = graph::foldBatchNorm(*run.graph, run.configuration);
        if (!folded) {
            return fail(std::move(folded).error());
        }
        run.graph = std::move(*folded);
        run.configuration.foldBatchNorm = false;
    }
    auto plain = withoutFoldedLayers(*run.graph);
    if (!plain) {
        return fail(std::move(plain).error());
    }
    run.graph = std::move(*plain);
    for (const graph::WeightSlot place : run.graph->weightSlots()) {
        const graph::Layer& layer = run.graph->layer(place.layer);
        RunWeight weight{place.layer, place.weight, graph::slotOfWeight(layer, place.weight),
                         nullptr, layer.weights[static_cast<std::size_t>(place.weight)].value};
        if (weight.slot != nullptr) {
            weight.quantizer = graph::effectiveQuantizer(
                layer, graph::quantizersOf(run.configuration, layer), *weight.slot);
        }
        if (weight.quantizer) {
            if (auto ok = weight.quantizer->accepts(weight.value->shape()); !ok) {
                return fail(std::move(ok).error().in("layer " + layer.name));
            }
        }
        run.weights.push_back(std::move(weight));
    }
    return run;
}

std::optional<UniformGrid> uniformGrid(const quant::Quantizer& quantizer, TensorView values)
{
    UniformGrid grid;
    if (quantizer.info().isFunction || !quantizer.codes(values, {}) || !findEnds(quantizer, grid)) {
        return std::nullopt;
    }
    const quant::Fit fit = quantizer.fit(values, {});
    if (!std::ranges::all_of(fit.step.values(),
                             [](float step) { return step > 0 && std::isfinite(step); })) {
        return std::nullopt;
    }
    grid.steps.assign(fit.step.values().begin(), fit.step.values().end());
    grid.zeroPoints.assign(fit.zeroPoint.values().begin(), fit.zeroPoint.values().end());
    grid.shape = fit.step.shape();
    return grid;
}

std::optional<UniformGrid> uniformGrid(const quant::Quantizer& quantizer)
{
    if (!quantizer.isElementwise()) {
        return std::nullopt;
    }
    const Tensor zero(Shape{1});
    return uniformGrid(quantizer, zero.view());
}

} // namespace bitscape::io
