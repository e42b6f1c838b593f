// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tensor/kernels/quantize.h"

#include <bit>
#include <cstdint>
#include <limits>

// Iterations are independent even where the output is the input, which compilers cannot know.
#if defined(__clang__)
#define BITSCAPE_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define BITSCAPE_INDEPENDENT _Pragma("GCC ivdep")
#endif

namespace bitscape::kernels {

namespace {

/// Half to even. SSE2 has no rounding instruction, and a call per element would be slow there:
/// adding and subtracting 2^23 rounds the magnitudes below it, larger ones are integers already.
inline float rne(float x)
{
#if defined(__SSE4_1__)
    return __builtin_rintf(x);
#else
    constexpr float kFirstInteger = 8388608.0F;
    const float size = __builtin_fabsf(x);
    const float rounded = __builtin_copysignf((size + kFirstInteger) - kFirstInteger, x);
    return size < kFirstInteger ? rounded : x;
#endif
}

/// Floor of a number ≥ 0.
inline float floorOf(float x)
{
    const float nearest = rne(x);
    return nearest > x ? nearest - 1.0F : nearest;
}

/// Written so that NaN passes through.
inline float clip(float x, float low, float high)
{
    const float raised = x < low ? low : x;
    return raised > high ? high : raised;
}

/// Adding +0 turns −0 into +0 and changes nothing else.
constexpr float kPlusZero = 0.0F;

constexpr float kSmallestNormal = std::numeric_limits<float>::min();

/// floor(log2(a)), or its nearest whole number: the switch at 2^(e + 1/2) is no float.
inline int roundedLogarithm(std::uint32_t bits, bool floor)
{
    constexpr std::uint32_t kMantissaMask = 0x7FFFFFU;
    constexpr std::uint32_t kBelowSqrt2 = 0x3504F3U; ///< mantissa of the largest float below √2
    const int exponent = static_cast<int>(bits >> 23U) - 127;
    return exponent + (!floor && (bits & kMantissaMask) > kBelowSqrt2 ? 1 : 0);
}

/// The same of log2(a) / 2. Odd powers of two are ties and go to the even neighbor.
inline int roundedHalfLogarithm(std::uint32_t bits, bool floor)
{
    constexpr std::uint32_t kMantissaMask = 0x7FFFFFU;
    const int exponent = static_cast<int>(bits >> 23U) - 127;
    const int half = exponent >> 1;
    const int odd = exponent & 1;
    const int up = (bits & kMantissaMask) != 0U ? 1 : half & 1;
    return floor ? half : half + odd * up;
}

/// 2^exponent for −126 … 127; 0 below, infinity above.
inline float powerOfTwo(int exponent)
{
    const int low = exponent < -127 ? -127 : exponent;
    const int high = low > 128 ? 128 : low;
    return std::bit_cast<float>(static_cast<std::uint32_t>(high + 127) << 23U);
}

inline float awayCode(float x, float step, float top)
{
    const float code = floorOf(__builtin_fabsf(x) / step + 0.5F);
    const float size = code >= top ? top : code;
    const float value = x < 0.0F ? -size : size;
    return (x == 0.0F ? 0.0F : value) + kPlusZero;
}

template <bool kQuadratic, bool kFloor>
void quantizePowers(const float* x, float* y, std::ptrdiff_t count, const PowerOfTwoGrid& grid)
{
    constexpr float kEpsilon = 1e-7F; // Keras' epsilon
    const PowerOfTwoGrid g = grid;
    const bool countsNegative = g.negativeFactor != 0.0F;
    const float negativeSign = countsNegative ? -1.0F : 1.0F;
    BITSCAPE_INDEPENDENT
    for (std::ptrdiff_t i = 0; i < count; ++i) {
        const float value = x[i];
        const float below = countsNegative ? -value * g.negativeFactor : 0.0F;
        const float size = value < 0.0F ? below : value;
        const auto bits = std::bit_cast<std::uint32_t>(size < g.maxValue ? size : g.maxValue);
        const int rounded =
            kQuadratic ? roundedHalfLogarithm(bits, kFloor) : roundedLogarithm(bits, kFloor);
        const int raised = rounded < g.lowest ? g.lowest : rounded;
        const int clipped = raised > g.highest ? g.highest : raised;
        const int scaled = kQuadratic ? 2 * clipped : clipped;
        const float power = powerOfTwo(size < kEpsilon ? g.lowest : scaled);
        const float level = value <= -kSmallestNormal ? power * negativeSign : power;
        y[i] = value != value ? value : level;
    }
}

} // namespace

void quantizeGrid(const float* x, float* y, std::ptrdiff_t count, const Grid& grid)
{
    const Grid g = grid;
    BITSCAPE_INDEPENDENT
    for (std::ptrdiff_t i = 0; i < count; ++i) {
        y[i] = clip(rne(x[i] * g.inverse), g.low, g.high) * g.step + kPlusZero;
    }
}

void quantizeAffine(const float* x, float* y, std::ptrdiff_t count, const AffineGrid& grid)
{
    const AffineGrid g = grid;
    BITSCAPE_INDEPENDENT
    for (std::ptrdiff_t i = 0; i < count; ++i) {
        y[i] = clip(rne(x[i] / g.scale), g.low, g.high) * g.scale + kPlusZero;
    }
}

void quantizeLeaky(const float* x, float* y, std::ptrdiff_t count, const LeakyGrid& grid)
{
    const LeakyGrid g = grid;
    const bool isLeaky = g.slope != 0.0F; // infinity times a slope of 0 would be NaN
    BITSCAPE_INDEPENDENT
    for (std::ptrdiff_t i = 0; i < count; ++i) {
        const float p = x[i] * g.inverse;
        const float below = isLeaky ? clip(rne(p * g.slope), g.low, 0.0F) : 0.0F;
        const float value = (clip(rne(p), 0.0F, g.high) + below) * g.step + kPlusZero;
        y[i] = value > g.bound ? g.bound : value;
    }
}

void quantizeSign(const float* x, float* y, std::ptrdiff_t count, float negative, float positive)
{
    BITSCAPE_INDEPENDENT
    for (std::ptrdiff_t i = 0; i < count; ++i) {
        const float value = x[i] <= -kSmallestNormal ? negative : positive;
        y[i] = x[i] != x[i] ? x[i] : value;
    }
}

void quantizeTernary(const float* x, float* y, std::ptrdiff_t count, float threshold, float level)
{
    BITSCAPE_INDEPENDENT
    for (std::ptrdiff_t i = 0; i < count; ++i) {
        const float away = x[i] < 0.0F ? -level : level;
        const float value = __builtin_fabsf(x[i]) >= threshold && x[i] != 0.0F ? away : 0.0F;
        y[i] = x[i] != x[i] ? x[i] : value;
    }
}

void quantizePowerOfTwo(const float* x, float* y, std::ptrdiff_t count, const PowerOfTwoGrid& grid)
{
    if (grid.quadratic) {
        grid.floor ? quantizePowers<true, true>(x, y, count, grid)
                   : quantizePowers<true, false>(x, y, count, grid);
    } else {
        grid.floor ? quantizePowers<false, true>(x, y, count, grid)
                   : quantizePowers<false, false>(x, y, count, grid);
    }
}

void roundAwayByChannel(const float* x, float* z, std::ptrdiff_t rows, std::ptrdiff_t channels,
                        float factor, const float* step, float top)
{
    if (channels == 1) {
        const float only = step[0];
        BITSCAPE_INDEPENDENT
        for (std::ptrdiff_t i = 0; i < rows; ++i) {
            z[i] = awayCode(x[i] * factor, only, top);
        }
        return;
    }
    for (std::ptrdiff_t r = 0; r < rows; ++r) {
        BITSCAPE_INDEPENDENT
        for (std::ptrdiff_t c = 0; c < channels; ++c) {
            const std::ptrdiff_t i = r * channels + c;
            z[i] = awayCode(x[i] * factor, step[c], top);
        }
    }
}

void roundEvenByChannel(const float* x, float* z, std::ptrdiff_t rows, std::ptrdiff_t channels,
                        const float* step, float low, float high)
{
    if (channels == 1) {
        const float only = step[0];
        BITSCAPE_INDEPENDENT
        for (std::ptrdiff_t i = 0; i < rows; ++i) {
            z[i] = clip(rne(x[i] / only), low, high) + kPlusZero;
        }
        return;
    }
    for (std::ptrdiff_t r = 0; r < rows; ++r) {
        BITSCAPE_INDEPENDENT
        for (std::ptrdiff_t c = 0; c < channels; ++c) {
            const std::ptrdiff_t i = r * channels + c;
            z[i] = clip(rne(x[i] / step[c]), low, high) + kPlusZero;
        }
    }
}

void scaleByChannel(const float* z, float* y, std::ptrdiff_t rows, std::ptrdiff_t channels,
                    const float* step)
{
    if (channels == 1) {
        const float only = step[0];
        BITSCAPE_INDEPENDENT
        for (std::ptrdiff_t i = 0; i < rows; ++i) {
            y[i] = z[i] * only + kPlusZero;
        }
        return;
    }
    for (std::ptrdiff_t r = 0; r < rows; ++r) {
        BITSCAPE_INDEPENDENT
        for (std::ptrdiff_t c = 0; c < channels; ++c) {
            const std::ptrdiff_t i = r * channels + c;
            y[i] = z[i] * step[c] + kPlusZero;
        }
    }
}

void maxAbsByChannel(const float* x, std::ptrdiff_t rows, std::ptrdiff_t channels, float* largest)
{
    for (std::ptrdiff_t r = 0; r < rows; ++r) {
        BITSCAPE_INDEPENDENT
        for (std::ptrdiff_t c = 0; c < channels; ++c) {
            const float size = __builtin_fabsf(x[r * channels + c]);
            largest[c] = size > largest[c] ? size : largest[c];
        }
    }
}

void sumProductsByChannel(const float* x, const float* z, std::ptrdiff_t rows,
                          std::ptrdiff_t channels, float factor, double* xz, double* zz)
{
    for (std::ptrdiff_t r = 0; r < rows; ++r) {
        BITSCAPE_INDEPENDENT
        for (std::ptrdiff_t c = 0; c < channels; ++c) {
            const std::ptrdiff_t i = r * channels + c;
            const double code = z[i];
            xz[c] += static_cast<double>(x[i] * factor) * code;
            zz[c] += code * code;
        }
    }
}

void blend(const float* x, float* y, std::ptrdiff_t count, float share)
{
    const float rest = 1.0F - share;
    BITSCAPE_INDEPENDENT
    for (std::ptrdiff_t i = 0; i < count; ++i) {
        y[i] = rest * x[i] + share * y[i];
    }
}

void leakyRelu(const float* x, float* y, std::ptrdiff_t count, float slope, float cap)
{
    BITSCAPE_INDEPENDENT
    for (std::ptrdiff_t i = 0; i < count; ++i) {
        const float value = x[i] < 0.0F ? x[i] * slope : x[i];
        y[i] = (x[i] > cap ? cap : value) + kPlusZero;
    }
}

void leakyReluGradient(const float* x, const float* g, float* dx, std::ptrdiff_t count, float slope,
                       float cap)
{
    BITSCAPE_INDEPENDENT
    for (std::ptrdiff_t i = 0; i < count; ++i) {
        const float passed = x[i] > 0.0F ? g[i] : g[i] * slope;
        dx[i] = x[i] <= cap ? passed : 0.0F;
    }
}

void clipGradient(const float* x, const float* g, float* dx, std::ptrdiff_t count, float low,
                  float high)
{
    BITSCAPE_INDEPENDENT
    for (std::ptrdiff_t i = 0; i < count; ++i) {
        const float upstream = g[i];
        const float fromLow = x[i] >= low ? upstream : 0.0F;
        dx[i] = x[i] <= high ? fromLow : 0.0F;
    }
}

} // namespace bitscape::kernels
