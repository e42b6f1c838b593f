// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tensor/kernels/code_finish.h"

namespace bitscape::kernels {

void finishBlock(const CodeFinish& finish, const SumBlock& block, std::byte* const* to)
{
    visitRule(finish.rule, [&](auto rule) {
        visitKind(finish.kind, [&](auto kind) {
            using Code = decltype(kind);
            for (Index done = 0; done < block.columns; done += kLanes) {
                const Index column = block.column + done;
                const LaneFinish<rule> lanes(finish, column);
                const Index count = block.columns - done;
                for (Index row = 0; row < block.rows; ++row) {
                    storeSome(reinterpret_cast<Code*>(to[row]) + column,
                              lanes(load(block.sums + row * block.pitch + done)), count);
                }
            }
        });
    });
}

} // namespace bitscape::kernels
