// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/activation.h"
#include "core/graph/shape_rules.h"
#include "core/io/onnx/export_context.h"
#include "core/io/onnx/export_joins.h"
#include "core/io/onnx/export_spatial.h"

#include <algorithm>
#include <cmath>

// The layers that have ops of their own (core/graph/op.h).
namespace bitscape::io {

namespace {

using graph::PoolKind;
using graph::Slot;

/// Writes the layer `index`; one overload for each op.
struct LayerExport {
    ExportContext& context;
    int index;
    const graph::Layer& layer;
    GraphWriter& out;

    LayerExport(ExportContext& c, int i)
        : context(c), index(i), layer(c.graph().layer(i)), out(c.out())
    {
    }

    [[nodiscard]] int source(std::size_t input = 0) const { return layer.inputs[input]; }
    [[nodiscard]] const Shape& inputShape() const
    {
        return context.graph().layer(source()).outputShape;
    }
    [[nodiscard]] std::string wish(const char* what) const { return layer.name + "/" + what; }
    /// The input with its channels first.
    [[nodiscard]] std::string channelsFirst(bool isStored) const
    {
        return isStored ? context.stored(source()) : context.turned(source());
    }
    /// Whichever is there, for what treats every value alike.
    [[nodiscard]] bool inputIsTurned() const { return context.isTurned(source()); }
    [[nodiscard]] std::string asIs() const
    {
        return inputIsTurned() ? context.turned(source()) : context.stored(source());
    }

    void operator()(const graph::InputOp& /*op*/) const {} // the graph's inputs come first

    void operator()(const graph::DenseOp& op) const
    {
        const bool isMatrix = inputShape().rank() == 1 && context.batchAxes() == 1;
        const std::string x = context.stored(source());
        const std::string kernel = context.weight(layer, "kernel");
        const std::string bias = op.useBias ? context.weight(layer, "bias") : std::string();
        std::string y;
        if (isMatrix) {
            std::vector<std::string> inputs{x, kernel};
            if (op.useBias) {
                inputs.push_back(bias);
            }
            y = out.node("Gemm", std::move(inputs), wish("dense"));
        } else {
            y = out.node("MatMul", {x, kernel}, wish("dense"));
            y = op.useBias ? out.node("Add", {y, bias}, wish("biased")) : y;
        }
        context.finish(index, y, false);
    }

    void convolution(const SpatialWindow& window, const std::string& kernel,
                     const std::string& bias, int groups, bool isChannelsFirst) const
    {
        const std::string y =
            convolve(context, index, channelsFirst(isChannelsFirst), window, kernel, bias, groups);
        context.finish(index, y, !isChannelsFirst);
    }

    void operator()(const graph::ConvOp& op) const
    {
        std::string kernel = context.weight(layer, "kernel", kernelForm(op.spatialRank));
        if (!op.mask.empty()) {
            const std::string mask =
                out.constant(wish("mask"), op.mask, {1, 1, op.kernel.height, op.kernel.width});
            kernel = out.node("Mul", {kernel, mask}, wish("masked"));
        }
        convolution(windowOf(op, op.kernel), kernel, context.weight(layer, "bias"), op.groups,
                    op.channelsFirst);
    }

    void operator()(const graph::DepthwiseOp& op) const
    {
        const Tensor& kernel = *layer.findWeight("depthwise_kernel")->value;
        convolution(windowOf(op, op.kernel),
                    context.weight(layer, "depthwise_kernel", depthwiseForm(kernel.shape())),
                    context.weight(layer, "bias"), depthwiseGroups(kernel.shape()),
                    op.channelsFirst);
    }

    void operator()(const graph::SeparableOp& op) const
    {
        const Shape& kernel = layer.findWeight("depthwise_kernel")->value->shape();
        const std::string middle =
            convolve(context, index, channelsFirst(op.channelsFirst), windowOf(op, op.kernel),
                     context.weight(layer, "depthwise_kernel", depthwiseForm(kernel)), {},
                     depthwiseGroups(kernel));
        const SpatialWindow point{.rank = op.spatialRank};
        const std::string y =
            convolve(context, index, middle, point,
                     context.weight(layer, "pointwise_kernel", kernelForm(op.spatialRank)),
                     context.weight(layer, "bias"), 1);
        context.finish(index, y, !op.channelsFirst);
    }

    void operator()(const graph::ActivationOp& op) const
    {
        // Softmax alone looks at more than one value; its axis moves along.
        const bool isTurned = inputIsTurned();
        const std::string x = asIs();
        const bool isNothing =
            op.function.isLinear() && !context.quantizer(layer, Slot::Activation);
        context.finish(index, isNothing ? out.node("Identity", {x}, wish("same")) : x, isTurned);
    }

    void operator()(const graph::BatchNormOp& op) const
    {
        for (const Slot slot : {Slot::Inverse}) {
            if (context.quantizer(layer, slot)) {
                context.refuse(layer,
                               "a quantizer of the inverse deviation has no meaning in ONNX");
            }
        }
        if (!op.axes.empty()) {
            normalizeByParts(op);
            return;
        }
        const Tensor& mean = *layer.findWeight("moving_mean")->value;
        const auto parameter = [&](const char* name, float otherwise) {
            if (layer.findWeight(name) != nullptr) {
                return context.weight(layer, name);
            }
            Tensor constant(mean.shape());
            std::ranges::fill(constant.values(), otherwise);
            return out.constant(wish(name), constant);
        };
        const bool isTurned = layer.outputShape.rank() > 1;
        std::vector<std::string> inputs{
            isTurned ? context.turned(source()) : context.stored(source()),
            parameter("gamma", 1.0F), parameter("beta", 0.0F), parameter("moving_mean", 0.0F),
            parameter("moving_variance", 1.0F)};
        const std::string y = out.node("BatchNormalization", std::move(inputs), wish("normalized"),
                                       {{"epsilon", op.epsilon}, {"momentum", op.momentum}});
        context.finish(index, y, isTurned);
    }

    /// Statistics along other axes than the channels: y = x·factor + offset.
    void normalizeByParts(const graph::BatchNormOp& op) const
    {
        const Tensor mean = context.quantizedValue(layer, "moving_mean");
        const Tensor variance = context.quantizedValue(layer, "moving_variance");
        Shape shape(std::vector<Index>(static_cast<std::size_t>(layer.outputShape.rank()), 1));
        for (const int axis : op.axes) {
            shape[axis - 1] = layer.outputShape[axis - 1];
        }
        Tensor factor(shape);
        Tensor offset(shape);
        for (std::size_t i = 0; i < factor.values().size(); ++i) {
            const double gamma =
                op.scale ? static_cast<double>(context.quantizedValue(layer, "gamma").values()[i])
                         : 1.0;
            const double beta =
                op.center ? static_cast<double>(context.quantizedValue(layer, "beta").values()[i])
                          : 0.0;
            const double inverse = gamma / std::sqrt(static_cast<double>(variance.values()[i]) +
                                                     static_cast<double>(op.epsilon));
            factor.values()[i] = static_cast<float>(inverse);
            offset.values()[i] =
                static_cast<float>(beta - static_cast<double>(mean.values()[i]) * inverse);
        }
        std::string y =
            out.node("Mul", {context.stored(source()), out.constant(wish("factor"), factor)},
                     wish("scaled"));
        y = out.node("Add", {y, out.constant(wish("offset"), offset)}, wish("normalized"));
        context.finish(index, y, false);
    }

    void operator()(const graph::PoolOp& op) const
    {
        refuseAverage();
        const SpatialWindow window = windowOf(op, op.window);
        OnnxAttributes attributes =
            windowAttributes(window, spatialSizes(inputShape(), op.channelsFirst));
        const std::string y =
            out.node(op.kind == PoolKind::Max ? "MaxPool" : "AveragePool",
                     {channelsFirst(op.channelsFirst)}, wish("pooled"), std::move(attributes));
        context.finish(index, y, !op.channelsFirst);
    }

    void operator()(const graph::GlobalPoolOp& op) const
    {
        refuseAverage();
        std::string y = out.node(op.kind == PoolKind::Max ? "GlobalMaxPool" : "GlobalAveragePool",
                                 {channelsFirst(op.channelsFirst)}, wish("pooled"));
        if (!op.keepDimensions) {
            y = out.node("Flatten", {y}, wish("flat"), {{"axis", std::int64_t{1}}});
        }
        context.finish(index, y, op.keepDimensions && !op.channelsFirst);
    }

    void refuseAverage() const
    {
        if (context.quantizer(layer, Slot::Average)) {
            context.refuse(layer, "a quantizer of the window's share has no meaning in ONNX");
        }
    }

    void operator()(const graph::ZeroPaddingOp& op) const
    {
        std::vector<std::int64_t> before{op.left};
        std::vector<std::int64_t> after{op.right};
        if (op.spatialRank == 2) {
            before = {op.top, op.left};
            after = {op.bottom, op.right};
        }
        const std::string y =
            padded(context, channelsFirst(op.channelsFirst), before, after, layer.name);
        context.finish(index, y, !op.channelsFirst);
    }

    void operator()(const graph::FlattenOp& op) const
    {
        std::string x = context.stored(source());
        if (op.channelsFirst && inputShape().rank() > 1) {
            std::vector<std::int64_t> order(static_cast<std::size_t>(inputShape().rank() + 1), 0);
            for (std::size_t axis = 1; axis + 1 < order.size(); ++axis) {
                order[axis] = static_cast<std::int64_t>(axis) + 1;
            }
            order.back() = 1;
            x = out.node("Transpose", {x}, wish("channels_last"), {{"perm", order}});
        }
        context.finish(index, out.node("Flatten", {x}, wish("flat"), {{"axis", std::int64_t{1}}}),
                       false);
    }

    void operator()(const graph::ReshapeOp& op) const
    {
        std::vector<std::int64_t> sizes;
        const bool isKnown =
            std::ranges::all_of(layer.outputShape.sizes(), [](Index size) { return size >= 0; });
        if (context.batchAxes() == 1) {
            sizes.push_back(isKnown ? -1 : 0);
        }
        for (std::size_t axis = 0; axis < op.target.size(); ++axis) {
            sizes.push_back(isKnown ? layer.outputShape[static_cast<int>(axis)] : op.target[axis]);
        }
        const std::string y =
            out.node("Reshape", {context.stored(source()), out.integers(wish("sizes"), sizes)},
                     wish("reshaped"));
        context.finish(index, y, false);
    }

    void operator()(const graph::DropoutOp& /*op*/) const
    {
        const bool isTurned = inputIsTurned();
        context.finish(index, out.node("Identity", {asIs()}, wish("same")), isTurned);
    }

    void operator()(const graph::AddOp& /*op*/) const
    {
        const JoinedInputs inputs = inputsOf(context, index);
        context.finish(index, chained(context, inputs, "Add", layer.name), inputs.areTurned);
    }

    void operator()(const graph::ConcatenateOp& op) const
    {
        const int rank = layer.outputShape.rank();
        const int axis = op.axis < 0 ? op.axis + rank + 1 : op.axis; // with the batch
        const bool isTurned = std::ranges::all_of(
            layer.inputs, [this](int input) { return context.isTurned(input); });
        std::vector<std::string> inputs;
        for (const int input : layer.inputs) {
            inputs.push_back(isTurned ? context.turned(input) : context.stored(input));
        }
        const int turnedAxis = axis == rank ? 1 : axis + 1;
        const std::int64_t written = (isTurned ? turnedAxis : axis) + context.batchAxes() - 1;
        context.finish(index,
                       out.node("Concat", std::move(inputs), wish("joined"), {{"axis", written}}),
                       isTurned);
    }

    void operator()(const graph::FoldedConvOp& op) const { exportFolded(context, index, op); }

    void operator()(const graph::RuleOp& op) const
    {
        if (!exportRule(context, index, op)) {
            context.refuse(layer, "it has no meaning in ONNX");
            context.give(index, out.node("Identity", {asIs()}, wish("same")), inputIsTurned());
        }
    }
    void operator()(const graph::SelectOp& /*op*/) const
    {
        // The layer that gives several tensors says all of them.
        if (!context.isGiven(index)) {
            context.refuse(layer, "a further output of its layer has no meaning in ONNX");
            context.give(index, out.node("Identity", {context.stored(source())}, wish("same")),
                         false);
        }
    }
    void operator()(const graph::UnsupportedOp& op) const
    {
        context.refuse(layer, op.reason);
        context.give(
            index, out.node("Identity", {layer.inputs.empty() ? "" : asIs()}, wish("same")), false);
    }
};

} // namespace

void exportLayer(ExportContext& context, int layer)
{
    const LayerExport one(context, layer);
    std::visit(one, one.layer.op);
}

} // namespace bitscape::io
