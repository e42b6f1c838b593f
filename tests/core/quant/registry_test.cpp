// SPDX-License-Identifier: GPL-3.0-or-later
// Laws that every quantizer keeps, over samples of every row: a new row is tested the day it is
// listed.
#include "core/base/rng.h"
#include "core/quant/quantizer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

namespace bitscape::quant {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// What can be expected of a sample, besides what holds for all.
struct Traits {
    bool idempotent = true; ///< Q(Q(x)) = Q(x)
    bool keepsZero = true;
    bool monotone = true;
    bool nearest = true; ///< error at most half a step inside the range
    bool finite = true;  ///< infinities saturate
    bool coded = true;   ///< levels have codes
    bool draws = false;  ///< also at inference
};

struct Sample {
    const char* text;
    Traits traits;
};

std::ostream& operator<<(std::ostream& out, const Sample& sample)
{
    return out << sample.text;
}

constexpr Traits kPowers{.keepsZero = false, .nearest = false};
constexpr Traits kSigns{.keepsZero = false, .nearest = false};
constexpr Traits kSquashed{.idempotent = false, .nearest = false};
constexpr Traits kUneven{.nearest = false};
constexpr Traits kWrapped{.monotone = false};

const std::vector<Sample>& samples()
{
    static const std::vector<Sample> list{
        {"quantized_bits(4,0,1)", {}},
        {"quantized_bits(8,2,0)", {}},
        {"quantized_bits(16,-1,1)", {}},
        {"quantized_bits(6,1,0,keep_negative=False)", {}},
        {"quantized_bits(4,0,1,alpha=0.3)", {.idempotent = false, .nearest = false}},
        {"quantized_bits(1,0,1)", kSigns},
        {"quantized_bits(4,0,1,alpha='auto')", {}},
        {"quantized_bits(4,2,1,alpha='auto_po2')", {.nearest = false}},
        {"quantized_bits(5,0,1,alpha='auto',scale_axis=[])", {}},
        {"quantized_bits(8,0,1,alpha='auto_po2',post_training_scale=1.0)", {}},
        {"quantized_bits(4,0,0,rounding='half_away')", {}},
        {"quantized_bits(4,1,0,rounding='floor')", kUneven},
        {"quantized_bits(4,1,1,rounding='zero',overflow='saturate_symmetric')", kUneven},
        {"quantized_bits(4,1,1,rounding='ceil')", kUneven},
        {"quantized_bits(4,0,0,overflow='wrap')", kWrapped},
        {"quantized_bits(4,0,0,keep_negative=False,overflow='wrap')", kWrapped},
        {"quantized_bits(4,0,0,overflow='saturate_symmetric')", {}},
        {"quantized_bits(4,0,1,alpha='auto',rounding='half_even')", {}},
        {"quantized_bits(4,0,1,alpha='auto_po2',rounding='floor')", kSquashed},
        {"quantized_linear(4,0,1)", {}},
        {"quantized_linear(8,2,0,alpha=0.3)", {}},
        {"quantized_linear(5,1,0,keep_negative=False)", {}},
        {"quantized_linear(1,0,1)", kSigns},
        {"quantized_linear(4,0,1,alpha='auto')", {}},
        {"quantized_linear(4,0,0,alpha='auto',scale_axis=[])", {.idempotent = false}},
        {"quantized_linear(4,0,1,keep_negative=False,alpha='auto')", {}},
        {"quantized_linear(4,0,1,alpha='auto_po2')", kUneven},
        {"quantized_linear(1,0,1,alpha='auto_po2')", kSigns},
        {"quantized_linear(4,0,1,rounding='floor')", kUneven},
        {"quantized_linear(4,0,0,overflow='wrap')", kWrapped},
        {"quantized_relu(4,0)", {}},
        {"quantized_relu(4,1,rounding='ceil')", kUneven},
        {"quantized_relu(4,0,overflow='wrap')", kWrapped},
        {"quantized_relu(6,0,negative_slope=1,overflow='saturate_symmetric')", {}},
        {"quantized_relu(6,2,negative_slope=0.25)", {.idempotent = false, .nearest = false}},
        {"quantized_relu(6,2,1)", kSquashed},
        {"quantized_relu(6,2,is_quantized_clip=False,relu_upper_bound=2.0)", {}},
        {"quantized_po2(4)", kPowers},
        {"quantized_po2(4,max_value=3)", kPowers},
        {"quantized_po2(6,quadratic_approximation=1)", kPowers},
        {"quantized_relu_po2(4)", kPowers},
        {"quantized_relu_po2(4,negative_slope=0.25)",
         {.idempotent = false, .keepsZero = false, .nearest = false}},
        {"ternary()", {.nearest = false}},
        {"ternary(alpha=2.0,threshold=0.5)", {.nearest = false}},
        {"ternary(alpha='auto')", {.idempotent = false, .nearest = false}},
        {"ternary(alpha='auto_po2')", {.idempotent = false, .nearest = false}},
        {"stochastic_ternary()", kUneven},
        {"stochastic_ternary(alpha='auto')", kSquashed},
        {"binary()", kSigns},
        {"binary(use_01=1,alpha=0.5)", {.idempotent = false, .keepsZero = false, .nearest = false}},
        {"binary(alpha='auto_po2')", kSigns},
        {"stochastic_binary(alpha=0.5)", kSigns},
        {"stochastic_binary(alpha='auto_po2')", kSigns},
        {"bernoulli()", {.idempotent = false, .monotone = false, .nearest = false, .draws = true}},
        {"bernoulli(alpha='auto')",
         {.idempotent = false, .monotone = false, .nearest = false, .draws = true}},
        {"quantized_ulaw(4,0)", kSquashed},
        {"quantized_ulaw(8,1,1,u=100.0)", kSquashed},
        {"quantized_hswish(6,2,0)", {.idempotent = false, .monotone = false, .nearest = false}},
        {"quantized_hswish(6,1,1,alpha='auto')",
         {.idempotent = false, .monotone = false, .nearest = false}},
        {"quantized_tanh(4,symmetric=True)", {.nearest = false}},
        {"quantized_tanh(8,use_real_tanh=True)", kSquashed},
        {"quantized_sigmoid(6)", {.idempotent = false, .keepsZero = false, .nearest = false}},
        {"affine(8)", {}},
        {"affine(4,symmetric=1,narrow=1)", {}},
        {"affine(8,per_channel=1)", {}},
        {"affine(5,low=-1.3,high=2.0)", {}},
        {"affine(8,symmetric=1,low=-1.0,high=1.0)", {}},
        {"affine(4,rounding='floor')", {.idempotent = false, .nearest = false}},
        {"affine(8,low=-8.0,high=7.9375,overflow='wrap')", {}},
        {"affine(4,low=-8.0,high=7.0,rounding='half_away',overflow='saturate_symmetric')", {}},
        {"quantized_bits_learnable_po2(4)", {.nearest = false}},
        {"quantized_bits_learnable_po2(5,keep_negative=False,per_channel_scale=True)",
         {.nearest = false}},
        {"quantized_bits_learnable_po2(4,use_po2_scale_msqe_round=False,scale_exponent=-1.5)", {}},
        {"quantized_bits_msqe_po2(4)", {.nearest = false}},
        {"quantized_bits_msqe_po2(4,per_channel_scale=True)", {.nearest = false}},
        {"quantized_bits_featuremap(6,0,1)", {.nearest = false}},
        {"lsq(4)", {.idempotent = false}},
        {"lsq(3,signed=False,per_channel=True)", {.idempotent = false}},
        {"lsq(4,step=0.25)", {}},
        {"pact(4)", {}},
        {"pact(3,clip=1.5)", {}},
        {"E4M3", {.nearest = false}},
        {"fp16", {.nearest = false, .finite = false}},
        {"minifloat(3,2,'none',subnormals=False,rounding='floor')", {.nearest = false}},
        {"codebook(bits=3)", {.keepsZero = false, .nearest = false}},
        {"codebook(values=[-1.0 -0.25 0.0 0.5])", {.nearest = false}},
        {"nearest,8,4", {}},
        {"down,8,4", {.nearest = false}},
        {"tensorquant_fixed(6,4,'zero',implementation='python')", {.nearest = false}},
        {"logarithmic", {.idempotent = false, .keepsZero = false, .nearest = false}},
        {"sparse,0.5", {.nearest = false, .finite = false, .coded = false}},
        {"binary,0.5", kSigns},
        {"ternary,0.5", {.idempotent = false, .nearest = false}},
        {"ternary,1,0.25", {.nearest = false}},
        {"none", {.nearest = false, .finite = false, .coded = false}},
    };
    return list;
}

QuantizerPtr parsed(const std::string& text)
{
    auto quantizer = parseQuantizer(text);
    if (!quantizer) {
        throw std::runtime_error(quantizer.error().sentence());
    }
    return *quantizer;
}

Tensor applied(const Quantizer& quantizer, const Tensor& x, const CallContext& call = {})
{
    Tensor y(x.shape());
    quantizer.apply(x.view(), y.mutableView(), call);
    return y;
}

/// Sorted down each column, so that order within a column can be compared.
Tensor sortedColumns(Index rows, Index columns)
{
    Rng rng(7);
    Tensor x(Shape{rows, columns});
    for (Index c = 0; c < columns; ++c) {
        std::vector<float> values;
        for (Index r = 0; r < rows; ++r) {
            values.push_back(static_cast<float>(rng.normal()));
        }
        values[0] = 0.0F;
        std::ranges::sort(values);
        for (Index r = 0; r < rows; ++r) {
            x.data()[r * columns + c] = values[static_cast<std::size_t>(r)];
        }
    }
    return x;
}

class EveryQuantizer : public testing::TestWithParam<Sample> {
protected:
    [[nodiscard]] static QuantizerPtr quantizer() { return parsed(GetParam().text); }
    [[nodiscard]] static const Traits& traits() { return GetParam().traits; }
};

TEST_P(EveryQuantizer, isIdempotent)
{
    if (!traits().idempotent) {
        return; // not promised
    }
    constexpr float kRounding = 2e-6F; // a fitted scale is fitted again
    const Tensor once = applied(*quantizer(), sortedColumns(41, 3));
    const Tensor twice = applied(*quantizer(), once);
    for (std::size_t i = 0; i < once.values().size(); ++i) {
        ASSERT_NEAR(twice.values()[i], once.values()[i], kRounding * std::abs(once.values()[i]));
    }
}

TEST_P(EveryQuantizer, keepsZero)
{
    const Tensor x = sortedColumns(41, 3);
    const Tensor y = applied(*quantizer(), x);
    for (std::size_t i = 0; i < x.values().size(); ++i) {
        if (x.values()[i] == 0.0F && !traits().draws) {
            ASSERT_EQ(y.values()[i] == 0.0F, traits().keepsZero);
            ASSERT_FALSE(y.values()[i] == 0.0F && std::signbit(y.values()[i])) << "the zero is −0";
        }
    }
}

TEST_P(EveryQuantizer, keepsOrder)
{
    if (!traits().monotone) {
        return; // not promised
    }
    const Index columns = 3;
    const Tensor x = sortedColumns(61, columns);
    const Tensor y = applied(*quantizer(), x);
    for (Index i = columns; i < y.size(); ++i) {
        ASSERT_LE(y.data()[i - columns], y.data()[i]) << "x = " << x.data()[i];
    }
}

TEST_P(EveryQuantizer, errsByHalfAStepInsideTheRange)
{
    if (!traits().nearest) {
        return; // not promised
    }
    constexpr double kMaxHalfStep = 0.5 * (1.0 + 1e-4);
    const QuantizerPtr q = quantizer();
    const Tensor x = sortedColumns(61, 3);
    const Tensor y = applied(*q, x);
    const Fit fit = q->fit(x.view(), {});
    const auto [low, high] = std::ranges::minmax(y.values());
    for (Index i = 0; i < x.size(); ++i) {
        const Index scale = fit.step.size() == 1 ? 0 : i % 3;
        const double step = fit.step.data()[scale];
        if (x.data()[i] >= low && x.data()[i] <= high) {
            ASSERT_LE(std::abs(static_cast<double>(x.data()[i] - y.data()[i])), kMaxHalfStep * step)
                << "x = " << x.data()[i];
        }
    }
}

TEST_P(EveryQuantizer, codesRebuildTheValues)
{
    const QuantizerPtr q = quantizer();
    const Tensor x = sortedColumns(41, 3);
    const auto codes = q->codes(x.view(), {});
    if (!traits().coded) {
        ASSERT_FALSE(codes);
        return;
    }
    ASSERT_TRUE(codes) << codes.error().sentence();
    const Tensor y = applied(*q, x);
    const Fit fit = q->fit(x.view(), {});
    std::map<float, float> valueOf;
    for (Index i = 0; i < x.size(); ++i) {
        const float code = codes->data()[i];
        ASSERT_EQ(code, std::floor(code));
        const Index scale = fit.step.size() == 1 ? 0 : i % 3;
        const float step = fit.step.data()[scale];
        if (step > 0.0F) {
            constexpr float kRounding = 1e-6F;
            const float value = step * (code - fit.zeroPoint.data()[scale]);
            ASSERT_NEAR(value, y.data()[i], kRounding * std::abs(value));
        } else { // powers of two: a code stands for one value
            ASSERT_EQ(valueOf.emplace(code, y.data()[i]).first->second, y.data()[i]);
        }
    }
    const auto [low, high] = std::ranges::minmax(codes->values());
    if (fit.step.data()[0] == 0.0F) {
        return; // QKeras' own powers may take more codes than bits say
    }
    ASSERT_LE(static_cast<double>(high) - static_cast<double>(low), std::exp2(q->bits()));
}

TEST_P(EveryQuantizer, printsWhatReadsBack)
{
    const QuantizerPtr q = quantizer();
    EXPECT_TRUE(*parsed(q->toString()) == *q) << q->toString();
    EXPECT_TRUE(*parsed(toDictionary(*q)) == *q) << toDictionary(*q);
    EXPECT_EQ(parsed(q->toString())->toString(), q->toString());
}

TEST_P(EveryQuantizer, takesDegenerateInput)
{
    const QuantizerPtr q = quantizer();
    const std::vector<Tensor> inputs{Tensor(Shape{0, 3}),
                                     Tensor(Shape{4, 3}),
                                     Tensor(Shape{1, 1}),
                                     Tensor(Shape{2, 3}, std::vector<float>(6, 0.7F)),
                                     Tensor(Shape{1}, std::vector<float>{-3.5F}),
                                     Tensor(Shape{})};
    for (const Tensor& x : inputs) {
        ASSERT_TRUE(q->accepts(x.shape()));
        const Tensor y = applied(*q, x);
        for (const float value : y.values()) {
            EXPECT_TRUE(std::isfinite(value)) << "shape " << x.shape().toString();
        }
    }
}

TEST_P(EveryQuantizer, passesNanAndStaysFiniteElsewhere)
{
    const QuantizerPtr q = quantizer();
    // A scale fitted to NaN is NaN; the other column has its own, unless there is one for all.
    const Tensor x(Shape{3, 2}, std::vector<float>{kNan, 0.5F, 0.1F, -0.25F, 0.2F, 1.0F});
    const Tensor y = applied(*q, x);
    EXPECT_TRUE(std::isnan(y.values()[0]));
    for (const std::size_t i : {1U, 3U, 5U}) {
        EXPECT_TRUE(std::isfinite(y.values()[i])) << x.values()[i];
    }
}

TEST_P(EveryQuantizer, takesTheNoiseOfARunningSchedule)
{
    constexpr float kShare = 0.25F;
    const QuantizerPtr q = quantizer();
    const Tensor x = sortedColumns(41, 3);
    const Tensor g(x.shape(), std::vector<float>(x.values().size(), 1.0F));
    const auto mixed = q->with("qnoise_factor", static_cast<double>(kShare));
    const Quantizer& wanted = mixed ? **mixed : *q; // without qnoise_factor nothing changes
    const CallContext scheduled{.noise = kShare};
    EXPECT_EQ(applied(*q, x, scheduled), applied(wanted, x));
    Tensor dx(x.shape());
    Tensor wantedDx(x.shape());
    q->gradient(x.view(), g.view(), dx.mutableView(), scheduled);
    wanted.gradient(x.view(), g.view(), wantedDx.mutableView(), {});
    EXPECT_EQ(dx, wantedDx);
}

/// With a share of 0 a quantizer is its smooth branch, whose derivative the gradient must be.
TEST_P(EveryQuantizer, hasTheGradientOfItsSmoothBranch)
{
    const QuantizerPtr whole = quantizer();
    const auto smooth = whole->with("qnoise_factor", 0.0);
    const auto fast = whole->parameters().find("enable_fast_inference");
    if (!smooth || (fast != whole->parameters().end() && fast->second == Value{true})) {
        return; // no such branch
    }
    constexpr float kStep = 0x1p-8F;
    constexpr double kRounding = 1e-4; // float32 values divided by 2 · kStep
    const Tensor x(Shape{4, 2},
                   std::vector<float>{-3.1F, -0.7F, -0.2F, 0.15F, 0.6F, 1.1F, 2.3F, 5.0F});
    const Tensor g(x.shape(), std::vector<float>(8, 1.0F));
    Tensor dx(x.shape());
    (*smooth)->gradient(x.view(), g.view(), dx.mutableView(), {});
    for (std::size_t i = 0; i < 8; ++i) {
        Tensor above = x;
        Tensor below = x;
        above.values()[i] += kStep;
        below.values()[i] -= kStep;
        const double difference = (static_cast<double>(applied(**smooth, above).values()[i]) -
                                   static_cast<double>(applied(**smooth, below).values()[i])) /
                                  (2.0 * static_cast<double>(kStep));
        EXPECT_NEAR(dx.values()[i], difference, kRounding) << "x = " << x.values()[i];
    }
}

TEST_P(EveryQuantizer, saturatesInfinityWhereTheGridIsFixed)
{
    const QuantizerPtr q = quantizer();
    if (!q->isElementwise() || !traits().finite) {
        return; // a fitted scale has no end, and floats are infinite themselves
    }
    const Tensor x(Shape{2}, std::vector<float>{-kInfinity, kInfinity});
    const Tensor y = applied(*q, x);
    EXPECT_TRUE(std::isfinite(y.values()[0]));
    EXPECT_TRUE(std::isfinite(y.values()[1]));
    EXPECT_LE(y.values()[0], y.values()[1]);
}

TEST_P(EveryQuantizer, quantizesPieceByPieceIfElementwise)
{
    const QuantizerPtr q = quantizer();
    const Tensor x = sortedColumns(20, 3);
    const Tensor whole = applied(*q, x);
    if (!q->isElementwise()) {
        return;
    }
    Tensor pieces(x.shape());
    for (Index row = 0; row < 20; row += 7) {
        const Index count = std::min<Index>(7, 20 - row);
        q->apply(x.view().rows(row, count), pieces.mutableView().rows(row, count), {});
    }
    EXPECT_EQ(pieces, whole);
}

TEST_P(EveryQuantizer, hasBothSidesOfItsRange)
{
    const QuantizerPtr q = quantizer();
    EXPECT_LE(q->min(), q->max());
    EXPECT_GE(q->bits(), 1);
    if (q->isElementwise()) {
        const Tensor y = applied(*q, sortedColumns(41, 3));
        const bool negative = std::ranges::any_of(y.values(), [](float v) { return v < 0.0F; });
        EXPECT_TRUE(q->isSigned() || !negative);
    }
}

INSTANTIATE_TEST_SUITE_P(Registry, EveryQuantizer, testing::ValuesIn(samples()));

TEST(Registry, everyRowHasASample)
{
    std::set<std::string> sampled;
    for (const Sample& sample : samples()) {
        sampled.insert(parsed(sample.text)->info().name);
    }
    for (const QuantizerInfo& info : quantizers()) {
        EXPECT_TRUE(info.isFunction || sampled.contains(info.name)) << info.name;
    }
}

TEST(Registry, rowsAreComplete)
{
    std::set<std::string> names;
    for (const QuantizerInfo& info : quantizers()) {
        EXPECT_TRUE(names.insert(info.name).second) << info.name << " is listed twice";
        EXPECT_EQ(findQuantizer(info.name), &info);
        EXPECT_FALSE(info.doc.empty());
        EXPECT_FALSE(info.grid.empty());
        ASSERT_NE(info.make, nullptr);
        for (const ParameterInfo& parameter : info.parameters) {
            EXPECT_FALSE(parameter.doc.empty()) << info.name << "." << parameter.name;
        }
        const auto made = makeQuantizer(info.name, {});
        ASSERT_TRUE(made) << "the defaults of " << info.name << " must be valid";
        EXPECT_EQ((*made)->parameters().size(), info.parameters.size());
    }
    EXPECT_EQ(findQuantizer("no_such_thing"), nullptr);
}

TEST(Quantizer, changesItsWidthAlone)
{
    const auto wider = parsed("quantized_relu(4,1)")->withBits(6);
    ASSERT_TRUE(wider);
    EXPECT_EQ((*wider)->toString(), "quantized_relu(6,1)");
    const auto none = parsed("binary()")->withBits(4);
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code, ErrorCode::InvalidArgument);
    EXPECT_FALSE(parsed("quantized_bits(4)")->withBits(0));
}

TEST(Quantizer, isPromotedForKernelsUnlessAlphaIsGiven)
{
    const auto promoted = [](const char* text) -> std::string {
        const QuantizerPtr q = parsed(text)->promotedForKernel();
        return q ? q->toString() : "as it is";
    };
    EXPECT_EQ(promoted("quantized_bits(4,0)"), "quantized_bits(4,0,1,alpha='auto_po2')");
    EXPECT_EQ(promoted("quantized_bits(4,0,1,alpha=1)"), "as it is");
    EXPECT_EQ(promoted("binary()"), "binary(alpha='auto_po2')");
    EXPECT_EQ(promoted("ternary()"), "ternary(alpha='auto_po2')");
    EXPECT_EQ(promoted("quantized_po2(4)"), "as it is");
    EXPECT_EQ(promoted("affine(8)"), "as it is");
}

TEST(Quantizer, comparesNumbersAsPythonDoes)
{
    EXPECT_TRUE(*parsed("quantized_bits(4,0,1,alpha=1)") ==
                *parsed("quantized_bits(4,0,True,alpha=1.0)"));
    EXPECT_FALSE(*parsed("quantized_bits(4,0,1)") == *parsed("quantized_bits(4,0,0)"));
    EXPECT_FALSE(*parsed("quantized_tanh(8)") == *parsed("quantized_sigmoid(8)"));
}

TEST(Affine, keepsZeroExactAndMatchesTheFormulas)
{
    const QuantizerPtr q = parsed("affine(8)")->withRange(-0.5, 1.0);
    ASSERT_TRUE(q);
    EXPECT_FALSE(q->needsRange());
    const Tensor x(Shape{5}, std::vector<float>{-0.5F, 0.0F, 1.0F, 2.0F, -3.0F});
    const Fit fit = q->fit(x.view(), {});
    constexpr float kScale = 1.5F / 255.0F;
    EXPECT_FLOAT_EQ(fit.scale.values()[0], kScale);
    EXPECT_EQ(fit.zeroPoint.values()[0], -43.0F); // rne(−128 + 0.5 / scale)
    const auto codes = q->codes(x.view(), {});
    ASSERT_TRUE(codes);
    const std::vector<float> wanted{-128.0F, -43.0F, 127.0F, 127.0F, -128.0F};
    EXPECT_TRUE(std::ranges::equal(codes->values(), wanted));
    EXPECT_EQ(applied(*q, x).values()[1], 0.0F);
    Tensor dx(x.shape());
    q->gradient(x.view(), x.view(), dx.mutableView(), {});
    EXPECT_EQ(dx.values()[2], 1.0F);
    EXPECT_EQ(dx.values()[3], 0.0F);
    EXPECT_EQ(dx.values()[4], 0.0F);
}

TEST(Affine, symmetricNarrowIsWhatTfliteDoesForWeights)
{
    const QuantizerPtr q = parsed("affine(8,symmetric=1,narrow=1,per_channel=1)");
    const Tensor x(Shape{2, 2}, std::vector<float>{-1.27F, 0.5F, 0.3F, -0.1F});
    const Fit fit = q->fit(x.view(), {});
    EXPECT_FLOAT_EQ(fit.scale.values()[0], 1.27F / 127.0F);
    EXPECT_FLOAT_EQ(fit.scale.values()[1], 0.5F / 127.0F);
    EXPECT_EQ(fit.zeroPoint.values()[0], 0.0F);
    EXPECT_EQ(q->codes(x.view(), {})->values()[0], -127.0F);
}

TEST(Affine, rangeOfOneSideIsWidenedToZero)
{
    const QuantizerPtr q = parsed("affine(4)")->withRange(2.0, 4.0);
    EXPECT_EQ(q->min(), 0.0);
    EXPECT_FLOAT_EQ(static_cast<float>(q->max()), 4.0F);
}

TEST(Affine, roundsAndOverflowsAsAsked)
{
    const auto values = [](const char* how) {
        // Step 1, zero point 0, codes −8 … 7.
        const Tensor x(Shape{5}, std::vector<float>{2.5F, -2.5F, 0.25F, 8.0F, -9.0F});
        const QuantizerPtr q = parsed(std::string("affine(4,low=-8.0,high=7.0,") + how + ")");
        const Tensor y = applied(*q, x);
        return std::vector<float>(y.values().begin(), y.values().end());
    };
    using Floats = std::vector<float>;
    EXPECT_EQ(values("rounding='half_even'"), (Floats{2, -2, 0, 7, -8}));
    EXPECT_EQ(values("rounding='half_away'"), (Floats{3, -3, 0, 7, -8}));
    EXPECT_EQ(values("rounding='floor'"), (Floats{2, -3, 0, 7, -8}));
    EXPECT_EQ(values("rounding='zero'"), (Floats{2, -2, 0, 7, -8}));
    EXPECT_EQ(values("rounding='ceil'"), (Floats{3, -2, 1, 7, -8}));
    EXPECT_EQ(values("overflow='wrap'"), (Floats{2, -2, 0, -8, 7}));
    EXPECT_EQ(values("overflow='saturate_symmetric'"), (Floats{2, -2, 0, 7, -7}));
}

TEST(Affine, wrapsWithItsZeroPointAndLetsGradientsPass)
{
    const QuantizerPtr q = parsed("affine(4,low=0.0,high=15.0,overflow='wrap')");
    const Tensor x(Shape{3}, std::vector<float>{15.0F, 16.0F, -1.0F});
    EXPECT_EQ(applied(*q, x), Tensor(x.shape(), std::vector<float>{15.0F, 0.0F, 15.0F}));
    Tensor dx(x.shape());
    q->gradient(x.view(), x.view(), dx.mutableView(), {});
    EXPECT_EQ(dx, x);
}

TEST(Affine, otherRoundingsFitOnceEvenInPlace)
{
    const QuantizerPtr q = parsed("affine(4,rounding='floor')");
    const Tensor x = sortedColumns(21, 2);
    Tensor inPlace = x;
    q->apply(inPlace.view(), inPlace.mutableView(), {});
    EXPECT_EQ(inPlace, applied(*q, x));
}

TEST(Stochastic, drawsBetweenNeighborsWithTheRightMean)
{
    const QuantizerPtr q = parsed("quantized_bits(4,0,use_stochastic_rounding=True)");
    constexpr Index kDraws = 4000;
    constexpr float kValue = 0.2F; // 1.6 steps of 1/8
    Tensor x(Shape{kDraws}, std::vector<float>(kDraws, kValue));
    CallContext call{.training = true, .seed = 3};
    const Tensor y = applied(*q, x, call);
    double sum = 0.0;
    for (const float value : y.values()) {
        ASSERT_TRUE(value == 0.125F || value == 0.25F) << value;
        sum += value;
    }
    constexpr double kDeviation = 0.125 * 0.49; // of one draw
    EXPECT_NEAR(sum / kDraws, kValue, 5.0 * kDeviation / std::sqrt(kDraws));
    EXPECT_EQ(applied(*q, x, call), y) << "the same seed draws the same";
    call.seed = 4;
    EXPECT_FALSE(applied(*q, x, call) == y);
    call.training = false;
    EXPECT_EQ(applied(*q, x, call).values()[0], 0.25F);
}

TEST(Stochastic, powersOfTwoKeepTheMean)
{
    const QuantizerPtr q = parsed("quantized_po2(4,8,True)");
    constexpr Index kDraws = 4000;
    constexpr float kValue = 1.25F;
    const Tensor x(Shape{kDraws}, std::vector<float>(kDraws, kValue));
    const Tensor y = applied(*q, x, {.training = true, .seed = 1});
    double sum = 0.0;
    for (const float value : y.values()) {
        ASSERT_TRUE(value == 1.0F || value == 2.0F) << value;
        sum += value;
    }
    constexpr double kDeviation = 0.44; // of one draw
    EXPECT_NEAR(sum / kDraws, kValue, 5.0 * kDeviation / std::sqrt(kDraws));
}

TEST(Stochastic, ternaryAndBinaryDrawCodesOfTheirOwn)
{
    const Tensor x = sortedColumns(200, 2);
    for (const char* text : {"ternary(alpha='auto',use_stochastic_rounding=True)",
                             "binary(alpha='auto',use_stochastic_rounding=True)"}) {
        const QuantizerPtr q = parsed(text);
        const CallContext call{.training = true, .seed = 11};
        const auto codes = q->codes(x.view(), call);
        ASSERT_TRUE(codes);
        EXPECT_FALSE(*codes == *q->codes(x.view(), {})) << text;
        EXPECT_EQ(*codes, *q->codes(x.view(), call)) << text;
        for (const float code : codes->values()) {
            ASSERT_LE(std::abs(code), 1.0F);
        }
    }
}

} // namespace
} // namespace bitscape::quant
