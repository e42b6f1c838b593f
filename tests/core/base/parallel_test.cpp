// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <numeric>
#include <stdexcept>
#include <vector>

namespace bitscape {
namespace {

TEST(ParallelTest, DoesEveryItemOnce)
{
    for (const int threads : {1, 2, 5}) {
        Parallel parallel(threads);
        EXPECT_EQ(parallel.threads(), threads);
        for (const std::size_t count : {0U, 1U, 3U, 1000U}) {
            std::vector<std::atomic<int>> done(count);
            parallel.forEach(count, [&](std::size_t item, int worker) {
                EXPECT_GE(worker, 0);
                EXPECT_LT(worker, threads);
                ++done[item];
            });
            for (const auto& times : done) {
                EXPECT_EQ(times, 1);
            }
        }
    }
}

TEST(ParallelTest, AWorkerDoesOneItemAtATime)
{
    Parallel parallel(4);
    std::vector<std::atomic<int>> inside(4);
    parallel.forEach(200, [&](std::size_t /*item*/, int worker) {
        const auto at = static_cast<std::size_t>(worker);
        EXPECT_EQ(inside[at]++, 0);
        --inside[at];
    });
}

TEST(ParallelTest, HandsExceptionsToTheCallerAndWorksOn)
{
    Parallel parallel(3);
    const auto broken = [](std::size_t item, int /*worker*/) {
        if (item == 7) {
            throw std::runtime_error("item 7");
        }
    };
    EXPECT_THROW(parallel.forEach(50, broken), std::runtime_error);
    std::atomic<int> done = 0;
    parallel.forEach(50, [&](std::size_t /*item*/, int /*worker*/) { ++done; });
    EXPECT_EQ(done, 50);
}

TEST(ParallelTest, TakesAllCoresWhenNotToldHowMany)
{
    EXPECT_GE(Parallel(0).threads(), 1);
}

} // namespace
} // namespace bitscape
