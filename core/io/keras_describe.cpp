// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/keras_describe.h"

#include "core/graph/layer_registry.h"
#include "core/graph/layer_rule.h"

#include <map>
#include <utility>

namespace bitscape::io {

namespace {

using graph::Function;
using graph::FunctionKind;

Json pairOf(const graph::Extent& extent, int rank)
{
    return rank == 1 ? Json::array({extent.width}) : Json::array({extent.height, extent.width});
}

const char* formatOf(bool channelsFirst)
{
    return channelsFirst ? "channels_first" : "channels_last";
}

const char* nameOf(graph::Padding padding)
{
    switch (padding) {
    case graph::Padding::Same:
        return "same";
    case graph::Padding::Causal:
        return "causal";
    case graph::Padding::Valid:
        break;
    }
    return "valid";
}
struct Describe {
    const graph::Layer& layer;

    ClassAndConfig operator()(const graph::InputOp& op) const
    {
        Json shape = Json::array({nullptr});
        for (const Index size : op.shape.sizes()) {
            shape.push_back(size < 0 ? Json(nullptr) : Json(size));
        }
        return {"InputLayer",
                {},
                {{"batch_input_shape", std::move(shape)}, {"sparse", false}, {"ragged", false}}};
    }

    ClassAndConfig operator()(const graph::DenseOp& op) const
    {
        return {"Dense",
                "QDense",
                {{"units", op.units},
                 {"activation", graph::activationField(op.function)},
                 {"use_bias", op.useBias}}};
    }

    static Json convolution(const graph::Extent& kernel, const graph::Extent& stride,
                            const graph::Extent& dilation, graph::Padding padding, bool useBias,
                            const Function& function, int rank, bool channelsFirst)
    {
        return {{"kernel_size", pairOf(kernel, rank)},
                {"strides", pairOf(stride, rank)},
                {"padding", nameOf(padding)},
                {"data_format", formatOf(channelsFirst)},
                {"dilation_rate", pairOf(dilation, rank)},
                {"activation", graph::activationField(function)},
                {"use_bias", useBias}};
    }

    ClassAndConfig operator()(const graph::ConvOp& op) const
    {
        const std::string name = op.spatialRank == 1 ? "Conv1D" : "Conv2D";
        Json config = convolution(op.kernel, op.stride, op.dilation, op.padding, op.useBias,
                                  op.function, op.spatialRank, op.channelsFirst);
        config["filters"] = op.filters;
        config["groups"] = op.groups;
        if (!op.mask.empty()) {
            config["mask"] = Json::array();
            for (int row = 0; row < op.kernel.height; ++row) {
                const auto first = op.mask.begin() + std::ptrdiff_t{row} * op.kernel.width;
                config["mask"].push_back(std::vector<float>(first, first + op.kernel.width));
            }
            return {"Q" + name, "Q" + name, std::move(config)};
        }
        return {name, "Q" + name, std::move(config)};
    }

    ClassAndConfig operator()(const graph::DepthwiseOp& op) const
    {
        Json config = convolution(op.kernel, op.stride, op.dilation, op.padding, op.useBias,
                                  op.function, op.spatialRank, op.channelsFirst);
        config["depth_multiplier"] = op.multiplier;
        if (op.spatialRank == 1) {
            return {"DepthwiseConv1D", {}, std::move(config)};
        }
        return {"DepthwiseConv2D", "QDepthwiseConv2D", std::move(config)};
    }

    ClassAndConfig operator()(const graph::SeparableOp& op) const
    {
        Json config = convolution(op.kernel, op.stride, op.dilation, op.padding, op.useBias,
                                  op.function, op.spatialRank, op.channelsFirst);
        config["filters"] = op.filters;
        config["depth_multiplier"] = op.multiplier;
        const std::string name = op.spatialRank == 1 ? "SeparableConv1D" : "SeparableConv2D";
        return {name, "Q" + name, std::move(config)};
    }

    ClassAndConfig operator()(const graph::ActivationOp& op) const
    {
        const Function& f = op.function;
        const bool asFunction = !graph::activationName(f).empty();
        if (f.kind == FunctionKind::Elu && !asFunction) {
            return {"ELU", "QActivation", {{"alpha", f.negativeSlope}}};
        }
        const bool isLeaky = f.negativeSlope != 0 && f.maxValue <= 0 && f.threshold == 0;
        if (f.kind == FunctionKind::Relu && isLeaky && layer.className != "Activation") {
            return {"LeakyReLU", "QActivation", {{"alpha", f.negativeSlope}}};
        }
        if (f.kind == FunctionKind::Relu && (!asFunction || layer.className == "ReLU")) {
            return {"ReLU", "QActivation", graph::reluConfig(f)};
        }
        if (f.kind == FunctionKind::Softmax && layer.className == "Softmax") {
            return {"Softmax", "QActivation", {{"axis", -1}}};
        }
        return {"Activation", "QActivation", {{"activation", graph::activationField(f)}}};
    }

    static void addNorm(Json& config, const graph::BatchNormOp& op, int lastAxis)
    {
        config["axis"] = op.axes.empty() ? std::vector{lastAxis} : op.axes;
        config["momentum"] = op.momentum;
        config["epsilon"] = op.epsilon;
        config["center"] = op.center;
        config["scale"] = op.scale;
    }

    ClassAndConfig operator()(const graph::BatchNormOp& op) const
    {
        ClassAndConfig out{"BatchNormalization", "QBatchNormalization"};
        addNorm(out.config, op, layer.outputShape.rank());
        return out;
    }

    /// Only QKeras' pools have an activation.
    template <class Pool>
    static ClassAndConfig pool(const Pool& op, std::string name, Json config)
    {
        ClassAndConfig out{std::move(name), {}, std::move(config)};
        if (isQuantizable(op)) {
            out.quantized = "Q" + out.plain;
        }
        if (!op.function.isLinear()) {
            out.config["activation"] = graph::activationField(op.function);
            out.plain = out.quantized;
        }
        return out;
    }

    ClassAndConfig operator()(const graph::PoolOp& op) const
    {
        const std::string kind = op.kind == graph::PoolKind::Max ? "Max" : "Average";
        return pool(op, kind + "Pooling" + std::to_string(op.spatialRank) + "D",
                    {{"pool_size", pairOf(op.window, op.spatialRank)},
                     {"strides", pairOf(op.stride, op.spatialRank)},
                     {"padding", nameOf(op.padding)},
                     {"data_format", formatOf(op.channelsFirst)}});
    }

    ClassAndConfig operator()(const graph::GlobalPoolOp& op) const
    {
        const std::string kind = op.kind == graph::PoolKind::Max ? "Max" : "Average";
        return pool(op, "Global" + kind + "Pooling" + std::to_string(op.spatialRank) + "D",
                    {{"data_format", formatOf(op.channelsFirst)}, {"keepdims", op.keepDimensions}});
    }

    ClassAndConfig operator()(const graph::ZeroPaddingOp& op) const
    {
        if (op.spatialRank == 1) {
            return {"ZeroPadding1D", {}, {{"padding", Json::array({op.left, op.right})}}};
        }
        return {"ZeroPadding2D",
                {},
                {{"padding", Json::array({Json::array({op.top, op.bottom}),
                                          Json::array({op.left, op.right})})},
                 {"data_format", formatOf(op.channelsFirst)}}};
    }

    ClassAndConfig operator()(const graph::FlattenOp& op) const
    {
        return {"Flatten", {}, {{"data_format", formatOf(op.channelsFirst)}}};
    }
    ClassAndConfig operator()(const graph::ReshapeOp& op) const
    {
        return {"Reshape", {}, {{"target_shape", op.target}}};
    }
    ClassAndConfig operator()(const graph::DropoutOp& op) const
    {
        return {"Dropout", {}, {{"rate", op.rate}, {"noise_shape", nullptr}, {"seed", nullptr}}};
    }
    ClassAndConfig operator()(const graph::AddOp& /*op*/) const { return {"Add"}; }
    ClassAndConfig operator()(const graph::ConcatenateOp& op) const
    {
        return {"Concatenate", {}, {{"axis", op.axis}}};
    }

    ClassAndConfig operator()(const graph::RuleOp& op) const
    {
        return {std::string(op.info->className), std::string(op.info->quantizedName),
                op.rule->config()};
    }
    ClassAndConfig operator()(const graph::SelectOp& /*op*/) const { return {}; }

    ClassAndConfig operator()(const graph::FoldedConvOp& op) const
    {
        ClassAndConfig out = std::visit(*this, op.conv);
        out.quantized += "Batchnorm";
        out.plain = out.quantized;
        addNorm(out.config, op.norm, layer.outputShape.rank());
        out.config["folding_mode"] =
            op.emaStatsFolding ? "ema_stats_folding" : "batch_stats_folding";
        out.config["ema_freeze_delay"] =
            op.emaFreezeDelay < 0 ? Json(nullptr) : Json(op.emaFreezeDelay);
        return out;
    }

    /// What we cannot run is passed on as it came.
    ClassAndConfig operator()(const graph::UnsupportedOp& /*op*/) const
    {
        Json config = Json::parse(layer.originalConfig, nullptr, false);
        return {layer.className, {}, config.is_object() ? std::move(config) : Json::object()};
    }
};

} // namespace

ClassAndConfig describe(const graph::Layer& layer)
{
    return std::visit(Describe{layer}, layer.op);
}

} // namespace bitscape::io
