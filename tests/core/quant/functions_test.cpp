// SPDX-License-Identifier: GPL-3.0-or-later
// The plain functions among the rows: values at known points, gradients, forms.
#include "core/quant/grid_facts.h"
#include "core/quant/quantizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace bitscape::quant {
namespace {

std::vector<std::string> functionNames(std::string_view origin = {})
{
    std::vector<std::string> names;
    for (const QuantizerInfo& info : quantizers()) {
        if (info.isFunction && (origin.empty() || info.origin == origin)) {
            names.push_back(info.name);
        }
    }
    return names;
}

class EveryFunction : public testing::TestWithParam<std::string> {
protected:
    [[nodiscard]] static QuantizerPtr function() { return *parseQuantizer(GetParam()); }

    static Tensor applied(const Tensor& x)
    {
        Tensor y(x.shape());
        function()->apply(x.view(), y.mutableView(), {});
        return y;
    }

    static double weighted(const Tensor& x, const Tensor& g)
    {
        const Tensor y = applied(x);
        double sum = 0.0;
        for (std::size_t i = 0; i < y.values().size(); ++i) {
            sum += static_cast<double>(y.values()[i]) * static_cast<double>(g.values()[i]);
        }
        return sum;
    }
};

/// Away from corners. Rounding passes gradients straight through, so that those two have none.
TEST_P(EveryFunction, gradientIsTheCentralDifference)
{
    if (GetParam().starts_with("binary_")) {
        return;
    }
    constexpr float kStep = 0x1p-7F;
    constexpr double kTolerance = 2e-3;
    const Tensor x(Shape{2, 4},
                   std::vector<float>{-3.3F, -1.7F, -0.6F, -0.2F, 0.3F, 0.8F, 1.9F, 3.4F});
    const Tensor g(Shape{2, 4},
                   std::vector<float>{0.5F, -1.0F, 2.0F, 1.5F, -0.5F, 1.0F, 0.25F, -2.0F});
    Tensor dx(x.shape());
    function()->gradient(x.view(), g.view(), dx.mutableView(), {});
    for (std::size_t i = 0; i < x.values().size(); ++i) {
        Tensor above = x;
        Tensor below = x;
        above.values()[i] += kStep;
        below.values()[i] -= kStep;
        const double difference =
            (weighted(above, g) - weighted(below, g)) / (2.0 * static_cast<double>(kStep));
        EXPECT_NEAR(dx.values()[i], difference, kTolerance * (1.0 + std::abs(difference)))
            << "x = " << x.values()[i];
    }
    Tensor inPlace = g;
    function()->gradient(x.view(), inPlace.view(), inPlace.mutableView(), {});
    EXPECT_EQ(inPlace, dx);
}

TEST_P(EveryFunction, staysInItsRange)
{
    Tensor x(Shape{20, 5});
    for (Index i = 0; i < x.size(); ++i) {
        x.data()[i] = static_cast<float>(i - 50) / 4.0F;
    }
    const Tensor y = applied(x);
    constexpr double kRounding = 1e-6;
    for (const float value : y.values()) {
        EXPECT_GE(value, function()->min() - kRounding);
        EXPECT_LE(value, function()->max() + kRounding);
        EXPECT_TRUE(function()->isSigned() || value >= 0.0F);
    }
    Tensor inPlace = x;
    function()->apply(inPlace.view(), inPlace.mutableView(), {});
    EXPECT_EQ(inPlace, y);
}

TEST_P(EveryFunction, passesNan)
{
    const Tensor x(Shape{1, 1}, std::vector<float>{std::numeric_limits<float>::quiet_NaN()});
    EXPECT_TRUE(std::isnan(applied(x).values()[0]));
}

TEST_P(EveryFunction, hasNoCodesAndNoGrid)
{
    const QuantizerPtr f = function();
    EXPECT_EQ(f->bits(), 32);
    const Tensor x(Shape{1, 2});
    EXPECT_FALSE(f->codes(x.view(), {}));
    const GridFacts facts = gridFacts(*f);
    EXPECT_EQ(facts.levels, 0);
    EXPECT_EQ(facts.apFixed, "");
    EXPECT_FALSE(facts.dependsOnData);
}

TEST_P(EveryFunction, isWrittenByItsName)
{
    const QuantizerPtr f = function();
    EXPECT_EQ(f->toString(), GetParam());
    EXPECT_EQ(toDictionary(*f), "\"" + GetParam() + "\"");
    EXPECT_EQ(toDictionary(*f, DictionaryForm::Keras3),
              R"({"module":"builtins","class_name":"function","config":")" + GetParam() +
                  R"(","registered_name":"function"})");
    for (const DictionaryForm form : {DictionaryForm::Keras2, DictionaryForm::Keras3}) {
        const auto again = parseQuantizer(toDictionary(*f, form));
        ASSERT_TRUE(again) << again.error().sentence();
        EXPECT_TRUE(**again == *f);
    }
    EXPECT_FALSE(parseQuantizer(GetParam() + "(4)")) << "functions take no parameters";
}

INSTANTIATE_TEST_SUITE_P(Registry, EveryFunction, testing::ValuesIn(functionNames()));

float valueOf(const char* name, float x)
{
    float y = 0.0F;
    (*parseQuantizer(name))->apply({&x, Shape{1, 1}}, {&y, Shape{1, 1}}, {});
    return y;
}

TEST(Functions, haveQKerasSlopes)
{
    EXPECT_EQ(valueOf("hard_sigmoid", 1.0F), 1.0F) << "Keras' own would give 0.7";
    EXPECT_EQ(valueOf("hard_sigmoid", 0.5F), 0.75F);
    EXPECT_EQ(valueOf("smooth_sigmoid", 1.0F), 0.6875F);
    EXPECT_EQ(valueOf("hard_tanh", 0.3F), 2.0F * (0.5F * 0.3F + 0.5F) - 1.0F);
    EXPECT_EQ(valueOf("smooth_tanh", 1.0F), 0.375F);
    EXPECT_EQ(valueOf("binary_sigmoid", 0.0F), 0.0F);
    EXPECT_EQ(valueOf("binary_tanh", 0.0F), -1.0F) << "unlike binary(0) = 1";
    EXPECT_EQ(valueOf("binary_tanh", 0.1F), 1.0F);
}

TEST(Functions, binaryOnesPassGradientsStraightThrough)
{
    for (const auto& [name, slope] : {std::pair{"binary_sigmoid", 0.5F}, {"binary_tanh", 1.0F}}) {
        const Tensor x(Shape{4}, std::vector<float>{-1.5F, -1.0F, 0.2F, 1.1F});
        const Tensor g(Shape{4}, std::vector<float>(4, 1.0F));
        Tensor dx(x.shape());
        (*parseQuantizer(name))->gradient(x.view(), g.view(), dx.mutableView(), {});
        EXPECT_EQ(dx, Tensor(Shape{4}, std::vector<float>{0.0F, slope, slope, 0.0F})) << name;
    }
}

TEST(Functions, softmaxRunsAlongTheLastAxis)
{
    const Tensor x(Shape{2, 3}, std::vector<float>{0.0F, 1.0F, 2.0F, 5.0F, 5.0F, 5.0F});
    Tensor y(x.shape());
    const QuantizerPtr softmax = *parseQuantizer("softmax");
    softmax->apply(x.view(), y.mutableView(), {});
    constexpr double kRounding = 1e-6;
    EXPECT_NEAR(y.values()[2], std::exp(2.0) / (1.0 + std::exp(1.0) + std::exp(2.0)), kRounding);
    EXPECT_NEAR(y.values()[3], 1.0 / 3.0, kRounding);
    EXPECT_FALSE(softmax->isElementwise());
    EXPECT_TRUE(softmax->notes(Shape{2, 3}).empty());
    EXPECT_FALSE(softmax->notes(Shape{3}).empty()) << "Keras refuses vectors";
}

TEST(Functions, tellKerasFromQKeras)
{
    EXPECT_EQ(functionNames("QKeras").size(), 6U);
    EXPECT_EQ(findQuantizer("relu")->origin, "Keras");
    EXPECT_EQ(findQuantizer("hard_sigmoid")->origin, "QKeras");
    EXPECT_EQ(functionNames("QKeras").size() + functionNames("Keras").size(),
              functionNames().size());
}

} // namespace
} // namespace bitscape::quant
