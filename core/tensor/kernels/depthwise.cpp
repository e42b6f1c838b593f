// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tensor/kernels/kernels.h"
#include "core/tensor/kernels/simd.h"

#include <array>

namespace bitscape::kernels {

namespace {

constexpr int kRows = 8;
constexpr int kTaps = 8;

/// Sums of Rows rows for one vector of channels; c points into the result, which starts at origin.
template <int Rows, bool IsWhole>
void depthwiseTile(const float* const* a, const Gather& gather, const float* weights, Index channel,
                   int lanes, const Finish& finish, const float* origin, float* const* c)
{
    Vector sums[Rows] = {};
    const Index channels = gather.segmentLength;
    for (Index t = 0; t < gather.segmentCount; ++t) {
        const Vector weight = loadLanes<IsWhole>(weights + t * channels + channel, lanes);
        const Index offset = gather.segments[t] + channel;
        unrolled<Rows>(
            [&](auto m) { sums[m] += loadLanes<IsWhole>(a[m] + offset, lanes) * weight; });
    }
    const auto ofChannel = [&](const float* values) {
        return values == nullptr ? Vector{} : loadLanes<IsWhole>(values + channel, lanes);
    };
    const Vector bias = ofChannel(finish.bias);
    unrolled<Rows>([&](auto m) { sums[m] += bias; });
    if (finish.scale != nullptr) {
        const Vector scale = ofChannel(finish.scale);
        const Vector shift = ofChannel(finish.shift);
        unrolled<Rows>([&](auto m) { sums[m] = rounded(sums[m] * scale) + shift; });
    }
    if (finish.adds) {
        unrolled<Rows>([&](auto m) { sums[m] += loadLanes<IsWhole>(c[m] + channel, lanes); });
    } else if (finish.addend != nullptr) {
        unrolled<Rows>([&](auto m) {
            sums[m] += loadLanes<IsWhole>(finish.addend + (c[m] - origin) + channel, lanes);
        });
    }
    if (finish.clamps) {
        const Vector low = broadcast(finish.low);
        const Vector high = broadcast(finish.high);
        unrolled<Rows>([&](auto m) { sums[m] = clamped(sums[m], low, high); });
    }
    unrolled<Rows>([&](auto m) { storeLanes<IsWhole>(c[m] + channel, sums[m], lanes); });
}

template <int Rows>
void depthwiseRows(const float* const* a, const Gather& gather, const float* weights,
                   const Finish& finish, const float* origin, float* const* c)
{
    const Index channels = gather.segmentLength;
    Index channel = 0;
    for (; channel + kLanes <= channels; channel += kLanes) {
        depthwiseTile<Rows, true>(a, gather, weights, channel, kLanes, finish, origin, c);
    }
    if (channel < channels) {
        depthwiseTile<Rows, false>(a, gather, weights, channel,
                                   static_cast<int>(channels - channel), finish, origin, c);
    }
}

using Rows = void (*)(const float* const*, const Gather&, const float*, const Finish&, const float*,
                      float* const*);
template <int... R>
constexpr std::array<Rows, sizeof...(R)> rowsOf(std::integer_sequence<int, R...> /*rows*/)
{
    return {&depthwiseRows<R + 1>...};
}
constexpr auto kTiles = rowsOf(std::make_integer_sequence<int, kRows>{});

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
    for (Index done = 0; done < count;) {
        const int rows = static_cast<int>(count - done < kRows ? count - done : kRows);
        for (int m = 0; m < rows; ++m) {
            left[m] = a.data + image * a.imagePitch + a.rows[row];
            right[m] = c.data + image * c.imagePitch + c.rows[row];
            if (++row == a.rowCount) {
                row = 0;
                ++image;
            }
        }
        kTiles[static_cast<std::size_t>(rows - 1)](left, a, weights, finish, c.data, right);
        done += rows;
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
