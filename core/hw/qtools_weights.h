// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/graph.h"
#include "core/quant/quantizer.h"

#include <cstdint>
#include <optional>

// What QTools takes from the values of weights.
namespace bitscape::hw::qtools {

/// Exponents of the smallest and the largest scale.
struct ScaleRange {
    std::int64_t low = 0, high = 0;
};

[[nodiscard]] bool hasAutoPowerOfTwoScale(const quant::Quantizer& quantizer);
/// Of the scales that the quantizer fits to the values; nothing if they are no positive numbers.
[[nodiscard]] std::optional<ScaleRange> fittedScales(const quant::Quantizer& quantizer,
                                                     const Tensor& values);
/// The quantizer as a layer holds it for a kernel.
[[nodiscard]] quant::QuantizerPtr asKernelQuantizer(const quant::QuantizerPtr& quantizer);

[[nodiscard]] std::int64_t distinctValues(const Tensor& tensor);

/// A folded layer's kernel with the normalization taken in, as its quantizer sees it.
[[nodiscard]] Tensor foldedKernel(const graph::Layer& layer, const graph::BatchNormOp& norm);
/// gamma over the deviation, as a normalization's inverse quantizer sees it.
[[nodiscard]] Tensor inverseDeviation(const graph::Layer& layer, const graph::BatchNormOp& norm);

} // namespace bitscape::hw::qtools
