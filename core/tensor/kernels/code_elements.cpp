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

/// sums (+)= the term's codes first … first + count − 1, scaled.
void addTerm(const CodeTerm& term, const std::byte* from, Index first, Index count, bool adds,
             std::int32_t* sums)
{
    visitRule(term.scale.rule, [&](auto rule) {
        visitKind(term.kind, [&](auto kind) {
            const auto* codes = reinterpret_cast<const decltype(kind)*>(from) + first;
            const LaneFinish<rule> lanes(term.scale, 0);
            for (Index i = 0; i < count; i += kLanes) {
                const Ints scaled = lanes.scaled(loadSome(codes + i, count - i));
                const Ints value = term.isNegative ? -scaled : scaled;
                store(sums + i, adds ? load(sums + i) + value : value);
            }
        });
    });
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
            addTerm(terms[t], codes[t], first, here, t > 0, sums);
        }
        visitRule(finish.rule, [&](auto rule) {
            visitKind(finish.kind, [&](auto kind) {
                auto* target = reinterpret_cast<decltype(kind)*>(to) + first;
                const LaneFinish<rule> lanes(finish, 0);
                for (Index i = 0; i < here; i += kLanes) {
                    storeSome(target + i, lanes(load(sums + i)), here - i);
                }
            });
        });
    }
}

void quantizeCodes(const float* x, Index count, float scale, float low, float high,
                   std::int32_t zero, std::uint8_t* to)
{
    const auto code = [&](Vector value) {
        value = value / broadcast(scale);
        value = value == value ? value : Vector{}; // NOLINT(misc-redundant-expression): NaN
        return nearest(clamped(value, broadcast(low), broadcast(high))) + broadcast(zero);
    };
    Index i = 0;
    for (; i + kLanes <= count; i += kLanes) {
        storeCodes(to + i, code(load(x + i)));
    }
    if (i < count) {
        const Index left = count - i;
        storeSome(to + i, code(loadPart(x + i, static_cast<int>(left))), left);
    }
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
