// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quant/rounding.h"

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

// Arithmetic of the integer engine: a whole number times a fixed-point factor, rounded to a whole
// number. The same rules are printed as C by the header export.
namespace bitscape::graph {

/// LiteRT's three sets of kernels, which round differently: the plain reference, the optimised
/// built-in ones (ruy on x86), and XNNPACK, its default.
enum class LiteRtKernels { Reference, Optimised, Xnnpack };
/// "reference", "optimised", "xnnpack": in the order of the enumeration.
[[nodiscard]] std::span<const std::string_view> liteRtKernelNames();

/// How a scaled number becomes whole.
enum class ScaleRule {
    HalfEven, ///< exact product, nearest, ties to the even one
    HalfAway, ///< exact product, nearest, ties away from zero
    HalfUp,   ///< exact product, nearest, ties upwards
    Floor,
    Zero,
    Ceil,
    /// LiteRT's: the upper half of twice the product rounded (ties upwards), then a shift rounded
    /// (ties away from zero).
    Twice,
    /// The same with ties upwards both times, as its matrix products on x86 have it.
    TwiceUp,
    /// XNNPACK's: a float32 product of float32 factors, ties to the even one.
    Float,
};
[[nodiscard]] ScaleRule ruleFor(quant::Rounding rounding);

/// x · multiplier · 2^exponent, rounded; one entry for all channels or one per channel. `factors`
/// instead of both for ScaleRule::Float.
struct Scaling {
    ScaleRule rule = ScaleRule::HalfEven;
    std::vector<std::int32_t> multipliers;
    std::vector<int> exponents;
    std::vector<float> factors;

    /// 1 if one scaling is for all.
    [[nodiscard]] std::size_t channels() const
    {
        return rule == ScaleRule::Float ? factors.size() : multipliers.size();
    }
    [[nodiscard]] bool operator==(const Scaling&) const = default;
};

/// The scaling by `factors` (> 0) for numbers of magnitude ≤ `largest`: powers of two exactly,
/// other factors with as many bits (31 at most) as the product leaves room for.
[[nodiscard]] Scaling makeScaling(std::span<const double> factors, ScaleRule rule,
                                  std::int64_t largest);
/// LiteRT's multipliers of 31 bits (Twice, TwiceUp, HalfUp) or its float32 factors (Float).
[[nodiscard]] Scaling makeLiteRtScaling(std::span<const double> factors, ScaleRule rule);

/// product / 2^shift rounded by one of the exact rules; shift 0 … 62.
[[nodiscard]] std::int64_t shiftRight(std::int64_t product, int shift, ScaleRule rule);
/// One number of channel `channel`.
[[nodiscard]] std::int64_t scaled(const Scaling& scaling, std::size_t channel, std::int64_t x);

/// From exact numbers to codes: code = clip(scaled(x) + zero, low, high), or by thresholds.
struct Requantization {
    Scaling scaling;
    std::int64_t zero = 0, low = 0, high = 0;
    /// Ascending; if not empty: code = levels[number of thresholds ≤ x], and nothing else counts.
    std::vector<std::int64_t> thresholds;
    std::vector<std::int64_t> levels;
};

/// Row of numbers of channels first, first + 1, … to codes, in place.
void requantize(const Requantization& rule, std::int64_t* values, std::size_t count,
                std::size_t first);

} // namespace bitscape::graph
