// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

// The roundings of core/quant, by name. README.md says which quantizer uses which.
namespace bitscape::quant {

/// How a value becomes a whole number: the parameter `rounding`.
enum class Rounding {
    HalfEven,  ///< nearest, ties to the even one
    HalfAway,  ///< nearest, ties away from zero
    Floor,     ///< towards minus infinity (truncation of two's complement)
    Zero,      ///< towards zero
    Ceil,      ///< towards plus infinity
    Stochastic ///< up with the probability of the fraction; HalfEven at inference
};

/// What becomes of a code beyond the range: the parameter `overflow`.
enum class Overflow {
    Saturate,         ///< the nearest code of the range
    Wrap,             ///< modulo 2^bits, as if the upper bits were dropped
    SaturateSymmetric ///< the nearest code, and the lowest is minus the highest
};

/// 'half_even', 'half_away', …: the texts of the parameters, in the order of the enumerations.
[[nodiscard]] std::span<const std::string_view> roundingNames();
[[nodiscard]] std::span<const std::string_view> overflowNames();
[[nodiscard]] std::string_view roundingName(Rounding rounding);
/// nullopt for an unknown name.
[[nodiscard]] std::optional<Rounding> roundingByName(std::string_view name);
[[nodiscard]] std::optional<Overflow> overflowByName(std::string_view name);

/// Codes low … high of a grid whose hardware word has `bits` bits, two's complement where low < 0.
struct CodeRange {
    float low = 0.0F;
    float high = 0.0F;
    int bits = 8;
};

/// value as a whole number; NaN and infinities stay. draw: uniform in [0, 1), used by Stochastic
/// alone.
[[nodiscard]] float roundBy(Rounding rounding, float value, float draw);
/// The lowest code that is used.
[[nodiscard]] float lowestCode(Overflow overflow, const CodeRange& range);
/// code within lowestCode() … high. Infinities saturate even where codes wrap, NaN stays.
[[nodiscard]] float confine(Overflow overflow, float code, const CodeRange& range);
/// Rounding and overflow in one.
struct CodeRule {
    Rounding rounding = Rounding::HalfEven;
    Overflow overflow = Overflow::Saturate;

    /// Half to even and saturation: what the fast loops of core/tensor/kernels/quantize.h do.
    [[nodiscard]] bool isPlain() const;
    /// The rule in force: Stochastic draws only while training.
    [[nodiscard]] CodeRule at(bool training) const;
    /// codes[i] = confine(roundBy(values[i])); may be in place. Denormals count as 0, zeros are +0.
    /// first: index of values[0] in the tensor, for the draws uniformAt(seed, index).
    void codes(const float* values, float* codes, std::int64_t count, const CodeRange& range,
               std::uint64_t seed, std::int64_t first) const;
};

/// Nearest whole number, ties to the even one. Adding and subtracting 2^23 rounds the magnitudes
/// below it without a call; larger ones are whole.
[[nodiscard]] inline float roundHalfToEven(float value)
{
    constexpr float kAllWhole = 0x1p23F;
    const float size = std::abs(value);
    return size < kAllWhole ? std::copysign((size + kAllWhole) - kAllWhole, value) : value;
}

/// value on multiples of `precision`: up with the probability of the part above the lower multiple.
/// draw: uniform in [0, 1).
[[nodiscard]] float roundStochastically(float value, float precision, float draw);

/// log2 as QKeras computes it: ln(value) / ln 2 in float32.
[[nodiscard]] float logarithm2(float value);

/// 2^rne(log2(value + 1e-7)): never below 2^−23.
[[nodiscard]] float nearestPowerOfTwo(float value);

/// An exponent e drawn so that the mean of 2^e is `value` (> 0).
[[nodiscard]] float stochasticExponent(float value, float draw);

/// Keras' epsilon, as QKeras adds it to denominators and logarithms.
inline constexpr float kEpsilon = 1e-7F;

} // namespace bitscape::quant
