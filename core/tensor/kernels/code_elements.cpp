// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tensor/kernels/code_finish.h"

#include <algorithm>

namespace bitscape::kernels {

namespace {

constexpr Index kBlock = 512; // sums that wait for their last term

/// The first `count` of kLanes codes, zeros behind them; reads nothing beyond.
template <class Code>
BITSCAPE_INLINE Ints loadSome(const Code* from, Index count)
{
    if (count >= kLanes) {
        return loadCodes(from);
    }
    Code codes[kLanes] = {};
    std::memcpy(codes, from, static_cast<std::size_t>(count) * sizeof(Code));
    return loadCodes(codes);
}

/// A vector of columns, or a part of one, of some rows.
struct Strip {
    Index column = 0; ///< the first
    Index lanes = kLanes;
    Index rows = 0, pitch = 0; ///< elements from one row to the next
};

/// sums (+)= the scaled codes of a term. Not inlined: what is constant stays in registers.
template <CodeRule Rule, class Code, bool Adds>
[[gnu::noinline]] void addTerm(const CodeTerm& term, const Code* codes, const Strip& strip,
                               std::int32_t* sums)
{
    const LaneFinish<Rule> lanes(term.scale, strip.column);
    const Ints sign = broadcast(term.isNegative ? -1 : 0);
    const auto run = [&](const auto& read) __attribute__((always_inline))
    {
        const Index rows = strip.rows;
        const Index pitch = strip.pitch;
        for (Index row = 0; row < rows; ++row) {
            const Ints value = (lanes.scaled(read(codes + row * pitch)) ^ sign) - sign;
            std::int32_t* to = sums + row * kLanes;
            store(to, Adds ? load(to) + value : value);
        }
    };
    if (strip.lanes == kLanes) {
        run([](const Code* from) __attribute__((always_inline)) { return loadCodes(from); });
    } else {
        const Index count = strip.lanes;
        run([count](const Code* from) { return loadSome(from, count); });
    }
}

template <CodeRule Rule, class Code>
[[gnu::noinline]] void finishStrip(const CodeFinish& finish, const std::int32_t* sums,
                                   const Strip& strip, Code* to)
{
    const LaneFinish<Rule> lanes(finish, strip.column);
    const Index rows = strip.rows;
    const Index pitch = strip.pitch;
    if (strip.lanes == kLanes) {
        for (Index row = 0; row < rows; ++row) {
            storeCodes(to + row * pitch, lanes(load(sums + row * kLanes)));
        }
        return;
    }
    for (Index row = 0; row < rows; ++row) {
        storeSome(to + row * pitch, lanes(load(sums + row * kLanes)), strip.lanes);
    }
}

/// Calls body(first element, strip) for pieces of at most kBlock sums.
template <class Body>
void forStrips(Index count, Index columns, const Body& body)
{
    constexpr Index kRows = kBlock / kLanes;
    const bool isOne = columns == 1;
    const Index pitch = isOne ? kLanes : columns;
    const Index width = isOne ? std::min<Index>(count, kLanes) : columns;
    const Index rows = count / pitch;
    for (Index row = 0; row < rows; row += kRows) {
        for (Index column = 0; column < width; column += kLanes) {
            body(row * pitch + column,
                 Strip{isOne ? 0 : column, std::min<Index>(width - column, kLanes),
                       std::min(rows - row, kRows), pitch});
        }
    }
    if (rows * pitch < count) { // of one column
        body(rows * pitch, Strip{0, count - rows * pitch, 1, pitch});
    }
}

/// Calls body(from, to) for every pixel of the image under the window of every output pixel.
template <class Start, class Body>
void forWindows(const Pool& p, const Start& start, const Body& body)
{
    for (Index row = 0; row < p.outHeight; ++row) {
        const Index top = row * p.strideHeight - p.padTop;
        for (Index column = 0; column < p.outWidth; ++column) {
            const Index left = column * p.strideWidth - p.padLeft;
            const Index to = (row * p.outWidth + column) * p.channels;
            start(to);
            const Index bottom = std::min(top + p.windowHeight, p.height);
            const Index right = std::min(left + p.windowWidth, p.width);
            for (Index h = std::max<Index>(top, 0); h < bottom; ++h) {
                for (Index w = std::max<Index>(left, 0); w < right; ++w) {
                    body((h * p.width + w) * p.channels, to);
                }
            }
        }
    }
}

} // namespace

void sumCodes(const CodeTerm* terms, const std::byte* const* codes, Index termCount, Index count,
              Index columns, const CodeFinish& finish, std::byte* to)
{
    alignas(64) std::int32_t sums[kBlock];
    forStrips(count, columns, [&](Index first, const Strip& strip) {
        for (Index t = 0; t < termCount; ++t) {
            visitRule(terms[t].scale.rule, [&](auto rule) {
                visitKind(terms[t].kind, [&](auto kind) {
                    using Code = decltype(kind);
                    const auto* from = reinterpret_cast<const Code*>(codes[t]) + first;
                    t > 0 ? addTerm<rule, Code, true>(terms[t], from, strip, sums)
                          : addTerm<rule, Code, false>(terms[t], from, strip, sums);
                });
            });
        }
        visitRule(finish.rule, [&](auto rule) {
            visitKind(finish.kind, [&](auto kind) {
                using Code = decltype(kind);
                finishStrip<rule>(finish, sums, strip, reinterpret_cast<Code*>(to) + first);
            });
        });
    });
}

void quantizeCodes(const float* x, Index count, float scale, float low, float high,
                   std::int32_t zero, CodeKind kind, std::byte* to)
{
    const auto code = [&](Vector value) {
        value = value / broadcast(scale);
        value = value == value ? value : Vector{}; // NOLINT(misc-redundant-expression): NaN
        return nearest(clamped(value, broadcast(low), broadcast(high))) + broadcast(zero);
    };
    visitKind(kind, [&](auto one) {
        auto* codes = reinterpret_cast<decltype(one)*>(to);
        Index i = 0;
        for (; i + kLanes <= count; i += kLanes) {
            storeCodes(codes + i, code(load(x + i)));
        }
        if (i < count) {
            const Index left = count - i;
            storeSome(codes + i, code(loadPart(x + i, static_cast<int>(left))), left);
        }
    });
}

void dequantizeCodes(const std::byte* codes, CodeKind kind, Index count, std::int32_t zero,
                     double step, float* y)
{
    visitKind(kind, [&](auto one) {
        const auto* from = reinterpret_cast<const decltype(one)*>(codes);
        for (Index i = 0; i < count; ++i) {
            const std::int64_t number = std::int64_t{from[i]} - zero;
            y[i] = static_cast<float>(step * static_cast<double>(number));
        }
    });
}

void maxPoolCodes(const Pool& pool, const std::uint8_t* x, std::uint8_t* y)
{
    forWindows(
        pool, [&](Index to) { std::fill_n(y + to, pool.channels, std::uint8_t{0}); },
        [&](Index from, Index to) {
            for (Index c = 0; c < pool.channels; ++c) {
                y[to + c] = std::max(y[to + c], x[from + c]);
            }
        });
}

void sumPoolCodes(const Pool& pool, const std::uint8_t* x, std::int32_t* sums)
{
    forWindows(
        pool, [&](Index to) { std::fill_n(sums + to, pool.channels, 0); },
        [&](Index from, Index to) {
            for (Index c = 0; c < pool.channels; ++c) {
                sums[to + c] += x[from + c];
            }
        });
}

} // namespace bitscape::kernels
