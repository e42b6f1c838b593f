// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layer_registry.h"
#include "core/train/initialize.h"
#include "core/train/weight_rules.h"
#include "tests/support/examples.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <string>
#include <vector>

namespace bitscape::train {
namespace {

constexpr float kRounding = 1e-6F;

graph::GraphPtr withConfig(const std::string& json)
{
    const graph::GraphPtr plain = examples::Chain(Shape{2}).dense("fc", 2).build();
    std::vector<graph::Layer> layers(plain->layers().begin(), plain->layers().end());
    layers[1].originalConfig = json;
    return graph::Graph::make("test", std::move(layers), {0}, {1}).value_or(nullptr);
}

std::vector<WeightRule> rulesOf(const std::string& json, Warnings& warnings,
                                const graph::Configuration& configuration = {},
                                std::vector<float> limits = {0.0F, 0.0F})
{
    return weightRules(*withConfig(json), configuration, limits, warnings);
}

TEST(WeightRules, readsPenalties)
{
    Warnings warnings;
    const auto rules = rulesOf(R"({"kernel_regularizer": {"class_name": "L1L2",
        "config": {"l1": 0.5, "l2": 0.25}}})",
                               warnings);
    const Tensor weight(Shape{2}, std::array{2.0F, -4.0F});
    EXPECT_NEAR(rules[0].penalty(weight), 0.5 * 6 + 0.25 * 20, kRounding);
    Tensor gradient(Shape{2}, std::array{1.0F, 1.0F});
    rules[0].addPenaltyGradient(weight, gradient);
    EXPECT_THAT(gradient.values(), testing::ElementsAre(1 + 0.5F + 1, 1 - 0.5F - 2));
    EXPECT_EQ(rules[1].penalty(weight), 0.0);
    EXPECT_TRUE(warnings.empty());
}

std::vector<float> constrained(const std::string& constraint)
{
    Warnings warnings;
    const auto rules = rulesOf(R"({"kernel_constraint": )" + constraint + "}", warnings);
    Tensor weight(Shape{2, 2}, std::array{3.0F, 0.3F, -4.0F, 0.4F});
    rules[0].constrain(weight);
    return {weight.values().begin(), weight.values().end()};
}

TEST(WeightRules, keepsKerasConstraints)
{
    using testing::ElementsAre;
    using testing::FloatNear;
    const auto near = [](float value) { return FloatNear(value, kRounding); };
    EXPECT_THAT(constrained(R"({"class_name": "MaxNorm", "config": {"max_value": 2, "axis": 0}})"),
                ElementsAre(near(1.2F), near(0.3F), near(-1.6F), near(0.4F)));
    EXPECT_THAT(constrained(R"({"class_name": "UnitNorm", "config": {"axis": 0}})"),
                ElementsAre(near(0.6F), near(0.6F), near(-0.8F), near(0.8F)));
    EXPECT_THAT(constrained(R"({"class_name": "NonNeg", "config": {}})"),
                ElementsAre(3.0F, 0.3F, 0.0F, 0.4F));
    EXPECT_THAT(constrained(R"({"class_name": "Clip", "config": {"min_value": -1,
        "max_value": 2}})"),
                ElementsAre(2.0F, 0.3F, -1.0F, 0.4F));
}

TEST(WeightRules, dropsAStoredClipWithItsQuantizer)
{
    const std::string stored = R"({"kernel_quantizer": {"class_name": "quantized_bits",
        "config": {"bits": 6, "integer": 2, "symmetric": 1, "alpha": 1.0}},
        "kernel_constraint": {"class_name": "Clip", "config": {"min_value": -4,
        "max_value": 4}}})";
    Warnings warnings;
    graph::Configuration same;
    same.set("fc", graph::Slot::Kernel, *quant::parseQuantizer("quantized_bits(6,2,1,alpha=1.0)"));
    EXPECT_EQ(rulesOf(stored, warnings, same, {2.0F, 0.0F})[0].high, 4.0);
    graph::Configuration other;
    other.set("fc", graph::Slot::Kernel, *quant::parseQuantizer("quantized_bits(4,1,1,alpha=1.0)"));
    EXPECT_EQ(rulesOf(stored, warnings, other, {2.0F, 0.0F})[0].high, 2.0);
}

TEST(WeightRules, warnsOfWhatItDoesNotApply)
{
    Warnings warnings;
    (void)rulesOf(R"({"kernel_regularizer": {"class_name": "OrthogonalRegularizer", "config": {}},
        "bias_constraint": {"class_name": "RadialConstraint", "config": {}}})",
                  warnings);
    EXPECT_EQ(warnings.size(), 2U);
}

TEST(ActivityPenalties, areReadFromTheConfig)
{
    Warnings warnings;
    const auto graph = withConfig(
        R"({"activity_regularizer": {"class_name": "L1L2", "config": {"l1": 0.5, "l2": 0.25}}})");
    const auto penalties = activityPenalties(*graph, warnings);
    ASSERT_EQ(penalties.size(), 1U);
    EXPECT_EQ(graph->layer(penalties[0].layer).name, "fc");
    EXPECT_EQ(penalties[0].l1, 0.5);
    EXPECT_EQ(penalties[0].l2, 0.25);
    const auto other =
        withConfig(R"({"activity_regularizer": {"class_name": "Own", "config": {}}})");
    (void)activityPenalties(*other, warnings);
    EXPECT_EQ(warnings.size(), 1U);
}

TEST(InitialWeights, followInitializers)
{
    const graph::GraphPtr graph = withConfig(R"({"kernel_initializer": {"class_name":
        "QInitializer", "config": {"initializer": {"class_name": "Constant",
        "config": {"value": 0.5}}}}, "bias_initializer": {"class_name": "Ones", "config": {}}})");
    const graph::WeightSet weights = initialWeights(*graph, 1);
    EXPECT_THAT(weights[0]->values(), testing::Each(0.5F));
    EXPECT_THAT(weights[1]->values(), testing::Each(1.0F));
}

TEST(InitialWeights, fitDrawsToTheirQuantizer)
{
    const auto kernel = [](const char* initializer) {
        const auto graph =
            withConfig(std::string(R"({"kernel_initializer": )") + initializer + "}");
        return *initialWeights(*graph, 1)[0];
    };
    const std::string quantizer = R"j("quantizer": "quantized_bits(2,0,0,alpha=1.0)")j";
    const std::string narrow =
        R"({"class_name": "VarianceScaling", "config": {"scale": 1e-6, "mode": "fan_in"}})";
    const auto fitted = [&](const std::string& inner, const char* scales) {
        return kernel((R"({"class_name": "QInitializer", "config": {"initializer": )" + inner +
                       R"(, "use_scale": )" + scales + ", " + quantizer + "}}")
                          .c_str());
    };
    const Tensor plain = kernel(narrow.c_str());
    double squares = 0;
    for (const float value : plain.values()) {
        squares += static_cast<double>(value) * static_cast<double>(value);
    }
    // All would round to 0: the variance grows by max / root mean square.
    const double spread = std::sqrt(1.0 / std::sqrt(squares / static_cast<double>(plain.size())));
    const Tensor spreadOut = fitted(narrow, "true");
    for (Index i = 0; i < plain.size(); ++i) {
        EXPECT_NEAR(spreadOut.data()[i], plain.data()[i] * spread, 1e-6);
    }
    EXPECT_TRUE(fitted(narrow, "false") == plain);
    EXPECT_THAT(fitted(R"({"class_name": "Constant", "config": {"value": -3}})", "true").values(),
                testing::Each(-1.0F));
}

TEST(InitialWeights, drawKernelsByGlorotAndDependOnTheSeed)
{
    const graph::GraphPtr graph = examples::smallCnn();
    const graph::WeightSet weights = initialWeights(*graph, 1);
    const double limit = std::sqrt(6.0 / (9.0 + 9.0 * 4.0)); // 3×3 window, 1 input, 4 outputs
    double largest = 0;
    for (const float value : weights[0]->values()) {
        largest = std::max(largest, std::abs(static_cast<double>(value)));
    }
    EXPECT_LE(largest, limit);
    EXPECT_GT(largest, limit / 2);
    EXPECT_THAT(weights[1]->values(), testing::Each(0.0F)); // bias
    EXPECT_THAT(weights[2]->values(), testing::Each(1.0F)); // gamma
    EXPECT_TRUE(*initialWeights(*graph, 1)[0] == *weights[0]);
    EXPECT_FALSE(*initialWeights(*graph, 2)[0] == *weights[0]);
}

graph::GraphPtr recurrentNetwork()
{
    const nlohmann::json config{
        {"units", 3},
        {"recurrent_initializer", {{"class_name", "Orthogonal"}, {"config", {{"gain", 2.0}}}}},
        {"kernel_regularizer", {{"class_name", "L2"}, {"config", {{"l2", 0.5}}}}}};
    const nlohmann::json wrapper{{"layer", {{"class_name", "LSTM"}, {"config", config}}}};
    std::vector<graph::Layer> layers(2);
    layers[0].name = "x";
    layers[0].op = graph::InputOp{{4, 2}};
    layers[1].name = "both";
    layers[1].className = "Bidirectional";
    layers[1].op = graph::readLayerConfig("Bidirectional", wrapper, {}).value().op;
    layers[1].inputs = {0};
    layers[1].originalConfig = wrapper.dump();
    return graph::Graph::make("test", std::move(layers), {0}, {1}).value_or(nullptr);
}

TEST(InitialWeights, ofRecurrentLayersAreOrthogonalAndRememberAtFirst)
{
    const graph::WeightSet weights = initialWeights(*recurrentNetwork(), 1);
    const Tensor& recurrent = *weights[1];
    for (Index a = 0; a < 3; ++a) {
        for (Index b = 0; b < 3; ++b) {
            double product = 0;
            for (Index i = 0; i < 12; ++i) {
                product += static_cast<double>(recurrent.data()[a * 12 + i]) *
                           recurrent.data()[b * 12 + i];
            }
            EXPECT_NEAR(product, a == b ? 4.0 : 0.0, 1e-5);
        }
    }
    for (const std::size_t bias : {2U, 5U}) {
        EXPECT_EQ(weights[bias]->data()[2], 0.0F);
        EXPECT_EQ(weights[bias]->data()[3], 1.0F);
        EXPECT_EQ(weights[bias]->data()[6], 0.0F);
    }
}

TEST(WeightRules, lookIntoWrappers)
{
    Warnings warnings;
    const auto rules = weightRules(*recurrentNetwork(), {}, std::vector<float>(6, 0.0F), warnings);
    EXPECT_EQ(rules[0].l2, 0.5);
    EXPECT_EQ(rules[3].l2, 0.5);
    EXPECT_EQ(rules[1].l2, 0.0);
}

} // namespace
} // namespace bitscape::train
