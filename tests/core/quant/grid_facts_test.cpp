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

TEST(GridFacts, ofTheOtherRowsOfQKeras)
{
    const GridFacts linear = factsOf("quantized_linear(4,1,0,alpha=0.5)");
    EXPECT_EQ(linear.levels, 16);
    EXPECT_EQ(linear.low, -1.0);
    EXPECT_EQ(linear.apFixed, "ap_fixed<4,1>");
    EXPECT_EQ(linear.qNotation, "Q0.3");
    EXPECT_EQ(factsOf("quantized_linear(1,0)").levels, 2);
    EXPECT_EQ(factsOf("quantized_linear(1,0)").low, -0.5);
    EXPECT_EQ(factsOf("quantized_linear(4,0,keep_negative=False)").apFixed, "ap_ufixed<4,0>");
    const GridFacts fitted = factsOf("quantized_linear(4,0,1,alpha='auto')");
    EXPECT_TRUE(fitted.dependsOnData);
    EXPECT_EQ(fitted.levels, 15);
    const GridFacts ternary = factsOf("stochastic_ternary(alpha=2.0)");
    EXPECT_EQ(ternary.levels, 3);
    EXPECT_EQ(ternary.apFixed, "ap_fixed<2,3>");
    EXPECT_FALSE(ternary.dependsOnData);
    EXPECT_EQ(factsOf("bernoulli()").apFixed, "ap_ufixed<1,1>");
    EXPECT_EQ(factsOf("bernoulli()").levels, 2);
    EXPECT_TRUE(factsOf("bernoulli(alpha='auto')").dependsOnData);
    const GridFacts ulaw = factsOf("quantized_ulaw(4,0)");
    EXPECT_EQ(ulaw.step, 0.0);
    EXPECT_EQ(ulaw.apFixed, "");
    for (const char* text : {"quantized_hswish(6,2,0)", "quantized_hswish(16,2,0)"}) {
        const GridFacts hswish = factsOf(text);
        EXPECT_EQ(hswish.low, -0.375) << text; // the lowest point of the curve
        EXPECT_EQ(hswish.high, 4.0 - hswish.step) << text;
    }
}

TEST(GridFacts, doNotDependOnHowCodesOverflow)
{
    EXPECT_EQ(factsOf("quantized_bits(4,0,0,overflow='wrap')").low, -1.0);
    EXPECT_EQ(factsOf("quantized_bits(4,0,0,overflow='wrap')").apFixed, "ap_fixed<4,1>");
    EXPECT_EQ(factsOf("quantized_bits(4,0,0,overflow='saturate_symmetric')").low, -0.875);
    EXPECT_EQ(factsOf("quantized_relu(4,0,overflow='wrap')").levels, 16);
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

TEST(GridFacts, ofTensorQuantsFixedPoint)
{
    for (const char* text : {"nearest,12,11", "down,12,11", "stochastic,12,11"}) {
        const GridFacts facts = factsOf(text);
        EXPECT_EQ(facts.levels, 4096) << text;
        EXPECT_EQ(facts.apFixed, "ap_fixed<12,1>") << text;
        EXPECT_EQ(facts.qNotation, "Q0.11") << text;
        EXPECT_FALSE(facts.dependsOnData) << text;
    }
    // Half of the upper range is never used, but no narrower type holds the lower one.
    const GridFacts python = factsOf("tensorquant_fixed(8,4,implementation='python')");
    EXPECT_EQ(python.high, 4.0);
    EXPECT_EQ(python.apFixed, "ap_fixed<8,4>");
    EXPECT_EQ(factsOf("nearest,32,16").apFixed, "ap_fixed<32,16>");
}

TEST(GridFacts, ofSmallFloats)
{
    const GridFacts facts = factsOf("E4M3");
    EXPECT_EQ(facts.high, 448.0);
    EXPECT_EQ(facts.levels, 253) << "256 codes without two NaN and a second zero";
    EXPECT_EQ(facts.step, 0.0);
    EXPECT_EQ(factsOf("E2M1").levels, 15);
    EXPECT_EQ(factsOf("minifloat(3,8,'none')").levels, 4095);
    EXPECT_EQ(factsOf("minifloat(2,9,'none')").levels, 4095);
    EXPECT_EQ(factsOf("minifloat(5,6,'none')").levels, 4095);
    EXPECT_EQ(factsOf("fp16").high, 65504.0);
    EXPECT_EQ(factsOf("fp16").levels, 63487);
    EXPECT_EQ(factsOf("sparse,0.5").levels, 0);
    EXPECT_EQ(factsOf("E2M1").high, 6.0);
}

TEST(GridFacts, ofRangesThatTrainingLearns)
{
    EXPECT_TRUE(factsOf("lsq(4)").dependsOnData);
    EXPECT_EQ(factsOf("lsq(4)").levels, 16);
    const GridFacts learned = factsOf("lsq(4,step=0.25)");
    EXPECT_FALSE(learned.dependsOnData);
    EXPECT_EQ(learned.apFixed, "ap_fixed<4,2>");
    EXPECT_EQ(factsOf("pact(4,clip=3.75)").apFixed, "ap_ufixed<4,2>");
    EXPECT_EQ(factsOf("quantized_bits_learnable_po2(4)").levels, 15);
    EXPECT_EQ(factsOf("quantized_bits_msqe_po2(4)").levels, 15);
}

TEST(GridFacts, ofListsAndZeroPoints)
{
    EXPECT_EQ(factsOf("codebook(values=[-1 0.5 2])").levels, 3);
    EXPECT_EQ(factsOf("codebook(values=[-1 0.5 2])").high, 2.0);
    EXPECT_EQ(factsOf("codebook(bits=3)").levels, 8);
    EXPECT_TRUE(factsOf("codebook(bits=3)").dependsOnData);
    EXPECT_EQ(factsOf("quantized_bits_featuremap(4)").levels, 15);
    EXPECT_TRUE(factsOf("ternary,1").dependsOnData);
    EXPECT_EQ(factsOf("ternary,1").levels, 3);
}

TEST(GridFacts, ofSquashingFunctions)
{
    EXPECT_EQ(factsOf("quantized_sigmoid(4)").levels, 16);
    EXPECT_EQ(factsOf("quantized_tanh(4,symmetric=True)").levels, 15);
    EXPECT_EQ(factsOf("quantized_tanh(4)").low, -1.0);
}

} // namespace
} // namespace bitscape::quant
