// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/op.h"
#include "core/io/tflite/tflite_model.h"
#include "core/quant/quantizer.h"

#include <span>
#include <vector>

namespace bitscape::io {

/// Lowest and highest code of a type.
struct CodeRange {
    std::int64_t low = 0, high = 0;
};
[[nodiscard]] CodeRange codesOf(TfliteType type);

/// The quantizer of a tensor with one scale. Null if the tensor has none, or has several.
[[nodiscard]] quant::QuantizerPtr activationQuantizer(const TfliteTensor& tensor);

/// The quantizer of a constant. `shape`: of its scales, so that they broadcast against the weight
/// as we store it; of one scale it does not matter. `narrow`: the lowest code never occurs.
[[nodiscard]] quant::QuantizerPtr
weightQuantizer(const TfliteTensor& tensor, const std::vector<std::int64_t>& shape, bool narrow);
/// Of a bias with these scales (one, or one per channel).
[[nodiscard]] quant::QuantizerPtr biasQuantizer(std::span<const float> scales);

/// Equal scales and zero points.
[[nodiscard]] bool sameQuantization(const TfliteTensor& a, const TfliteTensor& b);

/// Whether rounding to the tensor's codes clips to what the function clips to, so that the
/// quantizer alone does both.
[[nodiscard]] bool impliesFunction(const TfliteTensor& tensor, const graph::Function& function);

} // namespace bitscape::io
