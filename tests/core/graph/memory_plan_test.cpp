// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/rng.h"
#include "core/graph/memory_plan.h"

#include <gtest/gtest.h>

namespace bitscape::graph {
namespace {

TEST(MemoryPlan, PiecesThatLiveTogetherNeverOverlap)
{
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        Rng rng(seed);
        std::vector<Lifetime> pieces;
        Index sum = 0;
        for (int i = 0; i < 40; ++i) {
            const int first = static_cast<int>(rng.below(30));
            pieces.push_back({static_cast<Index>(rng.below(1000)), first,
                              first + static_cast<int>(rng.below(6))});
            sum += pieces.back().floats + 16;
        }
        const MemoryPlan plan = planMemory(pieces);
        EXPECT_LT(plan.floats, sum);
        for (std::size_t a = 0; a < pieces.size(); ++a) {
            EXPECT_LE(plan.offsets[a] + pieces[a].floats, plan.floats);
            for (std::size_t b = 0; b < a; ++b) {
                const bool meet =
                    pieces[a].first <= pieces[b].last && pieces[b].first <= pieces[a].last;
                const bool overlap = plan.offsets[a] < plan.offsets[b] + pieces[b].floats &&
                                     plan.offsets[b] < plan.offsets[a] + pieces[a].floats;
                EXPECT_FALSE(meet && overlap) << "seed " << seed;
            }
        }
    }
}

TEST(MemoryPlan, AChainNeedsTwoPieces)
{
    std::vector<Lifetime> chain;
    for (int i = 0; i < 10; ++i) {
        chain.push_back({160, i, i + 1});
    }
    EXPECT_EQ(planMemory(chain).floats, 320);
    EXPECT_EQ(planMemory({}).floats, 0);
}

} // namespace
} // namespace bitscape::graph
