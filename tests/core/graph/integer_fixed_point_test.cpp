// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/rng.h"
#include "core/graph/integer/fixed_point.h"
#include "core/graph/integer/litert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace bitscape::graph {
namespace {

__extension__ using Whole = __int128;

/// floor(numerator / 2^shift + half of one, or as the rule says), in plain arithmetic.
std::int64_t divided(Whole product, int shift, ScaleRule rule)
{
    const Whole unit = Whole{1} << shift;
    Whole below = product / unit;
    if (product % unit < 0) {
        --below;
    }
    const Whole twiceRest = 2 * (product - below * unit);
    bool isUp = false;
    if (rule == ScaleRule::Floor) {
        isUp = false;
    } else if (rule == ScaleRule::Ceil) {
        isUp = twiceRest > 0;
    } else if (rule == ScaleRule::Zero) {
        isUp = twiceRest > 0 && product < 0;
    } else if (twiceRest == unit) { // a tie
        isUp = rule == ScaleRule::HalfUp || (rule == ScaleRule::HalfEven && below % 2 != 0) ||
               (rule == ScaleRule::HalfAway && product > 0);
    } else {
        isUp = twiceRest > unit;
    }
    return static_cast<std::int64_t>(below + (isUp ? 1 : 0));
}

constexpr std::array kExactRules{ScaleRule::HalfEven, ScaleRule::HalfAway, ScaleRule::HalfUp,
                                 ScaleRule::Floor,    ScaleRule::Zero,     ScaleRule::Ceil};

TEST(FixedPoint, ShiftsRoundAsTheirRuleSays)
{
    for (const ScaleRule rule : kExactRules) {
        for (std::int64_t product = -70; product <= 70; ++product) {
            for (int shift = 0; shift <= 8; ++shift) {
                EXPECT_EQ(shiftRight(product, shift, rule), divided(product, shift, rule))
                    << product << " / 2^" << shift << ", rule " << static_cast<int>(rule);
            }
        }
    }
}

TEST(FixedPoint, ScalingAgreesWithLongArithmetic)
{
    Rng rng(3);
    for (int trial = 0; trial < 3000; ++trial) {
        const double factor = std::exp2(-30.0 * rng.uniform() + 4.0) * (1.0 + rng.uniform());
        const auto x = static_cast<std::int64_t>((rng.uniform() - 0.5) * 4.0e9);
        for (const ScaleRule rule : kExactRules) {
            const Scaling scaling = makeScaling(std::array{factor}, rule, std::int64_t{1} << 31);
            const Whole product = Whole{x} * scaling.multipliers[0];
            const int exponent = scaling.exponents[0];
            const std::int64_t wanted = exponent < 0
                                            ? divided(product, -exponent, rule)
                                            : static_cast<std::int64_t>(product << exponent);
            EXPECT_EQ(scaled(scaling, 0, x), wanted);
            EXPECT_NEAR(std::ldexp(scaling.multipliers[0], exponent) / factor, 1.0, 1e-8);
        }
    }
}

TEST(FixedPoint, PowersOfTwoAreShifts)
{
    for (int exponent = -40; exponent <= 20; ++exponent) {
        const Scaling scaling =
            makeScaling(std::array{std::ldexp(1.0, exponent)}, ScaleRule::HalfEven, 1000);
        EXPECT_THAT(scaling.multipliers, testing::ElementsAre(1));
        EXPECT_THAT(scaling.exponents, testing::ElementsAre(exponent));
    }
}

/// The two roundings of LiteRT's reference one after the other, ties as gemmlowp's documentation
/// states them.
TEST(FixedPoint, TwiceRoundsTwice)
{
    Rng rng(4);
    for (int trial = 0; trial < 5000; ++trial) {
        const double factor = std::exp2(-12.0 * rng.uniform()) * (0.5 + 0.5 * rng.uniform());
        const auto x = static_cast<std::int64_t>((rng.uniform() - 0.5) * 2.0e6);
        const Scaling scaling = makeLiteRtScaling(std::array{factor}, ScaleRule::Twice);
        const Whole product = Whole{x} * scaling.multipliers[0];
        // Ties of the first go towards plus infinity.
        const std::int64_t high = divided(product, 31, ScaleRule::HalfUp);
        const int shift = -(scaling.exponents[0] + 31);
        ASSERT_GE(shift, 0);
        EXPECT_EQ(scaled(scaling, 0, x), divided(high, shift, ScaleRule::HalfAway));
    }
}

/// Codes that LiteRT 2.3 computed.
TEST(FixedPoint, LeakyReluIsLiteRts)
{
    const CodeGrid from{{static_cast<double>(0.043F)}, -7, -128, 127};
    const CodeGrid to{{static_cast<double>(0.037F)}, 11, -128, 127};
    const auto codes = [&](LiteRtKernels kernels) {
        const TableWork table = liteRtLeakyRelu(0.3F, from, to, kernels);
        std::vector<std::int64_t> out;
        for (const int code : {-128, -126, -100, -77, -31, -20, 8, 33, 47, 90}) {
            out.push_back(table.levels[static_cast<std::size_t>(code - table.lowest)]);
        }
        return out;
    };
    const auto builtIn = testing::ElementsAre(-31, -31, -22, -14, 2, 6, 28, 57, 74, 124);
    EXPECT_THAT(codes(LiteRtKernels::Reference), builtIn);
    EXPECT_THAT(codes(LiteRtKernels::Optimised), builtIn);
    EXPECT_THAT(codes(LiteRtKernels::Xnnpack),
                testing::ElementsAre(-31, -30, -21, -13, 3, 6, 28, 58, 74, 124));
}

/// Sums of 64 bits have multipliers of 15 bits, in all sets of kernels.
TEST(FixedPoint, WideConvolutionsHaveReducedMultipliers)
{
    const Work work = ConvolveWork{};
    for (const auto kernels :
         {LiteRtKernels::Reference, LiteRtKernels::Optimised, LiteRtKernels::Xnnpack}) {
        const Scaling scaling = liteRtScaling(work, {0.3, 0.99999}, 1.0, kernels, true);
        EXPECT_EQ(scaling.rule, ScaleRule::HalfUp);
        EXPECT_THAT(scaling.multipliers, testing::ElementsAre(19661, 0x7FFF));
        EXPECT_THAT(scaling.exponents, testing::ElementsAre(-16, -15));
    }
}

TEST(FixedPoint, RequantizationClipsAndKnowsThresholds)
{
    const Requantization shift{
        makeScaling(std::array{0.25}, ScaleRule::HalfEven, 100), 3, -8, 7, {}, {}};
    std::array<std::int64_t, 5> values{-100, -6, 2, 6, 100};
    requantize(shift, values.data(), values.size(), 0);
    EXPECT_THAT(values, testing::ElementsAre(-8, 1, 3, 5, 7));
    const Requantization steps{{}, 0, 0, 0, {-2, 5}, {10, 20, 30}};
    std::array<std::int64_t, 4> others{-3, -2, 4, 5};
    requantize(steps, others.data(), others.size(), 0);
    EXPECT_THAT(others, testing::ElementsAre(10, 20, 20, 30));
}

TEST(FixedPoint, ChannelsGoRound)
{
    const Requantization rule{
        makeScaling(std::array{1.0, 2.0, 4.0}, ScaleRule::HalfEven, 100), 0, -100, 100, {}, {}};
    std::array<std::int64_t, 5> values{1, 1, 1, 1, 1};
    requantize(rule, values.data(), values.size(), 2);
    EXPECT_THAT(values, testing::ElementsAre(4, 1, 2, 4, 1));
}

} // namespace
} // namespace bitscape::graph
