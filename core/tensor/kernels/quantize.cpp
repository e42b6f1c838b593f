// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tensor/kernels/quantize.h"

#include <bit>
#include <cmath>
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

constexpr std::uint32_t kMantissaMask = 0x7FFFFFU;
constexpr std::uint32_t kOne = 0x3F800000U;
constexpr float kSmallest = 1e-7F; ///< Keras' epsilon

float logarithm2(float x)
{
    constexpr float kLn2 = 0.693147182464599609375F;
    return static_cast<float>(std::log(static_cast<double>(x))) / kLn2;
}

inline float magnitude(float x, const PowerOfTwoGrid& grid)
{
    const float a = x < 0.0F ? -x * grid.negativeFactor : x;
    const float capped = a >= grid.maxValue ? grid.maxValue : a;
    return grid.quadratic ? __builtin_sqrtf(capped) : capped;
}

/// 2^exponent for −126 … 127; 0 below, infinity above.
inline float powerOfTwo(int exponent)
{
    const int low = exponent < -127 ? -127 : exponent;
    const int high = low > 128 ? 128 : low;
    return std::bit_cast<float>(static_cast<std::uint32_t>(high + 127) << 23U);
}

inline float signedPower(float x, int rounded, const PowerOfTwoGrid& grid)
{
    const float a = x < 0.0F ? -x * grid.negativeFactor : x;
    const int low = rounded < grid.lowest ? grid.lowest : rounded;
    const int clipped = low > grid.highest ? grid.highest : low;
    const int exponent = a < kSmallest ? grid.lowest : (grid.quadratic ? 2 * clipped : clipped);
    const float power = powerOfTwo(exponent);
    const float value = x < 0.0F && grid.negativeFactor != 0.0F ? -power : power;
    return x != x ? x : value;
}

/// Where the mantissa lies so near to a switch point of the rounding that the float32 arithmetic of
/// ln(x)/ln 2 decides, the exponent is computed by it; everywhere else the bits tell it.
bool isNearSwitch(float b, bool floor)
{
    constexpr float kSqrt2 = 1.41421356F;
    constexpr float kZone = 1e-4F;
    const float mantissa =
        std::bit_cast<float>((std::bit_cast<std::uint32_t>(b) & kMantissaMask) | kOne);
    return floor ? mantissa < 1.0F + kZone || mantissa > 2.0F - kZone
                 : __builtin_fabsf(mantissa - kSqrt2) < kZone;
}

inline int exponentByBits(float b, bool floor)
{
    constexpr std::uint32_t kSqrt2Mantissa = 0x3504F3U;
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(b);
    const int exponent = static_cast<int>((bits >> 23U) & 0xFFU) - 127;
    const int up = !floor && (bits & kMantissaMask) > kSqrt2Mantissa ? 1 : 0;
    return exponent + up;
}

int exponentByLogarithm(float b, bool floor)
{
    const float l = logarithm2(b);
    return static_cast<int>(floor ? std::floor(l) : std::nearbyint(l));
}

inline float awayCode(float x, float step, float top)
{
    const float code = floorOf(__builtin_fabsf(x) / step + 0.5F);
    const float size = code >= top ? top : code;
    const float value = x < 0.0F ? -size : size;
    return x == 0.0F ? 0.0F : value;
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
    BITSCAPE_INDEPENDENT
    for (std::ptrdiff_t i = 0; i < count; ++i) {
        const float p = x[i] * g.inverse;
        const float code = clip(rne(p), 0.0F, g.high) + clip(rne(p * g.slope), g.low, 0.0F);
        const float value = code * g.step + kPlusZero;
        y[i] = value > g.bound ? g.bound : value;
    }
}

void quantizeSign(const float* x, float* y, std::ptrdiff_t count, float negative, float positive)
{
    BITSCAPE_INDEPENDENT
    for (std::ptrdiff_t i = 0; i < count; ++i) {
        const float value = x[i] < 0.0F ? negative : positive;
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
    constexpr std::ptrdiff_t kBlock = 256;
    const PowerOfTwoGrid g = grid;
    int exponents[kBlock];
    for (std::ptrdiff_t first = 0; first < count; first += kBlock) {
        const std::ptrdiff_t size = count - first < kBlock ? count - first : kBlock;
        const float* from = x + first;
        int near = 0;
        BITSCAPE_INDEPENDENT
        for (std::ptrdiff_t i = 0; i < size; ++i) {
            const float b = magnitude(from[i], g);
            exponents[i] = exponentByBits(b, g.floor);
            near += isNearSwitch(b, g.floor) ? 1 : 0;
        }
        for (std::ptrdiff_t i = 0; near > 0 && i < size; ++i) {
            const float b = magnitude(from[i], g);
            if (isNearSwitch(b, g.floor) && b > 0.0F && b <= std::numeric_limits<float>::max()) {
                exponents[i] = exponentByLogarithm(b, g.floor);
            }
        }
        BITSCAPE_INDEPENDENT
        for (std::ptrdiff_t i = 0; i < size; ++i) {
            y[first + i] = signedPower(from[i], exponents[i], g);
        }
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
