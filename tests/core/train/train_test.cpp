// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tensor/float_memory.h"
#include "core/train/initialize.h"
#include "core/train/train.h"
#include "tests/support/examples.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <future>
#include <limits>

namespace bitscape::train {
namespace {

using testing::HasSubstr;

TrainInput mlpInput(Index count = 90)
{
    TrainInput input;
    input.graph = examples::smallMlp();
    input.weights = initialWeights(*input.graph, 1);
    input.train = examples::shared(examples::patterns(Shape{8}, count, 3));
    return input;
}

TrainInput cnnInput()
{
    TrainInput input;
    input.graph = examples::smallCnn();
    input.weights = initialWeights(*input.graph, 1);
    input.train = examples::shared(examples::patterns(Shape{6, 6, 1}, 70, 3));
    return input;
}

TrainReport mustTrain(const TrainInput& input, const TrainOptions& options, int threads = 1)
{
    Parallel parallel(threads);
    auto report = train(input, options, parallel);
    if (!report) {
        ADD_FAILURE() << report.error().sentence();
        return {};
    }
    return std::move(*report);
}

bool sameBytes(const graph::WeightSet& a, const graph::WeightSet& b)
{
    if (a.size() != b.size()) {
        return false;
    }
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (!(*a[i] == *b[i])) {
            return false;
        }
    }
    return true;
}

TEST(Train, learnsPatterns)
{
    const TrainReport report =
        mustTrain(mlpInput(), {.epochs = 8, .batch = 16, .optimizer = "adam(0.02)"});
    ASSERT_EQ(report.history.size(), 8U);
    EXPECT_LT(report.history.back().loss, report.history.front().loss / 2);
    EXPECT_GT(*report.history.back().accuracy, 0.9);
    EXPECT_EQ(report.steps, 8 * 6); // 90 samples: five full batches and a partial one
    EXPECT_FALSE(report.stoppedByUser);
}

TEST(Train, givesTheSameBytesForAnyThreads)
{
    for (const TrainInput& input : {mlpInput(), cnnInput()}) {
        const TrainOptions options{.epochs = 2, .batch = 32, .seed = 3};
        const TrainReport one = mustTrain(input, options, 1);
        const TrainReport two = mustTrain(input, options, 2);
        EXPECT_TRUE(sameBytes(one.weights, two.weights));
        EXPECT_EQ(one.history.back().loss, two.history.back().loss);
        const TrainReport other = mustTrain(input, {.epochs = 2, .batch = 32, .seed = 4});
        EXPECT_FALSE(sameBytes(one.weights, other.weights));
    }
}

TEST(Train, keepsToTheMemoryItPlanned)
{
    for (const bool validates : {false, true}) {
        TrainInput input = cnnInput();
        if (validates) {
            input.validation = examples::shared(examples::patterns(Shape{6, 6, 1}, 500, 3));
        }
        const Index before = FloatMemory::inUse();
        FloatMemory::restartPeak();
        const TrainReport report = mustTrain(input, {.epochs = 2, .batch = 64}, 2);
        const auto peak = static_cast<double>(FloatMemory::peak() - before);
        constexpr double kSlack = 1.1;
        EXPECT_LE(peak, static_cast<double>(report.plannedBytes) * kSlack);
        EXPECT_GE(peak * kSlack, static_cast<double>(report.plannedBytes));
    }
}

TEST(Train, withoutShufflingTheSeedChangesNothingHere)
{
    TrainOptions options{.epochs = 1, .batch = 16, .seed = 1, .shuffle = false};
    const TrainReport one = mustTrain(mlpInput(), options);
    options.seed = 2;
    EXPECT_TRUE(sameBytes(one.weights, mustTrain(mlpInput(), options).weights));
}

TEST(Train, movesStatisticsOfNormalization)
{
    const TrainInput input = cnnInput();
    const TrainReport report = mustTrain(input, {.epochs = 1, .batch = 16});
    for (std::size_t i = 0; i < report.weights.size(); ++i) {
        const graph::WeightSlot slot = input.graph->weightSlots()[i];
        const graph::Weight& weight =
            input.graph->layer(slot.layer).weights[static_cast<std::size_t>(slot.weight)];
        EXPECT_FALSE(*report.weights[i] == *input.weights[i]) << weight.name;
    }
}

TEST(Train, keepsQuantizedWeightsInTheirRange)
{
    TrainInput input = mlpInput();
    input.configuration.set("fc1", graph::Slot::Kernel,
                            *quant::parseQuantizer("quantized_bits(4,0,1,alpha=1.0)"));
    const TrainReport report = mustTrain(input, {.epochs = 4, .batch = 8, .optimizer = "sgd(2.0)"});
    for (const float value : report.weights.front()->values()) {
        EXPECT_LE(std::abs(value), 1.0F); // QKeras' Clip
    }
}

TEST(Train, stopsAtTheStepLimitWithAnEntryPerStep)
{
    std::vector<int> told;
    Parallel parallel(1);
    const auto report = train(mlpInput(), {.epochs = 5, .batch = 16, .maxSteps = 8}, parallel, {},
                              [&](const HistoryEntry& entry) { told.push_back(entry.step); });
    ASSERT_TRUE(report.has_value());
    EXPECT_EQ(report->steps, 8);
    ASSERT_EQ(report->history.size(), 8U);
    EXPECT_EQ(report->history[5].epoch, 1);
    EXPECT_EQ(report->history[6].epoch, 2);
    EXPECT_THAT(told, testing::ElementsAre(1, 2, 3, 4, 5, 6, 7, 8));
}

TEST(Train, validatesAndStopsEarlyWithTheBestWeights)
{
    TrainInput input = mlpInput();
    // Answers that contradict the training data: the first epochs can only get worse on them.
    Samples wrong = examples::patterns(Shape{8}, 30, 3);
    for (std::int64_t& label : wrong.labels) {
        label = (label + 1) % 3;
    }
    input.validation = examples::shared(std::move(wrong));
    const TrainReport report =
        mustTrain(input, {.epochs = 40, .batch = 16, .optimizer = "adam(0.05)", .earlyStop = 2});
    EXPECT_LT(report.history.size(), 40U);
    double best = std::numeric_limits<double>::infinity();
    for (const HistoryEntry& entry : report.history) {
        ASSERT_TRUE(entry.validationLoss.has_value());
        ASSERT_TRUE(entry.validationAccuracy.has_value());
        best = std::min(best, *entry.validationLoss);
    }
    Parallel parallel(1);
    const auto plan = graph::InferencePlan::make(input.graph, input.configuration, report.weights);
    ASSERT_TRUE(plan.has_value());
    const auto measured = evaluate(**plan, *input.validation, parallel);
    ASSERT_TRUE(measured.has_value());
    constexpr double kOtherSummation = 1e-5;
    EXPECT_NEAR(*measured->loss, best, kOtherSummation * best);
}

TEST(Train, endsWithinASecondOfAStop)
{
    TrainInput input = mlpInput(20000);
    std::stop_source source;
    auto running = std::async(std::launch::async, [&] {
        Parallel parallel(1);
        return train(input, {.epochs = 1000, .batch = 8}, parallel, {source.get_token(), nullptr});
    });
    ASSERT_EQ(running.wait_for(std::chrono::milliseconds(200)), std::future_status::timeout);
    source.request_stop();
    ASSERT_EQ(running.wait_for(std::chrono::seconds(1)), std::future_status::ready);
    const auto report = running.get();
    ASSERT_TRUE(report.has_value());
    EXPECT_TRUE(report->stoppedByUser);
    EXPECT_EQ(report->weights.size(), input.weights.size());
}

TEST(Train, namesWhereALossStopsBeingANumber)
{
    TrainInput input = mlpInput();
    Samples broken = *input.train;
    broken.inputs.front().data()[3] = std::numeric_limits<float>::quiet_NaN();
    input.train = examples::shared(std::move(broken));
    Parallel parallel(1);
    const auto poisoned = train(input, {.batch = 16, .shuffle = false}, parallel);
    ASSERT_FALSE(poisoned.has_value());
    EXPECT_EQ(poisoned.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(poisoned.error().sentence(), HasSubstr("epoch 1, step 1"));
    EXPECT_THAT(poisoned.error().sentence(), HasSubstr("input input"));

    const auto exploded =
        train(cnnInput(), {.epochs = 50, .batch = 16, .optimizer = "sgd(1e30)"}, parallel);
    ASSERT_FALSE(exploded.has_value());
    EXPECT_THAT(exploded.error().sentence(), HasSubstr("layer "));
}

TEST(Train, refusesDataAndOptionsThatDoNotFit)
{
    Parallel parallel(1);
    TrainInput input = mlpInput();
    EXPECT_EQ(train(input, {.epochs = 0}, parallel).error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(train(input, {.loss = "msee"}, parallel).error().code, ErrorCode::InvalidArgument);
    input.train = examples::shared(examples::patterns(Shape{7}, 10, 3));
    EXPECT_EQ(train(input, {}, parallel).error().code, ErrorCode::ShapeMismatch);
    input.train = examples::shared(examples::patterns(Shape{8}, 10, 5));
    EXPECT_EQ(train(input, {}, parallel).error().code, ErrorCode::ShapeMismatch);
    input.train = examples::shared(examples::patterns(Shape{8}, 0, 3));
    EXPECT_EQ(train(input, {}, parallel).error().code, ErrorCode::ShapeMismatch);
}

TEST(Train, worksOnASingleSample)
{
    const TrainReport report = mustTrain(mlpInput(1), {.epochs = 2, .batch = 32});
    EXPECT_EQ(report.steps, 2);
    EXPECT_TRUE(std::isfinite(report.history.back().loss));
}

} // namespace
} // namespace bitscape::train
