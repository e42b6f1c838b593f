// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/onnx/export_spatial.h"

#include "core/graph/shape_rules.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace bitscape::io {

namespace {

using graph::Padding;
using graph::Slot;

std::int64_t at(const std::vector<std::int64_t>& sizes, std::size_t axis)
{
    return sizes.empty() ? 1 : sizes[axis];
}

struct Pads {
    std::vector<std::int64_t> before, after;
};

/// Zeros that a window wants around an input of known sizes.
Pads padsOf(const SpatialWindow& window, const std::vector<Index>& input)
{
    Pads pads;
    for (std::size_t axis = 0; axis < static_cast<std::size_t>(window.rank); ++axis) {
        const auto size = static_cast<int>(at(window.size, axis));
        const auto stride = static_cast<int>(at(window.stride, axis));
        const auto dilation = static_cast<int>(at(window.dilation, axis));
        const Index reach = Index{size - 1} * dilation + 1;
        Index total = 0;
        if (window.padding == Padding::Causal) {
            total = reach - 1;
        } else if (window.padding == Padding::Same) {
            const Index output =
                graph::outputSize(input[axis], size, stride, dilation, window.padding);
            total = std::max<Index>((output - 1) * stride + reach - input[axis], 0);
        }
        const Index before =
            graph::paddingBefore(input[axis], size, stride, dilation, window.padding);
        pads.before.push_back(before);
        pads.after.push_back(total - before);
    }
    return pads;
}

} // namespace

std::vector<Index> spatialSizes(const Shape& shape, bool channelsFirst)
{
    const auto sizes =
        channelsFirst ? shape.sizes().subspan(1) : shape.sizes().first(shape.sizes().size() - 1);
    return {sizes.begin(), sizes.end()};
}

OnnxAttributes windowAttributes(const SpatialWindow& window, const std::vector<Index>& input)
{
    OnnxAttributes attributes;
    const auto add = [&](const char* name, const std::vector<std::int64_t>& sizes) {
        attributes.emplace_back(name, sizes.empty() ? std::vector<std::int64_t>(
                                                          static_cast<std::size_t>(window.rank), 1)
                                                    : sizes);
    };
    add("kernel_shape", window.size);
    add("strides", window.stride);
    if (std::ranges::any_of(window.dilation, [](std::int64_t d) { return d != 1; })) {
        add("dilations", window.dilation);
    }
    const bool isOpen = std::ranges::any_of(input, [](Index size) { return size < 0; });
    if (window.padding == Padding::Same && isOpen) {
        attributes.emplace_back("auto_pad", std::string("SAME_UPPER"));
    } else {
        Pads pads = padsOf(window, input);
        pads.before.insert(pads.before.end(), pads.after.begin(), pads.after.end());
        attributes.emplace_back("pads", std::move(pads.before));
    }
    return attributes;
}

WeightForm kernelForm(int spatialRank)
{
    WeightForm form{.order = {spatialRank + 1, spatialRank}, .dims = {}};
    for (int axis = 0; axis < spatialRank; ++axis) {
        form.order.push_back(axis);
    }
    return form;
}

WeightForm depthwiseForm(const Shape& kernel)
{
    const int rank = kernel.rank() - 2;
    WeightForm form{.order = {rank, rank + 1}, .dims = {kernel[rank] * kernel[rank + 1], 1}};
    for (int axis = 0; axis < rank; ++axis) {
        form.order.push_back(axis);
        form.dims.push_back(kernel[axis]);
    }
    return form;
}

int depthwiseGroups(const Shape& kernel)
{
    return static_cast<int>(kernel[kernel.rank() - 2]);
}

std::string convolve(ExportContext& context, int layer, const std::string& x,
                     const SpatialWindow& window, const std::string& kernel,
                     const std::string& bias, int groups)
{
    const graph::Layer& own = context.graph().layer(layer);
    const Shape& input = context.graph().layer(own.inputs.front()).outputShape;
    OnnxAttributes attributes =
        windowAttributes(window, spatialSizes(input, graph::isChannelsFirst(own.op)));
    attributes.emplace_back("group", std::int64_t{groups});
    std::vector<std::string> inputs{x, kernel};
    if (!bias.empty()) {
        inputs.push_back(bias);
    }
    return context.out().node("Conv", std::move(inputs), own.name + "/convolved",
                              std::move(attributes));
}

std::string padded(ExportContext& context, const std::string& x,
                   const std::vector<std::int64_t>& before, const std::vector<std::int64_t>& after,
                   const std::string& name)
{
    std::vector<std::int64_t> pads{0, 0};
    pads.insert(pads.end(), before.begin(), before.end());
    pads.insert(pads.end(), {0, 0});
    pads.insert(pads.end(), after.begin(), after.end());
    return context.out().node("Pad", {x, context.out().integers(name + "/pads", pads)},
                              name + "/padded");
}

void exportFolded(ExportContext& context, int index, const graph::FoldedConvOp& op)
{
    const graph::Layer& layer = context.graph().layer(index);
    const auto values = [&](const char* name) { return layer.findWeight(name)->value->values(); };
    const bool isDepthwise = std::holds_alternative<graph::DepthwiseOp>(op.conv);
    const char* kernelName = isDepthwise ? "depthwise_kernel" : "kernel";
    Tensor kernel = *layer.findWeight(kernelName)->value;
    const std::size_t channels = values("moving_mean").size();
    Tensor bias(Shape{static_cast<Index>(channels)});
    std::vector<float> inverses;
    for (std::size_t c = 0; c < channels; ++c) {
        const float gamma = op.norm.scale ? values("gamma")[c] : 1.0F;
        const float beta = op.norm.center ? values("beta")[c] : 0.0F;
        const float inverse =
            gamma * (1.0F / std::sqrt(values("moving_variance")[c] + op.norm.epsilon));
        const float own = layer.findWeight("bias") == nullptr ? 0.0F : values("bias")[c];
        bias.values()[c] = inverse * (own - values("moving_mean")[c]) + beta;
        inverses.push_back(inverse);
    }
    // Channels are the last axis, or the last two: input channel and multiplier.
    for (std::size_t e = 0; e < kernel.values().size(); ++e) {
        kernel.values()[e] *= inverses[e % channels];
    }
    const auto kernelQuantizer =
        context.quantizer(layer, isDepthwise ? Slot::Depthwise : Slot::Kernel);
    const auto biasQuantizer = context.quantizer(layer, Slot::Bias);
    const std::string wish = layer.name + "/" + kernelName;
    const std::string biasTensor = context.weight(layer.name + "/bias", bias, biasQuantizer);
    const int source = layer.inputs.front();
    if (std::holds_alternative<graph::DenseOp>(op.conv)) {
        const std::string weight = context.weight(wish, kernel, kernelQuantizer);
        std::string y =
            context.out().node("MatMul", {context.stored(source), weight}, layer.name + "/dense");
        y = context.out().node("Add", {y, biasTensor}, layer.name + "/biased");
        context.finish(index, y, false);
        return;
    }
    const auto write = [&](const auto& conv, const WeightForm& form, int groups) {
        const std::string weight = context.weight(wish, kernel, kernelQuantizer, form);
        const std::string x = conv.channelsFirst ? context.stored(source) : context.turned(source);
        context.finish(
            index,
            convolve(context, index, x, windowOf(conv, conv.kernel), weight, biasTensor, groups),
            !conv.channelsFirst);
    };
    if (const auto* depthwise = std::get_if<graph::DepthwiseOp>(&op.conv)) {
        write(*depthwise, depthwiseForm(kernel.shape()), depthwiseGroups(kernel.shape()));
    } else {
        const auto& conv = std::get<graph::ConvOp>(op.conv);
        write(conv, kernelForm(conv.spatialRank), conv.groups);
    }
}

} // namespace bitscape::io
