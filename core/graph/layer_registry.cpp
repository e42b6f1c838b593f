// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layer_registry.h"

#include "core/graph/layer_reading.h"
#include "core/graph/layer_rule.h"
#include "core/graph/layers/adaptive.h"
#include "core/graph/layers/attention.h"
#include "core/graph/layers/bidirectional.h"
#include "core/graph/layers/conv_lstm.h"
#include "core/graph/layers/fixed_point.h"
#include "core/graph/layers/group_norm.h"
#include "core/graph/layers/locally_connected.h"
#include "core/graph/layers/merge.h"
#include "core/graph/layers/noise.h"
#include "core/graph/layers/permute.h"
#include "core/graph/layers/prelu.h"
#include "core/graph/layers/recurrent.h"
#include "core/graph/layers/resample.h"
#include "core/graph/layers/rescale.h"
#include "core/graph/layers/scale_shift.h"
#include "core/graph/layers/sequence.h"
#include "core/graph/layers/softmax.h"
#include "core/graph/layers/time_distributed.h"
#include "core/graph/layers/transposed.h"
#include "core/graph/layers/volume.h"
#include "core/graph/structural_layers.h"

#include <algorithm>
#include <array>
#include <utility>

namespace bitscape::graph {

std::span<const LayerInfo> layerKinds()
{
    static const std::vector<LayerInfo> table = [] {
        std::vector<LayerInfo> rows;
        for (const auto family :
             {structuralLayers(), transposedLayers(), volumeLayers(), locallyConnectedLayers(),
              mergeLayers(), resampleLayers(), groupNormLayers(), rescaleLayers(), reluLayers(),
              noiseLayers(), attentionLayers()}) {
            rows.insert(rows.end(), family.begin(), family.end());
        }
        rows.insert(rows.end(),
                    {softmaxLayer(), permuteLayer(), scaleShiftLayer(), adaptiveActivationLayer()});
        rows.insert(rows.end(), {simpleRnnLayer(), lstmLayer(), gruLayer(), bidirectionalLayer(),
                                 convLstm2dLayer(), timeDistributedLayer(), repeatVectorLayer(),
                                 maskingLayer(), embeddingLayer(), fixedPointLayer()});
        return rows;
    }();
    return table;
}

namespace {

const LayerInfo* findIn(std::span<const LayerInfo> kinds, std::string_view className)
{
    const auto found = std::ranges::find_if(kinds, [className](const LayerInfo& row) {
        return row.className == className ||
               (!row.quantizedName.empty() && row.quantizedName == className);
    });
    return found == kinds.end() ? nullptr : &*found;
}

/// Why a class is refused, where there is more to say than that it is not covered.
std::string whyRefused(std::string_view className)
{
    constexpr std::array kCode{"Lambda", "TFOpLambda", "TensorFlowOpLayer", "SlicingOpLambda"};
    constexpr std::array kNested{"Sequential", "Functional", "Model"};
    constexpr std::array kKeras1{"Merge", "MaxoutDense", "Highway", "SReLU", "ParametricSoftplus"};
    constexpr std::array kKeras{"RNN", "StackedRNNCells"};
    const auto among = [className](const auto& names) {
        return std::ranges::find(names, className) != names.end();
    };
    if (among(kCode)) {
        return "it holds Python code, which is never run";
    }
    if (among(kNested)) {
        return "a network inside that does not describe its layers";
    }
    if (among(kKeras1)) {
        return "a layer of Keras 1, which is not covered";
    }
    if (among(kKeras)) {
        return "this layer is not covered";
    }
    if (className.starts_with("keras.ops.")) {
        return "an operation outside of any layer, which is not covered";
    }
    return "a custom class, whose meaning is not known";
}

/// The layer inside a pruning wrapper; pruning changed the weights and adds nothing when running.
const Json* prunedLayer(const std::string& className, const Json& config)
{
    const Json& inner = member(config, "layer");
    return className == "PruneLowMagnitude" && inner.is_object() ? &inner : nullptr;
}

void addNormNames(const BatchNormOp& norm, bool counts, std::vector<std::string>& names)
{
    if (norm.scale) {
        names.emplace_back("gamma");
    }
    if (norm.center) {
        names.emplace_back("beta");
    }
    if (counts) {
        names.emplace_back("iteration");
    }
    names.emplace_back("moving_mean");
    names.emplace_back("moving_variance");
}

struct NamesOf {
    using Names = std::vector<std::string>;

    static Names withBias(Names names, bool useBias)
    {
        if (useBias) {
            names.emplace_back("bias");
        }
        return names;
    }
    Names operator()(const DenseOp& op) const { return withBias({"kernel"}, op.useBias); }
    Names operator()(const ConvOp& op) const { return withBias({"kernel"}, op.useBias); }
    Names operator()(const DepthwiseOp& op) const
    {
        return withBias({"depthwise_kernel"}, op.useBias);
    }
    Names operator()(const SeparableOp& op) const
    {
        return withBias({"depthwise_kernel", "pointwise_kernel"}, op.useBias);
    }
    Names operator()(const BatchNormOp& op) const
    {
        Names names;
        addNormNames(op, false, names);
        return names;
    }
    Names operator()(const FoldedConvOp& op) const
    {
        Names names = std::visit(*this, op.conv);
        addNormNames(op.norm, true, names);
        return names;
    }
    Names operator()(const RuleOp& op) const
    {
        Names names;
        for (const RuleWeight& weight : op.rule->weights()) {
            if (weight.isStored) {
                names.push_back(weight.name);
            }
        }
        return names;
    }
    template <class Other>
    Names operator()(const Other& /*op*/) const
    {
        return {};
    }
};

} // namespace

const LayerInfo* findLayerKind(std::string_view className)
{
    return findIn(layerKinds(), className);
}

Result<LayerMeaning> readLayerConfig(const std::string& className, const Json& config,
                                     const KerasDialect& dialect)
{
    return readLayerConfig(className, config, dialect, layerKinds());
}

Result<LayerMeaning> readLayerConfig(const std::string& className, const Json& config,
                                     const KerasDialect& dialect, std::span<const LayerInfo> kinds)
{
    if (const Json* inner = prunedLayer(className, config)) {
        const Json& innerClass = member(*inner, "class_name");
        if (innerClass.is_string() && innerClass.get<std::string>() != className) {
            return readLayerConfig(innerClass.get<std::string>(), member(*inner, "config"), dialect,
                                   kinds);
        }
    }
    const LayerInfo* row = findIn(kinds, className);
    if (row == nullptr) {
        return LayerMeaning{.op = UnsupportedOp{whyRefused(className)}};
    }
    const bool isQuantized = className == row->quantizedName;
    LayerReading reading(*row, config, dialect, isQuantized, kinds);
    row->read(reading);
    if (reading.config.error()) {
        return fail(*reading.config.error());
    }
    if (!reading.reason().empty()) {
        return LayerMeaning{.op = UnsupportedOp{reading.reason()}};
    }
    return std::move(reading.meaning);
}

bool isImplied(const Op& op)
{
    const auto* registered = std::get_if<RuleOp>(&op);
    return std::holds_alternative<SelectOp>(op) ||
           (registered != nullptr && registered->rule->isImplied());
}

std::vector<std::string> weightNames(const Op& op)
{
    return std::visit(NamesOf{}, op);
}

bool RuleOp::operator==(const RuleOp& other) const
{
    return info == other.info && (rule == other.rule || rule->config() == other.rule->config());
}

} // namespace bitscape::graph
