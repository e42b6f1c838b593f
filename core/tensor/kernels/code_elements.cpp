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

/// sums (+)= the scaled codes of a term. Not inlined: what is constant stays in registers.
template <CodeRule Rule, class Code, bool Adds>
[[gnu::noinline]] void addTerm(const CodeTerm& term, const Code* codes, Index count,
                               std::int32_t* sums)
{
    const LaneFinish<Rule> lanes(term.scale, 0);
    const Ints sign = broadcast(term.isNegative ? -1 : 0);
    const auto add = [&](Ints code, std::int32_t * to) __attribute__((always_inline))
    {
        const Ints value = (lanes.scaled(code) ^ sign) - sign;
        store(to, Adds ? load(to) + value : value);
    };
    Index i = 0;
    for (; i + kLanes <= count; i += kLanes) {
        add(loadCodes(codes + i), sums + i);
    }
    if (i < count) {
        add(loadSome(codes + i, count - i), sums + i);
    }
}

template <CodeRule Rule, class Code>
[[gnu::noinline]] void finishSums(const CodeFinish& finish, const std::int32_t* sums, Index count,
                                  Code* to)
{
    const LaneFinish<Rule> lanes(finish, 0);
    Index i = 0;
    for (; i + kLanes <= count; i += kLanes) {
        storeCodes(to + i, lanes(load(sums + i)));
    }
    if (i < count) {
        storeSome(to + i, lanes(load(sums + i)), count - i);
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
              const CodeFinish& finish, std::byte* to)
{
    alignas(64) std::int32_t sums[kBlock];
    for (Index first = 0; first < count; first += kBlock) {
        const Index here = std::min(count - first, kBlock);
        for (Index t = 0; t < termCount; ++t) {
            visitRule(terms[t].scale.rule, [&](auto rule) {
                visitKind(terms[t].kind, [&](auto kind) {
                    using Code = decltype(kind);
                    const auto* from = reinterpret_cast<const Code*>(codes[t]) + first;
                    t > 0 ? addTerm<rule, Code, true>(terms[t], from, here, sums)
                          : addTerm<rule, Code, false>(terms[t], from, here, sums);
                });
            });
        }
        visitRule(finish.rule, [&](auto rule) {
            visitKind(finish.kind, [&](auto kind) {
                finishSums<rule>(finish, sums, here, reinterpret_cast<decltype(kind)*>(to) + first);
            });
        });
    }
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
