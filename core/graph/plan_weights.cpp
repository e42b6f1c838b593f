// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/plan_weights.h"

#include "core/graph/layer_rule.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace bitscape::graph {

namespace {

Result<void> checkLayer(const Layer& layer, const Configuration& configuration)
{
    const std::string where = "layer " + layer.name;
    const auto isOpen = [](Index size) { return size < 0; };
    if (layer.outputShape.rank() == 0 || std::ranges::any_of(layer.outputShape.sizes(), isOpen)) {
        return fail(ErrorCode::ShapeMismatch,
                    fmt::format("The size of its output {} is open.", layer.outputShape.toString()),
                    where, "Give the network's input a fixed size.");
    }
    const LayerQuantizers& quantizers = quantizersOf(configuration, layer);
    for (std::size_t w = 0; w < layer.weights.size(); ++w) {
        const Slot* slot = slotOfWeight(layer, static_cast<int>(w));
        const auto quantizer =
            slot == nullptr ? nullptr : effectiveQuantizer(layer, quantizers, *slot);
        if (quantizer == nullptr) {
            continue;
        }
        if (auto ok = quantizer->accepts(layer.weights[w].value->shape()); !ok) {
            return fail(std::move(ok).error().in(where + ", " + layer.weights[w].name));
        }
    }
    for (const auto& [slot, quantizer] : quantizers) {
        const bool isInside = slot == Slot::Average || slot == Slot::DepthwiseActivation;
        if (isInside && !quantizer->isElementwise()) {
            return fail(ErrorCode::InvalidArgument,
                        fmt::format("{} fits its scale to a whole tensor, which there is none of "
                                    "inside the layer.",
                                    quantizer->toString()),
                        where + ", " + std::string(keyOf(slot)),
                        "Give it a fixed scale such as alpha=1.0.");
        }
        const bool isOfWeight =
            std::ranges::any_of(layer.weights, [&, slot = slot](const Weight& w) {
                const Slot* own = slotOfWeight(layer, static_cast<int>(&w - layer.weights.data()));
                return own != nullptr && *own == slot;
            });
        if (!isOfWeight && quantizer->needsRange()) {
            return fail(ErrorCode::InvalidArgument,
                        fmt::format("The quantizer {} of its {} has no range.",
                                    quantizer->toString(),
                                    slot == Slot::Activation ? "output" : name(slot)),
                        where, "Run calibrate and use the map it writes.");
        }
    }
    const Activation activation = activationOf(configuration, layer);
    if (!activation.quantizer) {
        return {};
    }
    if (activation.quantizer->needsRange()) { // of the network's input
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("The quantizer {} of its output has no range.",
                                activation.quantizer->toString()),
                    where, "Run calibrate and use the map it writes.");
    }
    if (auto ok = activation.quantizer->accepts(layer.outputShape.batchOf(1)); !ok) {
        return fail(std::move(ok).error().in(where + ", activation"));
    }
    return {};
}

} // namespace

const LayerQuantizers& quantizersOf(const Configuration& configuration, const Layer& layer)
{
    static const LayerQuantizers kNone;
    const auto found = configuration.layers.find(layer.name);
    return found == configuration.layers.end() ? kNone : found->second;
}

Activation activationOf(const Configuration& configuration, const Layer& layer)
{
    const auto* registered = std::get_if<RuleOp>(&layer.op);
    if (registered != nullptr && !registered->rule->activatesOutput()) {
        return {};
    }
    Activation activation{functionOf(layer.op),
                          effectiveQuantizer(quantizersOf(configuration, layer), Slot::Activation)};
    if (std::holds_alternative<InputOp>(layer.op) && !activation.quantizer) {
        activation.quantizer = configuration.input;
    }
    return activation;
}

quant::QuantizerPtr weightQuantizer(const Layer& layer, const LayerQuantizers& quantizers,
                                    const LayerKernel& kernel, std::size_t index)
{
    const Slot* slot = slotOfWeight(layer, static_cast<int>(index));
    if (slot == nullptr || kernel.takesRaw(static_cast<int>(index))) {
        return nullptr;
    }
    return effectiveQuantizer(layer, quantizers, *slot);
}

std::vector<quant::QuantizerPtr>
weightQuantizers(const Graph& graph, const Configuration& configuration,
                 const std::vector<std::unique_ptr<LayerKernel>>& kernels)
{
    std::vector<quant::QuantizerPtr> quantizers;
    for (std::size_t l = 0; l < graph.layers().size(); ++l) {
        const Layer& layer = graph.layers()[l];
        for (std::size_t w = 0; w < layer.weights.size(); ++w) {
            quantizers.push_back(
                weightQuantizer(layer, quantizersOf(configuration, layer), *kernels[l], w));
        }
    }
    return quantizers;
}

std::vector<float> weightClipLimits(const Graph& graph, const Configuration& configuration)
{
    std::vector<float> limits;
    for (const Layer& layer : graph.layers()) {
        const LayerQuantizers& quantizers = quantizersOf(configuration, layer);
        const auto* registered = std::get_if<RuleOp>(&layer.op);
        const bool isClippedLayer = registered == nullptr || registered->rule->clipsWeights();
        for (std::size_t w = 0; w < layer.weights.size(); ++w) {
            const Slot* slot = slotOfWeight(layer, static_cast<int>(w));
            const bool isTrained = slot != nullptr && layer.weights[w].trainable && isClippedLayer;
            const auto quantizer =
                isTrained ? effectiveQuantizer(layer, quantizers, *slot) : nullptr;
            const bool isClipped = quantizer != nullptr && std::isfinite(quantizer->max());
            limits.push_back(isClipped ? std::max(1.0F, static_cast<float>(quantizer->max()))
                                       : 0.0F);
        }
    }
    return limits;
}

Result<void> checkPlan(const Graph& graph, const Configuration& configuration)
{
    if (auto ok = requireSupported(graph); !ok) {
        return ok;
    }
    for (const Layer& layer : graph.layers()) {
        if (auto ok = checkLayer(layer, configuration); !ok) {
            return ok;
        }
    }
    return {};
}

std::vector<std::vector<std::size_t>> sharedWeights(const Graph& graph)
{
    std::map<const Tensor*, std::vector<std::size_t>> slots;
    std::size_t slot = 0;
    for (const Layer& layer : graph.layers()) {
        for (const Weight& weight : layer.weights) {
            slots[weight.value.get()].push_back(slot++);
        }
    }
    std::vector<std::vector<std::size_t>> shared;
    for (auto& [tensor, group] : slots) {
        if (group.size() > 1) {
            shared.push_back(std::move(group));
        }
    }
    return shared;
}

Result<void> requireGradients(const Graph& graph)
{
    std::vector<std::string> named;
    for (const Layer& layer : graph.layers()) {
        const auto* registered = std::get_if<RuleOp>(&layer.op);
        if (registered != nullptr && !registered->rule->hasGradient()) {
            named.push_back(fmt::format("{} ({})", layer.name, layer.className));
        }
    }
    if (named.empty()) {
        return {};
    }
    return fail(ErrorCode::Unsupported,
                fmt::format("The network holds {} that cannot be trained: {}.",
                            named.size() == 1 ? "a layer" : "layers", fmt::join(named, ", ")),
                graph.name(), "Predictions, calibration and quantization work all the same.");
}

} // namespace bitscape::graph
