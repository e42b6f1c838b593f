// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/memory_plan.h"

#include <algorithm>
#include <numeric>

namespace bitscape::graph {

namespace {

constexpr Index kAlignment = 16; // floats; a cache line

Index aligned(Index floats)
{
    return (floats + kAlignment - 1) / kAlignment * kAlignment;
}

bool meet(const Lifetime& a, const Lifetime& b)
{
    return a.first <= b.last && b.first <= a.last;
}

} // namespace

MemoryPlan planMemory(std::span<const Lifetime> pieces)
{
    std::vector<std::size_t> order(pieces.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(
        order, [&](std::size_t a, std::size_t b) { return pieces[a].floats > pieces[b].floats; });
    MemoryPlan plan;
    plan.offsets.assign(pieces.size(), 0);
    std::vector<std::size_t> placed; // by offset
    for (const std::size_t piece : order) {
        const Index size = aligned(pieces[piece].floats);
        Index offset = 0;
        for (const std::size_t other : placed) {
            if (!meet(pieces[piece], pieces[other])) {
                continue;
            }
            if (offset + size <= plan.offsets[other]) {
                break;
            }
            offset = std::max(offset, plan.offsets[other] + aligned(pieces[other].floats));
        }
        plan.offsets[piece] = offset;
        plan.floats = std::max(plan.floats, offset + size);
        placed.insert(std::ranges::upper_bound(placed, offset, {},
                                               [&](std::size_t p) { return plan.offsets[p]; }),
                      piece);
    }
    return plan;
}

} // namespace bitscape::graph
