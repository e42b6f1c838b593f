// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/execution.h"
#include "tests/support/networks.h"
#include "tests/support/reference_network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace bitscape::graph {
namespace {

using networks::Builder;
using networks::conv;
using networks::depthwise;
using reference::Network;
using reference::Values;

constexpr double kForwardError = 1e-5;  // float32 sums through a few layers
constexpr double kGradientError = 1e-4; // the same, and central differences of step 1e-5 in double
constexpr double kStep = 1e-5;

constexpr Function kRelu{FunctionKind::Relu};

struct NetworkCase {
    const char* name;
    GraphPtr graph;
};

std::ostream& operator<<(std::ostream& out, const NetworkCase& c)
{
    return out << c.name;
}

/// Two branches that meet, a tensor with several readers, every kind of layer in between.
GraphPtr branches()
{
    Builder b({6, 7, 3});
    b.add("a", "Conv2D", conv(8, 3, Padding::Same, 1, kRelu));                      // 1
    b.add("b", "DepthwiseConv2D", depthwise(3, 2), {1});                            // 2
    b.add("c", "Conv2D", conv(16, 1), {1});                                         // 3
    b.add("sum", "Add", AddOp{}, {2, 3, 2});                                        // 4
    b.add("bn", "BatchNormalization", BatchNormOp{}, {4});                          // 5
    b.add("act", "Activation", ActivationOp{{FunctionKind::Tanh}}, {5});            // 6
    b.add("cat", "Concatenate", ConcatenateOp{}, {6, 1});                           // 7
    b.add("pool", "MaxPooling2D", PoolOp{.window = {2, 2}, .stride = {2, 2}}, {7}); // 8
    b.add("pad", "ZeroPadding2D", ZeroPaddingOp{2, 1, 0, 0, 1}, {8});
    b.add("sep", "SeparableConv2D",
          SeparableOp{.filters = 5, .kernel = {2, 2}, .padding = Padding::Same});
    b.add("mean", "AveragePooling2D",
          PoolOp{.kind = PoolKind::Average,
                 .window = {2, 2},
                 .stride = {1, 1},
                 .padding = Padding::Same});
    b.add("flat", "Flatten", FlattenOp{});
    b.add("fc", "Dense", DenseOp{6, true, {FunctionKind::Softmax}});
    return b.make(3);
}

/// Layers on pixels before and behind a change of shape.
GraphPtr flattenedPixels()
{
    Builder b({5, 4, 3});
    b.add("a", "Conv2D", conv(6, 3));
    b.add("bn", "BatchNormalization", BatchNormOp{});
    b.add("flat", "Flatten", FlattenOp{});
    b.add("tail", "Activation", ActivationOp{{FunctionKind::Tanh}});
    return b.make(6);
}

/// Every op that has the layout as a choice.
GraphPtr channelsFirst()
{
    Builder b({3, 7, 6});
    b.add("pad", "ZeroPadding2D", ZeroPaddingOp{2, 1, 0, 0, 1, true});
    b.add("a", "Conv2D",
          ConvOp{.filters = 6, .kernel = {3, 3}, .function = kRelu, .channelsFirst = true});
    b.add("b", "DepthwiseConv2D", DepthwiseOp{.kernel = {2, 2}, .channelsFirst = true}); // 3
    b.add("c", "SeparableConv2D",
          SeparableOp{
              .filters = 5, .kernel = {2, 2}, .padding = Padding::Same, .channelsFirst = true});
    b.add("m", "MaxPooling2D",
          PoolOp{
              .window = {2, 2}, .stride = {1, 1}, .padding = Padding::Same, .channelsFirst = true});
    b.add("g", "GlobalAveragePooling2D", GlobalPoolOp{.channelsFirst = true}, {5});
    b.add("f", "Flatten", FlattenOp{true}, {5});
    b.add("cat", "Concatenate", ConcatenateOp{}, {6, 7});
    b.add("d", "Dense", DenseOp{.units = 4});
    return b.make(4);
}

/// Blocks of residual networks, the sum's inputs in either order.
GraphPtr residual()
{
    Builder b({5, 6, 3});
    b.add("a", "Conv2D", conv(6, 3));
    b.add("a_norm", "BatchNormalization", BatchNormOp{});
    b.add("a_relu", "Activation", ActivationOp{kRelu}); // 3
    b.add("b", "Conv2D", conv(6, 3));
    b.add("b_norm", "BatchNormalization", BatchNormOp{});
    b.add("sum", "Add", AddOp{}, {3, 5});
    b.add("sum_relu", "Activation", ActivationOp{kRelu}); // 7
    b.add("c", "DepthwiseConv2D", depthwise(3));
    b.add("c_norm", "BatchNormalization", BatchNormOp{}); // 9
    b.add("shortcut", "Conv2D", conv(6, 1), {7});
    b.add("sum2", "Add", AddOp{}, {10, 9});
    b.add("sum2_norm", "BatchNormalization", BatchNormOp{});
    b.add("flat", "Flatten", FlattenOp{});
    b.add("fc", "Dense", DenseOp{.units = 4});
    return b.make(10);
}

/// Sums that a convolution cannot take into its own results, and one that it can.
GraphPtr sums()
{
    Builder b({4, 5, 3});
    b.add("a", "Conv2D", conv(3, 3));
    b.add("twice", "Add", AddOp{}, {1, 1});
    b.add("clamped", "Conv2D", conv(3, 3, Padding::Same, 1, kRelu));
    b.add("sum", "Add", AddOp{}, {3, 2}); // 4
    b.add("sep", "SeparableConv2D",
          SeparableOp{.filters = 3, .kernel = {3, 3}, .padding = Padding::Same});
    b.add("norm", "BatchNormalization", BatchNormOp{});
    b.add("sum2", "Add", AddOp{}, {4, 6});
    b.add("sum3", "Add", AddOp{}, {0, 7});
    return b.make(11, {8, 6});
}

GraphPtr single(const Shape& input, const Op& op)
{
    return Builder(input).add("tested", "Tested", op).make(5);
}

GraphPtr function(FunctionKind kind, float slope = 0.0F, float maximum = 0.0F,
                  float threshold = 0.0F)
{
    return single({37}, ActivationOp{{kind, slope, maximum, threshold}});
}

GraphPtr sharedOutputs()
{
    Builder b({10});
    b.add("a", "Dense", DenseOp{8, true, kRelu})
        .add("b", "Dense", DenseOp{4, true, {}})
        .add("soft", "Softmax", ActivationOp{{FunctionKind::Softmax}})
        .add("again", "Flatten", FlattenOp{});
    return b.make(7, {1, 2, 3, 4});
}

GraphPtr broadcast()
{
    Builder b({3, 4, 6});
    b.add("g", "GlobalMaxPooling2D", GlobalPoolOp{PoolKind::Max, 2, true}, {0});
    b.add("s", "Add", AddOp{}, {0, 1});
    b.add("r", "Reshape", ReshapeOp{{12, 6}});
    b.add("c", "Conv1D",
          ConvOp{.spatialRank = 1,
                 .filters = 5,
                 .kernel = {1, 3},
                 .dilation = {1, 2},
                 .padding = Padding::Causal,
                 .function = kRelu});
    b.add("d", "Dense", DenseOp{3, false, {FunctionKind::Sigmoid}});
    b.add("p", "GlobalAveragePooling1D", GlobalPoolOp{.spatialRank = 1});
    return b.make(9);
}

std::vector<NetworkCase> cases()
{
    return {
        {"Branches", branches()},
        {"SharedOutputs", sharedOutputs()},
        {"Broadcast", broadcast()},
        {"FlattenedPixels", flattenedPixels()},
        {"Residual", residual()},
        {"Sums", sums()},
        {"ChannelsFirst", channelsFirst()},
        {"Conv2D", single({7, 8, 3}, conv(20, 3, Padding::Valid, 2))},
        {"ConvGroups", single({6, 6, 4}, ConvOp{.filters = 6, .kernel = {3, 2}, .groups = 2})},
        {"ConvMask", single({5, 4, 3}, ConvOp{.filters = 5,
                                              .kernel = {3, 2},
                                              .mask = {1.0F, 0.0F, 1.0F, 0.5F, 0.0F, 1.0F}})},
        {"Depthwise1D", single({7, 5}, DepthwiseOp{.kernel = {1, 3},
                                                   .stride = {1, 2},
                                                   .padding = Padding::Same,
                                                   .multiplier = 2,
                                                   .spatialRank = 1})},
        {"Separable1D",
         single({7, 3},
                SeparableOp{.filters = 5, .kernel = {1, 3}, .multiplier = 2, .spatialRank = 1})},
        {"FoldedDense", single({6}, FoldedConvOp{.conv = DenseOp{.units = 3}})},
        {"FoldedDenseBatch",
         single({4, 6}, FoldedConvOp{.conv = DenseOp{.units = 3}, .emaStatsFolding = false})},
        {"Depthwise", single({7, 6, 5}, depthwise(3, 2, Padding::Same, 2))},
        {"BatchNorm", single({4, 4, 5}, BatchNormOp{})},
        {"BatchNormBare", single({5}, BatchNormOp{.center = false, .scale = false})},
        {"FoldedEma", single({5, 5, 2}, FoldedConvOp{.conv = conv(3, 3, Padding::Same, 1, kRelu)})},
        {"FoldedBatch", single({5, 5, 2}, FoldedConvOp{.conv = conv(3, 2, Padding::Valid, 2),
                                                       .emaStatsFolding = false})},
        {"FoldedDepthwise", single({5, 5, 3}, FoldedConvOp{.conv = depthwise(3, 2)})},
        {"Relu6", function(FunctionKind::Relu, 0.0F, 0.7F)},
        {"ReluThreshold", function(FunctionKind::Relu, 0.25F, 1.5F, 0.5F)},
        {"LeakyRelu", function(FunctionKind::Relu, 0.3F)},
        {"Softmax", function(FunctionKind::Softmax)},
        {"Sigmoid", function(FunctionKind::Sigmoid)},
        {"Tanh", function(FunctionKind::Tanh)},
        {"HardSigmoidKeras2", function(FunctionKind::HardSigmoidKeras2)},
        {"HardSigmoidKeras3", function(FunctionKind::HardSigmoidKeras3)},
        {"Elu", function(FunctionKind::Elu, 1.5F)},
        {"Selu", function(FunctionKind::Selu)},
        {"Softplus", function(FunctionKind::Softplus)},
        {"Softsign", function(FunctionKind::Softsign)},
        {"Swish", function(FunctionKind::Swish)},
        {"Gelu", function(FunctionKind::Gelu)},
        {"Exponential", function(FunctionKind::Exponential)},
    };
}

std::vector<Tensor> inputsOf(const Graph& graph, Index samples)
{
    std::vector<Tensor> inputs;
    for (const int input : graph.inputs()) {
        inputs.push_back(
            reference::randomTensor(graph.layer(input).outputShape.batchOf(samples), 11));
    }
    return inputs;
}

std::vector<TensorView> viewsOf(const std::vector<Tensor>& tensors)
{
    std::vector<TensorView> views;
    for (const Tensor& tensor : tensors) {
        views.push_back(tensor.view());
    }
    return views;
}

std::vector<Values> valuesOf(const std::vector<Tensor>& tensors)
{
    std::vector<Values> values;
    for (const Tensor& tensor : tensors) {
        values.push_back(reference::toValues(tensor.values()));
    }
    return values;
}

std::vector<Tensor> weightsOf(const Graph& graph)
{
    std::vector<Tensor> weights;
    for (const TensorPtr& weight : graph.weights()) {
        weights.push_back(*weight);
    }
    return weights;
}

class Plans : public testing::TestWithParam<NetworkCase> {
protected:
    const Graph& graph = *GetParam().graph;
    GraphPtr pointer = GetParam().graph;
    Parallel parallel{2};
};

TEST_P(Plans, InferenceEqualsTheReferenceInEveryLayer)
{
    constexpr Index kSamples = 5;
    const auto inputs = inputsOf(graph, kSamples);
    const auto wanted =
        Network(graph, kSamples, false).run(valuesOf(inputs), valuesOf(weightsOf(graph)));
    PlanOptions options;
    for (int l = 0; l < static_cast<int>(graph.layers().size()); ++l) {
        options.taps.push_back(l);
    }
    const auto tapped = InferencePlan::make(pointer, {}, graph.weights(), options).value();
    const auto results = tapped->run(viewsOf(inputs), parallel).value();
    const std::size_t outputs = graph.outputs().size();
    ASSERT_EQ(results.size(), outputs + graph.layers().size());
    for (std::size_t l = 0; l < graph.layers().size(); ++l) {
        EXPECT_LT(reference::largestError(results[outputs + l].values(), wanted[l]), kForwardError)
            << graph.layers()[l].name;
    }
    // Without taps layers are fused.
    const auto plan = InferencePlan::make(pointer, {}, graph.weights()).value();
    const auto fused = plan->run(viewsOf(inputs), parallel).value();
    ASSERT_EQ(fused.size(), outputs);
    for (std::size_t o = 0; o < outputs; ++o) {
        const auto layer = static_cast<std::size_t>(graph.outputs()[o]);
        EXPECT_LT(reference::largestError(fused[o].values(), wanted[layer]), kForwardError);
        EXPECT_EQ(fused[o], results[o]);
        EXPECT_EQ(fused[o].shape(), plan->resultShapes()[o].batchOf(kSamples));
    }
}

TEST_P(Plans, InferenceGivesTheSameBytesForAnyThreadsAndChunks)
{
    constexpr Index kSamples = 70;
    const auto inputs = inputsOf(graph, kSamples);
    const auto plan = InferencePlan::make(pointer, {}, graph.weights()).value();
    const auto together = plan->run(viewsOf(inputs), parallel).value();
    Parallel alone(1);
    EXPECT_EQ(plan->run(viewsOf(inputs), alone).value(), together);
    for (const Index sample : {0, 33, 69}) {
        std::vector<TensorView> one;
        for (const Tensor& input : inputs) {
            one.push_back(input.view().rows(sample, 1));
        }
        const auto result = plan->run(one, alone).value();
        for (std::size_t o = 0; o < result.size(); ++o) {
            EXPECT_TRUE(std::ranges::equal(result[o].values(),
                                           together[o].view().rows(sample, 1).values()));
        }
    }
}

/// Σ outputs · upstream of the reference.
double lossOf(Network& network, const Graph& graph, const std::vector<Values>& inputs,
              const std::vector<Values>& weights, const std::vector<Tensor>& upstream)
{
    const auto values = network.run(inputs, weights);
    double loss = 0.0;
    for (std::size_t o = 0; o < upstream.size(); ++o) {
        const Values& y = values[static_cast<std::size_t>(graph.outputs()[o])];
        for (std::size_t i = 0; i < y.size(); ++i) {
            loss += y[i] * static_cast<double>(upstream[o].values()[i]);
        }
    }
    return loss;
}

void expectGradients(const GraphPtr& pointer, Parallel& parallel, bool isTraining)
{
    constexpr Index kSamples = 4;
    const Graph& graph = *pointer;
    const auto inputs = inputsOf(graph, kSamples);
    const auto weights = weightsOf(graph);
    auto plan = TrainingPlan::make(pointer, {}, 9, parallel,
                                   {.isTraining = isTraining, .inputGradients = true})
                    .value();
    const auto outputs = plan->forward(viewsOf(inputs), weights, 1).value();
    Network network(graph, kSamples, isTraining);
    std::vector<Values> x = valuesOf(inputs);
    std::vector<Values> w = valuesOf(weights);
    const auto wanted = network.run(x, w);
    std::vector<Tensor> upstream;
    for (std::size_t o = 0; o < outputs.size(); ++o) {
        EXPECT_LT(reference::largestError(outputs[o].values(),
                                          wanted[static_cast<std::size_t>(graph.outputs()[o])]),
                  kForwardError);
        upstream.push_back(reference::randomTensor(outputs[o].shape, 20 + o));
    }
    ASSERT_TRUE(plan->backward(viewsOf(upstream)));

    const auto difference = [&](double& value) {
        const double old = value;
        value = old + kStep;
        const double above = lossOf(network, graph, x, w, upstream);
        value = old - kStep;
        const double below = lossOf(network, graph, x, w, upstream);
        value = old;
        return (above - below) / (2.0 * kStep);
    };
    // Against the layer's largest gradient: some are zero in truth (a bias before a normalization).
    double largest = 1e-3;
    std::vector<std::pair<std::string, std::pair<Values, Values>>> pairs;
    const auto compare = [&](const std::string& name, std::span<const float> got, Values& at) {
        const std::size_t stride = std::max<std::size_t>(1, at.size() / 40); // some will do
        Values found;
        Values numeric;
        for (std::size_t i = 0; i < at.size(); i += stride) {
            found.push_back(static_cast<double>(got[i]));
            numeric.push_back(difference(at[i]));
            largest = std::max(largest, std::abs(numeric.back()));
        }
        pairs.push_back({name, {found, numeric}});
    };
    const auto inputGradients = plan->inputGradients();
    for (std::size_t i = 0; i < x.size(); ++i) {
        compare("input", inputGradients[i].values(), x[i]);
    }
    const auto slots = graph.weightSlots();
    for (std::size_t s = 0; s < slots.size(); ++s) {
        const Weight& weight =
            graph.layer(slots[s].layer).weights[static_cast<std::size_t>(slots[s].weight)];
        if (weight.trainable) {
            compare(graph.layer(slots[s].layer).name + "/" + weight.name,
                    plan->gradients()[s].values(), w[s]);
        }
    }
    for (const auto& [name, both] : pairs) {
        for (std::size_t i = 0; i < both.first.size(); ++i) {
            EXPECT_NEAR(both.first[i], both.second[i], kGradientError * largest)
                << name << " element " << i;
        }
    }
}

TEST_P(Plans, TrainingGradientsEqualCentralDifferences)
{
    expectGradients(pointer, parallel, true);
}

TEST_P(Plans, InferenceGradientsEqualCentralDifferences)
{
    expectGradients(pointer, parallel, false);
}

TEST_P(Plans, TrainingGivesTheSameBytesForAnyThreadsAndAnyTime)
{
    constexpr Index kSamples = 23;
    const auto inputs = inputsOf(graph, kSamples);
    const auto weights = weightsOf(graph);
    const auto run = [&](TrainingPlan& plan) {
        std::vector<Tensor> all;
        std::vector<Tensor> upstream;
        const auto outputs = plan.forward(viewsOf(inputs), weights, 1).value();
        for (const TensorView& output : outputs) {
            all.emplace_back(output.shape, output.values());
            upstream.push_back(reference::randomTensor(output.shape, 5));
        }
        EXPECT_TRUE(plan.backward(viewsOf(upstream)));
        all.insert(all.end(), plan.gradients().begin(), plan.gradients().end());
        for (const auto& update : plan.updatedStatistics()) {
            all.emplace_back(update.value.shape, update.value.values());
        }
        return all;
    };
    Parallel alone(1);
    Parallel three(3);
    auto one = TrainingPlan::make(pointer, {}, kSamples, alone).value();
    auto many = TrainingPlan::make(pointer, {}, kSamples, three).value();
    const auto wanted = run(*one);
    EXPECT_EQ(run(*many), wanted);
    EXPECT_EQ(run(*many), wanted);
}

INSTANTIATE_TEST_SUITE_P(Networks, Plans, testing::ValuesIn(cases()),
                         testing::PrintToStringParamName());

// ---- what the cases above do not reach ----------------------------------------------------------

TEST(InferencePlanTest, AnswersAStopRequestWithinASecond)
{
    const GraphPtr graph = Builder({64, 64, 16})
                               .add("a", "Conv2D", conv(64, 3))
                               .add("b", "Conv2D", conv(64, 3))
                               .make();
    const auto plan = InferencePlan::make(graph, {}, graph->weights()).value();
    const Tensor input(Shape{400, 64, 64, 16});
    Parallel parallel(2);
    std::stop_source source;
    ProgressBoard board;
    std::chrono::steady_clock::time_point stopped;
    std::jthread stopper([&] {
        while (board.read().done == 0) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        stopped = std::chrono::steady_clock::now();
        source.request_stop();
    });
    const std::vector<TensorView> inputs{input.view()};
    const auto result = plan->run(inputs, parallel, {source.get_token(), &board});
    stopper.join();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::Canceled);
    EXPECT_LT(std::chrono::steady_clock::now() - stopped, std::chrono::seconds(1));
}

TEST(InferencePlanTest, NamesWhatDoesNotFit)
{
    const GraphPtr graph = Builder({4}).add("d", "Dense", DenseOp{.units = 2}).make();
    const auto plan = InferencePlan::make(graph, {}, graph->weights()).value();
    Parallel parallel(1);
    const Tensor wrong(Shape{3, 5});
    const std::vector<TensorView> inputs{wrong.view()};
    const auto result = plan->run(inputs, parallel);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::ShapeMismatch);
    EXPECT_THAT(result.error().sentence(), testing::HasSubstr("3×5"));
    EXPECT_THAT(result.error().sentence(), testing::HasSubstr("N×4"));
    EXPECT_EQ(plan->run({}, parallel).error().code, ErrorCode::ShapeMismatch);
}

TEST(InferencePlanTest, RefusesUnsupportedLayersAndOpenSizes)
{
    const GraphPtr odd = Builder({4}).add("l", "Lambda", UnsupportedOp{}).make();
    EXPECT_EQ(InferencePlan::make(odd, {}, odd->weights()).error().code, ErrorCode::Unsupported);
    const GraphPtr open = Builder({-1, 3}).add("d", "Dense", DenseOp{.units = 2}).make();
    EXPECT_EQ(InferencePlan::make(open, {}, open->weights()).error().code,
              ErrorCode::ShapeMismatch);
}

TEST(InferencePlanTest, RunsNoSamples)
{
    const GraphPtr graph = Builder({4}).add("d", "Dense", DenseOp{.units = 2}).make();
    const auto plan = InferencePlan::make(graph, {}, graph->weights()).value();
    Parallel parallel(1);
    const Tensor none(Shape{0, 4});
    const std::vector<TensorView> inputs{none.view()};
    EXPECT_EQ(plan->run(inputs, parallel).value().front().shape(), (Shape{0, 2}));
}

TEST(TrainingPlanTest, MovingStatisticsLearnAsKerasDoes)
{
    // Rank 4 goes through Keras' fused kernel, which corrects the variance by N/(N−1).
    for (const bool isImage : {true, false}) {
        const Shape shape = isImage ? Shape{2, 3, 2} : Shape{2};
        const GraphPtr graph =
            Builder(shape).add("bn", "BatchNormalization", BatchNormOp{.momentum = 0.9F}).make();
        const auto inputs = inputsOf(*graph, 5);
        Parallel parallel(1);
        auto plan = TrainingPlan::make(graph, {}, 5, parallel).value();
        const auto weights = weightsOf(*graph);
        ASSERT_TRUE(plan->forward(viewsOf(inputs), weights, 1));
        const auto updates = plan->updatedStatistics();
        ASSERT_EQ(updates.size(), 2U);
        const double rows = static_cast<double>(inputs[0].size() / 2);
        for (Index c = 0; c < 2; ++c) {
            double mean = 0.0;
            double square = 0.0;
            for (Index i = c; i < inputs[0].size(); i += 2) {
                const double value = static_cast<double>(inputs[0].data()[i]);
                mean += value / rows;
                square += value * value / rows;
            }
            const double bessel = isImage ? rows / (rows - 1.0) : 1.0;
            const double variance = (square - mean * mean) * bessel;
            const auto old = [&](std::size_t slot) {
                return static_cast<double>(weights[slot].data()[c]);
            };
            EXPECT_EQ(updates[0].slot, 2);
            EXPECT_NEAR(updates[0].value.data[c], 0.9 * old(2) + 0.1 * mean, 1e-6);
            EXPECT_NEAR(updates[1].value.data[c], 0.9 * old(3) + 0.1 * variance, 1e-6);
        }
    }
}

TEST(TrainingPlanTest, FrozenNormalizationUsesMovingStatistics)
{
    Layer norm{.name = "bn", .className = "BatchNormalization", .op = BatchNormOp{}, .inputs = {0}};
    for (const char* name : {"gamma", "beta", "moving_mean", "moving_variance"}) {
        norm.weights.push_back({name, {}, std::make_shared<const Tensor>(Shape{2}), false});
    }
    const auto graph =
        Graph::make("g", {{.name = "x", .op = InputOp{{2}}}, norm}, {0}, {1}).value();
    Parallel parallel(1);
    auto plan = TrainingPlan::make(graph, {}, 5, parallel).value();
    const auto inputs = inputsOf(*graph, 5);
    const auto weights = weightsOf(*graph);
    ASSERT_TRUE(plan->forward(viewsOf(inputs), weights, 1));
    EXPECT_TRUE(plan->updatedStatistics().empty());
}

TEST(TrainingPlanTest, DropoutKeepsItsShareAndItsSeed)
{
    const GraphPtr graph = Builder({1000}).add("drop", "Dropout", DropoutOp{0.25F}).make();
    Parallel parallel(2);
    auto plan = TrainingPlan::make(graph, {}, 8, parallel, {.inputGradients = true}).value();
    Tensor ones(Shape{8, 1000});
    std::ranges::fill(ones.values(), 1.0F);
    const std::vector<TensorView> inputs{ones.view()};
    const auto run = [&](std::uint64_t seed) {
        const auto y = plan->forward(inputs, {}, seed).value().front();
        return Tensor(y.shape, y.values());
    };
    const Tensor first = run(4);
    const auto kept = std::ranges::count_if(first.values(), [](float v) { return v != 0.0F; });
    EXPECT_NEAR(static_cast<double>(kept) / 8000.0, 0.75, 0.03);
    for (const float value : first.values()) {
        EXPECT_TRUE(value == 0.0F || value == 1.0F / 0.75F);
    }
    EXPECT_EQ(run(4), first);
    EXPECT_FALSE(run(5) == first);
    EXPECT_EQ(run(4), first);
    ASSERT_TRUE(plan->backward(inputs));
    EXPECT_TRUE(std::ranges::equal(plan->inputGradients().front().values(), first.values()));
}

TEST(TrainingPlanTest, RefusesToFoldWhileTraining)
{
    const GraphPtr graph = Builder({4}).add("d", "Dense", DenseOp{.units = 2}).make();
    Configuration configuration;
    configuration.foldBatchNorm = true;
    Parallel parallel(1);
    EXPECT_EQ(TrainingPlan::make(graph, configuration, 2, parallel).error().code,
              ErrorCode::InvalidArgument);
}

} // namespace
} // namespace bitscape::graph
