// SPDX-License-Identifier: GPL-3.0-or-later
// Small floats against lists of all their numbers, and against the bits of float32.
#include "core/quant/quantizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

namespace bitscape::quant {
namespace {

using testing::ElementsAre;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

QuantizerPtr parsed(const std::string& text)
{
    auto quantizer = parseQuantizer(text);
    if (!quantizer) {
        throw std::runtime_error(quantizer.error().sentence());
    }
    return *quantizer;
}

std::vector<float> valuesOf(const Quantizer& quantizer, const std::vector<float>& x,
                            const CallContext& call = {})
{
    const Tensor in(Shape{static_cast<Index>(x.size())}, x);
    Tensor out(in.shape());
    quantizer.apply(in.view(), out.mutableView(), call);
    return {out.values().begin(), out.values().end()};
}

float valueOf(const Quantizer& quantizer, float x)
{
    return valuesOf(quantizer, {x})[0];
}

/// All numbers ≥ 0 in order of their codes.
std::vector<double> numbers(int exponentBits, int mantissaBits, int unusable)
{
    std::vector<double> out;
    const int bias = (1 << (exponentBits - 1)) - 1;
    for (int code = 0; code < (1 << (exponentBits + mantissaBits)) - unusable; ++code) {
        const int exponent = code >> mantissaBits;
        const double mantissa = std::ldexp(code & ((1 << mantissaBits) - 1), -mantissaBits);
        out.push_back(exponent == 0 ? std::ldexp(mantissa, 1 - bias)
                                    : std::ldexp(1.0 + mantissa, exponent - bias));
    }
    return out;
}

RC_GTEST_PROP(Minifloat, takesTheNearestNumberAndItsCode, ())
{
    const int exponentBits = *rc::gen::inRange(2, 6);
    const int mantissaBits = *rc::gen::inRange(1, 5);
    const std::string special = *rc::gen::element<std::string>("ieee", "nan", "none");
    const int unusable = special == "ieee" ? 1 << mantissaBits : (special == "nan" ? 1 : 0);
    const auto q = makeQuantizer("minifloat", {{"exponent_bits", std::int64_t{exponentBits}},
                                               {"mantissa_bits", std::int64_t{mantissaBits}},
                                               {"special", special}});
    const std::vector<double> all = numbers(exponentBits, mantissaBits, unusable);
    RC_ASSERT((*q)->max() == all.back());
    const auto x = static_cast<float>(*rc::gen::inRange(-30000, 30001)) *
                   std::exp2(static_cast<float>(*rc::gen::inRange(-24, 8)));
    const double y = valueOf(**q, x);
    const double size = std::abs(static_cast<double>(x));
    double best = all.back();
    std::size_t code = all.size() - 1;
    for (std::size_t i = all.size(); i-- > 0;) {
        const double gap = std::abs(all[i] - size);
        const double least = std::abs(best - size);
        if (gap < least || (gap == least && i % 2 == 0)) { // the even code at a tie
            best = all[i];
            code = i;
        }
    }
    RC_ASSERT(y == std::copysign(best, best == 0.0 ? 1.0 : static_cast<double>(x)));
    const auto codes = (*q)->codes(Tensor(Shape{1}, std::vector<float>{x}).view(), {});
    RC_ASSERT(std::abs(static_cast<double>(codes->values()[0])) == static_cast<double>(code));
}

/// float32 with the lower half of its bits rounded away, half to even.
RC_GTEST_PROP(Minifloat, bf16IsTheUpperHalfOfAFloat, ())
{
    constexpr std::uint32_t kSmallestNormal = 0x00800000U;
    constexpr std::uint32_t kInfinityBits = 0x7F800000U;
    const std::uint32_t sign = *rc::gen::arbitrary<bool>() ? 0x80000000U : 0U;
    const std::uint32_t bits = sign | *rc::gen::inRange(kSmallestNormal, kInfinityBits);
    const auto x = std::bit_cast<float>(bits);
    const std::uint32_t odd = (bits >> 16U) & 1U;
    const auto wanted = std::bit_cast<float>((bits + 0x7FFFU + odd) & 0xFFFF0000U);
    RC_ASSERT(valueOf(*parsed("bf16"), x) == wanted);
}

TEST(Minifloat, namedFormatsHaveTheirEnds)
{
    EXPECT_EQ(parsed("E4M3")->max(), 448.0);
    EXPECT_EQ(parsed("E5M2")->max(), 57344.0);
    EXPECT_EQ(parsed("E3M2")->max(), 28.0);
    EXPECT_EQ(parsed("E2M3")->max(), 7.5);
    EXPECT_EQ(parsed("E2M1")->max(), 6.0);
    EXPECT_EQ(parsed("fp16")->max(), 65504.0);
    EXPECT_EQ(parsed("E4M3")->bits(), 8);
    EXPECT_EQ(parsed("bf16")->bits(), 16);
    EXPECT_EQ(parsed("E2M1")->bits(), 4);
    EXPECT_THAT(valuesOf(*parsed("E4M3"), {0x1p-9F, 0x1p-10F, 0x1.8p-10F, 1000.0F, kInfinity}),
                ElementsAre(0x1p-9F, 0.0F, 0x1p-9F, 448.0F, 448.0F))
        << "the smallest number is 2^−9; half of it is a tie and goes to 0";
}

TEST(Minifloat, overflowsAsIeeeSays)
{
    const QuantizerPtr half = parsed("fp16");
    EXPECT_EQ(valueOf(*half, 65519.0F), 65504.0F);
    EXPECT_EQ(valueOf(*half, 65520.0F), kInfinity);
    EXPECT_EQ(valueOf(*half, -kInfinity), -kInfinity);
    EXPECT_TRUE(std::isnan(valueOf(*half, std::nanf(""))));
    EXPECT_EQ(half->codes(Tensor(Shape{1}, std::vector<float>{-kInfinity}).view(), {})->values()[0],
              -31744.0F);
}

TEST(Minifloat, withoutSubnormalsSmallValuesAreZeroOrTheLeast)
{
    const QuantizerPtr q = parsed("minifloat(4,3,subnormals=False)");
    EXPECT_THAT(valuesOf(*q, {0x1p-6F, 0x1.8p-7F, 0x1p-7F, 0x1p-8F}),
                ElementsAre(0x1p-6F, 0x1p-6F, 0.0F, 0.0F));
}

TEST(Minifloat, roundsAsAsked)
{
    // The neighbors of ±1.1 in E2M1 are ±1 and ±1.5.
    const auto rounded = [](const char* rounding) {
        return valuesOf(*parsed(std::string("minifloat(2,1,'none',rounding='") + rounding + "')"),
                        {1.1F, -1.1F, 1.25F, 1.75F});
    };
    EXPECT_THAT(rounded("half_even"), ElementsAre(1.0F, -1.0F, 1.0F, 2.0F));
    EXPECT_THAT(rounded("half_away"), ElementsAre(1.0F, -1.0F, 1.5F, 2.0F));
    EXPECT_THAT(rounded("floor"), ElementsAre(1.0F, -1.5F, 1.0F, 1.5F));
    EXPECT_THAT(rounded("ceil"), ElementsAre(1.5F, -1.0F, 1.5F, 2.0F));
    EXPECT_THAT(rounded("zero"), ElementsAre(1.0F, -1.0F, 1.0F, 1.5F));
}

TEST(Minifloat, drawsOnlyWhileTraining)
{
    constexpr std::size_t kDraws = 4000;
    const QuantizerPtr q = parsed("minifloat(2,1,'none',rounding='stochastic')");
    const std::vector<float> x(kDraws, 1.1F);
    double sum = 0.0;
    for (const float value : valuesOf(*q, x, {.training = true, .seed = 2})) {
        ASSERT_TRUE(value == 1.0F || value == 1.5F) << value;
        sum += value;
    }
    constexpr double kDeviation = 0.5 * 0.4; // of one draw
    EXPECT_NEAR(sum / kDraws, 1.1, 5.0 * kDeviation / std::sqrt(kDraws));
    EXPECT_EQ(valuesOf(*q, {1.1F})[0], 1.0F);
}

TEST(Minifloat, gradientsStopWhereValuesSaturate)
{
    const Tensor x(Shape{3}, std::vector<float>{-500.0F, 448.0F, 449.0F});
    const Tensor g(Shape{3}, std::vector<float>(3, 1.0F));
    Tensor dx(x.shape());
    parsed("E4M3")->gradient(x.view(), g.view(), dx.mutableView(), {});
    EXPECT_THAT(dx.values(), ElementsAre(0.0F, 1.0F, 0.0F));
    parsed("bf16")->gradient(x.view(), g.view(), dx.mutableView(), {});
    EXPECT_THAT(dx.values(), ElementsAre(1.0F, 1.0F, 1.0F));
}

TEST(Minifloat, printsTheNameOfAFormat)
{
    EXPECT_EQ(parsed("minifloat(4,3)")->toString(), "E4M3");
    EXPECT_EQ(parsed("minifloat(5,10,'ieee',overflow='infinity')")->toString(), "fp16");
    EXPECT_EQ(parsed("minifloat(4,3,bias=8)")->toString(), "minifloat(4,3,bias=8)");
    EXPECT_EQ(parsed("minifloat(4,3,bias=8)")->max(), 224.0);
}

TEST(Minifloat, refusesFormatsThatCannotBe)
{
    for (const char* text : {"minifloat(1,3)", "minifloat(9,3)", "minifloat(4,24)",
                             "minifloat(4,0)", "minifloat(4,3,overflow='infinity')",
                             "minifloat(8,3,bias=-200)", "minifloat(4,3,'iee')"}) {
        EXPECT_FALSE(parseQuantizer(text)) << text;
    }
}

} // namespace
} // namespace bitscape::quant
