// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/train/metrics.h"
#include "core/train/train.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

namespace bitscape::train {
namespace {

constexpr double kRounding = 1e-6;

Samples samplesOf(Index count)
{
    Samples samples;
    samples.inputs.emplace_back(Shape{count, 2});
    return samples;
}

TEST(Evaluate, countsClasses)
{
    Samples samples = samplesOf(4);
    samples.labels = {0, 1, 2, 2};
    const Tensor outputs(Shape{4, 3}, std::array{0.8F, 0.1F, 0.1F, 0.2F, 0.7F, 0.1F, //
                                                 0.1F, 0.6F, 0.3F, 0.0F, 0.1F, 0.9F});
    const Evaluation result = evaluateOutputs(outputs.view(), samples);
    EXPECT_EQ(result.count, 4);
    EXPECT_DOUBLE_EQ(*result.accuracy, 0.75);
    EXPECT_DOUBLE_EQ(*result.top5, 1.0);
    EXPECT_THAT(result.confusion,
                testing::ElementsAre(testing::ElementsAre(1, 0, 0), testing::ElementsAre(0, 1, 0),
                                     testing::ElementsAre(0, 1, 1)));
    EXPECT_THAT(result.perClass, testing::ElementsAre(1.0, 1.0, 0.5));
    const double wanted = -(std::log(0.8) + std::log(0.7) + std::log(0.3) + std::log(0.9)) / 4.0;
    EXPECT_NEAR(*result.loss, wanted, kRounding);
}

TEST(Evaluate, classesWithoutSamplesHaveNoShare)
{
    Samples samples = samplesOf(1);
    samples.labels = {1};
    const Evaluation result =
        evaluateOutputs(Tensor(Shape{1, 2}, std::array{0.5F, 0.5F}).view(), samples);
    EXPECT_TRUE(std::isnan(result.perClass[0]));
    EXPECT_DOUBLE_EQ(*result.accuracy, 0.0); // the first of equal outputs answers
}

TEST(Evaluate, takesASingleOutputForYesOrNo)
{
    Samples samples = samplesOf(4);
    samples.labels = {0, 1, 1, 0};
    const Evaluation result =
        evaluateOutputs(Tensor(Shape{4, 1}, std::array{0.1F, 0.9F, 0.4F, 0.3F}).view(), samples);
    EXPECT_DOUBLE_EQ(*result.accuracy, 0.75);
    EXPECT_DOUBLE_EQ(*result.auc, 1.0);
    EXPECT_THAT(result.confusion,
                testing::ElementsAre(testing::ElementsAre(2, 0), testing::ElementsAre(1, 1)));
}

TEST(Evaluate, readsOneHotTargetsAsClassesAndOthersAsValues)
{
    Samples samples = samplesOf(2);
    samples.targets = Tensor(Shape{2, 2}, std::array{0.0F, 1.0F, 1.0F, 0.0F});
    const Tensor outputs(Shape{2, 2}, std::array{0.2F, 0.8F, 0.4F, 0.6F});
    EXPECT_DOUBLE_EQ(*evaluateOutputs(outputs.view(), samples).accuracy, 0.5);

    samples.targets = Tensor(Shape{2, 2}, std::array{0.5F, 1.0F, 1.0F, 0.0F});
    const Evaluation values = evaluateOutputs(outputs.view(), samples);
    EXPECT_FALSE(values.accuracy.has_value());
    EXPECT_NEAR(*values.mse, (0.09 + 0.04 + 0.36 + 0.36) / 4, kRounding);
    EXPECT_NEAR(*values.mae, (0.3 + 0.2 + 0.6 + 0.6) / 4, kRounding);
}

TEST(Evaluate, scoresReconstructionsByTheirDistance)
{
    Samples samples;
    samples.inputs.emplace_back(Shape{2, 3}, std::array{1.0F, 1.0F, 1.0F, 2.0F, 2.0F, 2.0F});
    samples.labels = {0, 1};
    const Tensor outputs(Shape{2, 3}, std::array{1.0F, 1.0F, 1.0F, 1.0F, 2.0F, 2.0F});
    const Evaluation result = evaluateOutputs(outputs.view(), samples);
    EXPECT_DOUBLE_EQ(*result.auc, 1.0);
    EXPECT_FALSE(result.accuracy.has_value());
}

TEST(Evaluate, saysNothingWithoutAnswers)
{
    const Evaluation none = evaluateOutputs(Tensor(Shape{0, 3}).view(), samplesOf(0));
    EXPECT_EQ(none.count, 0);
    EXPECT_FALSE(none.accuracy.has_value());
    const Evaluation bare = evaluateOutputs(Tensor(Shape{2, 3}).view(), samplesOf(2));
    EXPECT_EQ(bare.count, 2);
    EXPECT_FALSE(bare.loss.has_value());
}

TEST(AreaUnderCurve, countsTiesHalf)
{
    EXPECT_DOUBLE_EQ(*areaUnderCurve(std::array{1.0, 1.0}, {false, true}), 0.5);
    EXPECT_DOUBLE_EQ(*areaUnderCurve(std::array{1.0, 2.0, 3.0}, {true, false, true}), 0.5);
    EXPECT_DOUBLE_EQ(*areaUnderCurve(std::array{3.0, 2.0}, {false, true}), 0.0);
    EXPECT_FALSE(areaUnderCurve(std::array{1.0, 2.0}, {true, true}).has_value());
}

} // namespace
} // namespace bitscape::train
