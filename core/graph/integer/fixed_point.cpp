// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/integer/fixed_point.h"

#include "core/base/error.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

namespace bitscape::graph {

namespace {

constexpr int kLongestShift = 62;
constexpr int kMultiplierBits = 31;

constexpr std::array<std::string_view, 3> kKernelNames{"reference", "optimised", "xnnpack"};

/// factor = mantissa · 2^exponent with a mantissa of `bits` bits; exact powers of two have 1.
void addFactor(double factor, int bits, Scaling& out)
{
    ensure(factor > 0.0 && std::isfinite(factor), "fixed_point: a factor that is not above 0");
    int exponent = 0;
    const double fraction = std::frexp(factor, &exponent); // 0.5 … 1
    if (fraction == 0.5) {
        out.multipliers.push_back(1);
        out.exponents.push_back(exponent - 1);
        return;
    }
    auto mantissa = std::llround(std::ldexp(fraction, bits));
    exponent -= bits;
    if (mantissa == std::int64_t{1} << bits) { // rounded up to the next power
        mantissa /= 2;
        ++exponent;
    }
    out.multipliers.push_back(static_cast<std::int32_t>(mantissa));
    out.exponents.push_back(exponent);
}

std::int64_t shiftLeft(std::int64_t value, int shift)
{
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(value) << shift);
}

/// LiteRT's arithmetic for x of 32 bits.
std::int64_t twiceRounded(std::int64_t x, std::int32_t multiplier, int exponent, ScaleRule second)
{
    const int shift = exponent + kMultiplierBits;
    const std::int64_t lifted = shift > 0 ? shiftLeft(x, shift) : x;
    const std::int64_t product = lifted * multiplier;
    const std::int64_t half = std::int64_t{1} << (kMultiplierBits - 1);
    // Ties of the first rounding go upwards for positive, towards zero for negative products.
    const std::int64_t nudged = product + (product >= 0 ? half : 1 - half);
    const std::int64_t high = nudged / (std::int64_t{1} << kMultiplierBits);
    return shift < 0 ? shiftRight(high, std::min(-shift, kLongestShift), second) : high;
}

std::int64_t floatScaled(std::int64_t x, float factor)
{
    const float product = static_cast<float>(x) * factor;
    constexpr float kLimit = 1 << 30; // whatever lies beyond is clipped by the caller
    return std::llrint(std::clamp(product, -kLimit, kLimit));
}

} // namespace

std::span<const std::string_view> liteRtKernelNames()
{
    return kKernelNames;
}

ScaleRule ruleFor(quant::Rounding rounding)
{
    switch (rounding) {
    case quant::Rounding::HalfEven:
    case quant::Rounding::Stochastic: // at inference
        return ScaleRule::HalfEven;
    case quant::Rounding::HalfAway:
        return ScaleRule::HalfAway;
    case quant::Rounding::Floor:
        return ScaleRule::Floor;
    case quant::Rounding::Zero:
        return ScaleRule::Zero;
    case quant::Rounding::Ceil:
        return ScaleRule::Ceil;
    }
    return ScaleRule::HalfEven;
}

Scaling makeScaling(std::span<const double> factors, ScaleRule rule, std::int64_t largest)
{
    const auto bound = static_cast<std::uint64_t>(std::max<std::int64_t>(largest, 1));
    const int width = static_cast<int>(std::bit_width(bound));
    Scaling out;
    out.rule = rule;
    for (const double factor : factors) {
        addFactor(factor, std::clamp(kLongestShift - width, 2, kMultiplierBits), out);
    }
    return out;
}

Scaling makeLiteRtScaling(std::span<const double> factors, ScaleRule rule)
{
    Scaling out;
    out.rule = rule;
    for (const double factor : factors) {
        if (rule == ScaleRule::Float) {
            out.factors.push_back(static_cast<float>(factor));
            continue;
        }
        int exponent = 0;
        auto mantissa = std::llround(std::ldexp(std::frexp(factor, &exponent), kMultiplierBits));
        if (mantissa == std::int64_t{1} << kMultiplierBits) {
            mantissa /= 2;
            ++exponent;
        }
        out.multipliers.push_back(static_cast<std::int32_t>(mantissa));
        out.exponents.push_back(exponent - kMultiplierBits);
    }
    return out;
}

std::int64_t shiftRight(std::int64_t product, int shift, ScaleRule rule)
{
    if (shift == 0) {
        return product;
    }
    const std::int64_t below = product >> shift;
    const std::int64_t rest = product - shiftLeft(below, shift);
    const std::int64_t half = std::int64_t{1} << (shift - 1);
    switch (rule) {
    case ScaleRule::HalfEven:
        return below + (rest > half || (rest == half && (below & 1) != 0) ? 1 : 0);
    case ScaleRule::HalfAway:
        return below + (rest > half || (rest == half && product >= 0) ? 1 : 0);
    case ScaleRule::HalfUp:
        return below + (rest >= half ? 1 : 0);
    case ScaleRule::Zero:
        return below + (product < 0 && rest != 0 ? 1 : 0);
    case ScaleRule::Ceil:
        return below + (rest != 0 ? 1 : 0);
    case ScaleRule::Floor:
    case ScaleRule::Twice:
    case ScaleRule::TwiceUp:
    case ScaleRule::Float:
        break;
    }
    return below;
}

std::int64_t scaled(const Scaling& scaling, std::size_t channel, std::int64_t x)
{
    if (scaling.rule == ScaleRule::Float) {
        return floatScaled(x, scaling.factors[channel]);
    }
    const std::int32_t multiplier = scaling.multipliers[channel];
    const int exponent = scaling.exponents[channel];
    if (scaling.rule == ScaleRule::Twice || scaling.rule == ScaleRule::TwiceUp) {
        const bool isUp = scaling.rule == ScaleRule::TwiceUp;
        return twiceRounded(x, multiplier, exponent,
                            isUp ? ScaleRule::HalfUp : ScaleRule::HalfAway);
    }
    const std::int64_t product = x * multiplier;
    return exponent >= 0 ? shiftLeft(product, exponent)
                         : shiftRight(product, std::min(-exponent, kLongestShift), scaling.rule);
}

void requantize(const Requantization& rule, std::int64_t* values, std::size_t count,
                std::size_t first)
{
    if (!rule.thresholds.empty()) {
        for (std::size_t i = 0; i < count; ++i) {
            const auto above = std::ranges::upper_bound(rule.thresholds, values[i]);
            values[i] = rule.levels[static_cast<std::size_t>(above - rule.thresholds.begin())];
        }
        return;
    }
    const std::size_t channels = rule.scaling.channels();
    std::size_t channel = first % channels;
    for (std::size_t i = 0; i < count; ++i) {
        const std::int64_t code = scaled(rule.scaling, channel, values[i]) + rule.zero;
        values[i] = std::clamp(code, rule.low, rule.high);
        channel = channel + 1 == channels ? 0 : channel + 1;
    }
}

} // namespace bitscape::graph
