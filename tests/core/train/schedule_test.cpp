// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/train/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <string>
#include <vector>

namespace bitscape::train {
namespace {

constexpr double kRounding = 1e-12;

double rateAt(const std::string& text, std::int64_t step, std::int64_t warmUp = 0)
{
    const auto schedule = makeSchedule(text, warmUp, {.learningRate = 0.5, .totalSteps = 100});
    EXPECT_TRUE(schedule.has_value()) << text;
    return schedule ? (*schedule)(step) : std::nan("");
}

double cosine(double share)
{
    return 0.5 * (1.0 + std::cos(std::numbers::pi * share));
}

TEST(Schedule, followsKerasFormulas)
{
    struct Row {
        std::string text;
        std::int64_t step;
        double rate;
    };
    const std::vector<Row> table{
        {"exponential_decay(0.1,10,0.5)", 25, 0.1 * std::pow(0.5, 2.5)},
        {"exponential_decay(0.1,10,0.5,staircase=True)", 25, 0.1 * 0.25},
        {"ExponentialDecay(0.1,10,0.5)", 0, 0.1},
        {"inverse_time_decay(0.1,10,0.5)", 30, 0.1 / 2.5},
        {"inverse_time_decay(0.1,10,0.5,staircase=True)", 39, 0.1 / 2.5},
        {"polynomial_decay(0.1,10,0.02,power=2)", 5, 0.08 * 0.25 + 0.02},
        {"polynomial_decay(0.1,10,0.02)", 1000, 0.02},
        {"polynomial_decay(0.1,10,0.02,cycle=True)", 15, 0.08 * 0.25 + 0.02},
        {"polynomial_decay(0.1,10,0.02,cycle=True)", 10, 0.02},
        {"cosine_decay(0.1,10)", 4, 0.1 * cosine(0.4)},
        {"cosine_decay(0.1,10,alpha=0.2)", 4, 0.1 * (0.8 * cosine(0.4) + 0.2)},
        {"cosine_decay(0.1,10,alpha=0.2)", 99, 0.1 * 0.2},
        {"cosine_decay(0.1,10,0.0,0.3,4)", 1, 0.1 + 0.2 * 0.25},
        {"cosine_decay(0.1,10,0.0,0.3,4)", 6, 0.3 * cosine(0.2)},
        {"cosine_decay_restarts(0.1,10)", 4, 0.1 * cosine(0.4)},
        {"cosine_decay_restarts(0.1,10)", 15, 0.1 * cosine(0.25)},
        {"cosine_decay_restarts(0.1,10,m_mul=0.5)", 35, 0.1 * 0.25 * cosine(0.125)},
        {"cosine_decay_restarts(0.1,10,t_mul=1,m_mul=0.5)", 25, 0.1 * 0.25 * cosine(0.5)},
        {"piecewise_constant_decay([10,20],[1,0.5,0.1])", 10, 1.0},
        {"piecewise_constant([10,20],[1,0.5,0.1])", 11, 0.5},
        {"piecewise_constant_decay(boundaries=[10,20],values=[1,0.5,0.1])", 21, 0.1},
    };
    for (const Row& row : table) {
        EXPECT_NEAR(rateAt(row.text, row.step), row.rate, kRounding) << row.text << row.step;
    }
}

TEST(Schedule, fallsBackOnTheTraining)
{
    EXPECT_EQ(rateAt("", 7), 0.5);
    EXPECT_NEAR(rateAt("cosine_decay", 50), 0.5 * cosine(0.5), kRounding);
    EXPECT_NEAR(rateAt("exponential_decay(decay_rate=0.1)", 100), 0.05, kRounding);
}

TEST(Schedule, warmsUpBeforeItBegins)
{
    EXPECT_NEAR(rateAt("", 0, 4), 0.1, kRounding);
    EXPECT_NEAR(rateAt("", 3, 4), 0.4, kRounding);
    EXPECT_NEAR(rateAt("", 4, 4), 0.5, kRounding);
    EXPECT_NEAR(rateAt("cosine_decay", 52, 4), 0.5 * cosine(0.5), kRounding);
}

TEST(Schedule, neverLeavesTheNumbersAndNamesItself)
{
    for (const ScheduleInfo& row : schedules()) {
        EXPECT_FALSE(row.doc.empty());
        for (const CallParameter& parameter : row.parameters) {
            EXPECT_FALSE(parameter.doc.empty()) << row.name << ", " << parameter.name;
        }
        const std::string text = row.name == "piecewise_constant_decay"
                                     ? "piecewise_constant_decay([],[0.1])"
                                     : std::string(row.name);
        for (const std::int64_t step : {0, 1, 99, 100, 101, 100000}) {
            const double rate = rateAt(text, step);
            EXPECT_TRUE(std::isfinite(rate) && rate >= 0 && rate <= 0.5) << text << " " << step;
        }
    }
}

TEST(Schedule, refusesWhatMakesNoSense)
{
    for (const std::string text :
         {"cosine_decoy", "exponential_decay(decay_steps=0)", "polynomial_decay(power=-1)",
          "piecewise_constant_decay([1,2],[1,2])", "piecewise_constant_decay([2,1],[1,2,3])",
          "piecewise_constant_decay([1],[1,-2])", "piecewise_constant_decay(5,[1])",
          "cosine_decay_restarts(t_mul=0.5)"}) {
        const auto made = makeSchedule(text, 0, {});
        ASSERT_FALSE(made.has_value()) << text;
        EXPECT_EQ(made.error().code, ErrorCode::InvalidArgument) << text;
        EXPECT_THAT(made.error().where, testing::HasSubstr("--schedule")) << text;
    }
}

} // namespace
} // namespace bitscape::train
