// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/rounding.h"

#include <cmath>
#include <numbers>

namespace bitscape::quant {

float roundHalfToEven(float value)
{
    return std::nearbyint(value);
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
    return std::exp2(roundHalfToEven(logarithm2(value + kEpsilon)));
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
