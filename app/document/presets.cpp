// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/document/presets.h"

#include "core/quant/quantizer.h"

#include <QCoreApplication>

#include <algorithm>
#include <array>
#include <cmath>
#include <variant>

namespace bitscape::app {

namespace {

constexpr int kFloatBits = 32;
constexpr int kBiasBits = 8; ///< least width of a bias: it is added at the scale of the products
constexpr int kIntegerBitsUnknown = 2;

constexpr std::array kPresets{
    Preset{"float", QT_TRANSLATE_NOOP("presets", "float"), kFloatBits, kFloatBits},
    Preset{"uniform8", QT_TRANSLATE_NOOP("presets", "uniform w8 a8"), 8, 8},
    Preset{"uniform4", QT_TRANSLATE_NOOP("presets", "uniform w4 a4"), 4, 4},
    Preset{"uniform2", QT_TRANSLATE_NOOP("presets", "uniform w2 a2"), 2, 2},
    Preset{"w4a8", QT_TRANSLATE_NOOP("presets", "uniform w4 a8"), 4, 8},
    Preset{"uniform16", QT_TRANSLATE_NOOP("presets", "fixed 16 bit"), 16, 16},
};

const graph::Function* functionOf(const graph::Op& op)
{
    return std::visit(
        [](const auto& o) -> const graph::Function* {
            if constexpr (requires { o.function; }) {
                return &o.function;
            } else {
                return nullptr;
            }
        },
        op);
}

/// Integer bits that hold |x| of the layer's output; the sign is not counted.
int integerBits(const search::Calibration* calibration, const std::string& layer)
{
    const search::TensorStatistics* seen = calibration ? calibration->find(layer) : nullptr;
    if (seen == nullptr || seen->count == 0) {
        return kIntegerBitsUnknown;
    }
    const double largest = std::max(std::abs(seen->minimum), std::abs(seen->maximum));
    return largest <= 0.0 ? 0 : std::max(0, static_cast<int>(std::ceil(std::log2(largest))));
}

/// Whether the layer that follows takes over the output, so that quantizing here would be a second
/// rounding in the middle of a block: a lone normalization or activation.
bool isContinued(const graph::Graph& graph, const graph::Layer& layer)
{
    const std::vector<int> next = graph.consumers(graph.find(layer.name));
    return next.size() == 1 &&
           (std::holds_alternative<graph::BatchNormOp>(graph.layer(next.front()).op) ||
            std::holds_alternative<graph::ActivationOp>(graph.layer(next.front()).op));
}

quant::QuantizerPtr outputQuantizer(const graph::Graph& graph, const graph::Layer& layer, int bits,
                                    const search::Calibration* calibration)
{
    const graph::Function* function = functionOf(layer.op);
    if (function == nullptr) {
        return nullptr;
    }
    const int whole = std::min(integerBits(calibration, layer.name), bits);
    if (function->kind == graph::FunctionKind::Relu && function->negativeSlope == 0.0F &&
        function->threshold == 0.0F) {
        auto made = quant::makeQuantizer(
            "quantized_relu", {{"bits", std::int64_t{bits}}, {"integer", std::int64_t{whole}}});
        return made ? *made : nullptr;
    }
    if (function->isLinear() && !isContinued(graph, layer)) {
        auto made = quant::makeQuantizer("quantized_bits",
                                         {{"bits", std::int64_t{bits}},
                                          {"integer", std::int64_t{std::min(whole, bits - 1)}},
                                          {"symmetric", std::int64_t{1}},
                                          {"alpha", std::int64_t{1}}});
        return made ? *made : nullptr;
    }
    return nullptr;
}

quant::QuantizerPtr weightQuantizer(int bits)
{
    auto made = quant::makeQuantizer(bits == 1 ? "binary" : "quantized_bits",
                                     bits == 1 ? quant::Parameters{{"alpha", std::string("auto")}}
                                               : quant::Parameters{{"bits", std::int64_t{bits}},
                                                                   {"integer", std::int64_t{0}},
                                                                   {"symmetric", std::int64_t{1}},
                                                                   {"alpha", std::string("auto")}});
    return made ? *made : nullptr;
}

} // namespace

std::span<const Preset> presets()
{
    return kPresets;
}

const Preset* findPreset(std::string_view id)
{
    const auto found = std::find_if(kPresets.begin(), kPresets.end(),
                                    [id](const Preset& preset) { return id == preset.id; });
    return found == kPresets.end() ? nullptr : &*found;
}

quant::QuantizerPtr proposedQuantizer(const graph::Graph& graph, const graph::Layer& layer,
                                      graph::Slot slot, int bits,
                                      const search::Calibration* calibration)
{
    switch (slot) {
    case graph::Slot::Activation:
        return outputQuantizer(graph, layer, bits, calibration);
    case graph::Slot::Kernel:
    case graph::Slot::Depthwise:
    case graph::Slot::Pointwise:
    case graph::Slot::Recurrent:
    case graph::Slot::Weight:
        return weightQuantizer(bits);
    case graph::Slot::Bias:
        return weightQuantizer(std::max(bits, kBiasBits));
    case graph::Slot::Gamma:
    case graph::Slot::Beta:
    case graph::Slot::Mean:
    case graph::Slot::Variance:
    case graph::Slot::Inverse:
    case graph::Slot::State:
    case graph::Slot::Average:
    case graph::Slot::RecurrentActivation:
    case graph::Slot::DepthwiseActivation:
    case graph::Slot::PointwiseActivation:
        // What lies inside a layer is quantized by hand. A plain normalization is folded or float;
        // quantizing its parameters is a choice by hand.
        return nullptr;
    }
    return nullptr;
}

graph::Configuration withPreset(const graph::Graph& graph, const graph::Configuration& base,
                                const Preset& preset, const search::Calibration* calibration,
                                const std::vector<std::string>& layers)
{
    graph::Configuration result = base;
    for (const graph::Layer& layer : graph.layers()) {
        const bool isMeant =
            layers.empty() || std::find(layers.begin(), layers.end(), layer.name) != layers.end();
        if (!isMeant) {
            continue;
        }
        for (const graph::Slot slot : graph::slotsOf(layer)) {
            const int bits =
                slot == graph::Slot::Activation ? preset.outputBits : preset.weightBits;
            result.set(layer.name, slot,
                       bits >= kFloatBits
                           ? nullptr
                           : proposedQuantizer(graph, layer, slot, bits, calibration));
        }
    }
    return result;
}

} // namespace bitscape::app
