// SPDX-License-Identifier: GPL-3.0-or-later
// A training that is stopped and resumed ends in the bytes of one that was not.
#include "core/io/checkpoint_file.h"
#include "core/train/initialize.h"
#include "core/train/train.h"
#include "tests/support/examples.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

namespace bitscape::train {
namespace {

TrainInput cnnInput()
{
    TrainInput input;
    input.graph = examples::smallCnn();
    input.weights = initialWeights(*input.graph, 1);
    Samples samples = examples::patterns(Shape{6, 6, 1}, 70, 3);
    for (std::size_t i = 0; i < samples.labels.size(); ++i) {
        samples.weights.push_back(0.5F + static_cast<float>(i % 3));
    }
    input.train = examples::shared(std::move(samples));
    input.validation = examples::shared(examples::patterns(Shape{6, 6, 1}, 20, 3));
    for (const auto& [layer, slot, text] :
         {std::tuple("conv", graph::Slot::Kernel, "quantized_bits(4,0,1,alpha=1.0)"),
          std::tuple("relu", graph::Slot::Activation, "quantized_relu(4,2)"),
          std::tuple("logits", graph::Slot::Kernel, "lsq(4)")}) {
        input.configuration.set(layer, slot, *quant::parseQuantizer(text));
    }
    return input;
}

/// Everything at once that a run remembers.
TrainOptions everything()
{
    return {.epochs = 6,
            .batch = 16,
            .optimizer = "nadam(0.01,use_ema=True,ema_momentum=0.8,ema_overwrite_frequency=7)",
            .schedule = "cosine_decay_restarts(first_decay_steps=8)",
            .warmUp = 3,
            .seed = 5,
            .earlyStop = 4,
            .classWeight = "balanced",
            .augment = "flip,crop(1)",
            .noise = "qnoise_scheduler(1,20,freq_type='step',update_freq=2)",
            .distillation = 0.3};
}

struct Ending {
    std::string weights, history, configuration;
    bool operator==(const Ending&) const = default;
};

Ending endingOf(const TrainReport& report)
{
    Ending ending;
    for (const TensorPtr& weight : report.weights) {
        ending.weights.append(reinterpret_cast<const char*>(weight->data()),
                              weight->values().size_bytes());
    }
    TrainState state;
    state.history = report.history;
    ending.history = io::checkpointBytes(state);
    ending.configuration = report.configuration.canonical();
    return ending;
}

/// Runs until `stopAt` steps are done or a little later (never, if 0); the last state, through a
/// file's bytes, goes to `left`.
TrainReport run(const TrainInput& input, const TrainOptions& options, int threads, int stopAt,
                std::shared_ptr<const TrainState>* left)
{
    std::stop_source source;
    ProgressBoard board;
    std::jthread watcher([&](const std::stop_token& end) {
        while (!end.stop_requested()) {
            if (stopAt > 0 && board.read().done >= stopAt) {
                source.request_stop();
                return;
            }
            std::this_thread::yield();
        }
    });
    Parallel parallel(threads);
    auto report = train(input, options, parallel, {source.get_token(), &board}, {},
                        [&](const TrainState& state) -> Result<void> {
                            auto read = io::parseCheckpoint(io::checkpointBytes(state), "memory");
                            EXPECT_TRUE(read.has_value());
                            *left = std::make_shared<const TrainState>(std::move(*read));
                            return {};
                        });
    EXPECT_TRUE(report.has_value()) << report.error().sentence();
    return report.value_or(TrainReport{});
}

void expectResumable(const TrainInput& input, const TrainOptions& options)
{
    std::shared_ptr<const TrainState> state;
    const Ending whole = endingOf(run(input, options, 1, 0, &state));
    EXPECT_TRUE(whole == endingOf(run(input, options, 2, 0, &state))) << "two threads";
    for (const int stopAt : {1, 7, 12}) {
        TrainInput part = input;
        TrainReport report = run(part, options, 1, stopAt, &state);
        for (int i = 0; i < 50 && report.stoppedByUser; ++i) {
            part.resume = state;
            // A second stop on the way; each part on other threads than the one before.
            const int next = i == 0 ? stopAt + 4 : 0;
            report = run(part, options, 1 + (i + 1) % 2, next, &state);
        }
        EXPECT_TRUE(endingOf(report) == whole) << "stopped at step " << stopAt;
    }
}

TEST(TrainResume, endsInTheBytesOfARunWithoutStops)
{
    expectResumable(cnnInput(), everything());
}

TEST(TrainResume, worksStepByStep)
{
    TrainOptions options = everything();
    options.maxSteps = 17;
    options.epochs = 4;
    expectResumable(cnnInput(), options);
}

/// A state of a run that was stopped between its last step and the validation that ends the epoch.
TEST(TrainResume, owesTheEndOfTheLastEpoch)
{
    TrainInput input = cnnInput();
    TrainOptions options = everything();
    options.maxSteps = 5; // an epoch: 70 samples by 16
    std::shared_ptr<const TrainState> state;
    const Ending whole = endingOf(run(input, options, 1, 0, &state));
    auto stopped = std::make_shared<TrainState>(*state);
    ASSERT_EQ(stopped->epoch, 2);
    stopped->epoch = 1;
    stopped->position = input.train->count();
    stopped->history.pop_back();
    stopped->best = std::numeric_limits<double>::infinity();
    stopped->bestWeights.clear();
    input.resume = stopped;
    const TrainReport report = run(input, options, 1, 0, &state);
    ASSERT_FALSE(report.history.empty());
    EXPECT_TRUE(report.history.back().validationLoss.has_value());
    EXPECT_TRUE(endingOf(report) == whole);
}

TEST(TrainResume, goesOnPastTheEndOfAShorterRun)
{
    TrainInput input = cnnInput();
    TrainOptions options{.epochs = 2, .batch = 16, .optimizer = "adam(0.01)"};
    std::shared_ptr<const TrainState> state;
    (void)run(input, options, 1, 0, &state);
    options.epochs = 5;
    std::shared_ptr<const TrainState> other;
    const Ending whole = endingOf(run(input, options, 1, 0, &other));
    input.resume = state;
    EXPECT_TRUE(endingOf(run(input, options, 1, 0, &other)) == whole);
}

TEST(TrainResume, refusesTheStateOfAnotherRun)
{
    TrainInput input = cnnInput();
    const TrainOptions options{.epochs = 1, .batch = 16, .optimizer = "adam(0.01)"};
    std::shared_ptr<const TrainState> state;
    (void)run(input, options, 1, 0, &state);
    input.resume = state;
    Parallel parallel(1);
    for (const TrainOptions& other :
         {TrainOptions{.batch = 8, .optimizer = "adam(0.01)"},
          TrainOptions{.batch = 16, .optimizer = "adam(0.02)"},
          TrainOptions{.batch = 16, .optimizer = "adam(0.01)", .seed = 1}}) {
        const auto report = train(input, other, parallel);
        ASSERT_FALSE(report.has_value());
        EXPECT_EQ(report.error().code, ErrorCode::InvalidArgument);
        EXPECT_THAT(report.error().where, testing::HasSubstr("--resume"));
    }
    auto broken = std::make_shared<TrainState>(*state);
    broken->weights.pop_back();
    input.resume = broken;
    EXPECT_FALSE(train(input, options, parallel).has_value());
}

TEST(TrainResume, aCheckpointThatCannotBeWrittenEndsTheTraining)
{
    Parallel parallel(1);
    const auto report =
        train(cnnInput(), {.epochs = 3, .batch = 16}, parallel, {}, {},
              [](const TrainState&) -> Result<void> { return fail(ErrorCode::Io, "full"); });
    ASSERT_FALSE(report.has_value());
    EXPECT_EQ(report.error().code, ErrorCode::Io);
}

} // namespace
} // namespace bitscape::train
