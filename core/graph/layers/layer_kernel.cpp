// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layers/layer_kernel.h"

#include "core/graph/layer_rule.h"
#include "core/graph/shape_rules.h"

#include <algorithm>

namespace bitscape::graph {

namespace {

/// Whether the layer's batch normalization follows QKeras (biased variance everywhere) instead of
/// Keras 2's fused kernel.
bool isQuantizedNorm(const Layer& layer, const LayerQuantizers& quantizers)
{
    return layer.className == "QBatchNormalization" || !quantizers.empty();
}

/// A normalization whose weights are all frozen runs with its moving statistics, as in
/// TensorFlow 2.
bool isFrozen(const Layer& layer)
{
    const auto learns = [](const Weight& weight) { return weight.trainable; };
    const bool hasParameters = layer.weights.size() > 2;
    return hasParameters && std::ranges::none_of(layer.weights, learns);
}

/// Keras 2 normalizes images by a fused kernel, which learns N/(N−1) times the variance.
bool hasFusedNorm(const BatchNormOp& op, const Shape& shape)
{
    return shape.rank() == 3 && (op.axes.empty() || op.axes == std::vector{1});
}

struct Maker {
    const KernelRequest& request;
    const Layer& layer = request.layer;
    const LayerQuantizers& quantizers = request.quantizers;
    const KernelOptions& options = request.options;
    bool channelsFirst = isChannelsFirst(layer.op);
    // Channels last; see makeLayerKernel().
    std::vector<Shape> inputs = shapes(request.inputs);
    Shape outputShape = channelsFirst ? toChannelsLast(layer.outputShape) : layer.outputShape;

    using Made = std::unique_ptr<LayerKernel>;

    [[nodiscard]] const Shape& input() const { return inputs.front(); }
    [[nodiscard]] const Shape& output() const { return outputShape; }

    [[nodiscard]] std::unique_ptr<const Convolution> convolution(const ConvOp& op) const
    {
        ConvolutionGeometry g =
            geometryOf(input(), output(), {op.kernel, op.stride, op.dilation, op.padding});
        g.groups = op.groups;
        return makeConvolution(g);
    }
    [[nodiscard]] std::unique_ptr<const Convolution> convolution(const DenseOp& op) const
    {
        ConvolutionGeometry g;
        g.channels = input().channels();
        g.filters = op.units;
        g.width = g.outWidth = output().elementCount() / op.units;
        return makeConvolution(g);
    }
    [[nodiscard]] std::unique_ptr<const Convolution> convolution(const DepthwiseOp& op) const
    {
        return makeDepthwiseConvolution(
            geometryOf(input(), output(), {op.kernel, op.stride, op.dilation, op.padding}));
    }

    Made operator()(const InputOp& /*op*/) const
    {
        return makeIdentityKernel(output().elementCount());
    }
    Made operator()(const DenseOp& op) const
    {
        return makeConvolutionKernel(convolution(op), op.useBias);
    }
    Made operator()(const ConvOp& op) const
    {
        return makeConvolutionKernel(convolution(op), op.useBias, !op.channelsFirst, op.mask);
    }
    Made operator()(const DepthwiseOp& op) const
    {
        return makeConvolutionKernel(convolution(op), op.useBias, !op.channelsFirst);
    }
    Made operator()(const SeparableOp& op) const
    {
        Shape middle = asImage(output());
        middle[2] = input().channels() * op.multiplier;
        return makeSeparableKernel(
            makeDepthwiseConvolution(
                geometryOf(input(), middle, {op.kernel, op.stride, op.dilation, op.padding})),
            makeConvolution(geometryOf(middle, output(), {})), op.useBias);
    }
    Made operator()(const ActivationOp& /*op*/) const { return identity(); }
    Made operator()(const FlattenOp& /*op*/) const { return identity(); }
    Made operator()(const ReshapeOp& /*op*/) const { return identity(); }
    Made operator()(const DropoutOp& op) const
    {
        if (!options.isTraining || op.rate <= 0.0F) {
            return identity();
        }
        return makeDropoutKernel(op.rate, input().elementCount(), request.stream);
    }
    Made operator()(const BatchNormOp& op) const
    {
        const bool isQuantized = isQuantizedNorm(layer, quantizers);
        const Index channels =
            op.axes.empty() ? output().channels() : layer.weights.back().value->size();
        auto kernel =
            makeBatchNormKernel({.op = op,
                                 .rows = output().elementCount() / channels,
                                 .channels = channels,
                                 .stored = layer.weights.back().value->shape(),
                                 .usesBatch = options.isTraining && !isFrozen(layer),
                                 .learnsUnbiased = !isQuantized && hasFusedNorm(op, output()),
                                 .mean = effectiveQuantizer(quantizers, Slot::Mean),
                                 .variance = effectiveQuantizer(quantizers, Slot::Variance),
                                 .inverse = effectiveQuantizer(quantizers, Slot::Inverse),
                                 .sigmoid = options.sigmoid});
        return op.axes.empty() ? std::move(kernel)
                               : makeAxesKernel(std::move(kernel), output(), op.axes);
    }
    Made operator()(const PoolOp& op) const
    {
        const ConvolutionGeometry g =
            geometryOf(input(), output(), {op.window, op.stride, {}, op.padding});
        return makePoolKernel(op.kind, poolOf(g),
                              averageFactor(op.window.height * op.window.width));
    }
    Made operator()(const GlobalPoolOp& op) const
    {
        const Shape image = asImage(input());
        return makePoolKernel(op.kind,
                              {.height = image[0],
                               .width = image[1],
                               .channels = image[2],
                               .outHeight = 1,
                               .outWidth = 1,
                               .windowHeight = image[0],
                               .windowWidth = image[1]},
                              averageFactor(image[0] * image[1]));
    }
    Made operator()(const ZeroPaddingOp& op) const
    {
        return makeZeroPaddingKernel(op, asImage(input()));
    }
    Made operator()(const AddOp& /*op*/) const { return makeAddKernel(inputs, output()); }
    Made operator()(const ConcatenateOp& op) const
    {
        return makeConcatenateKernel(inputs, op.axis < 0 ? op.axis + output().rank() : op.axis - 1);
    }
    Made operator()(const FoldedConvOp& op) const
    {
        auto conv = std::visit([this](const auto& inner) { return convolution(inner); }, op.conv);
        return makeFoldedKernel(std::move(conv), op, layer.weights[0].value->shape(), quantizers,
                                options);
    }
    Made operator()(const RuleOp& op) const { return op.rule->kernel(request); }
    Made operator()(const SelectOp& op) const
    {
        return makeSelectKernel(request.inputParts, op.part);
    }
    Made operator()(const UnsupportedOp& /*op*/) const
    {
        ensure(false, "makeLayerKernel: the layer is not supported");
        return nullptr;
    }

private:
    [[nodiscard]] std::vector<Shape> shapes(std::vector<Shape> given) const
    {
        for (Shape& shape : given) {
            shape = channelsFirst ? toChannelsLast(shape) : shape;
        }
        return given;
    }
    /// QKeras multiplies the sum over a window by Q(1/area): our mean times area · Q(1/area).
    [[nodiscard]] float averageFactor(Index area) const
    {
        const quant::QuantizerPtr quantizer = effectiveQuantizer(quantizers, Slot::Average);
        if (!quantizer) {
            return 1.0F;
        }
        Tensor share(Shape{});
        share.data()[0] = 1.0F / static_cast<float>(area);
        quantizer->apply(share.view(), share.mutableView(),
                         {.training = options.isTraining, .sigmoid = options.sigmoid});
        return share.data()[0] * static_cast<float>(area);
    }
    [[nodiscard]] Made identity() const { return makeIdentityKernel(input().elementCount()); }
};

} // namespace

kernels::Pool poolOf(const ConvolutionGeometry& g)
{
    return {.height = g.height,
            .width = g.width,
            .channels = g.channels,
            .outHeight = g.outHeight,
            .outWidth = g.outWidth,
            .windowHeight = g.kernelHeight,
            .windowWidth = g.kernelWidth,
            .strideHeight = g.strideHeight,
            .strideWidth = g.strideWidth,
            .padTop = g.padTop,
            .padLeft = g.padLeft};
}

ConvolutionGeometry geometryOf(const Shape& input, const Shape& output, const WindowSteps& s)
{
    const Shape in = asImage(input);
    const Shape out = asImage(output);
    return {.height = in[0],
            .width = in[1],
            .channels = in[2],
            .outHeight = out[0],
            .outWidth = out[1],
            .filters = out[2],
            .kernelHeight = s.kernel.height,
            .kernelWidth = s.kernel.width,
            .strideHeight = s.stride.height,
            .strideWidth = s.stride.width,
            .dilationHeight = s.dilation.height,
            .dilationWidth = s.dilation.width,
            .padTop = paddingBefore(in[0], s.kernel.height, s.stride.height, s.dilation.height,
                                    s.padding),
            .padLeft =
                paddingBefore(in[1], s.kernel.width, s.stride.width, s.dilation.width, s.padding)};
}

std::unique_ptr<LayerKernel> makeLayerKernel(const KernelRequest& request)
{
    const Layer& layer = request.layer;
    auto kernel = std::visit(Maker{request}, layer.op);
    if (!isChannelsFirst(layer.op)) {
        return kernel;
    }
    return makeChannelsFirstKernel(std::move(kernel), request.inputs.front(), layer.outputShape);
}

std::unique_ptr<LayerKernel> makeLayerKernel(const Graph& graph, int index,
                                             const LayerQuantizers& quantizers,
                                             const KernelOptions& options)
{
    const Layer& layer = graph.layer(index);
    const std::vector<Shape>* parts =
        layer.inputs.empty() ? nullptr : &graph.layer(layer.inputs.front()).parts;
    return makeLayerKernel({.layer = layer,
                            .inputs = graph.inputShapes(index),
                            .inputParts = parts == nullptr ? std::span<const Shape>() : *parts,
                            .stream = static_cast<std::uint64_t>(index),
                            .quantizers = quantizers,
                            .options = options});
}

namespace {

quant::QuantizerPtr used(const LayerQuantizers& quantizers, Slot slot, bool isPromoted)
{
    const auto found = quantizers.find(slot);
    if (found == quantizers.end()) {
        return nullptr;
    }
    if (isPromoted) {
        if (quant::QuantizerPtr promoted = found->second->promotedForKernel()) {
            return promoted;
        }
    }
    return found->second;
}

} // namespace

quant::QuantizerPtr effectiveQuantizer(const LayerQuantizers& quantizers, Slot slot)
{
    return used(quantizers, slot, isPromotedSlot(slot));
}

quant::QuantizerPtr effectiveQuantizer(const Layer& layer, const LayerQuantizers& quantizers,
                                       Slot slot)
{
    const auto* registered = std::get_if<RuleOp>(&layer.op);
    return used(quantizers, slot,
                registered == nullptr ? isPromotedSlot(slot) : registered->rule->promotes(slot));
}

} // namespace bitscape::graph
