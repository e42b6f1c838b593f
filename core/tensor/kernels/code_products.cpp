// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tensor/kernels/code_finish.h"

#include <algorithm>
#include <array>

namespace bitscape::kernels {

namespace {

// As in matrix.cpp: panels of two vectors, one where the matrix ends.
constexpr Index kPanel = 2 * kLanes;
#if defined(__AVX512F__)
constexpr int kWideRows = 8;
#else
constexpr int kWideRows = 6;
#endif
constexpr int kNarrowRows = 8;
constexpr int kMostRows = 8;
static_assert(kWideRows <= kMostRows && kNarrowRows <= kMostRows);

Index panelWidth(Index columns, Index first)
{
    return columns - first > kLanes ? kPanel : kLanes;
}

struct ShortProducts {
    BITSCAPE_INLINE static Ints add(Ints sum, Ints left, Ints right)
    {
        return addShortProducts(sum, left, right);
    }
};

#if defined(__AVX512F__)
/// VNNI is no part of x86-64-v4, so the compiler may not use it for the whole file.
struct ByteProducts {
    BITSCAPE_INLINE static Ints add(Ints sum, Ints left, Ints right)
    {
        asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(left), "v"(right));
        return sum;
    }
};
#endif

template <class Products, int Rows, int Vectors>
void tile(const std::byte* const* a, const CodeGather& gather, const std::int32_t* b,
          std::int32_t* to)
{
    Ints sums[Rows][Vectors] = {};
    for (Index s = 0; s < gather.segmentCount; ++s) {
        const std::byte* rows[Rows];
        unrolled<Rows>([&](auto m) { rows[m] = a[m] + gather.segments[s]; });
        for (Index k = 0; k < gather.segmentWords; ++k, b += Vectors * kLanes) {
            Ints right[Vectors];
            unrolled<Vectors>([&](auto v) { right[v] = load(b + v * kLanes); });
            unrolled<Rows>([&](auto m) {
                const Ints left = broadcastWord(rows[m] + k * Index{sizeof(std::int32_t)});
                unrolled<Vectors>(
                    [&](auto v) { sums[m][v] = Products::add(sums[m][v], left, right[v]); });
            });
        }
    }
    unrolled<Rows>([&](auto m) {
        unrolled<Vectors>([&](auto v) { store(to + m * kPanel + v * kLanes, sums[m][v]); });
    });
}

using Tile = void (*)(const std::byte* const*, const CodeGather&, const std::int32_t*,
                      std::int32_t*);
template <class Products, int Vectors, int... R>
constexpr std::array<Tile, sizeof...(R)> tiles(std::integer_sequence<int, R...> /*rows*/)
{
    return {&tile<Products, R + 1, Vectors>...};
}
struct Tiles {
    std::array<Tile, kNarrowRows> narrow;
    std::array<Tile, kWideRows> wide;
};
template <class Products>
constexpr Tiles kTiles{tiles<Products, 1>(std::make_integer_sequence<int, kNarrowRows>{}),
                       tiles<Products, 2>(std::make_integer_sequence<int, kWideRows>{})};

const Tiles& tilesOf([[maybe_unused]] CodeWords words)
{
#if defined(__AVX512F__)
    if (words == CodeWords::Bytes) {
        return kTiles<ByteProducts>;
    }
#endif
    return kTiles<ShortProducts>;
}

/// Sums of Rows rows for one vector of channels.
template <class Code, int Rows>
void channelTile(const std::byte* const* a, const CodeGather& gather, const std::int32_t* weights,
                 Index pitch, std::int32_t* to)
{
    Ints sums[Rows] = {};
    for (Index t = 0; t < gather.segmentCount; ++t) {
        const Ints weight = load(weights + t * pitch);
        unrolled<Rows>([&](auto m) {
            const auto* codes = reinterpret_cast<const Code*>(a[m] + gather.segments[t]);
            sums[m] = addShortProducts(sums[m], loadCodes(codes), weight);
        });
    }
    unrolled<Rows>([&](auto m) { store(to + m * kLanes, sums[m]); });
}

/// Calls body(left, right, rows) for blocks of at most `tallest` rows.
template <class Body>
void forBlocks(const CodeGather& a, Index first, Index count, const CodeScatter& c, Index tallest,
               const Body& body)
{
    Index image = first / a.rowCount;
    Index row = first % a.rowCount;
    const std::byte* left[kMostRows];
    std::byte* right[kMostRows];
    for (Index done = 0; done < count;) {
        const Index rows = std::min(count - done, tallest);
        for (Index m = 0; m < rows; ++m) {
            left[m] = a.data + image * a.imagePitch + a.rows[row];
            right[m] = c.data + image * c.imagePitch + row * c.rowPitch;
            if (++row == a.rowCount) {
                row = 0;
                ++image;
            }
        }
        body(left, right, rows);
        done += rows;
    }
}

template <class Code>
void byChannel(const CodeGather& a, Index first, Index count, const std::int32_t* weights,
               Index pitch, Index channels, const CodeFinish& finish, const CodeScatter& c)
{
    alignas(64) std::int32_t sums[kMostRows * kLanes];
    const auto run = [&](const std::byte** left, std::byte** right, Index rows) {
        for (Index channel = 0; channel < channels; channel += kLanes) {
            if (rows == kMostRows) {
                channelTile<Code, kMostRows>(left, a, weights + channel, pitch, sums);
            } else {
                for (Index m = 0; m < rows; ++m) {
                    channelTile<Code, 1>(left + m, a, weights + channel, pitch, sums + m * kLanes);
                }
            }
            finishBlock(finish,
                        {sums, rows, kLanes, channel, std::min<Index>(channels - channel, kLanes)},
                        right);
            for (Index m = 0; m < rows; ++m) {
                left[m] += kLanes * Index{sizeof(Code)};
            }
        }
    };
    forBlocks(a, first, count, c, kMostRows, run);
}

} // namespace

bool multipliesBytes()
{
#if defined(__AVX512F__)
    return __builtin_cpu_supports("avx512vnni") != 0;
#else
    return false;
#endif
}

Index packedWords(Index depth, Index columns)
{
    return depth * ((columns + kLanes - 1) / kLanes) * kLanes;
}

void packWords(const std::int32_t* source, Index depth, Index columns, std::int32_t* packed)
{
    for (Index column = 0; column < columns; column += kPanel) {
        const Index width = panelWidth(columns, column);
        for (Index k = 0; k < depth; ++k) {
            for (Index n = 0; n < width; ++n) {
                const bool isThere = column + n < columns;
                *packed++ = isThere ? source[(column + n) * depth + k] : 0;
            }
        }
    }
}

void multiplyCodes(CodeWords words, const CodeGather& a, Index first, Index count,
                   const std::int32_t* packed, Index columns, const CodeFinish& finish,
                   const CodeScatter& c)
{
    const Tiles& tiles = tilesOf(words);
    const Index depth = a.segmentCount * a.segmentWords;
    alignas(64) std::int32_t sums[kMostRows * kPanel];
    for (Index column = 0; column < columns; column += kPanel) {
        const bool isWide = panelWidth(columns, column) == kPanel;
        const std::int32_t* b = packed + column * depth;
        const Index used = std::min(columns - column, kPanel);
        const auto run = [&](const std::byte** left, std::byte** right, Index rows) {
            const auto at = static_cast<std::size_t>(rows - 1);
            (isWide ? tiles.wide[at] : tiles.narrow[at])(left, a, b, sums);
            finishBlock(finish, {sums, rows, kPanel, column, used}, right);
        };
        forBlocks(a, first, count, c, isWide ? kWideRows : kNarrowRows, run);
    }
}

void multiplyCodesByChannel(CodeKind kind, const CodeGather& a, Index first, Index count,
                            const std::int32_t* weights, Index pitch, Index channels,
                            const CodeFinish& finish, const CodeScatter& c)
{
    if (kind == CodeKind::Byte) {
        byChannel<std::uint8_t>(a, first, count, weights, pitch, channels, finish, c);
    } else {
        byChannel<std::int16_t>(a, first, count, weights, pitch, channels, finish, c);
    }
}

} // namespace bitscape::kernels
