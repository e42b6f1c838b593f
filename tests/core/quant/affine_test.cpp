// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/grid_facts.h"
#include "core/quant/number_line.h"
#include "core/quant/quantizer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace bitscape::quant {
namespace {

QuantizerPtr parsed(const std::string& text)
{
    auto quantizer = parseQuantizer(text);
    EXPECT_TRUE(quantizer) << text << ": " << (quantizer ? "" : quantizer.error().message);
    return quantizer.value_or(nullptr);
}

std::vector<float> applied(const Quantizer& quantizer, const Shape& shape,
                           const std::vector<float>& values)
{
    const Tensor x(shape, values);
    Tensor y(shape);
    quantizer.apply(x.view(), y.mutableView(), {});
    return {y.values().begin(), y.values().end()};
}

TEST(AffineGiven, ScaleAndZeroPointAreTakenAsTheyAre)
{
    const auto q = parsed("affine(8,scale=0.5,zero_point=-128)");
    ASSERT_TRUE(q);
    EXPECT_FALSE(q->needsRange());
    EXPECT_DOUBLE_EQ(q->min(), 0.0);
    EXPECT_DOUBLE_EQ(q->max(), 127.5);
    EXPECT_EQ(applied(*q, {4}, {-3.0F, 0.75F, 1.25F, 200.0F}),
              (std::vector<float>{0.0F, 1.0F, 1.0F, 127.5F})); // ties to even
    const Tensor x(Shape{2}, std::vector<float>{0.0F, 200.0F});
    EXPECT_EQ(q->codes(x.view(), {})->values()[0], -128.0F);
    EXPECT_EQ(q->codes(x.view(), {})->values()[1], 127.0F);
    EXPECT_EQ(parsed(q->toString())->toString(), q->toString());
}

TEST(AffineGiven, OneScalePerChannelBroadcasts)
{
    const auto q = parsed("affine(4,narrow=1,scale=[1.0 0.25])");
    ASSERT_TRUE(q);
    EXPECT_EQ(applied(*q, {2, 2}, {9.0F, 9.0F, -9.0F, 0.3F}),
              (std::vector<float>{7.0F, 1.75F, -7.0F, 0.25F}));
    EXPECT_TRUE(q->accepts(Shape{3, 3, 5, 2}));
    EXPECT_EQ(q->accepts(Shape{3}).error().code, ErrorCode::InvalidArgument);
    const Tensor x(Shape{1, 2}, std::vector<float>{1.0F, 1.0F});
    EXPECT_EQ(q->fit(x.view(), {}).scale.size(), 2);
}

TEST(AffineGiven, UnsignedCodesStartAtZero)
{
    const auto q = parsed("affine(2,scale=1.0,signed=0)");
    EXPECT_EQ(applied(*q, {3}, {-5.0F, 2.4F, 9.0F}), (std::vector<float>{0.0F, 2.0F, 3.0F}));
    const auto narrow = parsed("affine(2,narrow=1,scale=1.0,signed=0)");
    EXPECT_EQ(applied(*narrow, {1}, {9.0F}), (std::vector<float>{2.0F}));
    EXPECT_EQ(applied(*parsed("affine(1,scale=1.0,signed=0)"), {2}, {9.0F, 0.2F}),
              (std::vector<float>{1.0F, 0.0F}));
}

TEST(AffineGiven, FewerBitsKeepTheRange)
{
    const auto q = parsed("affine(8,scale=0.5,zero_point=-128)");
    const auto four = q->withBits(4);
    ASSERT_TRUE(four);
    EXPECT_DOUBLE_EQ((*four)->min(), 0.0);
    EXPECT_NEAR((*four)->max(), 127.5, 1e-5);
    const auto channels = parsed("affine(8,narrow=1,scale=[1.0 2.0])")->withBits(4);
    ASSERT_TRUE(channels);
    EXPECT_NEAR(applied(**channels, {1, 2}, {500.0F, 500.0F})[1], 254.0F, 1e-4F);
}

TEST(AffineGiven, ManyScalesAreShownByTheLargest)
{
    const auto q = parsed("affine(8,scale=[0.5 2.0 1.0],zero_point=[0 3 0])");
    const GridFacts facts = gridFacts(*q);
    EXPECT_DOUBLE_EQ(facts.step, 2.0);
    EXPECT_DOUBLE_EQ(facts.low, 2.0 * (-128 - 3));
    EXPECT_EQ(facts.levels, 256);
    EXPECT_FALSE(numberLine(*q, {nullptr, Shape{0}}, 0).curve.empty());
    const Tensor other(Shape{4, 2});
    EXPECT_FALSE(numberLine(*q, other.view(), 0).curve.empty());
}

TEST(AffineGiven, ContradictionsAreRefused)
{
    for (const char* text :
         {"affine(8,scale=0.0)", "affine(8,scale=1.0,low=0.0,high=1.0)", "affine(8,zero_point=3)",
          "affine(8,scale=1.0,zero_point=0.5)", "affine(8,scale=[1.0 2.0],zero_point=[1 2 3])",
          "affine(1,scale=1.0)"}) {
        const auto refused = parseQuantizer(text);
        ASSERT_FALSE(refused) << text;
        EXPECT_EQ(refused.error().code, ErrorCode::InvalidArgument) << text;
    }
}

} // namespace
} // namespace bitscape::quant
