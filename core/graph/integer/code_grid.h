// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/integer/fixed_point.h"
#include "core/quant/quantizer.h"

#include <cstdint>
#include <optional>
#include <vector>

// What quantizers mean in whole numbers, found by asking them: no list of kinds.
namespace bitscape::graph {

/// Codes of a grid: value = steps[channel] · (code − zero), code = low … high. One step for all, or
/// one per channel of the last axis.
struct CodeGrid {
    std::vector<double> steps;
    std::int64_t zero = 0, low = 0, high = 0;

    /// Largest |code − zero|.
    [[nodiscard]] std::int64_t largest() const;
};

/// A grid on which a quantizer rounds and saturates, and nothing else.
struct UniformGrid {
    CodeGrid grid; ///< one step
    ScaleRule rounding = ScaleRule::HalfEven;
};
/// Of an element-wise quantizer; nullopt where its levels are no such grid.
[[nodiscard]] std::optional<UniformGrid> uniformGrid(const quant::Quantizer& quantizer,
                                                     const quant::CallContext& call);

/// Whole numbers and how they are read: values[i] = steps[i % steps] · codes[i]; zero points are
/// taken off already.
struct WholeNumbers {
    CodeGrid grid;
    std::vector<std::int64_t> codes;
    int bits = 0; ///< of the widest code
};
/// A quantizer's codes of `stored`; `quantized` are the values it makes of them. Steps are one, or
/// `period` ones: element i has step i % period. nullopt: they lie on no grid of at most 2^24
/// codes.
[[nodiscard]] std::optional<WholeNumbers> wholeNumbers(const quant::Quantizer& quantizer,
                                                       TensorView stored, TensorView quantized,
                                                       Index period,
                                                       const quant::CallContext& call);
/// Values as multiples of the largest power of two that divides them all; nullopt if that takes
/// more than `bits` bits.
[[nodiscard]] std::optional<WholeNumbers> dyadicNumbers(std::span<const float> values, int bits);

/// The codes of an element-wise quantizer for every whole number low … high of a grid with one
/// step, as thresholds. nullopt if it does not rise with its input or has more than 2^16 levels.
struct Thresholds {
    Requantization rule;
    CodeGrid grid;
};
[[nodiscard]] std::optional<Thresholds> thresholdsOf(const quant::Quantizer& quantizer,
                                                     const CodeGrid& input,
                                                     const quant::CallContext& call);

/// Whether the number is a power of two.
[[nodiscard]] bool isPowerOfTwo(double value);
/// Bits that codes low … high take, sign included where there are negative ones.
[[nodiscard]] int bitsOf(std::int64_t low, std::int64_t high);
/// steps[c] · (code − zero) as float32.
[[nodiscard]] inline float realValue(const CodeGrid& grid, std::int64_t code, std::size_t channel)
{
    return static_cast<float>(grid.steps[channel % grid.steps.size()] *
                              static_cast<double>(code - grid.zero));
}

} // namespace bitscape::graph
