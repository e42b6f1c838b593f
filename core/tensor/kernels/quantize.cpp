// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tensor/kernels/quantize.h"

#include "core/tensor/kernels/vector_rounding.h"

#include <algorithm>
#include <limits>

namespace bitscape::kernels {

namespace {

/// Adding +0 turns −0 into +0 and changes nothing else.
constexpr float kPlusZero = 0.0F;

constexpr float kSmallestNormal = std::numeric_limits<float>::min();
constexpr std::int32_t kMantissaBits = 23;
constexpr std::int32_t kMantissaMask = 0x7FFFFF;
constexpr std::int32_t kBias = 127;

/// 2^floor(log2(a)) in bits, or that of the nearest whole number: the switch at 2^(e + 1/2) is no
/// float.
template <bool kFloor>
BITSCAPE_INLINE IntVector powerBits(IntVector bits)
{
    constexpr std::int32_t kBelowSqrt2 = 0x3504F3; ///< mantissa of the largest float below √2
    return (kFloor ? bits : bits + (kMantissaMask - kBelowSqrt2)) & ~kMantissaMask;
}

/// The same of twice log2(a) / 2. Odd powers of two are ties and go to the even neighbor.
template <bool kFloor>
BITSCAPE_INLINE IntVector evenPowerBits(IntVector bits)
{
    const IntVector exponent = (bits >> kMantissaBits) - kBias;
    const IntVector half = exponent >> 1;
    const IntVector odd = exponent & 1;
    const IntVector isMore = ((bits & kMantissaMask) + kMantissaMask) >> kMantissaBits;
    const IntVector rounded = kFloor ? half : half + (odd & (isMore | half));
    return (2 * rounded + kBias) << kMantissaBits;
}

/// 2^exponent for −126 … 127; 0 below, infinity above.
float powerOfTwo(int exponent)
{
    const int kept = std::clamp(exponent, -kBias, kBias + 1);
    return std::bit_cast<float>((kept + kBias) << kMantissaBits);
}

enum class Negative { Same, Scaled, Lowest }; ///< factor 1, another one, 0

template <bool kQuadratic, bool kFloor, Negative kNegative>
void quantizePowers(const float* x, float* y, std::ptrdiff_t count, const PowerOfTwoGrid& grid)
{
    constexpr float kEpsilon = 1e-7F; // Keras' epsilon
    const int twice = kQuadratic ? 2 : 1;
    const float factor = grid.negativeFactor;
    const Vector maxValue = broadcast(grid.maxValue);
    const Vector least = broadcast(powerOfTwo(grid.lowest));
    const Vector low = broadcast(powerOfTwo(twice * grid.lowest));
    const Vector high = broadcast(powerOfTwo(twice * grid.highest));
    mapVectors(
        x, y, count, [=](Vector value) __attribute__((always_inline)) {
            Vector size = sizeOf(value);
            if constexpr (kNegative == Negative::Scaled) {
                size = value < 0.0F ? size * factor : size;
            } else if constexpr (kNegative == Negative::Lowest) {
                size = value < 0.0F ? Vector{} : size;
            }
            const IntVector bits = bitsOf(atMost(size, maxValue));
            const Vector power =
                floatsOf(kQuadratic ? evenPowerBits<kFloor>(bits) : powerBits<kFloor>(bits));
            Vector level = within(low, high, power);
            level = size < kEpsilon ? least : level;
            if constexpr (kNegative != Negative::Lowest) {
                level = value <= -kSmallestNormal ? -level : level;
            }
            return value != value ? value : level;
        });
}

template <bool kQuadratic, bool kFloor>
void quantizePowers(const float* x, float* y, std::ptrdiff_t count, const PowerOfTwoGrid& grid)
{
    if (grid.negativeFactor == 1.0F) {
        quantizePowers<kQuadratic, kFloor, Negative::Same>(x, y, count, grid);
    } else if (grid.negativeFactor == 0.0F) {
        quantizePowers<kQuadratic, kFloor, Negative::Lowest>(x, y, count, grid);
    } else {
        quantizePowers<kQuadratic, kFloor, Negative::Scaled>(x, y, count, grid);
    }
}

} // namespace

void quantizeGrid(const float* x, float* y, std::ptrdiff_t count, const Grid& grid)
{
    const Grid g = grid;
    const Vector low = broadcast(g.low);
    const Vector high = broadcast(g.high);
    mapVectors(
        x, y, count, [=](Vector value) __attribute__((always_inline)) {
            return within(low, high, roundedEven(value * g.inverse)) * g.step + kPlusZero;
        });
}

void quantizeAffine(const float* x, float* y, std::ptrdiff_t count, const AffineGrid& grid)
{
    const AffineGrid g = grid;
    const Vector low = broadcast(g.low);
    const Vector high = broadcast(g.high);
    mapVectors(
        x, y, count, [=](Vector value) __attribute__((always_inline)) {
            return within(low, high, roundedEven(value / g.scale)) * g.scale + kPlusZero;
        });
}

void quantizeLeaky(const float* x, float* y, std::ptrdiff_t count, const LeakyGrid& grid)
{
    const LeakyGrid g = grid;
    const bool isLeaky = g.slope != 0.0F; // infinity times a slope of 0 would be NaN
    const Vector low = broadcast(g.low);
    const Vector high = broadcast(g.high);
    const Vector bound = broadcast(g.bound);
    mapVectors(
        x, y, count, [=](Vector value) __attribute__((always_inline)) {
            const Vector p = value * g.inverse;
            const Vector below =
                isLeaky ? within(low, Vector{}, roundedEven(p * g.slope)) : Vector{};
            const Vector level =
                (within(Vector{}, high, roundedEven(p)) + below) * g.step + kPlusZero;
            return atMost(bound, level);
        });
}

void quantizeSign(const float* x, float* y, std::ptrdiff_t count, float negative, float positive)
{
    const Vector below = broadcast(negative);
    const Vector above = broadcast(positive);
    mapVectors(
        x, y, count, [=](Vector value) __attribute__((always_inline)) {
            const Vector level = value <= -kSmallestNormal ? below : above;
            return value != value ? value : level;
        });
}

void quantizeTernary(const float* x, float* y, std::ptrdiff_t count, float threshold, float level)
{
    const Vector below = broadcast(-level);
    const Vector above = broadcast(level);
    mapVectors(
        x, y, count, [=](Vector value) __attribute__((always_inline)) {
            const Vector away = value < 0.0F ? below : above;
            const Vector rounded = sizeOf(value) >= threshold ? away : Vector{};
            const Vector kept = value == 0.0F ? Vector{} : rounded;
            return value != value ? value : kept;
        });
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

void blend(const float* x, float* y, std::ptrdiff_t count, float share)
{
    const float rest = 1.0F - share;
    mapVectors(
        x, y, y, count, [=](Vector from, Vector to) __attribute__((always_inline)) {
            return rest * from + share * to;
        });
}

void leakyRelu(const float* x, float* y, std::ptrdiff_t count, float slope, float cap)
{
    const Vector most = broadcast(cap);
    mapVectors(
        x, y, count, [=](Vector value) __attribute__((always_inline)) {
            const Vector sloped = value < 0.0F ? value * slope : value;
            return (value > most ? most : sloped) + kPlusZero;
        });
}

void leakyReluGradient(const float* x, const float* g, float* dx, std::ptrdiff_t count, float slope,
                       float cap)
{
    mapVectors(
        x, g, dx, count, [=](Vector value, Vector upstream) __attribute__((always_inline)) {
            const Vector passed = value > 0.0F ? upstream : upstream * slope;
            return value <= cap ? passed : Vector{};
        });
}

void multiplyBy(const float* x, float* y, std::ptrdiff_t count, float factor)
{
    mapVectors(
        x, y, count, [=](Vector value) __attribute__((always_inline)) { return value * factor; });
}

void clipGradient(const float* x, const float* g, float* dx, std::ptrdiff_t count, float low,
                  float high)
{
    mapVectors(
        x, g, dx, count, [=](Vector value, Vector upstream) __attribute__((always_inline)) {
            const Vector fromLow = value >= low ? upstream : Vector{};
            return value <= high ? fromLow : Vector{};
        });
}

} // namespace bitscape::kernels
