// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tensor/kernels/kernels.h"
#include "core/tensor/kernels/simd.h"

#include <cmath>

namespace bitscape::kernels {

namespace {

using Integers [[gnu::vector_size(kLanes * sizeof(std::int32_t))]] = std::int32_t;

/// y = f(x) for vectors of x; the lanes beyond the end are computed and thrown away.
template <class Function>
BITSCAPE_INLINE void map(const float* x, Index count, float* y, Function f)
{
    Index i = 0;
    for (; i + kLanes <= count; i += kLanes) {
        store(y + i, f(load(x + i)));
    }
    if (i < count) {
        const int rest = static_cast<int>(count - i);
        storePart(y + i, f(loadPart(x + i, rest)), rest);
    }
}

/// dx = f(x, dy).
template <class Function>
BITSCAPE_INLINE void map2(const float* x, const float* dy, Index count, float* dx, Function f)
{
    Index i = 0;
    for (; i + kLanes <= count; i += kLanes) {
        store(dx + i, f(load(x + i), load(dy + i)));
    }
    if (i < count) {
        const int rest = static_cast<int>(count - i);
        storePart(dx + i, f(loadPart(x + i, rest), loadPart(dy + i, rest)), rest);
    }
}

BITSCAPE_INLINE Vector powerOfTwo(Integers exponent)
{
    return reinterpret_cast<Vector>((exponent + 127) << 23);
}

/// e^x to about one unit in the last place: x = n·ln 2 + r, |r| ≤ ln 2 / 2, and a polynomial in r
/// (coefficients of Cephes' expf). Above 88.72 infinite, below −103.97 zero.
BITSCAPE_INLINE Vector exponentialOf(Vector x)
{
    constexpr float kRoundToInteger = 12582912.0F; // 1.5·2^23: adding it drops the fraction
    const Vector lowest = broadcast(-104.0F);
    const Vector highest = broadcast(89.0F);
    x = x < lowest ? lowest : x;
    x = x > highest ? highest : x;
    const Vector n = (x * 1.44269504088896341F + kRoundToInteger) - kRoundToInteger;
    const Vector r = (x - n * 0.693359375F) + n * 2.12194440e-4F;
    Vector p = broadcast(1.9875691500E-4F);
    p = p * r + 1.3981999507E-3F;
    p = p * r + 8.3334519073E-3F;
    p = p * r + 4.1665795894E-2F;
    p = p * r + 1.6666665459E-1F;
    p = p * r + 5.0000001201E-1F;
    p = p * (r * r) + r + 1.0F;
    // Two factors, since 2^n alone leaves the range of normal numbers at both ends.
    const Integers whole = __builtin_convertvector(n, Integers);
    const Integers half = whole >> 1;
    return p * powerOfTwo(half) * powerOfTwo(whole - half);
}

BITSCAPE_INLINE Vector sigmoidOf(Vector x)
{
    return 1.0F / (1.0F + exponentialOf(-x));
}

BITSCAPE_INLINE Vector absoluteOf(Vector x)
{
    return x < 0.0F ? -x : x;
}

/// Polynomial (coefficients of Cephes' tanhf) near 0, where the quotient would cancel.
BITSCAPE_INLINE Vector tanhOf(Vector x)
{
    const Vector size = absoluteOf(x);
    const Vector quotient = 1.0F - 2.0F / (exponentialOf(2.0F * size) + 1.0F);
    const Vector square = x * x;
    Vector p = broadcast(-5.70498872745E-3F);
    p = p * square + 2.06390887954E-2F;
    p = p * square - 5.37397155531E-2F;
    p = p * square + 1.33314422036E-1F;
    p = p * square - 3.33332819422E-1F;
    const Vector near = x + x * (square * p);
    const Vector far = x < 0.0F ? -quotient : quotient;
    return size < 0.625F ? near : far;
}

constexpr float kInverseSqrt2 = 0.70710678118654752F;
constexpr float kInverseSqrt2Pi = 0.39894228040143268F;

float sumOf(Vector values)
{
    float sum = 0.0F;
    for (int i = 0; i < kLanes; ++i) {
        sum += values[i];
    }
    return sum;
}

} // namespace

void relu(const Relu& f, const float* x, Index count, float* y)
{
    const Vector threshold = broadcast(f.threshold);
    const Vector maximum = broadcast(f.maximum);
    const Vector zero{};
    const bool isCapped = f.maximum > 0.0F;
    map(
        x, count, y, [&](Vector v) __attribute__((always_inline)) {
            const Vector below = f.slope == 0.0F ? zero : f.slope * (v - threshold);
            Vector out = v < threshold ? below : v; // this order lets NaN pass
            if (isCapped) {
                out = out > maximum ? maximum : out;
            }
            return out;
        });
}

void reluGradient(const Relu& f, const float* x, const float* dy, Index count, float* dx)
{
    const Vector threshold = broadcast(f.threshold);
    const Vector maximum = broadcast(f.maximum);
    const Vector zero{};
    const bool isCapped = f.maximum > 0.0F;
    map2(
        x, dy, count, dx, [&](Vector v, Vector g) __attribute__((always_inline)) {
            Vector out = v > threshold ? g : f.slope * g;
            if (isCapped) {
                out = v >= maximum ? zero : out;
            }
            return out;
        });
}

void sigmoid(const float* x, Index count, float* y)
{
    map(
        x, count, y, [](Vector v) __attribute__((always_inline)) { return sigmoidOf(v); });
}

void sigmoidGradient(const float* y, const float* dy, Index count, float* dx)
{
    map2(
        y, dy, count, dx,
        [](Vector v, Vector g) __attribute__((always_inline)) { return g * v * (1.0F - v); });
}

void tanh(const float* x, Index count, float* y)
{
    map(
        x, count, y, [](Vector v) __attribute__((always_inline)) { return tanhOf(v); });
}

void tanhGradient(const float* y, const float* dy, Index count, float* dx)
{
    map2(
        y, dy, count, dx,
        [](Vector v, Vector g) __attribute__((always_inline)) { return g * (1.0F - v * v); });
}

void exponential(const float* x, Index count, float* y)
{
    map(
        x, count, y, [](Vector v) __attribute__((always_inline)) { return exponentialOf(v); });
}

void exponentialGradient(const float* y, const float* dy, Index count, float* dx)
{
    map2(
        y, dy, count, dx, [](Vector v, Vector g) __attribute__((always_inline)) { return g * v; });
}

void hardSigmoid(float slope, const float* x, Index count, float* y)
{
    const Vector zero{};
    const Vector one = broadcast(1.0F);
    map(
        x, count, y, [&](Vector v) __attribute__((always_inline)) {
            Vector out = slope * v + 0.5F;
            out = out < zero ? zero : out;
            return out > one ? one : out;
        });
}

void hardSigmoidGradient(float slope, const float* x, const float* dy, Index count, float* dx)
{
    const Vector zero{};
    map2(
        x, dy, count, dx, [&](Vector v, Vector g) __attribute__((always_inline)) {
            const Vector out = slope * v + 0.5F;
            const Vector low = out < 0.0F ? zero : slope * g;
            return out > 1.0F ? zero : low;
        });
}

void elu(float alpha, float scale, const float* x, Index count, float* y)
{
    map(
        x, count, y, [=](Vector v) __attribute__((always_inline)) {
            const Vector below = alpha * (exponentialOf(v) - 1.0F);
            return scale * (v > 0.0F ? v : below);
        });
}

void eluGradient(float alpha, float scale, const float* x, const float* dy, Index count, float* dx)
{
    map2(
        x, dy, count, dx, [=](Vector v, Vector g) __attribute__((always_inline)) {
            const Vector below = alpha * exponentialOf(v);
            return scale * g * (v > 0.0F ? broadcast(1.0F) : below);
        });
}

void softplus(const float* x, Index count, float* y)
{
    for (Index i = 0; i < count; ++i) {
        y[i] = (x[i] > 0.0F ? x[i] : 0.0F) + std::log1p(std::exp(-std::abs(x[i])));
    }
}

void softplusGradient(const float* x, const float* dy, Index count, float* dx)
{
    map2(
        x, dy, count, dx,
        [](Vector v, Vector g) __attribute__((always_inline)) { return g * sigmoidOf(v); });
}

void softsign(const float* x, Index count, float* y)
{
    map(
        x, count, y,
        [](Vector v) __attribute__((always_inline)) { return v / (1.0F + absoluteOf(v)); });
}

void softsignGradient(const float* x, const float* dy, Index count, float* dx)
{
    map2(
        x, dy, count, dx, [](Vector v, Vector g) __attribute__((always_inline)) {
            const Vector one = 1.0F + absoluteOf(v);
            return g / (one * one);
        });
}

void swish(const float* x, Index count, float* y)
{
    map(
        x, count, y, [](Vector v) __attribute__((always_inline)) { return v * sigmoidOf(v); });
}

void swishGradient(const float* x, const float* dy, Index count, float* dx)
{
    map2(
        x, dy, count, dx, [](Vector v, Vector g) __attribute__((always_inline)) {
            const Vector s = sigmoidOf(v);
            return g * s * (1.0F + v * (1.0F - s));
        });
}

void gelu(const float* x, Index count, float* y)
{
    for (Index i = 0; i < count; ++i) {
        y[i] = 0.5F * x[i] * (1.0F + std::erf(x[i] * kInverseSqrt2));
    }
}

void geluGradient(const float* x, const float* dy, Index count, float* dx)
{
    for (Index i = 0; i < count; ++i) {
        const float share = 0.5F * (1.0F + std::erf(x[i] * kInverseSqrt2));
        dx[i] = dy[i] * (share + x[i] * kInverseSqrt2Pi * std::exp(-0.5F * x[i] * x[i]));
    }
}

void softmax(const float* x, Index rows, Index channels, float* y)
{
    for (Index r = 0; r < rows; ++r, x += channels, y += channels) {
        float largest = x[0];
        for (Index c = 1; c < channels; ++c) {
            largest = x[c] > largest ? x[c] : largest;
        }
        map(
            x, channels, y, [largest](Vector v) __attribute__((always_inline)) {
                return exponentialOf(v - largest);
            });
        Vector sums{};
        Index c = 0;
        for (; c + kLanes <= channels; c += kLanes) {
            sums += load(y + c);
        }
        if (c < channels) {
            sums += loadPart(y + c, static_cast<int>(channels - c));
        }
        const float sum = sumOf(sums);
        map(
            y, channels, y, [sum](Vector v) __attribute__((always_inline)) { return v / sum; });
    }
}

void softmaxGradient(const float* y, const float* dy, Index rows, Index channels, float* dx)
{
    for (Index r = 0; r < rows; ++r, y += channels, dy += channels, dx += channels) {
        float sum = 0.0F;
        for (Index c = 0; c < channels; ++c) {
            sum += y[c] * dy[c];
        }
        map2(
            y, dy, channels,
            dx, [sum](Vector v, Vector g) __attribute__((always_inline)) { return v * (g - sum); });
    }
}

void add(const float* x, Index count, float* y)
{
    map2(
        x, y, count, y, [](Vector a, Vector b) __attribute__((always_inline)) { return a + b; });
}

void scale(const float* x, float factor, Index count, float* y)
{
    map(
        x, count, y, [factor](Vector v) __attribute__((always_inline)) { return v * factor; });
}

} // namespace bitscape::kernels
