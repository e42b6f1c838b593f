// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quant/quantizer.h"

#include <optional>
#include <vector>

// Quantizers of whatever kind as the integer grids that exchange formats know.
namespace bitscape::io {

/// value = step · (code − zeroPoint), code = low … high, rounded half to even.
struct AffineGrid {
    float step = 1.0F;
    float zeroPoint = 0.0F;
    float low = 0.0F, high = 0.0F;

    bool operator==(const AffineGrid&) const = default;
};

/// The grid of a quantizer that treats every value alike; nothing if it has none, or does not round
/// as the formats do (tried all over the range, at ties above all).
[[nodiscard]] std::optional<AffineGrid> affineGridOf(const quant::Quantizer& quantizer);

/// The two values of a quantizer to ±scale that takes 0 for positive; nothing if it is none.
[[nodiscard]] std::optional<float> bipolarScaleOf(const quant::Quantizer& quantizer);

/// A quantized constant: value = step · (code − zeroPoint), exactly.
struct QuantizedTensor {
    Tensor values;
    Tensor codes;           ///< whole numbers
    Tensor step, zeroPoint; ///< of one shape that broadcasts against the values (same rank, or one)
    int bits = 8;
    bool isSigned = true;   ///< codes below 0 occur, or may
    bool isBipolar = false; ///< the values are ±step alone
};

/// What a quantizer makes of a constant; nothing if the values lie on no such grid.
[[nodiscard]] std::optional<QuantizedTensor> quantizeConstant(const quant::Quantizer& quantizer,
                                                              const Tensor& value);

} // namespace bitscape::io
