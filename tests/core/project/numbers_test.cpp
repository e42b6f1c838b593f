// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/project/numbers.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace bitscape::project {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(NumbersTest, FixedGroupsThousandsAndUsesARealMinus)
{
    EXPECT_EQ(fixed(1234567.891, 2), "1,234,567.89");
    EXPECT_EQ(fixed(999.5, 0), "1,000");
    EXPECT_EQ(fixed(-12.5, 1), "−12.5");
    EXPECT_EQ(fixed(-0.0001, 2), "0.00");
    EXPECT_EQ(fixed(kNan, 2), "—");
    EXPECT_EQ(fixed(kInfinity, 1), "∞");
    EXPECT_EQ(fixed(-kInfinity, 1), "−∞");
    EXPECT_EQ(grouped(123), "123");
}

TEST(NumbersTest, UnitsFollowTheSize)
{
    EXPECT_EQ(memory(344064), "42.0 KiB");
    EXPECT_EQ(memory(8192), "1.00 KiB");
    EXPECT_EQ(memory(8192.0 * 1024 * 2.5), "2.50 MiB");
    EXPECT_EQ(energy(15720000), "15.72 µJ");
    EXPECT_EQ(energy(3295370), "3.295 µJ");
    EXPECT_EQ(energy(999), "999.0 pJ");
    EXPECT_EQ(energy(0), "0.000 pJ");
    EXPECT_EQ(energy(kNan), "—");
    EXPECT_EQ(duration(0.001841), "1.841 ms");
    EXPECT_EQ(duration(2), "2.000 s");
}

TEST(NumbersTest, SharesAndChanges)
{
    EXPECT_EQ(percent(0.86471), "86.47 %");
    EXPECT_EQ(percent(1, 0), "100 %");
    EXPECT_EQ(change(55, 100), "−45.0 %");
    EXPECT_EQ(change(103, 100), "+3.0 %");
    EXPECT_EQ(change(100, 100), "0.0 %");
    EXPECT_EQ(change(1, 0), "—");
}

} // namespace
} // namespace bitscape::project
