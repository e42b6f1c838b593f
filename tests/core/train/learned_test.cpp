// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/train/initialize.h"
#include "core/train/learned.h"
#include "core/train/train.h"
#include "tests/support/examples.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace bitscape::train {
namespace {

/// Every row of the registry whose parameters training learns, with its defaults.
std::vector<quant::QuantizerPtr> learnedQuantizers()
{
    std::vector<quant::QuantizerPtr> found;
    for (const quant::QuantizerInfo& row : quant::quantizers()) {
        if (auto made = quant::makeQuantizer(row.name, {}); made && !(*made)->learned().empty()) {
            found.push_back(std::move(*made));
        }
    }
    return found;
}

Tensor drawn(const Shape& shape, std::uint64_t seed)
{
    Tensor tensor(shape);
    Rng rng(seed);
    for (float& value : tensor.values()) {
        value = static_cast<float>(rng.normal());
    }
    return tensor;
}

quant::QuantizerPtr ready(const quant::QuantizerPtr& quantizer, TensorView seen)
{
    const auto made = quantizer->initialized(seen);
    return made ? made : quantizer;
}

void expectSame(const std::vector<Tensor>& got, const std::vector<Tensor>& wanted,
                const std::string& what)
{
    ASSERT_EQ(got.size(), wanted.size()) << what;
    for (std::size_t i = 0; i < got.size(); ++i) {
        EXPECT_TRUE(got[i] == wanted[i]) << what << ", parameter " << i;
    }
}

TEST(LearnedQuantizers, areInTheRegistry)
{
    EXPECT_GE(learnedQuantizers().size(), 2U);
}

TEST(LearnedQuantizers, getTheirGradientsOverTheWholeBatch)
{
    constexpr Index kBatch = 70; // several chunks
    const auto graph =
        examples::Chain(Shape{5}).activation("act", graph::FunctionKind::Linear).build();
    const Tensor x = drawn(Shape{kBatch, 5}, 1);
    const Tensor upstream = drawn(Shape{kBatch, 5}, 2);
    for (const auto& row : learnedQuantizers()) {
        const quant::QuantizerPtr quantizer = ready(row, x.view());
        graph::Configuration configuration;
        configuration.set("act", graph::Slot::Activation, quantizer);
        Parallel parallel(2);
        const auto plan = graph::TrainingPlan::make(graph, configuration, kBatch, parallel);
        ASSERT_TRUE(plan.has_value()) << row->toString();
        ASSERT_EQ((*plan)->learnedPlaces().size(), 1U) << row->toString();
        const TensorView in = x.view();
        const TensorView up = upstream.view();
        ASSERT_TRUE((*plan)->forward(std::span(&in, 1), {}, 1).has_value());
        ASSERT_TRUE((*plan)->backward(std::span(&up, 1)).has_value());
        expectSame((*plan)->learnedGradients()[0],
                   quantizer->learnedGradient(in, up, {.training = true}), row->toString());
    }
}

TEST(LearnedQuantizers, ofAKernelFollowTheKernelsGradient)
{
    const auto graph = examples::Chain(Shape{3}).dense("fc", 2).build();
    const std::vector<Tensor> weights{drawn(Shape{3, 2}, 3), Tensor(Shape{2})};
    const Tensor x(Shape{1, 3}, std::vector<float>{1, 2, -1});
    const Tensor upstream(Shape{1, 2}, std::vector<float>{0.5F, -0.25F});
    const Tensor kernelGradient(Shape{3, 2},
                                std::vector<float>{0.5F, -0.25F, 1, -0.5F, -0.5F, 0.25F});
    for (const auto& row : learnedQuantizers()) {
        const quant::QuantizerPtr quantizer = ready(row, weights[0].view());
        graph::Configuration configuration;
        configuration.set("fc", graph::Slot::Kernel, quantizer);
        Parallel parallel(1);
        const auto plan = graph::TrainingPlan::make(graph, configuration, 1, parallel);
        ASSERT_TRUE(plan.has_value()) << row->toString();
        const TensorView in = x.view();
        const TensorView up = upstream.view();
        ASSERT_TRUE((*plan)->forward(std::span(&in, 1), weights, 1).has_value());
        ASSERT_TRUE((*plan)->backward(std::span(&up, 1)).has_value());
        expectSame((*plan)->learnedGradients()[0],
                   quantizer->learnedGradient(weights[0].view(), kernelGradient.view(),
                                              {.training = true}),
                   row->toString());
    }
}

TrainInput quantizedMlp(const quant::QuantizerPtr& quantizer)
{
    TrainInput input;
    input.graph = examples::Chain(Shape{8})
                      .dense("fc1", 12)
                      .activation("relu", graph::FunctionKind::Relu)
                      .dense("out", 3, graph::FunctionKind::Softmax)
                      .build();
    input.weights = initialWeights(*input.graph, 1);
    Samples samples = examples::patterns(Shape{8}, 60, 3);
    for (float& value : samples.inputs[0].values()) {
        value *= 30.0F; // beyond the clip that PACT starts with
    }
    input.train = examples::shared(std::move(samples));
    input.configuration.set("relu", graph::Slot::Activation, quantizer);
    input.configuration.set("out", graph::Slot::Kernel, quantizer);
    return input;
}

TEST(LearnedQuantizers, trainAndComeBackInTheConfiguration)
{
    for (const auto& row : learnedQuantizers()) {
        const TrainInput input = quantizedMlp(row);
        const TrainOptions options{.epochs = 2, .batch = 16, .optimizer = "adam(0.01)"};
        std::vector<TrainReport> reports;
        for (const int threads : {1, 2}) {
            Parallel parallel(threads);
            auto report = train(input, options, parallel);
            ASSERT_TRUE(report.has_value()) << row->toString() << report.error().sentence();
            reports.push_back(std::move(*report));
        }
        const graph::Configuration& after = reports[0].configuration;
        EXPECT_EQ(after.canonical(), reports[1].configuration.canonical()) << row->toString();
        const auto learned = after.find("relu", graph::Slot::Activation);
        ASSERT_NE(learned, nullptr);
        for (const std::string& name : row->learned()) {
            EXPECT_FALSE(std::holds_alternative<std::monostate>(learned->parameter(name)));
        }
        EXPECT_FALSE(*learned == *row) << row->toString();
        Parallel parallel(1);
        const auto plan = graph::InferencePlan::make(input.graph, after, reports[0].weights);
        ASSERT_TRUE(plan.has_value()) << row->toString();
        EXPECT_TRUE(evaluate(**plan, *input.train, parallel).has_value());
    }
}

TEST(LearnedQuantizers, startFromWhatReachesThem)
{
    const auto unset = quant::parseQuantizer("lsq(4)");
    ASSERT_TRUE(unset.has_value());
    const TrainInput input = quantizedMlp(*unset);
    Parallel parallel(1);
    const TensorView first = input.train->inputs[0].view();
    const auto set = initializeLearned(input.graph, input.configuration, input.weights,
                                       std::span(&first, 1), parallel);
    ASSERT_TRUE(set.has_value()) << set.error().sentence();
    EXPECT_TRUE(*set->find("out", graph::Slot::Kernel) ==
                *(*unset)->initialized(input.weights[2]->view()));
    // What the activation sees is the sum before its rectifier.
    const auto plain = graph::InferencePlan::make(input.graph, {}, input.weights, {.taps = {1}});
    const auto values = (*plain)->run(std::span(&first, 1), parallel);
    EXPECT_TRUE(*set->find("relu", graph::Slot::Activation) ==
                *(*unset)->initialized((*values)[1].view()));
}

} // namespace
} // namespace bitscape::train
