// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/rng.h"
#include "core/base/text.h"
#include "core/io/checkpoint_file.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <string>

namespace bitscape::io {
namespace {

train::TrainState exampleState()
{
    train::TrainState state;
    state.origin = "a run";
    state.epoch = 3;
    state.position = 32;
    state.mean = {.loss = 0.1, .hits = 7, .count = 32};
    state.entry = {.epoch = 3, .step = 70, .loss = 0.25, .accuracy = 0.5};
    state.weights = {Tensor(Shape{2, 2}, std::array{1.0F, -2.0F, 0.5F, 1e-30F}), Tensor{Shape{}}};
    state.optimizer.steps = 70;
    state.optimizer.slots = {Tensor(Shape{3})};
    state.history = {{.epoch = 1,
                      .step = 32,
                      .loss = std::numeric_limits<double>::min(),
                      .accuracy = {},
                      .validationLoss = 1.5,
                      .validationAccuracy = 0.75}};
    state.worseEpochs = 1;
    state.isOver = true;
    return state;
}

TEST(CheckpointFile, givesBackWhatItTook)
{
    const train::TrainState state = exampleState();
    const std::string bytes = checkpointBytes(state);
    const auto read = parseCheckpoint(bytes, "memory");
    ASSERT_TRUE(read.has_value()) << read.error().sentence();
    EXPECT_EQ(checkpointBytes(*read), bytes);
    EXPECT_EQ(read->origin, state.origin);
    EXPECT_EQ(read->position, state.position);
    EXPECT_EQ(read->entry.accuracy, state.entry.accuracy);
    EXPECT_TRUE(read->weights[0] == state.weights[0]);
    EXPECT_EQ(read->weights[1].shape().rank(), 0);
    EXPECT_EQ(read->history[0].validationLoss, 1.5);
    EXPECT_FALSE(read->history[0].accuracy.has_value());
    EXPECT_EQ(read->best, state.best);
    EXPECT_TRUE(read->isOver);
}

TEST(CheckpointFile, noticesEveryDamage)
{
    const std::string bytes = checkpointBytes(exampleState());
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        std::string damaged = bytes;
        damaged[i] = static_cast<char>(damaged[i] ^ 1);
        EXPECT_FALSE(parseCheckpoint(damaged, "memory").has_value()) << "byte " << i;
        EXPECT_FALSE(parseCheckpoint(bytes.substr(0, i), "memory").has_value()) << "cut at " << i;
    }
}

TEST(CheckpointFile, survivesContentThatIsNotItsOwn)
{
    const std::string bytes = checkpointBytes(exampleState());
    const std::size_t start = bytes.find('\n') + 1;
    Rng rng(3);
    for (int round = 0; round < 2000; ++round) {
        std::string content = bytes.substr(start + 64);
        for (int k = 0; k < 4; ++k) {
            content[rng.below(content.size())] = static_cast<char>(rng.below(256));
        }
        const auto read =
            parseCheckpoint(bytes.substr(0, start) + sha256(content) + content, "memory");
        if (!read) {
            EXPECT_EQ(read.error().code, ErrorCode::CorruptFile);
        }
    }
}

TEST(CheckpointFile, saysWhatIsMissing)
{
    EXPECT_EQ(loadCheckpoint("/nowhere/run.ckpt").error().code, ErrorCode::NotFound);
    EXPECT_FALSE(saveCheckpoint("/nowhere/run.ckpt", exampleState()).has_value());
}

} // namespace
} // namespace bitscape::io
