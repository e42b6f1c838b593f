// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/search/study.h"
#include "core/train/initialize.h"
#include "tests/support/examples.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <limits>
#include <vector>

namespace bitscape::search {
namespace {

using testing::ElementsAre;

SearchInput mlpInput(Index count = 90)
{
    SearchInput input;
    input.graph = examples::smallMlp();
    input.weights = train::initialWeights(*input.graph, 1);
    train::Split split = train::splitLast(examples::patterns(Shape{8}, count, 3), 0.3);
    input.train = examples::shared(std::move(split.train));
    input.validation = examples::shared(std::move(split.validation));
    input.cost = [](const graph::Graph&,
                    const graph::Configuration& configuration) -> Result<Cost> {
        return Cost{.energyPicojoule = static_cast<double>(configuration.layers.size())};
    };
    return input;
}

Study smallStudy(int trials = 4)
{
    Study study;
    study.description.configJson = defaultConfig("bits");
    study.description.trials = trials;
    study.description.batch = 16;
    study.description.optimizer = "adam(0.02)";
    study.description.seed = 9;
    return study;
}

Study mustRun(const SearchInput& input, Study study, int threads = 1)
{
    auto finished = run(input, std::move(study), threads, {}, {});
    if (!finished) {
        ADD_FAILURE() << finished.error().sentence();
        return {};
    }
    return std::move(*finished);
}

void expectSameTrials(const Study& a, const Study& b)
{
    ASSERT_EQ(a.trials.size(), b.trials.size());
    for (std::size_t i = 0; i < a.trials.size(); ++i) {
        EXPECT_EQ(a.trials[i].number, b.trials[i].number);
        EXPECT_EQ(a.trials[i].assignment, b.trials[i].assignment);
        EXPECT_EQ(a.trials[i].metric, b.trials[i].metric);
        EXPECT_EQ(a.trials[i].score, b.trials[i].score);
        EXPECT_EQ(a.trials[i].seed, b.trials[i].seed);
    }
    EXPECT_EQ(a.front(), b.front());
}

TEST(Run, finishesWithConsistentTrials)
{
    const SearchInput input = mlpInput();
    const Study study = mustRun(input, smallStudy());
    ASSERT_EQ(study.trials.size(), 4U);
    for (const Trial& trial : study.trials) {
        EXPECT_EQ(trial.state, TrialState::Complete) << trial.failure;
        EXPECT_GE(trial.metric, 0.0);
        EXPECT_LE(trial.metric, 1.0);
        EXPECT_EQ(trial.cost.bits, trial.trialSize);
        EXPECT_GT(trial.cost.energyPicojoule, 0.0);
        EXPECT_DOUBLE_EQ(trial.score, trial.metric * (1 + trial.delta));
    }
    EXPECT_FALSE(study.front().empty());
    EXPECT_NE(study.best(), nullptr);
}

TEST(Run, doesNotDependOnThreads)
{
    const SearchInput input = mlpInput();
    expectSameTrials(mustRun(input, smallStudy(), 1), mustRun(input, smallStudy(), 2));
}

TEST(Run, resumesToTheSameResult)
{
    const SearchInput input = mlpInput();
    const Study whole = mustRun(input, smallStudy(5));
    Study interrupted = smallStudy(5);
    interrupted.trials = {whole.trials[1], whole.trials[3]}; // as threads may leave it
    std::vector<int> run;
    auto resumed = search::run(input, interrupted, 1, {},
                               [&](const Study&, const Trial& trial) -> Result<void> {
                                   run.push_back(trial.number);
                                   return {};
                               });
    ASSERT_TRUE(resumed.has_value());
    EXPECT_THAT(run, ElementsAre(0, 2, 4));
    expectSameTrials(*resumed, whole);
}

TEST(Run, handsOverEveryTrialWithTheStudySorted)
{
    const SearchInput input = mlpInput();
    std::size_t calls = 0;
    auto finished = run(input, smallStudy(6), 2, {},
                        [&](const Study& study, const Trial& trial) -> Result<void> {
                            ++calls;
                            EXPECT_EQ(study.trials.size(), calls);
                            EXPECT_TRUE(std::ranges::is_sorted(study.trials, {}, &Trial::number));
                            EXPECT_TRUE(std::ranges::any_of(study.trials, [&](const Trial& held) {
                                return held.number == trial.number;
                            }));
                            return {};
                        });
    ASSERT_TRUE(finished.has_value());
    EXPECT_EQ(calls, 6U);
}

TEST(Run, stopsWhenATrialCannotBeStored)
{
    int calls = 0;
    const auto failed =
        run(mlpInput(), smallStudy(6), 1, {}, [&](const Study&, const Trial&) -> Result<void> {
            ++calls;
            return fail(ErrorCode::Io, "The disk is full.");
        });
    ASSERT_FALSE(failed.has_value());
    EXPECT_EQ(failed.error().code, ErrorCode::Io);
    EXPECT_EQ(calls, 1);
}

TEST(Run, endsWithinASecondOfAStopAndKeepsWhatFinished)
{
    const SearchInput input = mlpInput(3000);
    std::stop_source source;
    std::atomic<int> stored = 0;
    auto running = std::async(std::launch::async, [&] {
        Study study = smallStudy(100000);
        study.description.epochs = 1;
        return run(input, std::move(study), 2, {source.get_token(), nullptr},
                   [&](const Study&, const Trial&) -> Result<void> {
                       ++stored;
                       return {};
                   });
    });
    while (stored == 0 &&
           running.wait_for(std::chrono::milliseconds(5)) == std::future_status::timeout) {
    }
    source.request_stop();
    ASSERT_EQ(running.wait_for(std::chrono::seconds(1)), std::future_status::ready);
    const auto stopped = running.get();
    ASSERT_FALSE(stopped.has_value());
    EXPECT_EQ(stopped.error().code, ErrorCode::Canceled);
    EXPECT_GE(stored.load(), 1);
}

TEST(Run, aSpentBudgetEndsWithWhatFinished)
{
    Study study = smallStudy(100000);
    study.description.budgetSeconds = 0.05;
    const Study finished = mustRun(mlpInput(), std::move(study));
    EXPECT_GE(finished.trials.size(), 1U);
    EXPECT_LT(finished.trials.size(), 100000U);
}

TEST(Run, recordsTrialsThatFail)
{
    SearchInput input = mlpInput();
    train::Samples broken = *input.train;
    broken.inputs.front().data()[0] = std::numeric_limits<float>::quiet_NaN();
    input.train = examples::shared(std::move(broken));
    const Study finished = mustRun(input, smallStudy(2));
    ASSERT_EQ(finished.trials.size(), 2U);
    for (const Trial& trial : finished.trials) {
        EXPECT_EQ(trial.state, TrialState::Failed);
        EXPECT_FALSE(trial.failure.empty());
    }
    EXPECT_EQ(finished.best(), nullptr);
}

TEST(Run, keepsLimits)
{
    const SearchInput input = mlpInput();
    const Study free = mustRun(input, smallStudy(6));
    double smallest = free.trials.front().cost.bits;
    for (const Trial& trial : free.trials) {
        smallest = std::min(smallest, trial.cost.bits);
    }
    Study study = smallStudy(3);
    study.description.limits["bits"] = smallest;
    for (const Trial& trial : mustRun(input, std::move(study)).trials) {
        EXPECT_LE(trial.cost.bits, smallest);
    }
}

TEST(Run, refusesBeforeItTrains)
{
    const auto codeOf = [](const SearchInput& input, Study study) {
        const auto refused =
            run(input, std::move(study), 1, {}, [](const Study&, const Trial&) -> Result<void> {
                ADD_FAILURE() << "a trial was run";
                return {};
            });
        return refused ? ErrorCode::Internal : refused.error().code;
    };
    Study study = smallStudy();
    study.description.limits["bits"] = 10;
    study.description.tuner = "greedy";
    EXPECT_EQ(codeOf(mlpInput(), study), ErrorCode::Infeasible); // limits come first
    study.description.limits.clear();
    EXPECT_EQ(codeOf(mlpInput(), study), ErrorCode::InvalidArgument);
    study = smallStudy(0);
    EXPECT_EQ(codeOf(mlpInput(), study), ErrorCode::InvalidArgument);
    SearchInput bare = mlpInput();
    bare.validation = nullptr;
    EXPECT_EQ(codeOf(bare, smallStudy()), ErrorCode::ShapeMismatch);
    SearchInput other = mlpInput();
    other.train = examples::shared(examples::patterns(Shape{5}, 20, 3));
    EXPECT_EQ(codeOf(other, smallStudy()), ErrorCode::ShapeMismatch);
}

} // namespace
} // namespace bitscape::search
