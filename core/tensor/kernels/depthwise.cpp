// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tensor/kernels/kernels.h"
#include "core/tensor/kernels/simd.h"

namespace bitscape::kernels {

namespace {

constexpr int kRows = 8;
constexpr int kTaps = 8;

/// Sums of Rows rows for one vector of channels.
template <int Rows, bool IsWhole>
void depthwiseTile(const float* const* a, const Gather& gather, const float* weights, Index channel,
                   int lanes, const Finish& finish, float* const* c)
{
    Vector sums[Rows] = {};
    const Index channels = gather.segmentLength;
    for (Index t = 0; t < gather.segmentCount; ++t) {
        const Vector weight = loadLanes<IsWhole>(weights + t * channels + channel, lanes);
        const Index offset = gather.segments[t] + channel;
        unrolled<Rows>(
            [&](auto m) { sums[m] += loadLanes<IsWhole>(a[m] + offset, lanes) * weight; });
    }
    const Vector bias =
        finish.bias == nullptr ? Vector{} : loadLanes<IsWhole>(finish.bias + channel, lanes);
    const Vector low = broadcast(finish.low);
    const Vector high = broadcast(finish.high);
    unrolled<Rows>([&](auto m) {
        Vector value = sums[m] + bias;
        if (finish.clamps) {
            value = clamped(value, low, high);
        }
        float* to = c[m] + channel;
        if (finish.adds) {
            value = loadLanes<IsWhole>(to, lanes) + value;
        }
        storeLanes<IsWhole>(to, value, lanes);
    });
}

template <int Rows>
void depthwiseRows(const float* const* a, const Gather& gather, const float* weights,
                   const Finish& finish, float* const* c)
{
    const Index channels = gather.segmentLength;
    Index channel = 0;
    for (; channel + kLanes <= channels; channel += kLanes) {
        depthwiseTile<Rows, true>(a, gather, weights, channel, kLanes, finish, c);
    }
    if (channel < channels) {
        depthwiseTile<Rows, false>(a, gather, weights, channel,
                                   static_cast<int>(channels - channel), finish, c);
    }
}

/// Sums over a block of rows of Taps taps for one vector of channels.
template <int Taps, bool IsWhole>
void transposedTile(const Gather& a, Index first, Index count, const Matrix& b, const Index* taps,
                    Index channel, int lanes, float* target, bool adds)
{
    Vector sums[Taps] = {};
    Index image = first / a.rowCount;
    Index row = first % a.rowCount;
    for (Index r = 0; r < count; ++r) {
        const float* left = a.data + image * a.imagePitch + a.rows[row] + channel;
        const Vector right =
            loadLanes<IsWhole>(b.data + image * b.imagePitch + b.rows[row] + channel, lanes);
        unrolled<Taps>(
            [&](auto t) { sums[t] += loadLanes<IsWhole>(left + taps[t], lanes) * right; });
        if (++row == a.rowCount) {
            row = 0;
            ++image;
        }
    }
    unrolled<Taps>([&](auto t) {
        float* to = target + t * a.segmentLength + channel;
        const Vector value = adds ? loadLanes<IsWhole>(to, lanes) + sums[t] : sums[t];
        storeLanes<IsWhole>(to, value, lanes);
    });
}

template <int Taps>
void transposedTaps(const Gather& a, Index first, Index count, const Matrix& b, Index tap,
                    float* target, bool adds)
{
    const Index channels = a.segmentLength;
    const Index* taps = a.segments + tap;
    target += tap * channels;
    Index channel = 0;
    for (; channel + kLanes <= channels; channel += kLanes) {
        transposedTile<Taps, true>(a, first, count, b, taps, channel, kLanes, target, adds);
    }
    if (channel < channels) {
        transposedTile<Taps, false>(a, first, count, b, taps, channel,
                                    static_cast<int>(channels - channel), target, adds);
    }
}

} // namespace

void depthwise(const Gather& a, Index first, Index count, const float* weights,
               const Finish& finish, const Scatter& c)
{
    Index image = first / a.rowCount;
    Index row = first % a.rowCount;
    const float* left[kRows];
    float* right[kRows];
    int filled = 0;
    for (Index r = 0; r < count; ++r) {
        left[filled] = a.data + image * a.imagePitch + a.rows[row];
        right[filled] = c.data + image * c.imagePitch + c.rows[row];
        if (++row == a.rowCount) {
            row = 0;
            ++image;
        }
        if (++filled == kRows) {
            depthwiseRows<kRows>(left, a, weights, finish, right);
            filled = 0;
        }
    }
    for (int m = 0; m < filled; ++m) {
        depthwiseRows<1>(left + m, a, weights, finish, right + m);
    }
}

void depthwiseTransposed(const Gather& a, Index first, Index count, const Matrix& b, float* target,
                         bool adds)
{
    Index tap = 0;
    for (; tap + kTaps <= a.segmentCount; tap += kTaps) {
        transposedTaps<kTaps>(a, first, count, b, tap, target, adds);
    }
    for (; tap < a.segmentCount; ++tap) {
        transposedTaps<1>(a, first, count, b, tap, target, adds);
    }
}

} // namespace bitscape::kernels
