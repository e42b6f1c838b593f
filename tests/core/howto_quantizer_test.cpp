// SPDX-License-Identifier: GPL-3.0-or-later
// How to add a quantizer: a class and its row, as a file of core/quant would hold them. Reading,
// printing, dictionaries, checks and facts follow from the row alone.
#include "core/quant/canonical.h"
#include "core/quant/common.h"
#include "core/quant/grid_facts.h"
#include "core/quant/parameter_docs.h"
#include "core/quant/quantizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace bitscape::quant {
namespace {

// ---- this part would be core/quant/dead_zone.cpp -----------------------------------------------

/// Fixed point whose small values are cut to 0: step · clip(rne(x / step)), 0 where |x| <
/// threshold.
class DeadZone final : public Quantizer {
public:
    DeadZone(const QuantizerInfo& info, Parameters given)
        : Quantizer(info, std::move(given)),
          m_bits(static_cast<int>(quant::numberOf(parameters(), "bits"))),
          m_threshold(static_cast<float>(quant::numberOf(parameters(), "threshold"))),
          m_step(std::exp2(static_cast<float>(1 - m_bits))), m_rule(ruleOf(parameters()))
    {
    }

    [[nodiscard]] std::string toString() const override { return keywordForm(*this); }

    void apply(TensorView x, MutableTensorView y, const CallContext& call) const override
    {
        codesRun(x, y.data, call);
        for (Index i = 0; i < x.size(); ++i) {
            y.data[i] *= m_step;
        }
    }
    void gradient(TensorView, TensorView upstream, MutableTensorView dx,
                  const CallContext&) const override
    {
        passGradient(upstream, dx, 1.0F);
    }
    [[nodiscard]] Fit fit(TensorView, const CallContext&) const override
    {
        return fitOf(one(), one(m_step));
    }
    [[nodiscard]] Result<Tensor> codes(TensorView x, const CallContext& call) const override
    {
        Tensor out(x.shape);
        codesRun(x, out.data(), call);
        return out;
    }
    [[nodiscard]] int bits() const override { return m_bits; }
    [[nodiscard]] double min() const override { return -1.0; }
    [[nodiscard]] double max() const override { return 1.0 - static_cast<double>(m_step); }
    [[nodiscard]] bool isSigned() const override { return true; }
    [[nodiscard]] bool isElementwise() const override
    {
        return m_rule.rounding != Rounding::Stochastic;
    }

private:
    void codesRun(TensorView x, float* codes, const CallContext& call) const
    {
        for (Index i = 0; i < x.size(); ++i) {
            codes[i] = std::abs(x.data[i]) < m_threshold ? 0.0F : x.data[i] / m_step;
        }
        const float levels = 1.0F / m_step;
        m_rule.at(call.training)
            .codes(codes, codes, x.size(), {-levels, levels - 1.0F, m_bits}, call.seed, 0);
    }

    int m_bits;
    float m_threshold;
    float m_step;
    CodeRule m_rule;
};

Result<QuantizerPtr> makeDeadZone(const QuantizerInfo& info, Parameters parameters)
{
    if (auto ok = checkRange(info, parameters, "bits", 2, 24); !ok) {
        return fail(std::move(ok).error());
    }
    return std::make_shared<DeadZone>(info, std::move(parameters));
}

QuantizerInfo deadZoneInfo()
{
    return {.name = "dead_zone",
            .origin = "Bitscape",
            .doc = "Fixed point between −1 and 1 whose small values are cut to 0.",
            .grid = "z / 2^(bits−1), z = −2^(bits−1) … 2^(bits−1) − 1",
            .parameters = {{"bits", ParameterType::Integer, std::int64_t{8}, "Width of a code."},
                           {"threshold", ParameterType::Number, 0.1,
                            "Magnitude below which values become 0."},
                           stochasticParameter(),
                           roundingParameter(),
                           overflowParameter()},
            .leadingParameters = 1,
            .dictionaryKeys = {"bits", "threshold"},
            .make = makeDeadZone};
}

// ---- and this is the line in registry.cpp ------------------------------------------------------

const std::vector<QuantizerInfo>& rows()
{
    static const std::vector<QuantizerInfo> table = [] {
        std::vector<QuantizerInfo> all(quantizers().begin(), quantizers().end());
        all.push_back(deadZoneInfo());
        return all;
    }();
    return table;
}

// ---- what comes of it --------------------------------------------------------------------------

QuantizerPtr parsed(std::string_view text)
{
    auto quantizer = parseQuantizer(text, rows());
    if (!quantizer) {
        throw std::runtime_error(quantizer.error().sentence());
    }
    return *quantizer;
}

TEST(HowToAddAQuantizer, itIsFoundAndMadeByName)
{
    ASSERT_NE(findQuantizer("dead_zone", rows()), nullptr);
    const auto made = makeQuantizer("dead_zone", {{"bits", std::int64_t{4}}}, rows());
    ASSERT_TRUE(made) << made.error().sentence();
    EXPECT_EQ((*made)->bits(), 4);
    EXPECT_EQ((*made)->number("threshold"), 0.1);
    EXPECT_EQ((*(*made)->withBits(6))->toString(), "dead_zone(6)");
}

TEST(HowToAddAQuantizer, itIsReadAndPrinted)
{
    EXPECT_EQ(parsed("dead_zone")->toString(), "dead_zone(8)");
    EXPECT_EQ(parsed("dead_zone(4, 0.25)")->toString(), "dead_zone(4,threshold=0.25)");
    const QuantizerPtr full = parsed("dead_zone(4,0.25,rounding='floor',overflow='wrap')");
    EXPECT_TRUE(*parsed(full->toString()) == *full) << full->toString();
    EXPECT_EQ(parsed("quantized_bits(4,0,1)")->toString(), "quantized_bits(4,0,1)");
}

TEST(HowToAddAQuantizer, itsDictionariesReadBack)
{
    const QuantizerPtr q = parsed("dead_zone(4,0.25)");
    EXPECT_EQ(toDictionary(*q),
              R"({"class_name":"dead_zone","config":{"bits":4,"threshold":0.25}})");
    for (const DictionaryForm form : {DictionaryForm::Keras2, DictionaryForm::Keras3}) {
        EXPECT_TRUE(*parsed(toDictionary(*q, form)) == *q) << toDictionary(*q, form);
    }
}

TEST(HowToAddAQuantizer, mistakesAreNamed)
{
    for (const auto& [text, hint] : {std::pair{"dead_zon(4)", "dead_zone"},
                                     std::pair{"dead_zone(4,thresold=0.1)", "threshold"},
                                     std::pair{"dead_zone(4,rounding='flor')", "floor"},
                                     std::pair{"dead_zone(1)", "between 2 and 24"}}) {
        const auto refused = parseQuantizer(text, rows());
        ASSERT_FALSE(refused) << text;
        EXPECT_THAT(refused.error().sentence(), testing::HasSubstr(hint));
    }
    EXPECT_FALSE(parseQuantizer("dead_zone(4)")) << "it is in its own list of rows alone";
}

TEST(HowToAddAQuantizer, itsFactsAreFoundByProbing)
{
    const GridFacts facts = gridFacts(*parsed("dead_zone(4)"));
    EXPECT_EQ(facts.levels, 16);
    EXPECT_EQ(facts.low, -1.0);
    EXPECT_EQ(facts.high, 0.875);
    EXPECT_EQ(facts.apFixed, "ap_fixed<4,1>");
    EXPECT_EQ(facts.qNotation, "Q0.3");
    EXPECT_EQ(gridFacts(*parsed("dead_zone(4,threshold=0.3)")).levels, 14);
}

TEST(HowToAddAQuantizer, itQuantizes)
{
    const Tensor x(Shape{5}, std::vector<float>{-2.0F, -0.09F, 0.11F, 0.3F, 5.0F});
    Tensor y(x.shape());
    parsed("dead_zone(4)")->apply(x.view(), y.mutableView(), {});
    EXPECT_EQ(y, Tensor(Shape{5}, std::vector<float>{-1.0F, 0.0F, 0.125F, 0.25F, 0.875F}));
    parsed("dead_zone(4,overflow='wrap')")->apply(x.view(), y.mutableView(), {});
    EXPECT_EQ(y.values()[0], 0.0F);
}

} // namespace
} // namespace bitscape::quant
