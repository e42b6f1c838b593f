// SPDX-License-Identifier: GPL-3.0-or-later
// TensorQuant's strings and values: examples, vectors of its two implementations, properties.
#include "core/base/rng.h"
#include "core/quant/quantizer.h"
#include "tests/support/golden.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

namespace bitscape::quant {
namespace {

using testing::ElementsAreArray;
using testing::HasSubstr;

const std::string kFile = std::string(BITSCAPE_SHARED) + "/golden/tensorquant.h5";

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

QuantizerPtr asPython(const QuantizerPtr& quantizer)
{
    return *quantizer->with("implementation", std::string("python"));
}

/// What the attributes say (which implementation the framework uses, what raised) lies behind one
/// that libhdf5 1.10 cannot decode; the datasets say it as well.
struct Case {
    std::string text;
    golden::Group group;
    bool hasPython = false; ///< else it raised
    bool hasKernel = false; ///< else it raised, or there is no such kernel

    [[nodiscard]] std::string kind() const { return text.substr(0, text.find(',')); }
    [[nodiscard]] bool isFixed() const
    {
        return kind() == "zero" || kind() == "down" || kind() == "nearest";
    }
    /// `ternary` alone is QKeras'; both sets of vectors claim it.
    [[nodiscard]] bool isQKeras() const { return text == "ternary" || text == "binary"; }
};

class TensorQuantVectors : public testing::Test {
protected:
    void SetUp() override
    {
        m_file = golden::open(kFile);
        if (!m_file) {
            GTEST_SKIP() << kFile << " is absent";
        }
    }
    [[nodiscard]] std::vector<Case> cases() const
    {
        std::vector<Case> out;
        for (const std::string& name : m_file->names()) {
            golden::Group group = m_file->group(name);
            Case c{*group.text("quantizer"), std::move(group)};
            c.hasPython = c.group.has("y_python");
            c.hasKernel = c.group.has("y_kernel");
            out.push_back(std::move(c));
        }
        return out;
    }

private:
    std::optional<golden::Group> m_file;
};

void expectEqual(const std::vector<float>& got, const Tensor& wanted, const std::string& title)
{
    constexpr double kRelative = 2e-7;
    for (std::size_t i = 0; i < got.size(); ++i) {
        const double want = wanted.values()[i];
        if (std::isfinite(want)) {
            ASSERT_NEAR(got[i], want, kRelative * std::abs(want)) << title << ", element " << i;
        }
    }
}

TEST_F(TensorQuantVectors, valuesAgreeWithBothImplementations)
{
    int compared = 0;
    for (const Case& c : cases()) {
        if (!c.hasPython || c.kind() == "stochastic" || c.isQKeras()) {
            continue;
        }
        const Tensor x = *c.group.tensor("x");
        const std::vector<float> from(x.values().begin(), x.values().end());
        const QuantizerPtr quantizer = parsed(c.text);
        if (c.isFixed()) {
            expectEqual(valuesOf(*quantizer, from), *c.group.tensor("y_kernel"), c.text);
            expectEqual(valuesOf(*asPython(quantizer), from), *c.group.tensor("y_python"),
                        c.text + " in Python");
        } else {
            const char* used = c.kind() == "logarithmic" ? "y_kernel" : "y_python";
            expectEqual(valuesOf(*quantizer, from), *c.group.tensor(used), c.text);
        }
        ++compared;
    }
    EXPECT_GT(compared, 40);
}

TEST_F(TensorQuantVectors, stringsReadBackUnchanged)
{
    for (const Case& c : cases()) {
        if (!c.hasPython || c.isQKeras()) {
            continue;
        }
        const QuantizerPtr quantizer = parsed(c.text);
        EXPECT_EQ(quantizer->toString(), c.text);
        EXPECT_TRUE(*parsed(toDictionary(*quantizer)) == *quantizer) << c.text;
    }
}

TEST_F(TensorQuantVectors, whatBothRefuseIsRefused)
{
    for (const Case& c : cases()) {
        if (!c.hasPython && !c.hasKernel) {
            EXPECT_FALSE(parseQuantizer(c.text)) << c.text;
        }
    }
}

TEST_F(TensorQuantVectors, rangesOfThePythonCodeAgree)
{
    for (const Case& c : cases()) {
        const auto low = c.group.number("fixed_min_signed");
        if (low) {
            const QuantizerPtr python = asPython(parsed(c.text));
            EXPECT_EQ(python->min(), *low) << c.text;
            EXPECT_EQ(python->max(), *c.group.number("fixed_max_signed")) << c.text;
        }
    }
}

TEST(TensorQuant, roundsTheExamplesOfItsDocuments)
{
    const std::vector<float> x{-1.3F, -0.125F, 0.125F, 0.375F, 1.3F, 3.0F};
    const auto python = [&](const char* text) { return valuesOf(*asPython(parsed(text)), x); };
    EXPECT_THAT(python("zero,4,2"), ElementsAreArray({-1.25F, 0.0F, 0.0F, 0.25F, 1.0F, 1.0F}));
    EXPECT_THAT(python("down,4,2"), ElementsAreArray({-1.5F, -0.25F, 0.0F, 0.25F, 1.0F, 1.0F}));
    EXPECT_THAT(python("nearest,4,2"), ElementsAreArray({-1.25F, -0.25F, 0.25F, 0.5F, 1.0F, 1.0F}));
    EXPECT_THAT(valuesOf(*parsed("nearest,4,2"), x),
                ElementsAreArray({-1.25F, -0.25F, 0.25F, 0.5F, 1.25F, 1.75F}));
    EXPECT_EQ(valuesOf(*asPython(parsed("nearest,12,11")), {0.7F})[0], 0.5F);
    EXPECT_EQ(valuesOf(*parsed("nearest,12,11"), {0.7F})[0], 0.7001953125F);
}

TEST(TensorQuant, ternaryTreatsItsEdgesUnequally)
{
    EXPECT_THAT(valuesOf(*parsed("ternary,1"), {0.1F, -0.4F, 0.5F, 0.9F}),
                ElementsAreArray({0.0F, -1.0F, 1.0F, 1.0F}));
    EXPECT_THAT(valuesOf(*parsed("ternary,2,0.5"), {0.5F, -0.5F, 0.51F}),
                ElementsAreArray({0.0F, -2.0F, 2.0F}));
}

TEST(TensorQuant, logarithmicTakesTheLowerPowerAndHasNoZero)
{
    EXPECT_THAT(valuesOf(*parsed("logarithmic"), {1.9F, 0.7F, 0.0F, -0.0F, -5.0F, 1e30F}),
                ElementsAreArray({1.0F, 0.5F, 0x1p-30F, -0x1p-30F, -4.0F, 0x1p30F}));
}

TEST(TensorQuant, stochasticDrawsAtInferenceWithTheRightMeanOnlyInTheKernel)
{
    constexpr std::size_t kDraws = 4000;
    const std::vector<float> x(kDraws, 1.30F);
    const QuantizerPtr kernel = parsed("stochastic,8,2");
    double sum = 0.0;
    for (const float value : valuesOf(*kernel, x, {.seed = 3})) {
        ASSERT_TRUE(value == 1.25F || value == 1.5F) << value;
        sum += value;
    }
    constexpr double kDeviation = 0.25 * 0.4; // of one draw
    EXPECT_NEAR(sum / kDraws, 1.30, 5.0 * kDeviation / std::sqrt(kDraws));
    EXPECT_FALSE(kernel->isElementwise()) << "a draw depends on the place";
    for (const float value : valuesOf(*asPython(kernel), x, {.seed = 3})) {
        ASSERT_EQ(value, 1.5F) << "the fraction of x exceeds one step";
    }
}

TEST(TensorQuant, gradientsPassInFull)
{
    for (const char* text :
         {"nearest,4,2", "logarithmic", "sparse,0.5", "binary,0.5", "ternary,1", "none"}) {
        const Tensor x(Shape{3}, std::vector<float>{-100.0F, 0.1F, 100.0F});
        const Tensor g(Shape{3}, std::vector<float>{1.0F, 2.0F, 3.0F});
        Tensor dx(x.shape());
        parsed(text)->gradient(x.view(), g.view(), dx.mutableView(), {});
        EXPECT_EQ(dx, g) << text;
    }
}

TEST(TensorQuant, floatsHaveNoCodes)
{
    for (const char* text : {"sparse,0.5", "none"}) {
        const auto codes = parsed(text)->codes(Tensor(Shape{2}).view(), {});
        ASSERT_FALSE(codes);
        EXPECT_EQ(codes.error().code, ErrorCode::InvalidArgument);
    }
}

struct BadWord {
    const char* written;
    const char* says;
};

class BadWords : public testing::TestWithParam<BadWord> {};

TEST_P(BadWords, areRefusedInWords)
{
    const auto quantizer = parseQuantizer(GetParam().written);
    ASSERT_FALSE(quantizer) << (*quantizer)->toString();
    EXPECT_EQ(quantizer.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(quantizer.error().sentence(), HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Forms, BadWords,
    testing::Values(BadWord{"nosuch,1", "no quantizer 'nosuch'"}, BadWord{"neerest,8,4", "nearest"},
                    BadWord{"nearest,8", "bits, fraction"}, BadWord{"nearest", "bits, fraction"},
                    BadWord{"nearest,8,4,1", "bits, fraction"},
                    BadWord{"nearest,4,4", "less than bits"},
                    BadWord{"nearest,4,-1", "less than bits"},
                    BadWord{"nearest,8,x", "'x' is no number"},
                    BadWord{"nearest,8.5,4", "whole number"}, BadWord{"nearest,8,", "no number"},
                    BadWord{"binary,1,2", "marginal"}, BadWord{"ternary,1,2,3", "threshold"},
                    BadWord{"ternary,1,-2", "0 or more"}, BadWord{"sparse", "threshold"},
                    BadWord{"fp16,3", "no values"}, BadWord{"binary,inf", "finite"}));

TEST(WordForms, leaveBareNamesToQKeras)
{
    EXPECT_EQ(parsed("binary")->info().name, "binary");
    EXPECT_EQ(parsed("ternary")->info().name, "ternary");
    EXPECT_EQ(parsed("binary,1")->info().name, "tensorquant_binary");
    EXPECT_EQ(parsed(" nearest , 8 , 4 ")->toString(), "nearest,8,4");
    EXPECT_EQ(parsed("ternary,1")->toString(), "ternary,1");
}

TEST(WordForms, ofThePythonVariantAreTheRow)
{
    EXPECT_EQ(asPython(parsed("nearest,8,4"))->toString(),
              "tensorquant_fixed(8,4,'nearest',implementation='python')");
}

RC_GTEST_PROP(TensorQuantProperty, errorsAreBelowOneStepInsideTheRange, ())
{
    const int bits = *rc::gen::inRange(2, 17);
    const int fraction = *rc::gen::inRange(0, bits);
    const std::string rounding =
        *rc::gen::element<std::string>("zero", "down", "nearest", "stochastic");
    const QuantizerPtr q =
        parsed(rounding + "," + std::to_string(bits) + "," + std::to_string(fraction));
    const float step = std::exp2(static_cast<float>(-fraction));
    const auto x = static_cast<float>(*rc::gen::inRange(-20000, 20001)) * step / 16.0F;
    const float y = valuesOf(*q, {x}, {.seed = 5})[0];
    RC_ASSERT(y == std::floor(y / step) * step);
    if (static_cast<double>(x) >= q->min() && static_cast<double>(x) <= q->max()) {
        RC_ASSERT(std::abs(y - x) < step);
        RC_ASSERT(rounding != "nearest" || std::abs(y - x) <= 0.5F * step);
        RC_ASSERT(rounding != "down" || y <= x);
        RC_ASSERT(rounding != "zero" || std::abs(y) <= std::abs(x));
    } else {
        RC_ASSERT(static_cast<double>(y) == (x < 0.0F ? q->min() : q->max()));
    }
}

} // namespace
} // namespace bitscape::quant
