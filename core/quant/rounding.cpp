// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/rounding.h"

#include "core/base/rng.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <numbers>

namespace bitscape::quant {

namespace {

constexpr std::array<std::string_view, 6> kRoundings{"half_even", "half_away", "floor",
                                                     "zero",      "ceil",      "stochastic"};
constexpr std::array<std::string_view, 3> kOverflows{"saturate", "wrap", "saturate_symmetric"};

template <class Enumeration, std::size_t count>
std::optional<Enumeration> byName(const std::array<std::string_view, count>& names,
                                  std::string_view name)
{
    const auto found = std::ranges::find(names, name);
    return found == names.end() ? std::nullopt
                                : std::optional(static_cast<Enumeration>(found - names.begin()));
}

float clip(float value, float low, float high)
{
    const float raised = value < low ? low : value; // in this form NaN passes through
    return raised > high ? high : raised;
}

/// The code whose `bits` low bits are those of `code`.
float wrapped(float code, const CodeRange& range)
{
    const double modulus = std::exp2(range.bits);
    const double origin = range.low < 0.0F ? -modulus / 2.0 : 0.0;
    const double above = static_cast<double>(code) - origin;
    return static_cast<float>(above - std::floor(above / modulus) * modulus + origin);
}

} // namespace

std::span<const std::string_view> roundingNames()
{
    return kRoundings;
}

std::span<const std::string_view> overflowNames()
{
    return kOverflows;
}

std::string_view roundingName(Rounding rounding)
{
    return kRoundings[static_cast<std::size_t>(rounding)];
}

std::optional<Rounding> roundingByName(std::string_view name)
{
    return byName<Rounding>(kRoundings, name);
}

std::optional<Overflow> overflowByName(std::string_view name)
{
    return byName<Overflow>(kOverflows, name);
}

float roundBy(Rounding rounding, float value, float draw)
{
    switch (rounding) {
    case Rounding::HalfEven:
        return roundHalfToEven(value);
    case Rounding::HalfAway:
        return std::round(value);
    case Rounding::Floor:
        return std::floor(value);
    case Rounding::Zero:
        return std::trunc(value);
    case Rounding::Ceil:
        return std::ceil(value);
    case Rounding::Stochastic:
        return roundStochastically(value, 1.0F, draw);
    }
    return value;
}

float lowestCode(Overflow overflow, const CodeRange& range)
{
    return overflow == Overflow::SaturateSymmetric ? std::max(range.low, -range.high) : range.low;
}

float confine(Overflow overflow, float code, const CodeRange& range)
{
    if (overflow == Overflow::Wrap && std::isfinite(code)) {
        code = wrapped(code, range);
    }
    return clip(code, lowestCode(overflow, range), range.high);
}

bool CodeRule::isPlain() const
{
    return rounding == Rounding::HalfEven && overflow == Overflow::Saturate;
}

CodeRule CodeRule::at(bool training) const
{
    const bool draws = rounding == Rounding::Stochastic && training;
    return {rounding == Rounding::Stochastic && !draws ? Rounding::HalfEven : rounding, overflow};
}

void CodeRule::codes(const float* values, float* codes, std::int64_t count, const CodeRange& range,
                     std::uint64_t seed, std::int64_t first) const
{
    for (std::int64_t i = 0; i < count; ++i) {
        const float value = std::fpclassify(values[i]) == FP_SUBNORMAL ? 0.0F : values[i];
        const float draw = rounding == Rounding::Stochastic
                               ? uniformAt(seed, static_cast<std::uint64_t>(first + i))
                               : 0.0F;
        codes[i] = confine(overflow, roundBy(rounding, value, draw), range) + 0.0F;
    }
}

float roundStochastically(float value, float precision, float draw)
{
    const float density = 1.0F / precision;
    const float scaled = value * density;
    const float below = std::floor(scaled);
    return (scaled - below < draw ? below : std::ceil(scaled)) / density;
}

float logarithm2(float value)
{
    // Rounded once from double: the value a correctly rounded float32 logarithm has.
    return static_cast<float>(std::log(static_cast<double>(value))) / std::numbers::ln2_v<float>;
}

float nearestPowerOfTwo(float value)
{
    constexpr std::int32_t kMantissaBits = 23;
    constexpr std::int32_t kMantissaMask = (1 << kMantissaBits) - 1;
    constexpr std::int32_t kSqrt2 = 0x3504F3; ///< mantissa of √2
    constexpr std::int32_t kNear = 1024;      ///< where the rounding of logarithm2() may decide
    constexpr std::int32_t kLeast = 1 << kMantissaBits;  ///< 2^−126
    constexpr std::int32_t kMost = 254 << kMantissaBits; ///< 2^127
    const float moved = value + kEpsilon;
    const auto bits = std::bit_cast<std::int32_t>(moved);
    if (bits >= kLeast && bits < kMost && std::abs((bits & kMantissaMask) - kSqrt2) > kNear) {
        return std::bit_cast<float>((bits + (kMantissaMask - kSqrt2)) & ~kMantissaMask);
    }
    return std::exp2(roundHalfToEven(logarithm2(moved)));
}

float stochasticExponent(float value, float draw)
{
    const float nearest = roundHalfToEven(logarithm2(value + kEpsilon));
    const float left = std::exp2(nearest) > value ? nearest - 1.0F : nearest;
    const float low = std::exp2(left);
    const float threshold = low + low * draw; // uniform between 2^left and 2^(left + 1)
    return value < threshold ? left : left + 1.0F;
}

} // namespace bitscape::quant
