// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/hw/qtools_weights.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace bitscape::hw::qtools {

bool hasAutoPowerOfTwoScale(const quant::Quantizer& quantizer)
{
    const auto alpha = quantizer.parameters().find("alpha");
    const auto* text =
        alpha == quantizer.parameters().end() ? nullptr : std::get_if<std::string>(&alpha->second);
    return text != nullptr && *text == "auto_po2";
}

std::optional<ScaleRange> fittedScales(const quant::Quantizer& quantizer, const Tensor& values)
{
    const Tensor scale = quantizer.fit(values.view(), {}).scale;
    const auto [low, high] = std::ranges::minmax_element(scale.values());
    if (scale.size() == 0 || !(*low > 0) || !std::isfinite(*high)) {
        return std::nullopt;
    }
    const auto exponent = [](float value) {
        return static_cast<std::int64_t>(std::log2(value)); // toward zero, as QTools does
    };
    return ScaleRange{exponent(*low), exponent(*high)};
}

quant::QuantizerPtr asKernelQuantizer(const quant::QuantizerPtr& quantizer)
{
    auto promoted = quantizer ? quantizer->promotedForKernel() : nullptr;
    return promoted ? promoted : quantizer;
}

std::int64_t distinctValues(const Tensor& tensor)
{
    const std::set<float> values(tensor.values().begin(), tensor.values().end());
    return static_cast<std::int64_t>(values.size());
}

Tensor inverseDeviation(const graph::Layer& layer, const graph::BatchNormOp& norm)
{
    const graph::Weight* variance = layer.findWeight("moving_variance");
    ensure(variance != nullptr, "a normalization without variance");
    const graph::Weight* gamma = layer.findWeight("gamma");
    Tensor inverse(*variance->value);
    for (std::size_t i = 0; i < inverse.values().size(); ++i) {
        const float scale = gamma != nullptr ? gamma->value->values()[i] : 1.0F;
        inverse.values()[i] = scale / std::sqrt(inverse.values()[i] + norm.epsilon);
    }
    return inverse;
}

Tensor foldedKernel(const graph::Layer& layer, const graph::BatchNormOp& norm)
{
    const Tensor inverse = inverseDeviation(layer, norm);
    Tensor kernel(*layer.weights.front().value);
    // The normalization's channels are the kernel's last axis, or (channel, multiplier) together.
    const auto channels = static_cast<std::size_t>(inverse.size());
    for (std::size_t i = 0; i < kernel.values().size(); ++i) {
        kernel.values()[i] *= inverse.values()[i % channels];
    }
    return kernel;
}

} // namespace bitscape::hw::qtools
