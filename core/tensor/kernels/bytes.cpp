// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tensor/kernels/bytes.h"

#include "core/tensor/kernels/finish.h"
#include "core/tensor/kernels/simd.h"

#include <array>
#include <cstring>

namespace bitscape::kernels {

namespace {

using Ints [[gnu::vector_size(kLanes * sizeof(std::int32_t))]] = std::int32_t;
using StoredInts
    [[gnu::vector_size(kLanes * sizeof(std::int32_t)), gnu::aligned(4), gnu::may_alias]] =
        std::int32_t;

using Bytes [[gnu::vector_size(kLanes)]] = std::uint8_t;

// As in matrix.cpp: panels of two vectors, one where the matrix ends.
constexpr Index kPanel = 2 * kLanes;
constexpr int kRows = 8;
constexpr Index kWord = 4; // bytes that are multiplied at once

Index panelWidth(Index columns, Index first)
{
    return columns - first > kLanes ? kPanel : kLanes;
}

/// sum + Σ of the four products of left's bytes (≥ 0) and right's (signed), lane by lane.
BITSCAPE_INLINE Ints addProducts(Ints sum, Ints left, Ints right)
{
#if defined(__AVX512F__)
    // No part of x86-64-v4: multipliesBytes() is asked before.
    asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(left), "v"(right));
    return sum;
#else
    for (int byte = 0; byte < kWord; ++byte) {
        const int up = 8 * (static_cast<int>(kWord) - 1 - byte);
        sum += ((left >> (8 * byte)) & 255) * ((right << up) >> 24);
    }
    return sum;
#endif
}

template <int Rows, int Vectors>
void tile(const std::byte* const* a, const CodeGather& gather, const std::int32_t* b, Ints* to)
{
    Ints sums[Rows][Vectors] = {};
    for (Index s = 0; s < gather.segmentCount; ++s) {
        const std::byte* rows[Rows];
        unrolled<Rows>([&](auto m) { rows[m] = a[m] + gather.segments[s]; });
        for (Index k = 0; k < gather.segmentWords; ++k, b += Vectors * kLanes) {
            Ints right[Vectors];
            unrolled<Vectors>(
                [&](auto v) { right[v] = *reinterpret_cast<const StoredInts*>(b + v * kLanes); });
            unrolled<Rows>([&](auto m) {
                std::int32_t word = 0;
                std::memcpy(&word, rows[m] + k * kWord, sizeof word);
                const Ints left = word - Ints{};
                unrolled<Vectors>(
                    [&](auto v) { sums[m][v] = addProducts(sums[m][v], left, right[v]); });
            });
        }
    }
    unrolled<Rows>(
        [&](auto m) { unrolled<Vectors>([&](auto v) { to[m * Vectors + v] = sums[m][v]; }); });
}

using Tile = void (*)(const std::byte* const*, const CodeGather&, const std::int32_t*, Ints*);
template <int Vectors, int... R>
constexpr std::array<Tile, sizeof...(R)> tiles(std::integer_sequence<int, R...> /*rows*/)
{
    return {&tile<R + 1, Vectors>...};
}
constexpr auto kNarrowTiles = tiles<1>(std::make_integer_sequence<int, kRows>{});
constexpr auto kWideTiles = tiles<2>(std::make_integer_sequence<int, kRows>{});

template <int Vectors>
void multiplyPanel(const CodeGather& a, Index first, Index count, const std::int32_t* b,
                   const Vector* scales, const PanelFinish& finish, const Scatter& c, Index column)
{
    constexpr auto& kTiles = Vectors == 2 ? kWideTiles : kNarrowTiles;
    Index image = first / a.rowCount;
    Index row = first % a.rowCount;
    const std::byte* left[kRows];
    float* right[kRows];
    Ints sums[kRows * Vectors];
    for (Index done = 0; done < count;) {
        const int rows = static_cast<int>(count - done < kRows ? count - done : kRows);
        for (int m = 0; m < rows; ++m) {
            left[m] = a.data + image * a.imagePitch + a.rows[row];
            right[m] = c.data + image * c.imagePitch + c.rows[row] + column;
            if (++row == a.rowCount) {
                row = 0;
                ++image;
            }
        }
        kTiles[static_cast<std::size_t>(rows - 1)](left, a, b, sums);
        for (int m = 0; m < rows; ++m) {
            Vector values[1][Vectors];
            unrolled<Vectors>([&](auto v) {
                values[0][v] = __builtin_convertvector(sums[m * Vectors + v], Vector) * scales[v];
            });
            write<1, Vectors>(values, finish, right + m);
        }
        done += rows;
    }
}

/// The power of two that leaves `largest` 64 … 127 steps; 1 for 0.
float stepOf(float largest)
{
    std::uint32_t bits = 0;
    std::memcpy(&bits, &largest, sizeof bits);
    constexpr std::uint32_t kExponent = 0xFFU << 23U;
    constexpr std::uint32_t kSixBits = 6U << 23U;
    bits &= kExponent;
    bits = bits > kSixBits && bits < kExponent ? bits - kSixBits : 127U << 23U;
    float step = 0.0F;
    std::memcpy(&step, &bits, sizeof step);
    return step;
}

} // namespace

bool toBytes(const float* x, Index count, float inverse, std::int32_t largest, std::uint8_t* to)
{
    Ints isOff{};
    const auto convert = [&](Vector from) __attribute__((always_inline))
    {
        const Vector value = from * inverse;
        const Ints code = __builtin_convertvector(value, Ints); // out of range: the lowest number
        isOff |= (__builtin_convertvector(code, Vector) != value) | (code < 0) | (code > largest);
        return __builtin_convertvector(code, Bytes);
    };
    Index i = 0;
    for (; i + kLanes <= count; i += kLanes) {
        const Bytes bytes = convert(load(x + i));
        std::memcpy(to + i, &bytes, sizeof bytes);
    }
    if (i < count) {
        const Bytes bytes = convert(loadPart(x + i, static_cast<int>(count - i)));
        std::memcpy(to + i, &bytes, static_cast<std::size_t>(count - i));
    }
    std::int32_t any = 0;
    for (int lane = 0; lane < kLanes; ++lane) {
        any |= isOff[lane];
    }
    return any == 0;
}

Index packedByteWords(Index depth, Index columns)
{
    return depth / kWord * ((columns + kLanes - 1) / kLanes) * kLanes;
}

bool packBytes(const float* matrix, Index depth, Index columns, std::int32_t* packed, float* steps,
               float* sums)
{
    for (Index n = 0; n < columns; ++n) {
        steps[n] = 0.0F;
        sums[n] = 0.0F;
    }
    for (Index k = 0; k < depth; ++k) {
        for (Index n = 0; n < columns; ++n) {
            const float size = __builtin_fabsf(matrix[k * columns + n]);
            steps[n] = size > steps[n] ? size : steps[n];
        }
    }
    for (Index n = 0; n < columns; ++n) {
        steps[n] = stepOf(steps[n]);
    }
    std::int32_t isOff = 0;
    for (Index column = 0; column < columns; column += kPanel) {
        const Index width = panelWidth(columns, column);
        const Index used = columns - column < width ? columns - column : width;
        for (Index k = 0; k < depth; k += kWord, packed += width) {
            const float* from = matrix + k * columns + column;
            for (Index n = 0; n < used; ++n) {
                std::uint32_t word = 0;
                for (Index byte = 0; byte < kWord; ++byte) {
                    const float value = from[byte * columns + n] / steps[column + n];
                    const float bounded = value >= -127.0F && value <= 127.0F ? value : 0.0F;
                    const auto code = static_cast<std::int32_t>(bounded);
                    isOff |= static_cast<float>(code) != value ? 1 : 0;
                    sums[column + n] += __builtin_fabsf(bounded);
                    word |= (static_cast<std::uint32_t>(code) & 255U) << (8U * byte);
                }
                packed[n] = static_cast<std::int32_t>(word);
            }
            for (Index n = used; n < width; ++n) {
                packed[n] = 0;
            }
        }
    }
    return isOff == 0;
}

void multiplyBytes(const CodeGather& a, Index first, Index count, const std::int32_t* packed,
                   Index columns, const float* scales, const Finish& finish, const Scatter& c)
{
    const Index depth = a.segmentCount * a.segmentWords;
    for (Index column = 0; column < columns; column += kPanel) {
        const std::int32_t* b = packed + column * depth;
        const PanelFinish panel = finishOf(finish, c, column, columns);
        Vector here[2] = {};
        for (int v = 0; v < 2; ++v) {
            if (panel.columns[v] > 0) {
                here[v] = loadPart(scales + column + v * kLanes, panel.columns[v]);
            }
        }
        (panelWidth(columns, column) == kPanel
             ? multiplyPanel<2>
             : multiplyPanel<1>)(a, first, count, b, here, panel, c, column);
    }
}

} // namespace bitscape::kernels
