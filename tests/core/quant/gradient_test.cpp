// SPDX-License-Identifier: GPL-3.0-or-later
// Straight-through gradients: with qnoise_factor 0 a quantizer is its smooth branch, whose
// derivative the gradient must be.
#include "core/quant/quantizer.h"

#include <gtest/gtest.h>

#include <cmath>

namespace bitscape::quant {
namespace {

QuantizerPtr parsed(const std::string& text)
{
    auto quantizer = parseQuantizer(text);
    if (!quantizer) {
        throw std::runtime_error(quantizer.error().sentence());
    }
    return *quantizer;
}

float valueAt(const Quantizer& quantizer, float x)
{
    float y = 0.0F;
    quantizer.apply({&x, Shape{1}}, {&y, Shape{1}}, {});
    return y;
}

float gradientAt(const Quantizer& quantizer, float x, const CallContext& call = {})
{
    const float upstream = 1.0F;
    float dx = 0.0F;
    quantizer.gradient({&x, Shape{1}}, {&upstream, Shape{1}}, {&dx, Shape{1}}, call);
    return dx;
}

class SmoothBranch : public testing::TestWithParam<const char*> {};

TEST_P(SmoothBranch, gradientIsTheCentralDifference)
{
    const QuantizerPtr q = parsed(GetParam());
    constexpr float kStep = 0x1p-8F;
    constexpr double kRounding = 1e-4; // float32 values divided by 2 · kStep
    for (const float x : {-3.1F, -0.7F, -0.2F, 0.15F, 0.6F, 1.1F, 2.3F, 5.0F}) {
        const double difference = (static_cast<double>(valueAt(*q, x + kStep)) -
                                   static_cast<double>(valueAt(*q, x - kStep))) /
                                  (2.0 * static_cast<double>(kStep));
        EXPECT_NEAR(gradientAt(*q, x), difference, kRounding) << "x = " << x;
    }
}

INSTANTIATE_TEST_SUITE_P(
    Noiseless, SmoothBranch,
    testing::Values("quantized_bits(4,0,qnoise_factor=0.0)",
                    "quantized_bits(4,1,qnoise_factor=0.0,use_ste=False)",
                    "quantized_relu(4,1,qnoise_factor=0.0)",
                    "quantized_relu(4,1,negative_slope=0.25,qnoise_factor=0.0)",
                    "quantized_relu(4,1,is_quantized_clip=False,qnoise_factor=0.0)",
                    "quantized_relu(4,1,is_quantized_clip=False,relu_upper_bound=0.9,"
                    "qnoise_factor=0.0)",
                    "quantized_bits_featuremap(4,qnoise_factor=0.0)",
                    "quantized_po2(4,qnoise_factor=0.0)",
                    "quantized_relu_po2(4,max_value=2,negative_slope=0.5,qnoise_factor=0.0)"));

TEST(Gradient, passesInFullThroughBits)
{
    const QuantizerPtr q = parsed("quantized_bits(4,0,1)");
    EXPECT_EQ(gradientAt(*q, 0.3F), 1.0F);
    EXPECT_EQ(gradientAt(*q, 30.0F), 1.0F)
        << "QKeras does not stop gradients where values saturate";
}

TEST(Gradient, isScaledByTheNoiseWithoutStraightThrough)
{
    EXPECT_EQ(gradientAt(*parsed("quantized_bits(4,0,use_ste=False)"), 0.3F), 0.0F);
    EXPECT_EQ(gradientAt(*parsed("quantized_bits(4,0,use_ste=False,qnoise_factor=0.25)"), 0.3F),
              0.75F);
    EXPECT_EQ(gradientAt(*parsed("quantized_relu(4,0,use_ste=False,qnoise_factor=0.5)"), 0.3F),
              0.5F);
}

TEST(Gradient, stopsWhereReluDoes)
{
    const QuantizerPtr q = parsed("quantized_relu(4,0)");
    EXPECT_EQ(gradientAt(*q, -0.1F), 0.0F);
    EXPECT_EQ(gradientAt(*q, 0.0F), 0.0F);
    EXPECT_EQ(gradientAt(*q, 0.9375F), 1.0F) << "the largest level itself";
    EXPECT_EQ(gradientAt(*q, 0.94F), 0.0F);
    EXPECT_EQ(gradientAt(*parsed("quantized_relu(4,0,enable_fast_inference=True)"), 0.3F), 0.0F);
}

TEST(Gradient, isTanhShapedWithoutAlpha)
{
    constexpr float kX = 0.4F;
    constexpr double kRounding = 1e-6;
    const double wanted = 1.0 - std::pow(std::tanh(0.4), 2);
    EXPECT_NEAR(gradientAt(*parsed("binary()"), kX), wanted, kRounding);
    EXPECT_NEAR(gradientAt(*parsed("ternary()"), kX), wanted, kRounding);
    EXPECT_EQ(gradientAt(*parsed("binary(alpha=1)"), kX), 1.0F);
    EXPECT_EQ(gradientAt(*parsed("ternary(alpha='auto')"), kX), 1.0F);
}

TEST(Gradient, followsTheSquashingFunction)
{
    constexpr double kRounding = 1e-6;
    const QuantizerPtr tanh = parsed("quantized_tanh(8,use_real_tanh=True)");
    EXPECT_NEAR(gradientAt(*tanh, 0.5F), 1.0 - std::pow(std::tanh(0.5), 2), kRounding);
    const QuantizerPtr hard = parsed("quantized_tanh(8)");
    EXPECT_EQ(gradientAt(*hard, 0.5F), 1.0F);
    EXPECT_EQ(gradientAt(*hard, 1.5F), 0.0F);
    EXPECT_EQ(gradientAt(*hard, 0.5F, {.sigmoid = InternalSigmoid::Smooth}), 0.375F);
    EXPECT_EQ(gradientAt(*parsed("quantized_sigmoid(8)"), 0.5F), 0.5F);
}

TEST(Gradient, mayOverwriteItsInputs)
{
    for (const char* text :
         {"quantized_relu(4,1)", "quantized_bits(4,0)", "ternary()", "quantized_relu_po2(4,2)",
          "quantized_tanh(4)", "affine(4,low=-1.0,high=1.0)", "lsq(4)", "pact(4)", "E4M3",
          "quantized_bits_featuremap(4)", "quantized_bits_msqe_po2(4)", "nearest,8,4"}) {
        const QuantizerPtr q = parsed(text);
        const Tensor x(Shape{5}, std::vector<float>{-2.0F, -0.3F, 0.0F, 0.4F, 3.0F});
        const Tensor g(Shape{5}, std::vector<float>{1.0F, 2.0F, 3.0F, 4.0F, 5.0F});
        Tensor wanted(x.shape());
        q->gradient(x.view(), g.view(), wanted.mutableView(), {});
        Tensor overUpstream = g;
        q->gradient(x.view(), overUpstream.view(), overUpstream.mutableView(), {});
        EXPECT_EQ(overUpstream, wanted) << text;
    }
}

} // namespace
} // namespace bitscape::quant
