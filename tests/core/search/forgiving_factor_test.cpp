// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/search/forgiving_factor.h"
#include "tests/support/examples.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace bitscape::search {
namespace {

using graph::FunctionKind;
using graph::Slot;
using testing::HasSubstr;

constexpr double kSixDigits = 5e-7;

graph::Op conv(FunctionKind function = FunctionKind::Linear)
{
    return graph::ConvOp{.filters = 32,
                         .kernel = {3, 3},
                         .padding = graph::Padding::Same,
                         .function = {.kind = function}};
}

graph::Op pool()
{
    return graph::PoolOp{.window = {2, 2}, .stride = {2, 2}};
}

quant::QuantizerPtr quantizer(const std::string& text)
{
    auto made = quant::parseQuantizer(text);
    EXPECT_TRUE(made.has_value()) << text;
    return made.value_or(nullptr);
}

/// A network whose sizes are published: three convolutions, two of them binary and ternary.
struct Published {
    graph::GraphPtr graph = examples::Chain(Shape{28, 28, 1})
                                .add("c1", "Conv2D", conv())
                                .add("b1", "BatchNormalization", graph::BatchNormOp{})
                                .activation("a1", FunctionKind::Relu)
                                .add("p1", "MaxPooling2D", pool())
                                .add("c2", "QConv2D", conv())
                                .add("b2", "QBatchNormalization", graph::BatchNormOp{})
                                .add("a2", "QActivation", graph::ActivationOp{})
                                .add("p2", "MaxPooling2D", pool())
                                .add("c3", "QConv2D", conv())
                                .add("flatten", "Flatten", graph::FlattenOp{})
                                .dense("dense", 1, FunctionKind::Softmax)
                                .build();
    graph::Configuration configuration;
    ForgivingFactor factor;

    Published()
    {
        configuration.set("c2", Slot::Kernel, quantizer("binary"));
        configuration.set("c2", Slot::Bias, quantizer("binary"));
        configuration.set("a2", Slot::Activation, quantizer("binary"));
        configuration.set("c3", Slot::Kernel, quantizer("ternary"));
        configuration.set("c3", Slot::Bias, quantizer("ternary"));
        configuration.set("c3", Slot::Activation, quantizer("binary"));
        const std::vector<std::string> both{"parameters", "activations"};
        factor.counted = {{"Conv2D", both},
                          {"QConv2D", both},
                          {"Dense", both},
                          {"Activation", {"activations"}},
                          {"QActivation", {"activations"}},
                          {"BatchNormalization", {"parameters"}},
                          {"QBatchNormalization", {"parameters"}},
                          {"default", {"activations"}}};
    }

    [[nodiscard]] double size(const graph::Configuration& of) const
    {
        return factor.size({*graph, false, {}, {}}, of).value_or(-1);
    }
};

TEST(ForgivingBits, countsThePublishedNetwork)
{
    const Published published;
    double parameters = 0;
    double activations = 0;
    for (const LayerBits& layer :
         countBits(published.factor, *published.graph, false, published.configuration)) {
        parameters += layer.parameters;
        activations += layer.activations;
    }
    EXPECT_EQ(parameters, 43720);
    EXPECT_EQ(activations, 214824);
}

TEST(ForgivingBits, rewardsSmallerTrials)
{
    Published published;
    const double reference = published.size(published.configuration);
    graph::Configuration smaller = published.configuration;
    smaller.set("c1", Slot::Kernel, quantizer("binary"));
    smaller.set("c1", Slot::Bias, quantizer("quantized_bits(4)"));
    const double trial = published.size(smaller);
    EXPECT_EQ(trial, 256400);
    EXPECT_NEAR(published.factor.delta(reference, trial), 0.000961, kSixDigits);

    published.factor.stress = 0.5;
    const auto stressed =
        published.factor.referenceSize({*published.graph, false, {}, {}}, published.configuration);
    EXPECT_EQ(*stressed, 129272);
    EXPECT_NEAR(published.factor.delta(*stressed, trial), -0.0790, 5e-5);
}

TEST(ForgivingBits, sequentialModelsDoNotCountTheirInput)
{
    const Published published;
    const double input = 8.0 * 28 * 28;
    const auto without =
        published.factor.size({*published.graph, true, {}, {}}, published.configuration);
    EXPECT_EQ(*without, published.size(published.configuration) - input);
}

TEST(ForgivingFactor, halvesAndDoublesByDelta)
{
    const ForgivingFactor factor;
    EXPECT_NEAR(factor.delta(100, 50), 0.08, kSixDigits);
    EXPECT_NEAR(factor.delta(100, 25), 0.16, kSixDigits);
    EXPECT_NEAR(factor.delta(100, 200), -0.08, kSixDigits);
    EXPECT_NEAR(factor.delta(226629, 41070), 0.19713, 5e-6);
    EXPECT_NEAR(factor.score(0.9, factor.delta(226629, 41070)), 1.0774, 5e-5);
    EXPECT_EQ(factor.delta(100, 0), 0.0);
    EXPECT_EQ(factor.delta(0, 100), 0.0);
}

TEST(ForgivingFactor, aNegativeMetricGainsToo)
{
    const ForgivingFactor factor;
    EXPECT_GT(factor.score(-2.0, 0.5), factor.score(-2.0, 0.0));
}

TEST(Goal, readsAutoQKerasParameters)
{
    const auto bits = parseGoal(R"({"type": "bits", "params": {"delta_p": 5, "delta_n": 12.5,
        "rate": 4, "stress": 0.5, "input_bits": 4, "output_bits": 16, "ref_bits": 10,
        "config": {"Dense": ["parameters"], "default": []}}})");
    ASSERT_TRUE(bits.has_value());
    EXPECT_EQ(bits->deltaN, 12.5);
    EXPECT_EQ(bits->referenceBits, 10);
    EXPECT_EQ(bits->counted.size(), 2U);

    const auto energy = parseGoal(R"({"type": "energy", "params": {
        "parameters_on_memory": ["dram", "fixed"], "min_sram_size": [0, 1024],
        "rd_wr_on_io": [true, false], "reference_internal": "int8",
        "reference_accumulator": "int32"}})");
    ASSERT_TRUE(energy.has_value());
    EXPECT_EQ(energy->kind, ForgivingFactor::Kind::Energy);
    EXPECT_EQ(energy->energy[1].parametersOn, "fixed");
    EXPECT_EQ(energy->energy[1].minimumSramBits, 1024);
    EXPECT_TRUE(energy->energy[0].forReference);
    EXPECT_FALSE(energy->energy[1].forReference);
    EXPECT_THAT(energy->energy[0].sourceQuantizers, testing::ElementsAre("int8"));
    EXPECT_TRUE(energy->energy[1].sourceQuantizers.empty());
}

TEST(Goal, namesWhatItCannotRead)
{
    struct Case {
        std::string json, said;
    };
    const std::vector<Case> table{
        {R"({"type": "speed"})", "speed"},
        {R"({"type": "bits", "params": {"delta": 8}})", "delta"},
        {R"({"type": "bits", "params": {"rate": 1}})", "rate"},
        {R"({"type": "bits", "params": {"ref_bits": "8"}})", "ref_bits"},
        {R"({"type": "bits", "params": {"config": {"Dense": ["weights"]}}})", "weights"},
        {R"({"type": "energy", "params": {"parameters_on_memory": ["rom", "sram"]}})",
         "parameters_on_memory"},
        {R"([])", "goal"},
    };
    for (const Case& row : table) {
        const auto goal = parseGoal(row.json);
        ASSERT_FALSE(goal.has_value()) << row.json;
        EXPECT_EQ(goal.error().code, ErrorCode::InvalidArgument);
        EXPECT_THAT(goal.error().sentence(), HasSubstr(row.said)) << row.json;
    }
}

} // namespace
} // namespace bitscape::search
