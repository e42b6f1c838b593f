// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/hw/accelerator.h"

#include <algorithm>
#include <set>

namespace bitscape::hw {

namespace {

using graph::Configuration;
using graph::Graph;
using graph::Layer;
using graph::Slot;

/// Width of one tensor.
struct Width {
    int bits = 32;
    bool isSigned = true, isFloat = true, isSymmetric = false;
};

Width widthOf(const quant::QuantizerPtr& quantizer)
{
    if (!quantizer) {
        return {};
    }
    return {quantizer->bits(), quantizer->isSigned(), false,
            quantizer->isSigned() && quantizer->min() == -quantizer->max()};
}

/// The narrowest width that holds both.
Width wider(const Width& a, const Width& b)
{
    return {std::max(a.bits, b.bits), a.isSigned || b.isSigned, a.isFloat || b.isFloat,
            a.isSymmetric && b.isSymmetric};
}

/// Slot of the weights that the multiplications use; null for layers without.
const Slot* kernelSlot(const Layer& layer)
{
    static constexpr Slot kKernel = Slot::Kernel;
    static constexpr Slot kDepthwise = Slot::Depthwise;
    if (const auto* folded = std::get_if<graph::FoldedConvOp>(&layer.op)) {
        return std::holds_alternative<graph::DepthwiseOp>(folded->conv) ? &kDepthwise : &kKernel;
    }
    if (std::holds_alternative<graph::DenseOp>(layer.op) ||
        std::holds_alternative<graph::ConvOp>(layer.op)) {
        return &kKernel;
    }
    if (std::holds_alternative<graph::DepthwiseOp>(layer.op) ||
        std::holds_alternative<graph::SeparableOp>(layer.op)) {
        return &kDepthwise;
    }
    return nullptr;
}

/// True for layers that hand on values of their inputs (a maximum, a copy, a zero) and so need no
/// wider type. An average is not among them: it makes new values.
bool handsOn(const Layer& layer)
{
    if (const auto* pool = std::get_if<graph::PoolOp>(&layer.op)) {
        return pool->kind == graph::PoolKind::Max;
    }
    if (const auto* pool = std::get_if<graph::GlobalPoolOp>(&layer.op)) {
        return pool->kind == graph::PoolKind::Max;
    }
    return std::holds_alternative<graph::ZeroPaddingOp>(layer.op) ||
           std::holds_alternative<graph::FlattenOp>(layer.op) ||
           std::holds_alternative<graph::ReshapeOp>(layer.op) ||
           std::holds_alternative<graph::DropoutOp>(layer.op) ||
           std::holds_alternative<graph::ConcatenateOp>(layer.op);
}

} // namespace

std::vector<LayerBits> layerBits(const Graph& graph, const Configuration& configuration)
{
    std::vector<LayerBits> all(graph.layers().size());
    std::vector<Width> outputs(graph.layers().size());
    for (std::size_t i = 0; i < all.size(); ++i) {
        const Layer& layer = graph.layer(static_cast<int>(i));
        const quant::QuantizerPtr activation = configuration.find(layer.name, Slot::Activation);
        Width input;
        if (!layer.inputs.empty()) {
            input = outputs[static_cast<std::size_t>(layer.inputs.front())];
            for (const int producer : layer.inputs) {
                input = wider(input, outputs[static_cast<std::size_t>(producer)]);
            }
        }
        if (std::holds_alternative<graph::InputOp>(layer.op)) {
            outputs[i] = widthOf(configuration.input);
            input = outputs[i];
        } else if (activation || !handsOn(layer)) {
            outputs[i] = widthOf(activation);
        } else {
            outputs[i] = input;
        }
        const Slot* kernel = kernelSlot(layer);
        const Width weights =
            kernel != nullptr ? widthOf(configuration.find(layer.name, *kernel)) : Width{};
        all[i] = {.weights = weights.bits,
                  .bias = widthOf(configuration.find(layer.name, Slot::Bias)).bits,
                  .input = input.bits,
                  .output = outputs[i].bits,
                  .weightsSigned = weights.isSigned,
                  .inputSigned = input.isSigned,
                  .outputSigned = outputs[i].isSigned,
                  .weightsFloat = weights.isFloat,
                  .inputFloat = input.isFloat,
                  .outputFloat = outputs[i].isFloat,
                  .weightsSymmetric = weights.isSymmetric,
                  .inputSymmetric = input.isSymmetric,
                  .outputSymmetric = outputs[i].isSymmetric};
    }
    return all;
}

std::int64_t packedWeightBits(const Graph& graph, const Configuration& configuration)
{
    std::int64_t bits = 0;
    std::set<const Tensor*> counted; // a tensor that several calls share is stored once
    for (const Layer& layer : graph.layers()) {
        for (std::size_t i = 0; i < layer.weights.size(); ++i) {
            if (!counted.insert(layer.weights[i].value.get()).second) {
                continue;
            }
            const Slot* slot = graph::slotOfWeight(layer, static_cast<int>(i));
            const quant::QuantizerPtr quantizer =
                slot != nullptr ? configuration.find(layer.name, *slot) : nullptr;
            bits += layer.weights[i].value->size() * widthOf(quantizer).bits;
        }
    }
    return bits;
}

} // namespace bitscape::hw
