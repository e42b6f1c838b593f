// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tensor/kernels/kernels.h"
#include "core/tensor/kernels/finish.h"
#include "core/tensor/kernels/simd.h"

#include <array>
#include <bit>

namespace bitscape::kernels {

namespace {

// A panel is two vectors wide (one, where the matrix ends). Rows per tile: as many as leave the
// accumulators, two vectors of b and one of a in registers.
constexpr Index kPanel = 2 * kLanes;
#if defined(__AVX512F__)
constexpr int kWideRows = 8;
#else
constexpr int kWideRows = 6;
#endif
constexpr int kNarrowRows = 8;
constexpr int kMostRows = 8;
constexpr int kRowPanels = 4; // side by side where the result has one row
static_assert(kWideRows <= kMostRows && kNarrowRows <= kMostRows);

constexpr Index kTransposedBlock = 256; // rows whose sum is finished before it meets the target

Index panelWidth(Index columns, Index first)
{
    return columns - first > kLanes ? kPanel : kLanes;
}

/// Steps through rows first, first+1, … of all images without dividing again.
class RowWalk {
public:
    RowWalk(Index rowCount, Index first)
        : m_count(rowCount), m_image(first / rowCount), m_row(first % rowCount)
    {
    }
    [[nodiscard]] Index offset(const Index* rows, Index imagePitch) const
    {
        return m_image * imagePitch + rows[m_row];
    }
    void next()
    {
        if (++m_row == m_count) {
            m_row = 0;
            ++m_image;
        }
    }

private:
    Index m_count, m_image, m_row;
};

/// The inner loop: Rows × Vectors accumulators over the whole depth.
template <int Rows, int Vectors>
void tile(const float* const* a, const Gather& gather, const float* b, const PanelFinish& finish,
          float* const* c)
{
    Vector sums[Rows][Vectors] = {};
    const Index length = gather.segmentLength;
    for (Index s = 0; s < gather.segmentCount; ++s) {
        const float* rows[Rows];
        unrolled<Rows>([&](auto m) { rows[m] = a[m] + gather.segments[s]; });
        for (Index k = 0; k < length; ++k, b += Vectors * kLanes) {
            Vector right[Vectors];
            unrolled<Vectors>([&](auto v) { right[v] = load(b + v * kLanes); });
            unrolled<Rows>([&](auto m) {
                const Vector left = broadcast(rows[m][k]);
                unrolled<Vectors>([&](auto v) { sums[m][v] += left * right[v]; });
            });
        }
    }
    write(sums, finish, c);
}

// Where a 512-bit operation costs as much as two of 256 bits, a panel of few columns takes half the
// time in half vectors.
constexpr int kHalf = kLanes / 2;
constexpr bool kHasHalves = kLanes == 16;
using Half [[gnu::vector_size(kHalf * sizeof(float))]] = float;
using StoredHalf [[gnu::vector_size(kHalf * sizeof(float)), gnu::aligned(4), gnu::may_alias]] =
    float;

/// tile() for a narrow panel of at most kHalf columns.
template <int Rows>
void halfTile(const float* const* a, const Gather& gather, const float* b,
              const PanelFinish& finish, float* const* c)
{
    Half sums[Rows] = {};
    const Index length = gather.segmentLength;
    for (Index s = 0; s < gather.segmentCount; ++s) {
        const float* rows[Rows];
        unrolled<Rows>([&](auto m) { rows[m] = a[m] + gather.segments[s]; });
        for (Index k = 0; k < length; ++k, b += kLanes) {
            const Half right = *reinterpret_cast<const StoredHalf*>(b);
            unrolled<Rows>([&](auto m) { sums[m] += (rows[m][k] - Half{}) * right; });
        }
    }
    Vector whole[Rows][1];
    unrolled<Rows>([&](auto m) {
        whole[m][0] = std::bit_cast<Vector>(std::array<Half, 2>{sums[m], Half{}});
    });
    write(whole, finish, c);
}

/// One row of the result, several wide panels at once: a tile of a single row would wait for its
/// two sums. `finish` and the packed panels lie one after another.
template <int Panels>
void rowTile(const float* a, const Gather& gather, const float* b, const PanelFinish* finish,
             float* c)
{
    Vector sums[Panels][1][2] = {};
    const Index panelSize = gather.depth() * kPanel;
    const Index length = gather.segmentLength;
    for (Index s = 0; s < gather.segmentCount; ++s) {
        const float* row = a + gather.segments[s];
        for (Index k = 0; k < length; ++k, b += kPanel) {
            const Vector left = broadcast(row[k]);
            unrolled<Panels>([&](auto p) {
                unrolled<2>(
                    [&](auto v) { sums[p][0][v] += left * load(b + p * panelSize + v * kLanes); });
            });
        }
    }
    unrolled<Panels>([&](auto p) {
        float* to = c + p * kPanel;
        write(sums[p], finish[p], &to);
    });
}

using Tile = void (*)(const float* const*, const Gather&, const float*, const PanelFinish&,
                      float* const*);
template <int Vectors, int... R>
constexpr std::array<Tile, sizeof...(R)> tiles(std::integer_sequence<int, R...> /*rows*/)
{
    return {&tile<R + 1, Vectors>...};
}
constexpr auto kNarrowTiles = tiles<1>(std::make_integer_sequence<int, kNarrowRows>{});
template <int... R>
constexpr std::array<Tile, sizeof...(R)> halfTiles(std::integer_sequence<int, R...> /*rows*/)
{
    return {&halfTile<R + 1>...};
}
constexpr auto kHalfTiles = halfTiles(std::make_integer_sequence<int, kNarrowRows>{});
constexpr auto kWideTiles = tiles<2>(std::make_integer_sequence<int, kWideRows>{});

void multiplyPanel(const Gather& a, Index first, Index count, const float* b, bool wide,
                   const PanelFinish& finish, const Scatter& c, Index column)
{
    const int tallest = wide ? kWideRows : kNarrowRows;
    const Tile* const byRows = wide                                       ? kWideTiles.data()
                               : kHasHalves && finish.columns[0] <= kHalf ? kHalfTiles.data()
                                                                          : kNarrowTiles.data();
    RowWalk walk(a.rowCount, first);
    const float* left[kMostRows];
    float* right[kMostRows];
    for (Index done = 0; done < count;) {
        const int rows = static_cast<int>(count - done < tallest ? count - done : tallest);
        for (int m = 0; m < rows; ++m) {
            left[m] = a.data + walk.offset(a.rows, a.imagePitch);
            right[m] = c.data + walk.offset(c.rows, c.imagePitch) + column;
            walk.next();
        }
        byRows[rows - 1](left, a, b, finish, right);
        done += rows;
    }
}

/// Rows × Vectors sums of a block of rows: row j of the tile is a's column offsets[j].
template <int Rows, int Vectors>
void transposedTile(const float* const* a, const Index* offsets, const float* const* b, Index count,
                    int lastColumns, float* target, Index pitch, bool adds)
{
    Vector sums[Rows][Vectors] = {};
    Index at[Rows];
    unrolled<Rows>([&](auto j) { at[j] = offsets[j]; });
    const auto run = [&](auto isFull) __attribute__((always_inline))
    {
        for (Index r = 0; r < count; ++r) {
            const float* left = a[r];
            const float* right = b[r];
            Vector values[Vectors];
            unrolled<Vectors>([&](auto v) {
                if constexpr (isFull || v + 1 < Vectors) {
                    values[v] = load(right + v * kLanes);
                } else {
                    values[v] = loadPart(right + v * kLanes, lastColumns);
                }
            });
            unrolled<Rows>([&](auto j) {
                const Vector factor = broadcast(left[at[j]]);
                unrolled<Vectors>([&](auto v) { sums[j][v] += factor * values[v]; });
            });
        }
    };
    if (lastColumns == kLanes) {
        run(std::true_type{});
    } else {
        run(std::false_type{});
    }
    unrolled<Rows>([&](auto j) {
        unrolled<Vectors>([&](auto v) {
            float* to = target + j * pitch + v * kLanes;
            const int columns = v + 1 < Vectors ? kLanes : lastColumns;
            if (columns == kLanes) {
                store(to, adds ? load(to) + sums[j][v] : sums[j][v]);
            } else {
                storePart(to, adds ? loadPart(to, columns) + sums[j][v] : sums[j][v], columns);
            }
        });
    });
}

using TransposedTile = void (*)(const float* const*, const Index*, const float* const*, Index, int,
                                float*, Index, bool);
template <int Vectors, int... R>
constexpr std::array<TransposedTile, sizeof...(R)>
transposedTiles(std::integer_sequence<int, R...> /*rows*/)
{
    return {&transposedTile<R + 1, Vectors>...};
}
constexpr auto kNarrowTransposed =
    transposedTiles<1>(std::make_integer_sequence<int, kNarrowRows>{});
constexpr auto kWideTransposed = transposedTiles<2>(std::make_integer_sequence<int, kWideRows>{});

} // namespace

Index packedSize(Index depth, Index columns)
{
    return depth * ((columns + kLanes - 1) / kLanes) * kLanes;
}

void pack(const float* source, Index depthStride, Index columnStride, Index first, Index count,
          Index depth, Index columns, float* packed)
{
    for (Index column = 0; column < columns; column += kPanel) {
        const Index width = panelWidth(columns, column);
        const Index used = columns - column < width ? columns - column : width;
        float* to = packed + column * depth + first * width;
        for (Index k = 0; k < count; ++k, to += width) {
            const float* from = source + k * depthStride + column * columnStride;
            for (Index n = 0; n < used; ++n) {
                to[n] = from[n * columnStride];
            }
            for (Index n = used; n < width; ++n) {
                to[n] = 0.0F;
            }
        }
    }
}

void multiply(const Gather& a, Index first, Index count, const float* packed, Index columns,
              const Finish& finish, const Scatter& c)
{
    const Index depth = a.depth();
    Index column = 0;
    if (count == 1) {
        const RowWalk walk(a.rowCount, first);
        for (; column + (kRowPanels - 1) * kPanel + kLanes < columns;
             column += kRowPanels * kPanel) {
            PanelFinish finishes[kRowPanels];
            for (int p = 0; p < kRowPanels; ++p) {
                finishes[p] = finishOf(finish, c, column + p * kPanel, columns);
            }
            rowTile<kRowPanels>(a.data + walk.offset(a.rows, a.imagePitch), a,
                                packed + column * depth, finishes,
                                c.data + walk.offset(c.rows, c.imagePitch) + column);
        }
    }
    for (; column < columns; column += kPanel) {
        multiplyPanel(a, first, count, packed + column * depth,
                      panelWidth(columns, column) == kPanel, finishOf(finish, c, column, columns),
                      c, column);
    }
}

void multiplyTransposed(const Gather& a, Index first, Index count, const Matrix& b, Index columns,
                        Index depthFirst, Index depthCount, float* target, Index targetPitch,
                        bool adds)
{
    const float* left[kTransposedBlock];
    const float* right[kTransposedBlock];
    RowWalk walk(a.rowCount, first);
    for (Index done = 0; done < count; done += kTransposedBlock) {
        const Index block = count - done < kTransposedBlock ? count - done : kTransposedBlock;
        for (Index r = 0; r < block; ++r, walk.next()) {
            left[r] = a.data + walk.offset(a.rows, a.imagePitch);
            right[r] = b.data + walk.offset(b.rows, b.imagePitch);
        }
        const bool addsHere = adds || done > 0;
        for (Index column = 0; column < columns; column += kPanel) {
            const bool wide = panelWidth(columns, column) == kPanel;
            const Index width = columns - column;
            const Index lastStart = wide ? kLanes : 0;
            const int last =
                static_cast<int>(width - lastStart < kLanes ? width - lastStart : kLanes);
            const int tallest = wide ? kWideRows : kNarrowRows;
            const float* columnsOfB[kTransposedBlock];
            for (Index r = 0; r < block; ++r) {
                columnsOfB[r] = right[r] + column;
            }
            for (Index k = depthFirst; k < depthFirst + depthCount;) {
                const Index leftOver = depthFirst + depthCount - k;
                const int rows = static_cast<int>(leftOver < tallest ? leftOver : tallest);
                Index offsets[kMostRows];
                for (int j = 0; j < rows; ++j) {
                    offsets[j] = a.segments[(k + j) / a.segmentLength] + (k + j) % a.segmentLength;
                }
                const auto at = static_cast<std::size_t>(rows - 1);
                (wide ? kWideTransposed[at] : kNarrowTransposed[at])(
                    left, offsets, columnsOfB, block, last, target + k * targetPitch + column,
                    targetPitch, addsHere);
                k += rows;
            }
        }
    }
}

} // namespace bitscape::kernels
