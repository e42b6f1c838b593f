// SPDX-License-Identifier: GPL-3.0-or-later
// qkeras-mod: quantized_bits_featuremap and its quantized_bits against vectors of the tool.
#include "core/quant/quantizer.h"
#include "tests/support/golden.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace bitscape::quant {
namespace {

const std::string kFile = std::string(BITSCAPE_SHARED) + "/golden/featuremap.h5";

struct Case {
    std::string title;
    QuantizerPtr quantizer; ///< null if refused
    bool isFeaturemap = false;
    golden::Group group;
};

class FeaturemapVectors : public testing::Test {
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
            const std::string text = *group.text("quantizer");
            const bool isFeaturemap = *group.text("class") == "quantized_bits_featuremap";
            out.push_back({name + " " + text, parseQuantizer(text).value_or(nullptr), isFeaturemap,
                           std::move(group)});
        }
        return out;
    }

private:
    std::optional<golden::Group> m_file;
};

bool isFinite(const Tensor& tensor)
{
    return std::ranges::all_of(tensor.values(), [](float v) { return std::isfinite(v); });
}

void expectNear(const Tensor& got, const Tensor& wanted, double absolute, const std::string& title)
{
    constexpr double kRelative = 2e-6;
    ASSERT_EQ(got.size(), wanted.size()) << title;
    for (std::size_t i = 0; i < got.values().size(); ++i) {
        const double want = wanted.values()[i];
        ASSERT_NEAR(got.values()[i], want, kRelative * std::abs(want) + absolute)
            << title << ", element " << i;
    }
}

TEST_F(FeaturemapVectors, valuesAgree)
{
    int compared = 0;
    for (const Case& c : cases()) {
        const auto wanted = c.group.tensor("y");
        if (!wanted || !isFinite(*wanted)) {
            continue;
        }
        ASSERT_TRUE(c.quantizer) << c.title;
        const Tensor x = *c.group.tensor("x");
        Tensor y(x.shape());
        c.quantizer->apply(x.view(), y.mutableView(), {});
        const auto size = std::ranges::max(x.values(), {}, [](float v) { return std::abs(v); });
        constexpr double kRoundingOfX = 1.2e-7; // the tool computes x + (Q − x)
        expectNear(y, *wanted, kRoundingOfX * std::abs(static_cast<double>(size)), c.title);
        ++compared;
    }
    EXPECT_GT(compared, 80);
}

TEST_F(FeaturemapVectors, codesScalesAndZeroPointsAgree)
{
    for (const Case& c : cases()) {
        const auto scale = c.group.tensor("scale1");
        if (!c.isFeaturemap || !scale || !isFinite(*scale)) {
            continue;
        }
        const Tensor x = *c.group.tensor("x");
        const Fit fit = c.quantizer->fit(x.view(), {});
        expectNear(fit.scale, *scale, 0.0, c.title);
        expectNear(fit.zeroPoint, *c.group.tensor("zeropoint"), 0.0, c.title);
        const auto codes = c.quantizer->codes(x.view(), {});
        ASSERT_TRUE(codes);
        expectNear(*codes, *c.group.tensor("outputq"), 0.0, c.title);
    }
}

TEST_F(FeaturemapVectors, gradientsAgreeAndStopAtDust)
{
    for (const Case& c : cases()) {
        const auto wanted = c.group.tensor("dx");
        if (!wanted || !c.isFeaturemap) {
            continue;
        }
        const Tensor x = *c.group.tensor("x");
        Tensor dx(x.shape());
        c.quantizer->gradient(x.view(), c.group.tensor("g")->view(), dx.mutableView(), {});
        expectNear(dx, *wanted, 0.0, c.title);
    }
}

TEST_F(FeaturemapVectors, whatTheToolRefusesIsRefused)
{
    for (const Case& c : cases()) {
        if (c.isFeaturemap && c.group.text("raises")) {
            EXPECT_FALSE(c.quantizer) << c.title;
        }
    }
}

TEST(Featuremap, placesZeroByTheRangeAndStepsByTheLargest)
{
    const auto quantizer = parseQuantizer("quantized_bits_featuremap(4,4,1,1,alpha='auto',"
                                          "scale_axis=0)");
    ASSERT_TRUE(quantizer) << quantizer.error().sentence();
    const Tensor x(Shape{2, 3}, std::vector<float>{-0.5F, 0.25F, 1.0F, 0.0F, 0.5F, 1.0F});
    const auto codes = (*quantizer)->codes(x.view(), {});
    ASSERT_TRUE(codes);
    EXPECT_THAT(codes->values(), testing::ElementsAre(-6.0F, 0.0F, 5.0F, -7.0F, -4.0F, 0.0F));
    EXPECT_THAT((*quantizer)->fit(x.view(), {}).zeroPoint.values(),
                testing::ElementsAre(-2.0F, -7.0F));
}

TEST(Featuremap, tiesGoDown)
{
    // Codes before rounding: 2.5 and −2.5 with a zero point of 0.
    const auto quantizer = parseQuantizer("quantized_bits_featuremap(4,scale_axis=[])");
    const Tensor x(Shape{1, 4}, std::vector<float>{2.5F, -2.5F, 7.0F, -7.0F});
    EXPECT_THAT((*quantizer)->codes(x.view(), {})->values(),
                testing::ElementsAre(2.0F, -3.0F, 7.0F, -7.0F));
}

TEST(Featuremap, printsItsOwnNameAndAllParameters)
{
    const auto quantizer = parseQuantizer("quantized_bits_featuremap(8,8,1,1,'auto',scale_axis=0)");
    ASSERT_TRUE(quantizer);
    EXPECT_EQ((*quantizer)->toString(), "quantized_bits_featuremap(8,8,1,scale_axis=0)");
    EXPECT_EQ((*quantizer)->notes({2, 3}).size(), 0U);
    EXPECT_EQ((*parseQuantizer("quantized_bits_featuremap(1)"))->notes({2, 3}).size(), 1U);
}

} // namespace
} // namespace bitscape::quant
