// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tensor/kernels/kernels.h"
#include "core/tensor/kernels/simd.h"

#include <array>
#include <bit>

namespace bitscape::kernels {

namespace {

constexpr int kHalf = kLanes / 2;
using Half [[gnu::vector_size(kHalf * sizeof(float))]] = float;
using Doubles [[gnu::vector_size(kHalf * sizeof(double))]] = double;
constexpr int kVectors = 2; // of channels whose sums are in registers at once

BITSCAPE_INLINE Doubles widened(const std::array<Half, 2>& halves, int half)
{
    return __builtin_convertvector(halves[static_cast<std::size_t>(half)], Doubles);
}

/// Running sums of one vector of channels, in double.
struct Sums {
    Doubles half[2];

    BITSCAPE_INLINE void take(const double* from, int lanes)
    {
        alignas(64) std::array<double, kLanes> values{};
        for (int i = 0; i < lanes; ++i) {
            values[static_cast<std::size_t>(i)] = from[i];
        }
        const auto both = std::bit_cast<std::array<Doubles, 2>>(values);
        half[0] = both[0];
        half[1] = both[1];
    }
    BITSCAPE_INLINE void give(double* to, int lanes) const
    {
        const auto values =
            std::bit_cast<std::array<double, kLanes>>(std::array<Doubles, 2>{half[0], half[1]});
        for (int i = 0; i < lanes; ++i) {
            to[i] = values[static_cast<std::size_t>(i)];
        }
    }
};

/// Sums of `Vectors` vectors of channels over all rows; the last has `lanes` channels if it is not
/// whole.
template <int Vectors, bool IsWhole, bool HasProducts>
void sumBlock(const float* x, const float* w, Index rows, Index pitch, int lanes, double* sums,
              double* products)
{
    Sums total[Vectors];
    Sums product[Vectors];
    unrolled<Vectors>([&](auto v) {
        total[v].take(sums + v * kLanes, lanes);
        product[v].take(HasProducts ? products + v * kLanes : sums, HasProducts ? lanes : 0);
    });
    for (Index r = 0; r < rows; ++r, x += pitch, w += HasProducts ? pitch : 0) {
        unrolled<Vectors>([&](auto v) {
            const auto left =
                std::bit_cast<std::array<Half, 2>>(loadLanes<IsWhole>(x + v * kLanes, lanes));
            total[v].half[0] += widened(left, 0);
            total[v].half[1] += widened(left, 1);
            if constexpr (HasProducts) {
                const auto right =
                    std::bit_cast<std::array<Half, 2>>(loadLanes<IsWhole>(w + v * kLanes, lanes));
                product[v].half[0] += widened(left, 0) * widened(right, 0);
                product[v].half[1] += widened(left, 1) * widened(right, 1);
            }
        });
    }
    unrolled<Vectors>([&](auto v) {
        total[v].give(sums + v * kLanes, lanes);
        if constexpr (HasProducts) {
            product[v].give(products + v * kLanes, lanes);
        }
    });
}

template <bool HasProducts>
void sumChannels(const float* x, const float* w, Index rows, Index channels, double* sums,
                 double* products)
{
    Index c = 0;
    for (; c + kVectors * kLanes <= channels; c += kVectors * kLanes) {
        sumBlock<kVectors, true, HasProducts>(x + c, w + c, rows, channels, kLanes, sums + c,
                                              products + c);
    }
    for (; c + kLanes <= channels; c += kLanes) {
        sumBlock<1, true, HasProducts>(x + c, w + c, rows, channels, kLanes, sums + c,
                                       products + c);
    }
    if (c < channels) {
        sumBlock<1, false, HasProducts>(x + c, w + c, rows, channels,
                                        static_cast<int>(channels - c), sums + c, products + c);
    }
}

/// Coefficients of `Vectors` vectors of channels stay in registers over all rows.
template <int Vectors, bool IsWhole>
void affine2Block(const float* a, const float* first, const float* b, const float* second,
                  const float* third, Index rows, Index pitch, int lanes, float* y, bool adds)
{
    Vector one[Vectors];
    Vector two[Vectors];
    Vector three[Vectors];
    unrolled<Vectors>([&](auto v) {
        one[v] = loadLanes<IsWhole>(first + v * kLanes, lanes);
        two[v] = loadLanes<IsWhole>(second + v * kLanes, lanes);
        three[v] = loadLanes<IsWhole>(third + v * kLanes, lanes);
    });
    for (Index r = 0; r < rows; ++r, a += pitch, b += pitch, y += pitch) {
        unrolled<Vectors>([&](auto v) {
            const Index at = v * kLanes;
            Vector value = loadLanes<IsWhole>(a + at, lanes) * one[v] +
                           loadLanes<IsWhole>(b + at, lanes) * two[v] + three[v];
            if (adds) {
                value = loadLanes<IsWhole>(y + at, lanes) + value;
            }
            storeLanes<IsWhole>(y + at, value, lanes);
        });
    }
}

} // namespace

void channelSums(const float* x, const float* w, Index rows, Index channels, double* sums,
                 double* products)
{
    if (w == nullptr) {
        sumChannels<false>(x, x, rows, channels, sums, sums);
    } else {
        sumChannels<true>(x, w, rows, channels, sums, products);
    }
}

void affine2(const float* a, const float* first, const float* b, const float* second,
             const float* third, Index rows, Index channels, float* y, bool adds)
{
    Index c = 0;
    for (; c + kVectors * kLanes <= channels; c += kVectors * kLanes) {
        affine2Block<kVectors, true>(a + c, first + c, b + c, second + c, third + c, rows, channels,
                                     kLanes, y + c, adds);
    }
    for (; c + kLanes <= channels; c += kLanes) {
        affine2Block<1, true>(a + c, first + c, b + c, second + c, third + c, rows, channels,
                              kLanes, y + c, adds);
    }
    if (c < channels) {
        affine2Block<1, false>(a + c, first + c, b + c, second + c, third + c, rows, channels,
                               static_cast<int>(channels - c), y + c, adds);
    }
}

} // namespace bitscape::kernels
