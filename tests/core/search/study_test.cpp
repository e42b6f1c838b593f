// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/search/study.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bitscape::search {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Trial trial(int number, double metric, double bits, double score = 0)
{
    Trial made{.number = number, .state = TrialState::Complete};
    made.metric = metric;
    made.cost.bits = bits;
    made.score = score;
    return made;
}

TEST(Study, frontHoldsWhatNothingDominates)
{
    Study study;
    study.trials = {trial(0, 0.9, 100), trial(1, 0.8, 50), trial(2, 0.7, 60), trial(3, 0.9, 120),
                    trial(4, 0.8, 50)};
    study.trials.push_back(trial(5, 1.0, 1));
    study.trials.back().state = TrialState::Failed;
    EXPECT_THAT(study.front(), ElementsAre(1, 4, 0));
    EXPECT_TRUE(Study{}.front().empty());
}

TEST(Study, bestHasTheHighestScoreAndLowestNumber)
{
    Study study;
    EXPECT_EQ(study.best(), nullptr);
    study.trials = {trial(0, 0, 0, 1.0), trial(1, 0, 0, 1.5), trial(2, 0, 0, 1.5)};
    EXPECT_EQ(study.best()->number, 1);
}

TEST(Study, hypervolumeIsTheAreaUnderTheFront)
{
    Study study;
    study.referenceSize = 100;
    study.trials = {trial(0, 0.5, 25), trial(1, 0.75, 50)};
    EXPECT_DOUBLE_EQ(study.hypervolume(), 0.75 * 0.5 + 0.5 * 0.25);
    study.trials.push_back(trial(2, 0.6, 80)); // dominated
    EXPECT_DOUBLE_EQ(study.hypervolume(), 0.75 * 0.5 + 0.5 * 0.25);
    EXPECT_EQ(Study{}.hypervolume(), 0.0);
    Study losses;
    losses.trials = {trial(0, -2, 10), trial(1, -1, 20)};
    EXPECT_GE(losses.hypervolume(), 0.0);
}

TEST(RequireSame, allowsMoreTrialsAndNamesWhatDiffers)
{
    StudyDescription stored;
    StudyDescription wanted = stored;
    wanted.trials = 99;
    wanted.budgetSeconds = 5;
    EXPECT_TRUE(requireSame(stored, wanted).has_value());
    wanted.epochs = 7;
    wanted.seed = 8;
    const auto refused = requireSame(stored, wanted);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(refused.error().message, HasSubstr("--epochs, --seed"));
}

} // namespace
} // namespace bitscape::search
