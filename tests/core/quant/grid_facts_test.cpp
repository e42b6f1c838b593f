// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/grid_facts.h"

#include <gtest/gtest.h>

namespace bitscape::quant {
namespace {

GridFacts factsOf(const char* text)
{
    return gridFacts(**parseQuantizer(text));
}

TEST(GridFacts, ofFixedPoint)
{
    const GridFacts facts = factsOf("quantized_bits(6,0,0,alpha=1)");
    EXPECT_EQ(facts.levels, 64);
    EXPECT_EQ(facts.low, -1.0);
    EXPECT_EQ(facts.high, 1.0 - 1.0 / 32);
    EXPECT_EQ(facts.step, 1.0 / 32);
    EXPECT_EQ(facts.apFixed, "ap_fixed<6,1>");
    EXPECT_EQ(facts.qNotation, "Q0.5");
    EXPECT_FALSE(facts.dependsOnData);
}

TEST(GridFacts, ofSymmetricAndUnsignedGrids)
{
    const GridFacts symmetric = factsOf("quantized_bits(4,2,1)");
    EXPECT_EQ(symmetric.levels, 15);
    EXPECT_EQ(symmetric.low, -3.5);
    EXPECT_EQ(symmetric.apFixed, "ap_fixed<4,3>");
    const GridFacts relu = factsOf("quantized_relu(6,2)");
    EXPECT_EQ(relu.levels, 64);
    EXPECT_EQ(relu.low, 0.0);
    EXPECT_EQ(relu.high, 3.9375);
    EXPECT_EQ(relu.apFixed, "ap_ufixed<6,2>");
    EXPECT_EQ(relu.qNotation, "UQ2.4");
}

TEST(GridFacts, ofWideGridsAreCountedNotProbed)
{
    EXPECT_EQ(factsOf("quantized_bits(16,2,0)").levels, 65536);
    EXPECT_EQ(factsOf("quantized_bits(20,0,1)").levels, (1 << 20) - 1);
}

TEST(GridFacts, ofFewLevels)
{
    EXPECT_EQ(factsOf("binary()").levels, 2);
    EXPECT_EQ(factsOf("binary(use_01=1)").low, 0.0);
    EXPECT_EQ(factsOf("ternary(alpha=2.0)").levels, 3);
    EXPECT_EQ(factsOf("ternary(alpha=2.0)").high, 2.0);
    EXPECT_EQ(factsOf("quantized_bits(1,0,1)").levels, 2);
}

TEST(GridFacts, ofPowersOfTwoHaveNoStep)
{
    const GridFacts facts = factsOf("quantized_po2(4)");
    EXPECT_EQ(facts.levels, 16);
    EXPECT_EQ(facts.low, -8.0);
    EXPECT_EQ(facts.high, 8.0);
    EXPECT_EQ(facts.step, 0.0);
    EXPECT_EQ(facts.apFixed, "");
}

TEST(GridFacts, sayWhenTheScaleComesFromData)
{
    const GridFacts fitted = factsOf("quantized_bits(4,0,1,alpha='auto_po2',scale_axis=0)");
    EXPECT_TRUE(fitted.dependsOnData);
    EXPECT_EQ(fitted.levels, 15);
    EXPECT_EQ(fitted.apFixed, "");
    EXPECT_TRUE(factsOf("affine(8)").dependsOnData);
    EXPECT_EQ(factsOf("affine(8)").levels, 256);
    EXPECT_FALSE(factsOf("affine(8,low=0.0,high=1.0)").dependsOnData);
}

TEST(GridFacts, ofSquashingFunctions)
{
    EXPECT_EQ(factsOf("quantized_sigmoid(4)").levels, 16);
    EXPECT_EQ(factsOf("quantized_tanh(4,symmetric=True)").levels, 15);
    EXPECT_EQ(factsOf("quantized_tanh(4)").low, -1.0);
}

} // namespace
} // namespace bitscape::quant
