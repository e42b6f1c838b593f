// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Plain twins of core/tensor/kernels/quantize.h: one element at a time, as the formulas read.

#include "core/tensor/kernels/quantize.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace bitscape::twin {

inline float clip(float value, float low, float high)
{
    return std::isnan(value) ? value : std::min(std::max(value, low), high);
}

inline float quantizeGrid(float x, const kernels::Grid& g)
{
    return clip(std::nearbyint(x * g.inverse), g.low, g.high) * g.step;
}

inline float quantizeAffine(float x, const kernels::AffineGrid& g)
{
    return clip(std::nearbyint(x / g.scale), g.low, g.high) * g.scale;
}

inline float quantizeLeaky(float x, const kernels::LeakyGrid& g)
{
    const float p = x * g.inverse;
    const float up = clip(std::nearbyint(p), 0.0F, g.high);
    const float down = g.slope == 0.0F ? 0.0F : clip(std::nearbyint(p * g.slope), g.low, 0.0F);
    const float value = (up + down) * g.step;
    return std::isnan(value) ? value : std::min(value, g.bound);
}

inline float quantizeSign(float x, float negative, float positive)
{
    if (std::isnan(x)) {
        return x;
    }
    return std::isnormal(x) || std::isinf(x) ? (x < 0.0F ? negative : positive) : positive;
}

inline float quantizeTernary(float x, float threshold, float level)
{
    if (std::isnan(x)) {
        return x;
    }
    return x != 0.0F && std::abs(x) >= threshold ? std::copysign(level, x) : 0.0F;
}

inline float quantizePowerOfTwo(float x, const kernels::PowerOfTwoGrid& g)
{
    constexpr float kEpsilon = 1e-7F;
    if (std::isnan(x)) {
        return x;
    }
    const bool isNegative = x < 0.0F && (std::isnormal(x) || std::isinf(x));
    const float below = g.negativeFactor == 0.0F ? 0.0F : -x * g.negativeFactor;
    const float size = x < 0.0F ? below : x;
    double exponent = g.lowest;
    if (!(size < kEpsilon)) {
        const double limited = std::min(size, g.maxValue);
        const double log = std::log2(limited) / (g.quadratic ? 2.0 : 1.0);
        const double rounded = g.floor ? std::floor(log) : std::nearbyint(log);
        exponent =
            std::clamp(rounded, static_cast<double>(g.lowest), static_cast<double>(g.highest)) *
            (g.quadratic ? 2.0 : 1.0);
    }
    const auto power = static_cast<float>(std::exp2(exponent));
    const float level = std::isnormal(power) || std::isinf(power) ? power : 0.0F;
    return isNegative && g.negativeFactor != 0.0F ? -level : level;
}

inline float roundAway(float x, float factor, float step, float top)
{
    const float scaled = x * factor;
    if (scaled == 0.0F) {
        return 0.0F;
    }
    const float code = std::floor(std::abs(scaled) / step + 0.5F);
    return std::isnan(code) ? code : std::copysign(std::min(code, top), scaled);
}

/// The sign where |x| / step rounds to 1 or more.
inline float ternaryCode(float x, float step)
{
    const float size = std::abs(step * std::nearbyint(x / step)) >= step / 2.0F ? 1.0F : 0.0F;
    return std::isnan(x) ? x : std::copysign(size, x);
}

inline float roundEven(float x, float step, float low, float high)
{
    return clip(std::nearbyint(x / step), low, high);
}

inline float leakyRelu(float x, float slope, float cap)
{
    return x > cap ? cap : (x < 0.0F ? x * slope : x);
}

inline float leakyReluGradient(float x, float g, float slope, float cap)
{
    return x <= cap ? (x > 0.0F ? g : g * slope) : 0.0F;
}

inline float clipGradient(float x, float g, float low, float high)
{
    return x >= low && x <= high ? g : 0.0F;
}

} // namespace bitscape::twin
