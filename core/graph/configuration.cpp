// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/configuration.h"

#include "core/base/text.h"
#include "core/graph/layer_rule.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace bitscape::graph {

namespace {

struct SlotName {
    Slot slot;
    std::string_view name;
    std::string_view mapKey;    ///< of a quantizer in maps
    std::string_view configKey; ///< in layer configs
    std::string_view weight;    ///< the weight it quantizes; empty: none
    bool isKernel = false;
};

constexpr std::array kSlots{
    SlotName{Slot::Kernel, "kernel", "kernel_quantizer", "kernel_quantizer", "kernel", true},
    SlotName{Slot::Depthwise, "depthwise", "depthwise_quantizer", "depthwise_quantizer",
             "depthwise_kernel", true},
    SlotName{Slot::Pointwise, "pointwise", "pointwise_quantizer", "pointwise_quantizer",
             "pointwise_kernel", true},
    SlotName{Slot::Recurrent, "recurrent", "recurrent_quantizer", "recurrent_quantizer",
             "recurrent_kernel", true},
    SlotName{Slot::Weight, "weight", "weight_quantizer", "weight_quantizer", "weight", true},
    SlotName{Slot::Bias, "bias", "bias_quantizer", "bias_quantizer", "bias"},
    SlotName{Slot::Gamma, "gamma", "gamma_quantizer", "gamma_quantizer", "gamma", true},
    SlotName{Slot::Beta, "beta", "beta_quantizer", "beta_quantizer", "beta"},
    SlotName{Slot::Mean, "mean", "mean_quantizer", "mean_quantizer", "moving_mean"},
    SlotName{Slot::Variance, "variance", "variance_quantizer", "variance_quantizer",
             "moving_variance", true},
    SlotName{Slot::Inverse, "inverse", "inverse_quantizer", "inverse_quantizer", ""},
    SlotName{Slot::State, "state", "state_quantizer", "state_quantizer", ""},
    SlotName{Slot::Average, "average", "average_quantizer", "average_quantizer", ""},
    SlotName{Slot::RecurrentActivation, "recurrent_activation", "recurrent_activation_quantizer",
             "recurrent_activation", ""},
    SlotName{Slot::DepthwiseActivation, "depthwise_activation", "depthwise_activation_quantizer",
             "depthwise_activation", ""},
    SlotName{Slot::PointwiseActivation, "pointwise_activation", "pointwise_activation_quantizer",
             "pointwise_activation", ""},
    SlotName{Slot::Activation, "activation", "activation_quantizer", "activation", ""}};

const std::vector<Slot>& slotList()
{
    static const std::vector<Slot> list = [] {
        std::vector<Slot> out;
        out.reserve(kSlots.size());
        for (const SlotName& row : kSlots) {
            out.push_back(row.slot);
        }
        return out;
    }();
    return list;
}

const Slot* slotAt(std::size_t row)
{
    return &kSlots[row].slot;
}

/// Slots of the weights; what computes no new values has none at all.
struct SlotsOf {
    using Slots = std::vector<Slot>;

    static Slots withBias(Slots slots, bool useBias)
    {
        if (useBias) {
            slots.push_back(Slot::Bias);
        }
        slots.push_back(Slot::Activation);
        return slots;
    }
    Slots operator()(const DenseOp& op) const { return withBias({Slot::Kernel}, op.useBias); }
    Slots operator()(const ConvOp& op) const { return withBias({Slot::Kernel}, op.useBias); }
    /// QKeras has no twin for sequences.
    Slots operator()(const DepthwiseOp& op) const
    {
        return op.spatialRank == 1 ? Slots{} : withBias({Slot::Depthwise}, op.useBias);
    }
    Slots operator()(const SeparableOp& op) const
    {
        return withBias({Slot::Depthwise, Slot::Pointwise}, op.useBias);
    }
    /// Folding makes a bias even where the convolution has none.
    Slots operator()(const FoldedConvOp& op) const
    {
        const bool isDepthwise = std::holds_alternative<DepthwiseOp>(op.conv);
        return withBias({isDepthwise ? Slot::Depthwise : Slot::Kernel}, true);
    }
    Slots operator()(const BatchNormOp& op) const
    {
        Slots slots;
        if (op.scale) {
            slots.push_back(Slot::Gamma);
        }
        if (op.center) {
            slots.push_back(Slot::Beta);
        }
        for (const Slot slot : {Slot::Mean, Slot::Variance, Slot::Inverse, Slot::Activation}) {
            slots.push_back(slot);
        }
        return slots;
    }
    Slots operator()(const PoolOp& op) const { return ofPool(op); }
    Slots operator()(const GlobalPoolOp& op) const { return ofPool(op); }
    /// QKeras quantizes the mean over images only.
    template <class Pool>
    static Slots ofPool(const Pool& op)
    {
        if (op.kind == PoolKind::Max) {
            return {};
        }
        return op.spatialRank == 2 ? Slots{Slot::Average, Slot::Activation}
                                   : Slots{Slot::Activation};
    }
    Slots operator()(const InputOp&) const { return {Slot::Activation}; }
    Slots operator()(const ActivationOp&) const { return {Slot::Activation}; }
    Slots operator()(const AddOp&) const { return {Slot::Activation}; }
    Slots operator()(const ConcatenateOp&) const { return {Slot::Activation}; }
    Slots operator()(const ZeroPaddingOp&) const { return {}; }
    Slots operator()(const FlattenOp&) const { return {}; }
    Slots operator()(const ReshapeOp&) const { return {}; }
    Slots operator()(const DropoutOp&) const { return {}; }
    Slots operator()(const RuleOp& op) const { return op.rule->slots(); }
    Slots operator()(const SelectOp&) const { return {}; }
    Slots operator()(const UnsupportedOp&) const { return {}; }
};

} // namespace

std::string_view name(Slot slot)
{
    return kSlots[static_cast<std::size_t>(slot)].name;
}

std::string_view keyOf(Slot slot)
{
    return kSlots[static_cast<std::size_t>(slot)].configKey;
}

bool isPromotedSlot(Slot slot)
{
    return kSlots[static_cast<std::size_t>(slot)].isKernel;
}

std::span<const Slot> allSlots()
{
    return slotList();
}

const Slot* findSlot(std::string_view key)
{
    for (std::size_t i = 0; i < kSlots.size(); ++i) {
        if (kSlots[i].mapKey == key || kSlots[i].configKey == key) {
            return slotAt(i);
        }
    }
    return nullptr;
}

std::vector<Slot> slotsOf(const Layer& layer)
{
    return std::visit(SlotsOf{}, layer.op);
}

const Slot* slotOfWeight(const Layer& layer, int index)
{
    if (const auto* op = std::get_if<RuleOp>(&layer.op)) {
        const auto slot = op->rule->weights()[static_cast<std::size_t>(index)].slot;
        return slot ? slotAt(static_cast<std::size_t>(*slot)) : nullptr;
    }
    const std::vector<Slot> slots = slotsOf(layer);
    const std::string& weight = layer.weights[static_cast<std::size_t>(index)].name;
    for (std::size_t i = 0; i < kSlots.size(); ++i) {
        const bool has = std::ranges::find(slots, kSlots[i].slot) != slots.end();
        if (has && !kSlots[i].weight.empty() && kSlots[i].weight == weight) {
            return slotAt(i);
        }
    }
    return nullptr;
}

quant::QuantizerPtr Configuration::find(std::string_view layer, Slot slot) const
{
    const auto quantizers = layers.find(layer);
    if (quantizers == layers.end()) {
        return nullptr;
    }
    const auto found = quantizers->second.find(slot);
    return found == quantizers->second.end() ? nullptr : found->second;
}

void Configuration::set(const std::string& layer, Slot slot, quant::QuantizerPtr quantizer)
{
    if (quantizer) {
        layers[layer][slot] = std::move(quantizer);
        return;
    }
    const auto quantizers = layers.find(layer);
    if (quantizers == layers.end()) {
        return;
    }
    quantizers->second.erase(slot);
    if (quantizers->second.empty()) {
        layers.erase(quantizers);
    }
}

std::string Configuration::canonical() const
{
    nlohmann::json slots = nlohmann::json::object();
    for (const auto& [layer, quantizers] : layers) {
        for (const auto& [slot, quantizer] : quantizers) {
            slots[layer][std::string(graph::name(slot))] = quantizer->toString();
        }
    }
    nlohmann::json out{{"fold_batchnorm", foldBatchNorm}, {"layers", std::move(slots)}};
    out["input"] = input ? nlohmann::json(input->toString()) : nlohmann::json(nullptr);
    return out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string Configuration::hash() const
{
    return sha256(canonical());
}

bool sameContent(const Configuration& a, const Configuration& b)
{
    return a.canonical() == b.canonical();
}

} // namespace bitscape::graph
