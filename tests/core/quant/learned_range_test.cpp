// SPDX-License-Identifier: GPL-3.0-or-later
// Learned steps and clips. Their gradients are those of a surrogate: the quantizer with the
// rounding error of every element held fixed. It is smooth, so that finite differences can be taken
// of it.
#include "core/quant/quantizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

namespace bitscape::quant {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

QuantizerPtr parsed(const std::string& text)
{
    auto quantizer = parseQuantizer(text);
    if (!quantizer) {
        throw std::runtime_error(quantizer.error().sentence());
    }
    return *quantizer;
}

Tensor vector(const std::vector<float>& values)
{
    return {Shape{static_cast<Index>(values.size())}, values};
}

std::vector<float> valuesOf(const Quantizer& quantizer, const Tensor& x)
{
    Tensor y(x.shape());
    quantizer.apply(x.view(), y.mutableView(), {});
    return {y.values().begin(), y.values().end()};
}

std::vector<float> gradientOf(const Quantizer& quantizer, const Tensor& x, const Tensor& upstream)
{
    Tensor dx(x.shape());
    quantizer.gradient(x.view(), upstream.view(), dx.mutableView(), {});
    return {dx.values().begin(), dx.values().end()};
}

double learnedGradientOf(const Quantizer& quantizer, const Tensor& x, const Tensor& upstream)
{
    return static_cast<double>(
        quantizer.learnedGradient(x.view(), upstream.view(), {}).at(0).values()[0]);
}

/// Central difference of sum(y · upstream).
double difference(const std::function<double(double x, double parameter)>& surrogate,
                  const Tensor& x, const Tensor& upstream, double parameter)
{
    constexpr double kStep = 1e-6;
    double sum = 0.0;
    for (std::size_t i = 0; i < x.values().size(); ++i) {
        const double value = x.values()[i];
        sum += static_cast<double>(upstream.values()[i]) *
               (surrogate(value, parameter + kStep) - surrogate(value, parameter - kStep)) /
               (2.0 * kStep);
    }
    return sum;
}

/// LSQ: s · (clip(x / s, low, high) + c), c the rounding error at `start`.
double steppedAsInLsq(double x, double s, double start, double low, double high)
{
    const double at = std::clamp(x / start, low, high);
    return s * (std::clamp(x / s, low, high) + std::nearbyint(at) - at);
}

/// QKeras: s · (x / s + c) where the rounded code lies within low … high at `start`, else s · the
/// end.
double steppedAsInQKeras(double x, double s, double start, double low, double high)
{
    const double code = std::nearbyint(x / start);
    const bool inside = code >= low && code <= high;
    return inside ? s * (x / s + code - x / start) : s * std::clamp(code, low, high);
}

/// Numbers off the edges, where the surrogate has no derivative.
Tensor randomValues(std::size_t count, double step)
{
    std::vector<float> values;
    for (std::size_t i = 0; i < count; ++i) {
        const double steps = *rc::gen::inRange(-200, 201) / 10.0 + 0.037;
        values.push_back(static_cast<float>(steps * step));
    }
    return vector(values);
}

Tensor randomUpstream(std::size_t count)
{
    return vector(*rc::gen::container<std::vector<float>>(
        count, rc::gen::map(rc::gen::inRange(-40, 41),
                            [](int n) { return static_cast<float>(n) / 8.0F; })));
}

constexpr std::size_t kCount = 24;
constexpr double kTolerance = 2e-4; // sums of 24 float32 products of numbers up to 5

RC_GTEST_PROP(Lsq, stepGradientIsThatOfTheSurrogateScaledAsInThePaper, ())
{
    const int bits = *rc::gen::inRange(2, 6);
    const bool isSigned = *rc::gen::arbitrary<bool>();
    const double step = *rc::gen::inRange(1, 40) / 16.0;
    const double high = std::exp2(bits - (isSigned ? 1 : 0)) - 1.0;
    const double low = isSigned ? -high - 1.0 : 0.0;
    const auto q =
        makeQuantizer("lsq", {{"bits", std::int64_t{bits}}, {"signed", isSigned}, {"step", step}});
    const Tensor x = randomValues(kCount, step);
    const Tensor g = randomUpstream(kCount);
    const double wanted = difference(
        [&](double value, double s) { return steppedAsInLsq(value, s, step, low, high); }, x, g,
        step);
    const double factor = 1.0 / std::sqrt(static_cast<double>(kCount) * high);
    RC_ASSERT(std::abs(learnedGradientOf(**q, x, g) - wanted * factor) < kTolerance);
    const std::vector<float> dx = gradientOf(**q, x, g);
    for (std::size_t i = 0; i < kCount; ++i) {
        const double at = static_cast<double>(x.values()[i]) / step;
        RC_ASSERT(dx[i] == (at > low && at < high ? g.values()[i] : 0.0F));
    }
}

RC_GTEST_PROP(Pact, clipGradientIsThatOfTheClip, ())
{
    const int bits = *rc::gen::inRange(1, 6);
    const double clip = *rc::gen::inRange(1, 80) / 16.0;
    const auto q = makeQuantizer("pact", {{"bits", std::int64_t{bits}}, {"clip", clip}});
    const Tensor x = randomValues(kCount, 0.2);
    const Tensor g = randomUpstream(kCount);
    const double wanted =
        difference([](double value, double c) { return std::clamp(value, 0.0, c); }, x, g, clip);
    RC_ASSERT(std::abs(learnedGradientOf(**q, x, g) - wanted) < kTolerance);
    for (std::size_t i = 0; i < kCount; ++i) {
        const double value = x.values()[i];
        const bool inside = value >= 0.0 && value < clip;
        RC_ASSERT(gradientOf(**q, x, g)[i] == (inside ? g.values()[i] : 0.0F));
    }
}

RC_GTEST_PROP(LearnablePo2, exponentGradientIsThatOfTheSurrogate, ())
{
    const int exponent = *rc::gen::inRange(-4, 4);
    const bool keepsNegative = *rc::gen::arbitrary<bool>();
    const double high = keepsNegative ? 7.0 : 15.0;
    const double low = keepsNegative ? -7.0 : 0.0;
    const double step = std::exp2(exponent);
    const auto q = makeQuantizer("quantized_bits_learnable_po2",
                                 {{"bits", std::int64_t{4}},
                                  {"keep_negative", keepsNegative},
                                  {"use_po2_scale_msqe_round", false},
                                  {"scale_exponent", static_cast<double>(exponent)}});
    const Tensor x = randomValues(kCount, step);
    const Tensor g = randomUpstream(kCount);
    const double wanted = difference(
        [&](double value, double e) {
            const double kept = keepsNegative ? value : std::max(value, 0.0);
            return steppedAsInQKeras(kept, std::exp2(e), step, low, high);
        },
        x, g, exponent);
    constexpr double kLargest = 16.0; // the slope grows with the step
    RC_ASSERT(std::abs(learnedGradientOf(**q, x, g) - wanted) < kTolerance * kLargest);
}

TEST(Lsq, startsAsInThePaper)
{
    const Tensor x(Shape{2, 2}, std::vector<float>{1.0F, -2.0F, 3.0F, 6.0F});
    const QuantizerPtr whole = parsed("lsq(4)")->initialized(x.view());
    constexpr double kRounding = 1e-6;
    EXPECT_NEAR(whole->number("step"), 2.0 * 3.0 / std::sqrt(7.0), kRounding);
    EXPECT_EQ(whole->initialized(x.view()), nullptr);
    const QuantizerPtr unsignedOne = parsed("lsq(4,signed=False)")->initialized(x.view());
    EXPECT_NEAR(unsignedOne->number("step"), 2.0 * 3.0 / std::sqrt(15.0), kRounding);
    const QuantizerPtr channels = parsed("lsq(4,per_channel=True)")->initialized(x.view());
    const auto& steps = std::get<std::vector<double>>(channels->parameter("step"));
    ASSERT_EQ(steps.size(), 2U);
    EXPECT_NEAR(steps[1], 2.0 * 4.0 / std::sqrt(7.0), kRounding);
    EXPECT_EQ(parsed("lsq(4)")->initialized(Tensor(Shape{3}).view())->number("step"), 1.0);
}

TEST(Lsq, channelsLearnByThemselves)
{
    const QuantizerPtr q = parsed("lsq(3,per_channel=True,step=[0.5 2.0])");
    const Tensor x(Shape{2, 2}, std::vector<float>{0.6F, 100.0F, -9.0F, 1.2F});
    const Tensor g(x.shape(), std::vector<float>(4, 1.0F));
    const std::vector<Tensor> gradients = q->learnedGradient(x.view(), g.view(), {});
    ASSERT_EQ(gradients.at(0).size(), 2);
    const float factor = 1.0F / std::sqrt(2.0F * 3.0F); // two elements each, codes −4 … 3
    constexpr float kRounding = 1e-5F;
    EXPECT_NEAR(gradients[0].values()[0], (-0.2F - 4.0F) * factor, kRounding);
    EXPECT_NEAR(gradients[0].values()[1], (3.0F + 0.4F) * factor, kRounding);
    EXPECT_THAT(valuesOf(*q, x), ElementsAre(0.5F, 6.0F, -2.0F, 2.0F));
}

TEST(Lsq, signOfTheStepHasNoMeaning)
{
    const Tensor x = vector({0.6F, -0.3F, 7.0F});
    const Tensor g = vector({1.0F, 2.0F, 3.0F});
    EXPECT_EQ(valuesOf(*parsed("lsq(4,step=-0.5)"), x), valuesOf(*parsed("lsq(4,step=0.5)"), x));
    EXPECT_EQ(learnedGradientOf(*parsed("lsq(4,step=-0.5)"), x, g),
              -learnedGradientOf(*parsed("lsq(4,step=0.5)"), x, g));
}

TEST(Lsq, refusesWhatHasNoMeaning)
{
    for (const char* text : {"lsq(1)", "lsq(4,step=0)", "lsq(4,step=[])", "lsq(4,step=[1 2])",
                             "lsq(4,per_channel=True,step=[1 0])", "lsq(25)"}) {
        EXPECT_FALSE(parseQuantizer(text)) << text;
    }
    EXPECT_FALSE(parsed("lsq(4,per_channel=True,step=[1 2])")->accepts({4, 3}));
    EXPECT_TRUE(parsed("lsq(4,per_channel=True,step=[1 2 3])")->accepts({4, 3}));
}

TEST(Pact, rectifiesClipsAndRounds)
{
    const QuantizerPtr q = parsed("pact(2,clip=3.0)");
    EXPECT_THAT(valuesOf(*q, vector({-1.0F, 0.4F, 0.6F, 2.6F, 50.0F})),
                ElementsAre(0.0F, 0.0F, 1.0F, 3.0F, 3.0F));
    EXPECT_EQ(q->max(), 3.0);
    EXPECT_EQ(q->withRange(-1.0, 6.0)->toString(), "pact(2,clip=6.0)");
    EXPECT_EQ(parsed("pact(2)")->number("clip"), 10.0);
}

TEST(Pact, staysDefinedWhenTrainingPushesTheClipBelowZero)
{
    const QuantizerPtr q = parsed("pact(4,clip=-1.0)");
    for (const float value : valuesOf(*q, vector({-1.0F, 0.0F, 1.0F}))) {
        EXPECT_NEAR(value, 0.0F, 1e-15F);
    }
    const Tensor g = vector({1.0F, 1.0F, 1.0F});
    EXPECT_EQ(learnedGradientOf(*q, vector({-1.0F, 0.5F, 1.0F}), g), 2.0) << "the clip can return";
}

TEST(Learned, everyLearnedParameterIsOfTheRowAndHasAGradientOfItsLength)
{
    const Tensor x(Shape{4, 3}, std::vector<float>{0.1F, -0.2F, 0.3F, 1.4F, -0.5F, 0.6F, -0.7F,
                                                   0.8F, 0.9F, 1.0F, -1.1F, 1.2F});
    int rows = 0;
    for (const QuantizerInfo& info : quantizers()) {
        QuantizerPtr q = *makeQuantizer(info.name, {});
        const std::vector<std::string> names = q->learned();
        if (const QuantizerPtr ready = q->initialized(x.view())) {
            q = ready;
        }
        if (names.empty()) {
            continue;
        }
        ++rows;
        const std::vector<Tensor> gradients = q->learnedGradient(x.view(), x.view(), {});
        ASSERT_EQ(gradients.size(), names.size()) << info.name;
        for (std::size_t i = 0; i < names.size(); ++i) {
            const Value& value = q->parameter(names[i]);
            const auto* list = std::get_if<std::vector<double>>(&value);
            EXPECT_EQ(gradients[i].size(), list == nullptr ? 1 : static_cast<Index>(list->size()));
            EXPECT_TRUE(q->with(names[i], value)) << info.name;
        }
        EXPECT_TRUE(*parsed(q->toString()) == *q) << q->toString();
    }
    EXPECT_GE(rows, 3);
}

} // namespace
} // namespace bitscape::quant
