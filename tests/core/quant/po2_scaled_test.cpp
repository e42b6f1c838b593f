// SPDX-License-Identifier: GPL-3.0-or-later
// QKeras' experimental quantizers with a power-of-two step: numbers of QKeras' own tests.
#include "core/quant/quantizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace bitscape::quant {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;

QuantizerPtr parsed(const std::string& text)
{
    auto quantizer = parseQuantizer(text);
    if (!quantizer) {
        throw std::runtime_error(quantizer.error().sentence());
    }
    return *quantizer;
}

Tensor matrix(const std::vector<float>& values)
{
    return {Shape{2, static_cast<Index>(values.size()) / 2}, values};
}

std::vector<float> valuesOf(const Quantizer& quantizer, const Tensor& x)
{
    Tensor y(x.shape());
    quantizer.apply(x.view(), y.mutableView(), {});
    return {y.values().begin(), y.values().end()};
}

std::vector<float> scalesOf(const std::string& text, const Tensor& x)
{
    const Fit fit = parsed(text)->fit(x.view(), {});
    return {fit.scale.values().begin(), fit.scale.values().end()};
}

double exponentAfterStart(const std::string& text, const Tensor& x)
{
    const QuantizerPtr ready = parsed(text)->initialized(x.view());
    return ready->number("scale_exponent");
}

const std::vector<float> kWide{6.0F, 5.0F, 1.0F, 8.0F, 3.0F, -8.0F};
const std::vector<float> kNarrow{6.0F, 5.0F, 1.0F, 1.0F, 3.0F, -1.0F};
constexpr const char* kPlain = "use_po2_scale_ceil=False,use_po2_scale_msqe_round=False)";

TEST(LearnablePo2, startsWithThreeDeviationsInRange)
{
    constexpr double kRounding = 1e-6;
    const Tensor x = matrix(kWide);
    EXPECT_NEAR(exponentAfterStart("quantized_bits_learnable_po2(4)", x), 1.1528215, kRounding);
    EXPECT_NEAR(exponentAfterStart("quantized_bits_learnable_po2(4,min_init_scale=2.5)", x),
                1.3219281, kRounding);
    const QuantizerPtr channels =
        parsed("quantized_bits_learnable_po2(4,per_channel_scale=True,min_init_scale=0.0)")
            ->initialized(x.view());
    const auto& exponents = std::get<std::vector<double>>(channels->parameter("scale_exponent"));
    EXPECT_NEAR(exponents[0], -1.22239242, kRounding);
    EXPECT_NEAR(exponents[1], -1.22239242, kRounding);
    EXPECT_NEAR(exponents[2], 0.94753258, kRounding);
    EXPECT_EQ(channels->initialized(x.view()), nullptr) << "nothing is left to set";
}

TEST(LearnablePo2, quantizesWithTheRoundedExponent)
{
    const std::string text = std::string("quantized_bits_learnable_po2(4,") + kPlain;
    EXPECT_THAT(valuesOf(*parsed(text), matrix(kWide)),
                ElementsAre(6.0F, 4.0F, 0.0F, 8.0F, 4.0F, -8.0F));
    const QuantizerPtr narrow = parsed(text)->initialized(matrix(kNarrow).view());
    EXPECT_THAT(valuesOf(*narrow, matrix(kWide)), ElementsAre(6.0F, 5.0F, 1.0F, 7.0F, 3.0F, -7.0F));
}

struct Choice {
    const char* text;
    std::vector<float> x;
    std::vector<float> scales;
};

TEST(LearnablePo2, choosesTheExponentAsAsked)
{
    // log2 of 1.3, 3.1, 0.3
    const std::string start = "quantized_bits_learnable_po2(4,per_channel_scale=True,"
                              "scale_exponent=[0.37851162 1.63226822 -1.73696559],";
    const std::vector<float> small{6.0F, 5.0F, 0.3F, 8.0F, 3.0F, -0.1F};
    const std::vector<Choice> choices{
        {"use_po2_scale_ceil=False,use_po2_scale_msqe_round=False)", kWide, {1.0F, 4.0F, 0.25F}},
        {"use_po2_scale_msqe_round=False)", kWide, {2.0F, 4.0F, 0.5F}},
        {"use_po2_scale_ceil=True)", kWide, {2.0F, 4.0F, 0.5F}},
        {"use_po2_scale_ceil=True)", small, {2.0F, 4.0F, 0.25F}}};
    for (const Choice& choice : choices) {
        EXPECT_THAT(scalesOf(start + choice.text, matrix(choice.x)),
                    ElementsAreArray(choice.scales))
            << choice.text;
    }
}

TEST(LearnablePo2, outliersCountOnlyWithoutMask)
{
    // log2 of 1.1, 0.9, 0.9
    const std::string start = "quantized_bits_learnable_po2(4,per_channel_scale=True,"
                              "scale_exponent=[0.13750352 -0.15200309 -0.15200309],";
    const Tensor x = matrix({6.6F, 5.0F, 1.0F, 8.5F, 3.0F, -8.0F});
    EXPECT_THAT(scalesOf(start + "use_outlier_mask_msqe_weight=False)", x),
                ElementsAre(2.0F, 1.0F, 1.0F));
    EXPECT_THAT(scalesOf(start + "use_outlier_mask_msqe_weight=True)", x),
                ElementsAre(1.0F, 1.0F, 1.0F));
}

/// QKeras' test of one step of plain descent with rate 1 on the mean squared error.
TEST(LearnablePo2, oneStepOfDescentMovesTheExponentAsInQKeras)
{
    struct Descent {
        const char* start;
        std::vector<float> x;
        double after;
    };
    const std::vector<Descent> table{
        {"", kNarrow, 0.06}, {"", kWide, 0.459674}, {"init_scale=2.0,", kWide, 0.306853}};
    constexpr double kRounding = 2e-6;
    for (const Descent& descent : table) {
        const QuantizerPtr q =
            parsed(std::string("quantized_bits_learnable_po2(4,") + descent.start + kPlain)
                ->initialized(matrix(descent.x).view());
        const Tensor x = matrix(descent.x);
        const std::vector<float> y = valuesOf(*q, x);
        Tensor upstream(x.shape());
        for (std::size_t i = 0; i < y.size(); ++i) {
            upstream.values()[i] = 2.0F * (y[i] - x.values()[i]) / static_cast<float>(y.size());
        }
        const std::vector<Tensor> gradients = q->learnedGradient(x.view(), upstream.view(), {});
        ASSERT_EQ(gradients.size(), 1U);
        EXPECT_NEAR(q->number("scale_exponent") - static_cast<double>(gradients[0].values()[0]),
                    descent.after, kRounding)
            << descent.start;
    }
}

TEST(LearnablePo2, gradientsStopWhereValuesSaturate)
{
    const QuantizerPtr q = parsed("quantized_bits_learnable_po2(2,use_po2_scale_msqe_round=False,"
                                  "scale_exponent=0.0)");
    const std::vector<float> values{0.5F, 0.0F, 1.0F, 1.5F, 1.6F, 2.0F, -1.5F, -1.6F};
    const Tensor x(Shape{8}, values);
    const Tensor g(Shape{8}, std::vector<float>(8, 1.0F));
    Tensor dx(x.shape());
    q->gradient(x.view(), g.view(), dx.mutableView(), {});
    // 1.5 rounds to 2, beyond the codes ±1.
    EXPECT_THAT(dx.values(), ElementsAre(1, 1, 1, 0, 0, 0, 0, 0));
}

TEST(MsqePo2, leastSquaresThenLineSearch)
{
    const Tensor x(Shape{9}, std::vector<float>{-0.17F, 2.58F, -8.75F, -3.56F, 1.56F, -0.15F, 2.15F,
                                                -0.66F, 0.49F});
    const std::string start =
        "quantized_bits_msqe_po2(4,init_scale=1.0,use_outlier_mask_msqe_weight=False,";
    EXPECT_THAT(scalesOf(start + "should_line_search=False)", x), ElementsAre(1.0F));
    EXPECT_THAT(scalesOf(start + "should_line_search=True)", x), ElementsAre(2.0F));
}

TEST(MsqePo2, findsTheScalesOfQKerasTests)
{
    const std::string start = "quantized_bits_msqe_po2(4,use_outlier_mask_msqe_weight=False,";
    EXPECT_THAT(scalesOf(start + "init_scale=1.5)", matrix(kWide)), ElementsAre(1.0F));
    EXPECT_THAT(scalesOf(start + "init_scale=1.5,per_channel_scale=True)", matrix(kWide)),
                ElementsAre(2.0F, 1.0F, 2.0F));
}

TEST(MsqePo2, startsAtTheLargestMagnitude)
{
    // No step and no search: the start itself.
    const std::string bare = "quantized_bits_msqe_po2(4,num_lls_iters=0,should_line_search=False,";
    EXPECT_THAT(scalesOf(bare + "per_channel_scale=False)", matrix(kWide)), ElementsAre(1.0F));
    EXPECT_THAT(
        scalesOf(bare + "per_channel_scale=True)", matrix({6.0F, 2.0F, 1.0F, 8.0F, 3.0F, -16.0F})),
        ElementsAre(1.0F, 0.5F, 2.0F));
}

TEST(Po2Scaled, printsAsQKerasDoesAndReadsItsDictionary)
{
    EXPECT_EQ(parsed("quantized_bits_msqe_po2()")->toString(),
              "quantized_bits_msqe_po2(bits=4,keep_negative=True,scale_axis=None,"
              "per_channel_scale=False,init_scale=None,use_second_moments_msqe_opt=True,"
              "second_moments_ema_decay=0.999,use_outlier_mask_msqe_weight=True,"
              "use_sqrt_of_msqe_weight=True,use_stable_scale_exponent=False,"
              "stable_scale_ema_decay=0.99,outlier_mask_sigma=2.0,num_lls_iters=3,"
              "should_line_search=True,line_search_range=6)");
    const QuantizerPtr read = parsed(
        R"({"class_name":"quantized_bits_learnable_po2","config":{"name":"q","trainable":true,)"
        R"("dtype":"float32","bits":6,"min_init_scale":1e-5,"qn":31.0,"qp":31.0,)"
        R"("scaled_axes":[0,1]}})");
    EXPECT_EQ(read->bits(), 6);
}

TEST(Po2Scaled, saysWhatNeedsMemoryBetweenCalls)
{
    EXPECT_EQ(parsed("quantized_bits_msqe_po2(4)")->notes({2, 3}).size(), 1U);
    EXPECT_TRUE(
        parsed("quantized_bits_msqe_po2(4,use_second_moments_msqe_opt=False)")->notes({2}).empty());
    const auto stable = parseQuantizer("quantized_bits_msqe_po2(4,use_stable_scale_exponent=True)");
    ASSERT_FALSE(stable);
    EXPECT_THAT(stable.error().sentence(), HasSubstr("between calls"));
    EXPECT_FALSE(parseQuantizer("quantized_bits_msqe_po2(1)"));
    EXPECT_FALSE(parseQuantizer("quantized_bits_msqe_po2(4,init_scale=0)"));
    EXPECT_FALSE(parseQuantizer("quantized_bits_learnable_po2(4,scale_exponent=[])"));
    EXPECT_FALSE(parsed("quantized_bits_msqe_po2(4,scale_axis=2)")->accepts({2, 3}));
    EXPECT_FALSE(parsed("quantized_bits_learnable_po2(4,scale_exponent=[1 2])")->accepts({2, 3}));
}

} // namespace
} // namespace bitscape::quant
