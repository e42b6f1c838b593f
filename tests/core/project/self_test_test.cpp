// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/project/self_test.h"

#include <gtest/gtest.h>

namespace bitscape::project {
namespace {

TEST(SelfTest, ThisBuildPasses)
{
    Parallel parallel(2);
    const std::vector<SelfTestCase> cases = selfTest(parallel);
    EXPECT_EQ(cases.size(), 6U);
    for (const SelfTestCase& test : cases) {
        EXPECT_TRUE(test.passed) << test.name << ": " << test.detail;
        EXPECT_FALSE(test.detail.empty());
    }
}

TEST(SelfTest, StopsWhenAsked)
{
    Parallel parallel(1);
    std::stop_source stop;
    stop.request_stop();
    JobContext job;
    job.stop = stop.get_token();
    EXPECT_TRUE(selfTest(parallel, job).empty());
}

} // namespace
} // namespace bitscape::project
