// SPDX-License-Identifier: GPL-3.0-or-later
// Rounding and overflow of the rows that let them be chosen, and quantized_linear, for random
// parameters and values.
#include "core/quant/quantizer.h"
#include "core/quant/rounding.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>

namespace bitscape::quant {
namespace {

std::int64_t inRange(std::int64_t low, std::int64_t high)
{
    return *rc::gen::inRange(low, high + 1);
}

Tensor anyTensor(const Shape& shape)
{
    Tensor x(shape);
    for (float& value : x.values()) {
        value = static_cast<float>(inRange(-4000, 4000)) / 512.0F;
    }
    return x;
}

QuantizerPtr made(std::string_view name, Parameters parameters)
{
    auto quantizer = makeQuantizer(name, std::move(parameters));
    if (!quantizer) {
        throw std::runtime_error(quantizer.error().sentence());
    }
    return *quantizer;
}

Tensor applied(const Quantizer& quantizer, const Tensor& x)
{
    Tensor y(x.shape());
    quantizer.apply(x.view(), y.mutableView(), {});
    return y;
}

/// A row with `rounding` and `overflow`, with random bits and integer.
struct Chosen {
    std::string name;
    Parameters parameters;

    [[nodiscard]] QuantizerPtr with(std::string_view rounding, std::string_view overflow) const
    {
        Parameters all = parameters;
        all["rounding"] = std::string(rounding);
        all["overflow"] = std::string(overflow);
        return made(name, std::move(all));
    }
};

Chosen anyChosen()
{
    std::vector<std::string> names;
    for (const QuantizerInfo& info : quantizers()) {
        const bool has = std::ranges::any_of(info.parameters, [](const ParameterInfo& parameter) {
            return parameter.name == "rounding";
        });
        const bool isFixedPoint = std::ranges::any_of(
            info.parameters, [](const ParameterInfo& p) { return p.name == "integer"; });
        if (has && isFixedPoint) {
            names.push_back(info.name);
        }
    }
    return {*rc::gen::elementOf(names), {{"bits", inRange(2, 10)}, {"integer", inRange(-3, 5)}}};
}

RC_GTEST_PROP(RoundingProperty, theFastLoopIsTheRuleOfTheDefault, ())
{
    const Chosen row = anyChosen();
    const QuantizerPtr fast = row.with("half_even", "saturate");
    const Tensor x = anyTensor(Shape{24});
    const float step = fast->fit(x.view(), {}).step.values().front();
    const Tensor y = applied(*fast, x);
    const auto [low, high] = std::ranges::minmax(
        applied(*fast, Tensor(Shape{2}, std::vector<float>{-1e6F, 1e6F})).values());
    std::vector<float> codes(24);
    for (std::size_t i = 0; i < codes.size(); ++i) {
        codes[i] = x.values()[i] / step;
    }
    CodeRule{}.codes(codes.data(), codes.data(), 24, {low / step, high / step, fast->bits()}, 0, 0);
    for (std::size_t i = 0; i < codes.size(); ++i) {
        RC_ASSERT(y.values()[i] == codes[i] * step);
    }
}

RC_GTEST_PROP(RoundingProperty, everyModeErrsOnItsOwnSide, ())
{
    const Chosen row = anyChosen();
    const Tensor x = anyTensor(Shape{24});
    const QuantizerPtr reference = row.with("half_even", "saturate");
    const float step = reference->fit(x.view(), {}).step.values().front();
    const auto [low, high] = std::ranges::minmax(
        applied(*reference, Tensor(Shape{2}, std::vector<float>{-1e6F, 1e6F})).values());
    for (const std::string_view name : roundingNames()) {
        const Tensor y = applied(*row.with(name, "saturate"), x);
        for (std::size_t i = 0; i < 24; ++i) {
            const float from = x.values()[i];
            const float to = y.values()[i];
            if (from < low || from > high) {
                RC_ASSERT(to == (from < low ? low : high));
                continue;
            }
            RC_ASSERT(std::abs(to - from) < step);
            RC_ASSERT(name != "floor" || to <= from);
            RC_ASSERT(name != "ceil" || to >= from);
            RC_ASSERT(name != "zero" || std::abs(to) <= std::abs(from));
            const bool isNearest = name.starts_with("half") || name == "stochastic"; // at inference
            RC_ASSERT(!isNearest || std::abs(to - from) <= step / 2.0F);
        }
    }
}

RC_GTEST_PROP(RoundingProperty, wrappedCodesDifferByWholeWords, ())
{
    Chosen row = anyChosen();
    if (row.name != "quantized_relu") {
        row.parameters["symmetric"] = false; // a code that is left out has no place to wrap to
    }
    const Tensor x = anyTensor(Shape{24});
    const QuantizerPtr wrapping = row.with("floor", "wrap");
    const QuantizerPtr saturating = row.with("floor", "saturate");
    const auto wrapped = wrapping->codes(x.view(), {});
    const auto kept = saturating->codes(x.view(), {});
    RC_ASSERT(wrapped.has_value() && kept.has_value());
    const float step = wrapping->fit(x.view(), {}).step.values().front();
    const double word = std::exp2(wrapping->bits());
    for (std::size_t i = 0; i < 24; ++i) {
        double exact = std::floor(static_cast<double>(x.values()[i] / step));
        if (row.name == "quantized_relu") {
            exact = std::max(exact, 0.0);
        }
        const double away = (static_cast<double>(wrapped->values()[i]) - exact) / word;
        RC_ASSERT(away == std::nearbyint(away));
        RC_ASSERT(static_cast<double>(kept->values()[i]) != exact ||
                  wrapped->values()[i] == kept->values()[i]);
    }
}

RC_GTEST_PROP(RoundingProperty, symmetricSaturationHasBothEndsAlike, ())
{
    const Chosen row = anyChosen();
    const Tensor ends(Shape{2}, std::vector<float>{-1e6F, 1e6F});
    const QuantizerPtr q = row.with("half_even", "saturate_symmetric");
    const Tensor y = applied(*q, ends);
    RC_ASSERT(y.values()[0] == (q->isSigned() ? -y.values()[1] : 0.0F));
}

RC_GTEST_PROP(RoundingProperty, gradientsOfCodesThatWrapPassEverywhere, ())
{
    const Chosen row = anyChosen();
    const Tensor x = anyTensor(Shape{24});
    const Tensor g(Shape{24}, std::vector<float>(24, 1.0F));
    Tensor dx(Shape{24});
    row.with("half_even", "wrap")->gradient(x.view(), g.view(), dx.mutableView(), {});
    for (std::size_t i = 0; i < 24; ++i) {
        const bool rectified = row.name == "quantized_relu" && x.values()[i] <= 0.0F;
        RC_ASSERT(dx.values()[i] == (rectified ? 0.0F : 1.0F));
    }
}

RC_GTEST_PROP(LinearProperty, alphaIsATrueStep, ())
{
    const double alpha = std::exp2(static_cast<double>(inRange(-3, 3)));
    const Parameters shared{{"bits", inRange(1, 10)},
                            {"integer", inRange(-3, 5)},
                            {"symmetric", *rc::gen::arbitrary<bool>()},
                            {"keep_negative", *rc::gen::arbitrary<bool>()}};
    Parameters scaled = shared;
    scaled["alpha"] = alpha;
    const Tensor x = anyTensor(Shape{24});
    Tensor divided = x;
    for (float& value : divided.values()) {
        value /= static_cast<float>(alpha);
    }
    const Tensor y = applied(*made("quantized_linear", scaled), x);
    const Tensor unit = applied(*made("quantized_linear", shared), divided);
    for (std::size_t i = 0; i < 24; ++i) {
        RC_ASSERT(y.values()[i] == unit.values()[i] * static_cast<float>(alpha));
    }
}

RC_GTEST_PROP(LinearProperty, gradientsStopWhereValuesSaturate, ())
{
    const double share = static_cast<double>(inRange(0, 4)) / 4.0;
    const QuantizerPtr q = made("quantized_linear", {{"bits", inRange(2, 8)},
                                                     {"integer", inRange(-2, 3)},
                                                     {"symmetric", *rc::gen::arbitrary<bool>()},
                                                     {"keep_negative", *rc::gen::arbitrary<bool>()},
                                                     {"qnoise_factor", share}});
    const Tensor x = anyTensor(Shape{24});
    const Tensor g(Shape{24}, std::vector<float>(24, 1.0F));
    Tensor dx(Shape{24});
    q->gradient(x.view(), g.view(), dx.mutableView(), {});
    for (std::size_t i = 0; i < 24; ++i) {
        const auto value = static_cast<double>(x.values()[i]);
        const bool inside = value >= q->min() && value <= q->max();
        RC_ASSERT(static_cast<double>(dx.values()[i]) == (inside ? 1.0 : 1.0 - share));
    }
}

RC_GTEST_PROP(LinearProperty, fittedStepsReachTheLargestValueAndNoFurther, ())
{
    const bool keepNegative = *rc::gen::arbitrary<bool>();
    const QuantizerPtr q = made("quantized_linear", {{"bits", inRange(2, 10)},
                                                     {"keep_negative", keepNegative},
                                                     {"alpha", std::string("auto")}});
    const Tensor x = anyTensor(Shape{8, 3});
    const Fit fit = q->fit(x.view(), {});
    for (Index c = 0; c < 3; ++c) {
        double largest = 0.0;
        for (Index r = 0; r < 8; ++r) {
            const auto value = static_cast<double>(x.data()[r * 3 + c]);
            largest = std::max(largest, keepNegative ? std::abs(value) : value);
        }
        const double reach = static_cast<double>(fit.scale.data()[c]) * q->max();
        constexpr double kRounding = 1e-6;
        constexpr double kFloor = 1e-4; // of the step, where all values are (nearly) 0
        RC_ASSERT(std::abs(reach - largest) <= kRounding * largest + kFloor);
    }
}

/// Whole steps, unlike use_stochastic_rounding of quantized_relu, and the mean of the values.
TEST(StochasticMode, keepsTheMeanOnWholeSteps)
{
    constexpr Index kDraws = 4000;
    for (const char* text :
         {"quantized_bits(4,0,rounding='stochastic')",
          "quantized_linear(4,0,rounding='stochastic')",
          "quantized_relu(3,0,rounding='stochastic')",
          "quantized_relu(3,0,use_stochastic_rounding=True,rounding='stochastic')",
          "quantized_bits(4,0,1,alpha='auto',post_training_scale=1.0,rounding='stochastic')"}) {
        const QuantizerPtr q = *parseQuantizer(text);
        EXPECT_FALSE(q->isElementwise()) << text << ": pieces would repeat each other's draws";
        constexpr float kValue = 0.3125F; // half way between two codes
        const Tensor x(Shape{kDraws}, std::vector<float>(kDraws, kValue));
        Tensor y(x.shape());
        q->apply(x.view(), y.mutableView(), {.training = true, .seed = 5});
        double sum = 0.0;
        for (const float value : y.values()) {
            ASSERT_TRUE(value == 0.25F || value == 0.375F) << text << ": " << value;
            sum += static_cast<double>(value);
        }
        EXPECT_NEAR(sum / kDraws, kValue, 0.006) << text; // 6 standard deviations
        q->apply(x.view(), y.mutableView(), {});
        EXPECT_EQ(y.values()[0], 0.25F) << text << ": half to even at inference";
    }
}

TEST(StochasticMode, drawsAreRepeatedBySeedAndDifferBetweenSeeds)
{
    const Tensor x = Tensor(Shape{40, 2}, std::vector<float>(80, 0.4F));
    for (const char* text :
         {"stochastic_ternary(alpha='auto')", "stochastic_binary()", "bernoulli()",
          "quantized_linear(2,0,alpha='auto_po2',use_stochastic_rounding=True)"}) {
        const QuantizerPtr q = *parseQuantizer(text);
        const auto drawn = [&](std::uint64_t seed) {
            Tensor y(x.shape());
            q->apply(x.view(), y.mutableView(), {.training = true, .seed = seed});
            return y;
        };
        EXPECT_EQ(drawn(1), drawn(1)) << text;
    }
    const QuantizerPtr binary = *parseQuantizer("stochastic_binary(temperature=1.0)");
    Tensor first(x.shape());
    Tensor second(x.shape());
    binary->apply(x.view(), first.mutableView(), {.training = true, .seed = 1});
    binary->apply(x.view(), second.mutableView(), {.training = true, .seed = 2});
    EXPECT_FALSE(first == second);
    binary->apply(x.view(), first.mutableView(), {});
    for (const float value : first.values()) {
        EXPECT_EQ(value, 1.0F) << "inference takes the sign";
    }
}

} // namespace
} // namespace bitscape::quant
