// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/train/noise_schedule.h"

#include <gtest/gtest.h>

#include <string>

namespace bitscape::train {
namespace {

NoiseSchedule made(const std::string& text)
{
    const auto schedule = makeNoiseSchedule(text);
    EXPECT_TRUE(schedule.has_value()) << text;
    return schedule.value_or(NoiseSchedule{});
}

TEST(NoiseSchedule, followsQKerasFormula)
{
    const NoiseSchedule schedule = made("qnoise_scheduler(2,10)");
    EXPECT_EQ(schedule.factor(1), 0.0);
    EXPECT_EQ(schedule.factor(2), 0.0);
    EXPECT_EQ(schedule.factor(4), 0.578125);
    EXPECT_EQ(schedule.factor(10), 1.0);
    EXPECT_EQ(schedule.factor(11), 1.0);
    EXPECT_EQ(made("QNoiseScheduler(3,3)").factor(3), 1.0);
    EXPECT_EQ(made("qnoise_scheduler(0,10,exponent=1)").factor(5), 0.5);
}

TEST(NoiseSchedule, changesWhereItsTimeIsAMultiple)
{
    const NoiseSchedule every = made("qnoise_scheduler(0,8,update_freq=4,exponent=1)");
    EXPECT_EQ(every.factorAt(3), 0.0);
    EXPECT_EQ(every.factorAt(4), 0.5);
    EXPECT_EQ(every.factorAt(7), 0.5);
    EXPECT_EQ(every.factorAt(8), 1.0);
    // Started at 2, the first multiple of 4 comes after two counts; until then nothing is set.
    const NoiseSchedule later =
        made("qnoise_scheduler(0,8,update_freq=4,initial_step_or_epoch=2,exponent=1)");
    EXPECT_EQ(later.factorAt(1), 0.0);
    EXPECT_EQ(later.factorAt(2), 0.5);
}

TEST(NoiseSchedule, refusesWhatMakesNoSense)
{
    for (const std::string text : {"qnoise_scheduler(5,2)", "qnoise_scheduler(0,1,'batch')",
                                   "qnoise_schedule(0,1)", "qnoise_scheduler(0,1,update_freq=0)"}) {
        const auto schedule = makeNoiseSchedule(text);
        ASSERT_FALSE(schedule.has_value()) << text;
        EXPECT_EQ(schedule.error().code, ErrorCode::InvalidArgument);
    }
    EXPECT_TRUE(made("qnoise_scheduler(0,1,freq_type='step')").perStep);
    EXPECT_FALSE(made("qnoise_scheduler(0,1,use_ste=False)").useSte);
}

} // namespace
} // namespace bitscape::train
