// SPDX-License-Identifier: GPL-3.0-or-later
// What training asks of a plan beside values and gradients: penalties of outputs, scheduled noise.
#include "core/graph/execution.h"
#include "tests/support/examples.h"
#include "tests/support/networks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <span>
#include <vector>

namespace bitscape::graph {
namespace {

Tensor drawn(const Shape& shape, std::uint64_t seed)
{
    Tensor tensor(shape);
    Rng rng(seed);
    for (float& value : tensor.values()) {
        value = static_cast<float>(rng.normal());
    }
    return tensor;
}

TEST(TrainingPlanTest, penalizesOutputs)
{
    constexpr Index kBatch = 21;
    constexpr float kStep = 0x1p-8F;
    constexpr double kSlack = 1e-4; // float32 sums over the batch, and kinks of |y| near 0
    const GraphPtr graph = examples::Chain(Shape{3})
                               .dense("fc", 2, FunctionKind::Tanh)
                               .activation("relu", FunctionKind::Relu)
                               .dense("out", 1)
                               .build();
    std::vector<Tensor> weights{drawn(Shape{3, 2}, 1), drawn(Shape{2}, 2), drawn(Shape{2, 1}, 3),
                                Tensor(Shape{1})};
    const Tensor x = drawn(Shape{kBatch, 3}, 4);
    const Tensor upstream(Shape{kBatch, 1});
    const TensorView in = x.view();
    const TensorView up = upstream.view();
    std::vector<double> ofThreads;
    for (const int threads : {1, 2}) {
        Parallel parallel(threads);
        auto plan = TrainingPlan::make(graph, {}, kBatch, parallel,
                                       {.activityPenalties = {{1, 0.0, 0.5}, {2, 0.25, 0.125}}});
        ASSERT_TRUE(plan.has_value());
        const auto penalty = [&] {
            EXPECT_TRUE((*plan)->forward(std::span(&in, 1), weights, 1).has_value());
            EXPECT_TRUE((*plan)->backward(std::span(&up, 1)).has_value());
            return (*plan)->activityPenalty();
        };
        ofThreads.push_back(penalty());
        EXPECT_GT(ofThreads.back(), 0.0);
        for (const std::size_t slot : {0U, 1U}) {
            const Tensor gradient = (*plan)->gradients()[slot];
            for (Index i = 0; i < gradient.size(); ++i) {
                float& weight = weights[slot].data()[i];
                const float kept = weight;
                weight = kept + kStep;
                const double above = penalty();
                weight = kept - kStep;
                const double below = penalty();
                weight = kept;
                EXPECT_NEAR(gradient.data()[i], (above - below) / (2.0 * kStep), kSlack)
                    << "slot " << slot << ", element " << i;
            }
            (void)penalty();
        }
        // The penalized outputs do not depend on the last layer.
        EXPECT_THAT((*plan)->gradients()[2].values(), testing::Each(0.0F));
    }
    EXPECT_EQ(ofThreads[0], ofThreads[1]);
}

TEST(TrainingPlanTest, sharedWeightsLearnFromAllCalls)
{
    const auto shared = std::make_shared<const Tensor>(drawn(Shape{3, 3}, 1));
    const auto copy = std::make_shared<const Tensor>(*shared);
    const auto gradients = [&](const TensorPtr& second) {
        const auto call = [](const char* name, const TensorPtr& kernel, int input) {
            Layer layer{.name = name, .className = "Dense"};
            layer.op = DenseOp{.units = 3, .useBias = false, .function = {FunctionKind::Tanh}};
            layer.inputs = {input};
            layer.weights = {{"kernel", {}, kernel, true}};
            return layer;
        };
        Layer input{.name = "x", .className = "InputLayer"};
        input.op = InputOp{Shape{3}};
        const GraphPtr graph =
            Graph::make("shared", {input, call("a", shared, 0), call("b", second, 1)}, {0}, {2})
                .value();
        EXPECT_EQ(graph->parameterCount(), second == shared ? 9 : 18);
        EXPECT_EQ(graph->withWeights(graph->weights()).value()->parameterCount(),
                  graph->parameterCount());
        const std::vector<Tensor> weights{*shared, *shared};
        const Tensor x = drawn(Shape{4, 3}, 2);
        const Tensor upstream = drawn(Shape{4, 3}, 3);
        const TensorView in = x.view();
        const TensorView up = upstream.view();
        Parallel parallel(1);
        auto plan = TrainingPlan::make(graph, {}, 4, parallel).value();
        EXPECT_TRUE(plan->forward(std::span(&in, 1), weights, 1).has_value());
        EXPECT_TRUE(plan->backward(std::span(&up, 1)).has_value());
        return std::vector<Tensor>{plan->gradients()[0], plan->gradients()[1]};
    };
    const std::vector<Tensor> apart = gradients(copy);
    const std::vector<Tensor> together = gradients(shared);
    EXPECT_EQ(together[0], together[1]);
    for (Index i = 0; i < together[0].size(); ++i) {
        EXPECT_EQ(together[0].data()[i], apart[0].data()[i] + apart[1].data()[i]);
    }
}

TEST(TrainingPlanTest, schedulesTheNoiseOfWeightsAndActivationLayers)
{
    const GraphPtr graph =
        examples::Chain(Shape{3}).dense("fc", 2).activation("act", FunctionKind::Linear).build();
    const std::vector<Tensor> weights{drawn(Shape{3, 2}, 1), drawn(Shape{2}, 2)};
    const Tensor x = drawn(Shape{4, 3}, 4);
    const TensorView in = x.view();
    Parallel parallel(1);
    const auto outputs = [&](const Configuration& configuration, std::span<const Tensor> used,
                             std::optional<float> noise) {
        auto plan = TrainingPlan::make(graph, configuration, 4, parallel);
        EXPECT_TRUE(plan.has_value());
        (*plan)->setNoise(noise);
        const auto y = (*plan)->forward(std::span(&in, 1), used, 1);
        return Tensor(y->front().shape, y->front().values());
    };
    const auto quantizer = quant::parseQuantizer("quantized_bits(3,1,1,alpha=1.0)").value();
    const auto quantized = [&](const Tensor& from, std::optional<float> noise) {
        Tensor to(from.shape());
        quantizer->apply(from.view(), to.mutableView(), {.training = true, .noise = noise});
        return to;
    };
    const Tensor plain = outputs({}, weights, std::nullopt);
    Configuration ofKernel;
    Configuration ofLayer;
    Configuration ofOutput;
    ofKernel.set("fc", Slot::Kernel, quantizer);
    ofLayer.set("act", Slot::Activation, quantizer);
    ofOutput.set("fc", Slot::Activation, quantizer);
    for (const std::optional<float> noise :
         {std::optional<float>(), std::optional(0.0F), std::optional(0.5F), std::optional(1.0F)}) {
        const std::vector<Tensor> mixed{quantized(weights[0], noise), weights[1]};
        EXPECT_EQ(outputs(ofKernel, weights, noise), outputs({}, mixed, std::nullopt));
        EXPECT_EQ(outputs(ofLayer, weights, noise), quantized(plain, noise));
        // QKeras' scheduler does not know the quantizers of other layers' outputs.
        EXPECT_EQ(outputs(ofOutput, weights, noise), quantized(plain, std::nullopt));
    }
}

/// Outputs of one training call of a folded dense layer.
std::vector<float> foldedOutputs(const char* kernelQuantizer, std::uint64_t seed,
                                 std::optional<float> noise)
{
    const GraphPtr graph =
        networks::Builder({6})
            .add("fc", "QDenseBatchnorm", FoldedConvOp{.conv = DenseOp{.units = 3}})
            .make();
    Configuration configuration;
    if (*kernelQuantizer != '\0') {
        configuration.set("fc", Slot::Kernel, quant::parseQuantizer(kernelQuantizer).value());
    }
    std::vector<Tensor> weights;
    for (const TensorPtr& weight : graph->weights()) {
        weights.push_back(*weight);
    }
    const Tensor x = drawn(Shape{8, 6}, 4);
    const TensorView in = x.view();
    Parallel parallel(1);
    auto plan = TrainingPlan::make(graph, configuration, 8, parallel);
    EXPECT_TRUE(plan.has_value());
    (*plan)->setNoise(noise);
    const auto y = (*plan)->forward(std::span(&in, 1), weights, seed);
    const auto values = y->front().values();
    return {values.begin(), values.end()};
}

TEST(TrainingPlanTest, reachesQuantizersInsideFoldedLayers)
{
    const char* quantizer = "quantized_bits(2,0,1,alpha=1.0)";
    EXPECT_NE(foldedOutputs(quantizer, 1, std::nullopt), foldedOutputs("", 1, std::nullopt));
    EXPECT_EQ(foldedOutputs(quantizer, 1, 0.0F), foldedOutputs("", 1, std::nullopt));
    const char* drawing = "quantized_bits(2,0,1,alpha=1.0,use_stochastic_rounding=True)";
    EXPECT_EQ(foldedOutputs(drawing, 1, {}), foldedOutputs(drawing, 1, {}));
    EXPECT_NE(foldedOutputs(drawing, 1, {}), foldedOutputs(drawing, 2, {}));
}

} // namespace
} // namespace bitscape::graph
