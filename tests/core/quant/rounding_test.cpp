// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/rng.h"
#include "core/quant/rounding.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

namespace bitscape::quant {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> codesOf(const CodeRule& rule, const std::vector<float>& values,
                           const CodeRange& range)
{
    std::vector<float> codes(values.size());
    rule.codes(values.data(), codes.data(), static_cast<std::int64_t>(values.size()), range, 1, 0);
    return codes;
}

TEST(Rounding, namesAreThoseOfTheEnumerationBothWays)
{
    for (std::size_t i = 0; i < roundingNames().size(); ++i) {
        EXPECT_EQ(roundingByName(roundingNames()[i]), static_cast<Rounding>(i));
    }
    for (std::size_t i = 0; i < overflowNames().size(); ++i) {
        EXPECT_EQ(overflowByName(overflowNames()[i]), static_cast<Overflow>(i));
    }
    EXPECT_EQ(roundingByName("half_even"), Rounding::HalfEven);
    EXPECT_EQ(roundingByName("stochastic"), Rounding::Stochastic);
    EXPECT_EQ(overflowByName("saturate_symmetric"), Overflow::SaturateSymmetric);
    EXPECT_FALSE(roundingByName("nearest"));
    EXPECT_FALSE(overflowByName(""));
}

TEST(Rounding, everyModeTreatsTiesAndSignsAsItsNameSays)
{
    struct Case {
        Rounding rounding;
        std::array<float, 6> expected; // of the values below
    };
    constexpr std::array<float, 6> kValues{-2.5F, -1.5F, -0.25F, 0.25F, 1.5F, 2.5F};
    for (const Case& c :
         {Case{Rounding::HalfEven, {-2, -2, 0, 0, 2, 2}},
          Case{Rounding::HalfAway, {-3, -2, 0, 0, 2, 3}},
          Case{Rounding::Floor, {-3, -2, -1, 0, 1, 2}}, Case{Rounding::Zero, {-2, -1, 0, 0, 1, 2}},
          Case{Rounding::Ceil, {-2, -1, 0, 1, 2, 3}}}) {
        for (std::size_t i = 0; i < kValues.size(); ++i) {
            EXPECT_EQ(roundBy(c.rounding, kValues[i], 0.5F), c.expected[i])
                << roundingNames()[static_cast<std::size_t>(c.rounding)] << " of " << kValues[i];
        }
    }
    // The sum of this value and 1/2 rounds to 1 in float32.
    EXPECT_EQ(roundBy(Rounding::HalfAway, 0.49999997F, 0.0F), 0.0F);
}

TEST(Rounding, stochasticHasTheRightMeanAndKeepsWholeNumbers)
{
    constexpr int kDraws = 20000;
    double sum = 0.0;
    for (std::uint64_t i = 0; i < kDraws; ++i) {
        const float code = roundBy(Rounding::Stochastic, -1.75F, uniformAt(7, i));
        EXPECT_TRUE(code == -2.0F || code == -1.0F) << code;
        sum += static_cast<double>(code);
        EXPECT_EQ(roundBy(Rounding::Stochastic, 3.0F, uniformAt(7, i)), 3.0F);
    }
    EXPECT_NEAR(sum / kDraws, -1.75, 0.02); // 6 standard deviations
}

TEST(Overflow, wrapKeepsTheLowBits)
{
    const CodeRange word{-8.0F, 7.0F, 4};
    for (int code = -100; code <= 100; ++code) {
        const int expected = ((code + 8) % 16 + 16) % 16 - 8;
        EXPECT_EQ(confine(Overflow::Wrap, static_cast<float>(code), word),
                  static_cast<float>(expected))
            << code;
    }
    EXPECT_EQ(confine(Overflow::Wrap, 17.0F, {0.0F, 15.0F, 4}), 1.0F);
    // A code that the range leaves out becomes its neighbor.
    EXPECT_EQ(confine(Overflow::Wrap, 8.0F, {-7.0F, 7.0F, 4}), -7.0F);
}

TEST(Overflow, saturationStopsAtTheEnds)
{
    const CodeRange word{-8.0F, 7.0F, 4};
    EXPECT_EQ(confine(Overflow::Saturate, -9.0F, word), -8.0F);
    EXPECT_EQ(confine(Overflow::Saturate, 8.0F, word), 7.0F);
    EXPECT_EQ(confine(Overflow::SaturateSymmetric, -9.0F, word), -7.0F);
    EXPECT_EQ(confine(Overflow::SaturateSymmetric, -8.0F, word), -7.0F);
    EXPECT_EQ(confine(Overflow::SaturateSymmetric, -1.0F, {0.0F, 15.0F, 4}), 0.0F);
}

TEST(Overflow, infinitiesSaturateAndNanStays)
{
    const CodeRange word{-8.0F, 7.0F, 4};
    for (const Overflow overflow :
         {Overflow::Saturate, Overflow::Wrap, Overflow::SaturateSymmetric}) {
        EXPECT_EQ(confine(overflow, kInfinity, word), 7.0F);
        EXPECT_EQ(confine(overflow, -kInfinity, word), lowestCode(overflow, word));
        EXPECT_TRUE(std::isnan(confine(overflow, std::nanf(""), word)));
    }
}

TEST(CodeRule, countsDenormalsAsZeroAndGivesPositiveZeros)
{
    const std::vector<float> codes =
        codesOf({Rounding::Ceil, Overflow::Saturate}, {1e-40F, -1e-40F, -0.5F}, {-8.0F, 7.0F, 4});
    for (const float code : codes) {
        EXPECT_EQ(code, 0.0F);
        EXPECT_FALSE(std::signbit(code));
    }
}

TEST(CodeRule, drawsOnlyWhileTraining)
{
    const CodeRule rule{Rounding::Stochastic, Overflow::Wrap};
    EXPECT_EQ(rule.at(true).rounding, Rounding::Stochastic);
    EXPECT_EQ(rule.at(false).rounding, Rounding::HalfEven);
    EXPECT_EQ(rule.at(false).overflow, Overflow::Wrap);
    EXPECT_FALSE(rule.at(false).isPlain());
    EXPECT_TRUE(CodeRule{}.at(true).isPlain());
}

TEST(CodeRule, aPartOfATensorDrawsWhatTheWholeDraws)
{
    const CodeRule rule{Rounding::Stochastic, Overflow::Saturate};
    const CodeRange word{-8.0F, 7.0F, 4};
    const std::vector<float> values(100, 1.5F);
    std::vector<float> whole(values.size());
    rule.codes(values.data(), whole.data(), 100, word, 3, 0);
    std::vector<float> part(values.size());
    rule.codes(values.data(), part.data(), 40, word, 3, 0);
    rule.codes(values.data(), part.data() + 40, 60, word, 3, 40);
    EXPECT_EQ(whole, part);
}

TEST(Rounding, powersOfTwoAreThoseOfTheRoundedLogarithm)
{
    const auto expectPower = [](float value) {
        const float wanted = std::exp2(std::nearbyint(logarithm2(value + kEpsilon)));
        EXPECT_EQ(nearestPowerOfTwo(value), wanted) << value;
    };
    for (int exponent = -30; exponent < 127; ++exponent) {
        const float root = std::ldexp(1.41421354F, exponent);
        float near = root * (1.0F - 3e-4F);
        for (int i = 0; i < 400; ++i, near = near * (1.0F + 1.5e-6F)) {
            expectPower(near);
        }
        expectPower(std::ldexp(1.0F, exponent));
        expectPower(std::ldexp(1.999F, exponent));
    }
    for (const float value : {0.0F, 1e-40F, 1e-9F, 3.4e38F}) {
        expectPower(value);
    }
    EXPECT_TRUE(std::isinf(nearestPowerOfTwo(std::numeric_limits<float>::infinity())));
    EXPECT_TRUE(std::isnan(nearestPowerOfTwo(std::numeric_limits<float>::quiet_NaN())));
}

} // namespace
} // namespace bitscape::quant
