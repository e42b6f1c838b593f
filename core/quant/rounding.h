// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The roundings of core/quant, by name. README.md says which quantizer uses which.
namespace bitscape::quant {

/// Nearest whole number, ties to the even one.
[[nodiscard]] float roundHalfToEven(float value);

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
