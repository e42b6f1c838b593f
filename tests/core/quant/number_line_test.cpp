// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/number_line.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace bitscape::quant {
namespace {

QuantizerPtr made(const char* text)
{
    auto quantizer = parseQuantizer(text);
    EXPECT_TRUE(quantizer) << quantizer.error().sentence();
    return *quantizer;
}

const TensorView kNothing{nullptr, Shape{0}};

TEST(NumberLine, BordersLieWhereRoundingSwitches)
{
    const NumberLine line = numberLine(*made("quantized_bits(2,0,0,alpha=1.0)"), kNothing);
    ASSERT_EQ(line.steps.size(), 4U);
    const std::vector wanted{-0.75, -0.25, 0.25};
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        EXPECT_NEAR(line.steps[i].to, wanted[i], 1e-6);
        EXPECT_EQ(line.steps[i].value, -1.0 + 0.5 * static_cast<double>(i));
        EXPECT_EQ(line.steps[i].code, static_cast<double>(i) - 2.0);
    }
    EXPECT_EQ(line.clipLow, -1.0);
    EXPECT_EQ(line.clipHigh, 0.5);
    EXPECT_FALSE(line.fromValues);
}

TEST(NumberLine, PowersOfTwoSwitchBetweenExponents)
{
    const NumberLine line = numberLine(*made("quantized_po2(4)"), kNothing);
    const auto step = std::ranges::find(line.steps, 1.0, &LineStep::value);
    ASSERT_NE(step, line.steps.end());
    EXPECT_NEAR(step->to, std::sqrt(2.0), 1e-6);
    EXPECT_NEAR(step->from, std::sqrt(0.5), 1e-6);
}

TEST(NumberLine, FittedScalesShowTheValuesOfTheirGroup)
{
    const auto quantizer = made("quantized_bits(3,0,1,alpha='auto')");
    const Tensor values(Shape{4, 2}, std::vector{3.0F, 0.3F, -1.0F, -0.3F, 2.0F, 0.1F, 0.2F, 0.0F});
    const NumberLine first = numberLine(*quantizer, values.view(), 0);
    const NumberLine second = numberLine(*quantizer, values.view(), 1);
    EXPECT_TRUE(first.fromValues);
    EXPECT_EQ(first.curve.size(), 4U);
    EXPECT_NEAR(first.steps.back().value, 3.0, 1e-6);
    EXPECT_NEAR(second.steps.back().value, 0.3, 1e-6);
    EXPECT_EQ(second.steps.back().code, 3.0);
}

TEST(NumberLine, FinerThanAScreenIsACurve)
{
    const NumberLine line = numberLine(*made("quantized_bits(16,0,1,alpha=1.0)"), kNothing);
    EXPECT_TRUE(line.steps.empty());
    EXPECT_GT(line.curve.size(), 1000U);
}

/// Holds for every row that can be made from its defaults.
TEST(NumberLine, StepsCoverTheLineAndSayTheValue)
{
    for (const QuantizerInfo& row : quantizers()) {
        SCOPED_TRACE(row.name);
        auto quantizer = makeQuantizer(row.name, {});
        if (!quantizer || (*quantizer)->needsRange()) {
            continue; // needs a parameter or calibration first
        }
        const NumberLine line = numberLine(**quantizer, kNothing);
        ASSERT_FALSE(line.curve.empty());
        for (std::size_t i = 0; i < line.steps.size(); ++i) {
            const LineStep& step = line.steps[i];
            EXPECT_LE(step.from, step.to);
            EXPECT_EQ(step.from, i == 0 ? line.low : line.steps[i - 1].to);
            if (!line.fromValues) {
                Tensor x(Shape{1}, std::vector{static_cast<float>((step.from + step.to) / 2.0)});
                (*quantizer)->apply(x.view(), x.mutableView(), {});
                EXPECT_EQ(static_cast<double>(x.data()[0]), step.value);
            }
        }
        if (!line.steps.empty()) {
            EXPECT_EQ(line.steps.back().to, line.high);
        }
    }
}

} // namespace
} // namespace bitscape::quant
