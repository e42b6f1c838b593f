// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tensor/kernels/code_finish.h"

namespace bitscape::kernels {

namespace {

/// One vector of columns, or the first of them. Not inlined: whole vectors stay in registers.
template <CodeRule Rule, class Code, bool IsWhole>
[[gnu::noinline]] void finishLanes(const CodeFinish& finish, const SumBlock& block, Index done,
                                   std::byte* const* to)
{
    const Index column = block.column + done;
    const LaneFinish<Rule> lanes(finish, column);
    const Index rows = block.rows;
    const Index pitch = block.pitch;
    const Index columns = block.columns - done;
    const std::int32_t* sums = block.sums + done;
    for (Index row = 0; row < rows; ++row, sums += pitch) {
        auto* codes = reinterpret_cast<Code*>(to[row]) + column;
        if constexpr (IsWhole) {
            storeCodes(codes, lanes(load(sums)));
        } else {
            storeSome(codes, lanes(load(sums)), columns);
        }
    }
}

} // namespace

void finishBlock(const CodeFinish& finish, const SumBlock& block, std::byte* const* to)
{
    visitRule(finish.rule, [&](auto rule) {
        visitKind(finish.kind, [&](auto kind) {
            using Code = decltype(kind);
            Index done = 0;
            for (; done + kLanes <= block.columns; done += kLanes) {
                finishLanes<rule, Code, true>(finish, block, done, to);
            }
            if (done < block.columns) {
                finishLanes<rule, Code, false>(finish, block, done, to);
            }
        });
    });
}

} // namespace bitscape::kernels
