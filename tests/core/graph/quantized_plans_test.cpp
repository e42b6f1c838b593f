// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/execution.h"
#include "core/graph/layers/layer_kernel.h"
#include "tests/support/networks.h"
#include "tests/support/reference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace bitscape::graph {
namespace {

using networks::Builder;
using networks::conv;

quant::QuantizerPtr quantizer(const char* text)
{
    return quant::parseQuantizer(text).value();
}

/// A convolution with relu, pooling and a dense layer.
GraphPtr network()
{
    return Builder({8, 8, 2})
        .add("c", "QConv2D", conv(5, 3, Padding::Same, 1, {FunctionKind::Relu}))
        .add("p", "MaxPooling2D", PoolOp{.window = {2, 2}, .stride = {2, 2}})
        .add("f", "Flatten", FlattenOp{})
        .add("d", "QDense", DenseOp{.units = 4})
        .make(6);
}

Configuration fourBits()
{
    Configuration configuration;
    for (const char* layer : {"c", "d"}) {
        configuration.set(layer, Slot::Kernel, quantizer("quantized_bits(4,0,1)"));
        configuration.set(layer, Slot::Bias, quantizer("quantized_bits(4,0,1)"));
    }
    configuration.set("c", Slot::Activation, quantizer("quantized_relu(4,1)"));
    return configuration;
}

Tensor samplesFor(const Graph& graph, Index count)
{
    return reference::randomTensor(graph.layer(0).outputShape.batchOf(count), 8);
}

std::vector<Tensor> run(const GraphPtr& graph, const Configuration& configuration,
                        const Tensor& input, PlanOptions options = {})
{
    Parallel parallel(2);
    const auto plan =
        InferencePlan::make(graph, configuration, graph->weights(), std::move(options)).value();
    const std::vector<TensorView> inputs{input.view()};
    return plan->run(inputs, parallel).value();
}

Tensor quantized(const Tensor& tensor, const quant::Quantizer& by)
{
    Tensor out(tensor.shape());
    by.apply(tensor.view(), out.mutableView(), {});
    return out;
}

TEST(QuantizedInference, QuantizesWeightsAsQKerasLayersDo)
{
    const GraphPtr graph = network();
    const auto plan = InferencePlan::make(graph, fourBits(), graph->weights()).value();
    const WeightSet used = plan->quantizedWeights();
    const auto bits = quantizer("quantized_bits(4,0,1)");
    const auto promoted = bits->promotedForKernel(); // alpha becomes 'auto_po2' for kernels only
    ASSERT_NE(promoted, nullptr);
    EXPECT_EQ(*used[0], quantized(*graph->weights()[0], *promoted));
    EXPECT_EQ(*used[1], quantized(*graph->weights()[1], *bits));
}

TEST(QuantizedInference, IsFloatExecutionOfQuantizedTensors)
{
    const GraphPtr graph = network();
    const Tensor input = samplesFor(*graph, 9);
    const Configuration configuration = fourBits();
    const auto plan = InferencePlan::make(graph, configuration, graph->weights()).value();
    const GraphPtr prepared = graph->withWeights(plan->quantizedWeights()).value();
    // The activation quantizer takes the place of relu: quantize what the convolution gives.
    Builder linear({8, 8, 2});
    linear.add("c", "Conv2D", conv(5, 3));
    const GraphPtr first =
        linear.make()->withWeights({prepared->weights()[0], prepared->weights()[1]}).value();
    const Tensor hidden =
        quantized(run(first, {}, input).front(), *quantizer("quantized_relu(4,1)"));
    const auto results = run(graph, configuration, input, {.taps = {1}});
    EXPECT_EQ(results[1], hidden);

    Builder rest({8, 8, 5});
    rest.add("p", "MaxPooling2D", PoolOp{.window = {2, 2}, .stride = {2, 2}});
    rest.add("f", "Flatten", FlattenOp{});
    rest.add("d", "Dense", DenseOp{.units = 4});
    const GraphPtr second =
        rest.make()->withWeights({prepared->weights()[2], prepared->weights()[3]}).value();
    EXPECT_EQ(results[0], run(second, {}, hidden).front());
    EXPECT_EQ(run(graph, configuration, input).front(), results[0]); // fused, without the tap
}

TEST(QuantizedInference, QuantizesTheInput)
{
    const GraphPtr graph = network();
    const Tensor input = samplesFor(*graph, 4);
    Configuration configuration;
    configuration.input = quantizer("quantized_bits(5,1)");
    EXPECT_EQ(run(graph, configuration, input),
              run(graph, {}, quantized(input, *configuration.input)));
}

TEST(QuantizedInference, AWholeTensorQuantizerSeesThirtyTwoSamples)
{
    const GraphPtr graph = Builder({6}).add("q", "QActivation", ActivationOp{}).make();
    const Tensor input = samplesFor(*graph, 70);
    const auto scaled = quantizer("quantized_bits(4,0,1,alpha='auto')");
    ASSERT_FALSE(scaled->isElementwise());
    Configuration configuration;
    configuration.set("q", Slot::Activation, scaled);
    Tensor wanted(input.shape());
    for (Index first = 0; first < 70; first += 32) {
        const Index count = std::min<Index>(32, 70 - first);
        scaled->apply(input.view().rows(first, count), wanted.mutableView().rows(first, count), {});
    }
    EXPECT_EQ(run(graph, configuration, input).front(), wanted);
}

TEST(QuantizedInference, RefusesAnOutputQuantizerWithoutRange)
{
    const GraphPtr graph = network();
    Configuration configuration;
    configuration.set("c", Slot::Activation, quantizer("affine(8)"));
    const auto plan = InferencePlan::make(graph, configuration, graph->weights());
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(plan.error().sentence(), testing::HasSubstr("layer c"));
    configuration.set("c", Slot::Activation, quantizer("affine(8)")->withRange(0.0, 2.0));
    EXPECT_TRUE(InferencePlan::make(graph, configuration, graph->weights()));
}

class QuantizedTraining : public testing::Test {
protected:
    void SetUp() override
    {
        plan = TrainingPlan::make(graph, fourBits(), 6, parallel, {.inputGradients = true}).value();
        for (const TensorPtr& weight : graph->weights()) {
            weights.push_back(*weight);
        }
    }

    GraphPtr graph = network();
    Parallel parallel{2};
    std::unique_ptr<TrainingPlan> plan;
    std::vector<Tensor> weights;
};

TEST_F(QuantizedTraining, ForwardEqualsInference)
{
    const Tensor input = samplesFor(*graph, 6);
    const std::vector<TensorView> inputs{input.view()};
    const TensorView y = plan->forward(inputs, weights, 1).value().front();
    EXPECT_TRUE(std::ranges::equal(y.values(), run(graph, fourBits(), input).front().values()));
}

TEST_F(QuantizedTraining, GradientsPassStraightThroughQuantizedWeights)
{
    const Tensor input = samplesFor(*graph, 6);
    const std::vector<TensorView> inputs{input.view()};
    const Tensor upstream = reference::randomTensor(Shape{6, 4}, 3);
    const std::vector<TensorView> gradient{upstream.view()};
    ASSERT_TRUE(plan->forward(inputs, weights, 1));
    ASSERT_TRUE(plan->backward(gradient));

    // quantized_bits passes gradients unchanged: they are those of the float network that holds
    // the quantized weights, with the same activation quantizer.
    Configuration activations;
    activations.set("c", Slot::Activation, quantizer("quantized_relu(4,1)"));
    const auto inference = InferencePlan::make(graph, fourBits(), graph->weights()).value();
    std::vector<Tensor> used;
    for (const TensorPtr& weight : inference->quantizedWeights()) {
        used.push_back(*weight);
    }
    auto other =
        TrainingPlan::make(graph, activations, 6, parallel, {.inputGradients = true}).value();
    ASSERT_TRUE(other->forward(inputs, used, 1));
    ASSERT_TRUE(other->backward(gradient));
    for (std::size_t slot = 0; slot < weights.size(); ++slot) {
        EXPECT_EQ(plan->gradients()[slot], other->gradients()[slot]);
    }
    EXPECT_TRUE(std::ranges::equal(plan->inputGradients().front().values(),
                                   other->inputGradients().front().values()));
}

TEST_F(QuantizedTraining, SmallerBatchesUseTheSamePlan)
{
    const Tensor input = samplesFor(*graph, 6);
    const Tensor upstream = reference::randomTensor(Shape{6, 4}, 3);
    const auto gradientsOf = [&](TrainingPlan& of, Index count) {
        const std::vector<TensorView> inputs{input.view().rows(0, count)};
        const std::vector<TensorView> gradient{upstream.view().rows(0, count)};
        EXPECT_TRUE(of.forward(inputs, weights, 1));
        EXPECT_TRUE(of.backward(gradient));
        return std::vector<Tensor>(of.gradients().begin(), of.gradients().end());
    };
    const auto all = gradientsOf(*plan, 6);
    const auto some = gradientsOf(*plan, 4);
    EXPECT_EQ(gradientsOf(*plan, 6), all);
    EXPECT_FALSE(some == all);
    EXPECT_EQ(gradientsOf(*plan, 4), some);
}

TEST_F(QuantizedTraining, WeightsAreKeptInsideTheQuantizersRange)
{
    EXPECT_THAT(plan->clipLimits(), testing::ElementsAre(1.0F, 1.0F, 1.0F, 1.0F));
    Configuration wide;
    wide.set("c", Slot::Kernel, quantizer("quantized_bits(8,3,1,alpha=1)"));
    const auto other = TrainingPlan::make(graph, wide, 6, parallel).value();
    EXPECT_THAT(other->clipLimits(), testing::ElementsAre(8.0F, 0.0F, 0.0F, 0.0F));
}

/// A residual block between quantized activations, with a normalization to finish.
GraphPtr residualBlock()
{
    return Builder({6, 6, 3})
        .add("c0", "QConv2D", conv(16, 3))
        .add("r0", "QActivation", ActivationOp{})
        .add("c1", "QConv2D", conv(16, 3))
        .add("n1", "BatchNormalization", BatchNormOp{})
        .add("sum", "Add", AddOp{}, {2, 4})
        .add("r1", "QActivation", ActivationOp{})
        .add("p", "GlobalAveragePooling2D", GlobalPoolOp{})
        .add("d", "QDense", DenseOp{.units = 4})
        .make(7);
}

/// Products of bytes take over where activations lie on a grid; a sample that does not is left to
/// the floats, and disturbs no other.
TEST(QuantizedPlanTest, ASampleOffTheGridLeavesTheOthersAlone)
{
    const GraphPtr graph = residualBlock();
    Configuration configuration;
    for (const char* layer : {"c0", "c1", "d"}) {
        configuration.set(layer, Slot::Kernel, quantizer("quantized_bits(4,0,1,alpha=1)"));
    }
    configuration.set("r0", Slot::Activation, quantizer("quantized_relu(4,1)"));
    configuration.set("r1", Slot::Activation, quantizer("quantized_relu(4,1)"));
    constexpr Index kSamples = 7;
    constexpr Index kOff = 1;
    Tensor input = samplesFor(*graph, kSamples);
    const Index size = input.size() / kSamples;
    input.values()[static_cast<std::size_t>(kOff * size)] = std::numeric_limits<float>::quiet_NaN();
    const Tensor all = run(graph, configuration, input).front();
    for (Index i = 0; i < kSamples; ++i) {
        const TensorView one = input.view().rows(i, 1);
        const Tensor alone = run(graph, configuration, Tensor(one.shape, one.values())).front();
        const auto row = all.view().rows(i, 1).values();
        if (i == kOff) {
            EXPECT_TRUE(std::isnan(row[0]));
        } else {
            EXPECT_TRUE(std::ranges::equal(row, alone.values())) << "sample " << i;
            EXPECT_FALSE(std::isnan(row[0]));
        }
    }
}

/// Kernels that are read behind a quantized activation in inference and training: each kind of
/// layer gives the products of its quantized kernel and no more.
TEST(QuantizedPlanTest, LayersBehindAGridComputeTheSameAsOnFloats)
{
    const auto* const kernelText = "quantized_bits(4,0,1,alpha=1)";
    const auto* const activationText = "quantized_relu(4,1)";
    struct Case {
        const char* className;
        Op op;
        Slot kernel;
    };
    const Case cases[] = {
        {"QConv2D", conv(12, 3), Slot::Kernel},
        {"QDepthwiseConv2D", networks::depthwise(3), Slot::Depthwise},
        {"QDepthwiseConv2D", networks::depthwise(3, 2), Slot::Depthwise},
        {"QDense", DenseOp{.units = 5}, Slot::Kernel},
    };
    for (const Case& one : cases) {
        SCOPED_TRACE(one.className);
        const GraphPtr graph = Builder({7, 6, 16})
                                   .add("r", "QActivation", ActivationOp{})
                                   .add("l", one.className, one.op)
                                   .make(9);
        Configuration configuration;
        configuration.set("r", Slot::Activation, quantizer(activationText));
        configuration.set("l", one.kernel, quantizer(kernelText));
        const Tensor input = samplesFor(*graph, 5);

        const GraphPtr plain = Builder({7, 6, 16}).add("l", one.className, one.op).make(9);
        WeightSet weights = plain->weights();
        weights[0] =
            std::make_shared<Tensor>(quantized(*graph->weights()[0], *quantizer(kernelText)));
        weights[1] = graph->weights()[1];
        const Tensor wanted = run(plain->withWeights(weights).value(), {},
                                  quantized(input, *quantizer(activationText)))
                                  .front();
        EXPECT_EQ(run(graph, configuration, input).front(), wanted);

        Parallel parallel(1);
        auto training = TrainingPlan::make(graph, configuration, 5, parallel).value();
        std::vector<Tensor> trained;
        for (const TensorPtr& weight : graph->weights()) {
            trained.push_back(*weight);
        }
        const std::vector<TensorView> inputs{input.view()};
        const TensorView y = training->forward(inputs, trained, 1).value().front();
        EXPECT_EQ(Tensor(y.shape, y.values()), wanted);
    }
}

/// What lies in memory behind a depth-wise kernel is none of its business: here more numbers of the
/// grid, as many as a full convolution would read.
TEST(QuantizedPlanTest, DepthwiseKernelsDoNotTakeToBytes)
{
    constexpr Index kChannels = 16;
    const GraphPtr graph =
        Builder({7, 6, kChannels}).add("l", "DepthwiseConv2D", networks::depthwise(3)).make();
    const std::vector<float> memory(9 * kChannels * kChannels, 0.25F);
    const std::vector<float> bias(kChannels, 0.5F);
    const std::vector<TensorView> weights{{memory.data(), Shape{3, 3, kChannels, 1}},
                                          {bias.data(), Shape{kChannels}}};
    const std::vector<float> x(7 * 6 * kChannels, 0.375F);
    const auto outputs = [&](bool expectsLevels) {
        const auto kernel = makeLayerKernel(*graph, 1, {}, {});
        if (expectsLevels) {
            kernel->expectLevels({.step = 0.125F, .largest = 15});
        }
        kernel->setWeights(weights);
        std::vector<float> scratch(static_cast<std::size_t>(kernel->scratchFloats()));
        std::vector<float> y(x.size());
        const float* input = x.data();
        kernel->forward(0, {.samples = {.first = 0, .count = 1, .scratch = scratch.data()},
                            .inputs = std::span(&input, 1),
                            .output = y.data()});
        return y;
    };
    EXPECT_EQ(outputs(true), outputs(false));
}

TEST(QuantizedTrainingTest, StochasticQuantizersFollowTheSeed)
{
    const GraphPtr graph = Builder({600}).add("q", "QActivation", ActivationOp{}).make();
    Configuration configuration;
    configuration.set("q", Slot::Activation,
                      quantizer("quantized_bits(4,0,1,use_stochastic_rounding=True,alpha=1)"));
    const Tensor input = samplesFor(*graph, 5);
    const std::vector<TensorView> inputs{input.view()};
    const auto outputs = [&](int threads, std::uint64_t seed) {
        Parallel parallel(threads);
        auto plan = TrainingPlan::make(graph, configuration, 5, parallel).value();
        const TensorView y = plan->forward(inputs, {}, seed).value().front();
        return Tensor(y.shape, y.values());
    };
    const Tensor one = outputs(1, 3);
    EXPECT_EQ(outputs(2, 3), one);
    EXPECT_FALSE(outputs(2, 4) == one);
    EXPECT_FALSE(run(graph, configuration, input).front() == one); // inference rounds to nearest
}

} // namespace
} // namespace bitscape::graph
