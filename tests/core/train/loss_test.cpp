// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/rng.h"
#include "core/train/loss.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

namespace bitscape::train {
namespace {

using testing::HasSubstr;

constexpr double kFloatRounding = 1e-6;

struct Problem {
    Tensor outputs;
    Targets targets;
};

/// Three samples of four outputs that lie inside (0, 1), with one-hot targets or labels.
Problem problem(const Loss& loss)
{
    constexpr Index kCount = 3;
    constexpr Index kWidth = 4;
    Problem made;
    made.outputs = Tensor(Shape{kCount, kWidth});
    Rng rng(7);
    for (float& value : made.outputs.values()) {
        value = static_cast<float>(rng.uniform(0.1, 0.6));
    }
    const std::vector<std::int64_t> labels{2, 0, 3};
    if (loss.wantsLabels()) {
        made.targets.labels = labels;
        return made;
    }
    made.targets.values = Tensor(Shape{kCount, kWidth});
    for (Index i = 0; i < kCount; ++i) {
        made.targets.values.data()[i * kWidth + labels[static_cast<std::size_t>(i)]] = 1.0F;
    }
    return made;
}

/// Every row with its defaults, and the arguments that change a formula.
std::vector<std::string> allLosses()
{
    std::vector<std::string> texts{"sparse_categorical_crossentropy(from_logits=True)",
                                   "categorical_crossentropy(from_logits=True)",
                                   "categorical_crossentropy(label_smoothing=0.2)",
                                   "binary_crossentropy(from_logits=True,label_smoothing=0.1)",
                                   "huber(delta=0.2)"};
    for (const LossInfo& row : losses()) {
        texts.emplace_back(row.name);
    }
    return texts;
}

TEST(Loss, gradientsAgreeWithDifferences)
{
    constexpr float kStep = 0x1p-10F; // exact in float32, so that the differences are as in double
    constexpr double kSecondOrder = 1e-5; // third derivative · step² / 6, relative to the gradient
    const std::vector<float> weights{1.0F, 0.5F, 2.0F};
    for (const std::string& text : allLosses()) {
        const auto loss = makeLoss(text);
        ASSERT_TRUE(loss.has_value()) << text;
        Problem made = problem(**loss);
        made.targets.weights = weights;
        const TargetView targets = made.targets.rows(0, 3);
        Tensor gradient(made.outputs.shape());
        (void)(*loss)->evaluate(made.outputs.view(), targets, false, gradient.mutableView());
        for (Index i = 0; i < made.outputs.size(); ++i) {
            const float kept = made.outputs.data()[i];
            made.outputs.data()[i] = kept + kStep;
            const double above = (*loss)->evaluate(made.outputs.view(), targets, false, {});
            made.outputs.data()[i] = kept - kStep;
            const double below = (*loss)->evaluate(made.outputs.view(), targets, false, {});
            made.outputs.data()[i] = kept;
            const double slope = (above - below) / (2.0 * kStep);
            EXPECT_NEAR(gradient.data()[i], slope, kSecondOrder * std::max(1.0, std::abs(slope)))
                << text << ", element " << i;
        }
    }
}

TEST(Loss, countsSamplesByTheirWeights)
{
    for (const std::string& text : allLosses()) {
        const auto loss = makeLoss(text);
        ASSERT_TRUE(loss.has_value()) << text;
        const Problem made = problem(**loss);
        double sum = 0;
        for (Index i = 0; i < 3; ++i) {
            const double one = (*loss)->evaluate(made.outputs.view().rows(i, 1),
                                                 made.targets.rows(i, 1), false, {});
            sum += static_cast<double>(i) * one;
        }
        Targets weighted = made.targets;
        weighted.weights = {0.0F, 1.0F, 2.0F};
        EXPECT_NEAR((*loss)->evaluate(made.outputs.view(), weighted.rows(0, 3), false, {}),
                    sum / 3.0, kFloatRounding)
            << text;
    }
}

double valueOf(const std::string& text, const std::vector<float>& outputs,
               const std::vector<float>& wanted)
{
    const auto loss = makeLoss(text);
    EXPECT_TRUE(loss.has_value()) << text;
    const Shape shape{1, static_cast<Index>(outputs.size())};
    const Tensor out(shape, outputs);
    Targets targets;
    targets.values = Tensor(shape, wanted);
    return (*loss)->evaluate(out.view(), targets.rows(0, 1), false, {});
}

TEST(Loss, valuesFollowTheFormulas)
{
    EXPECT_NEAR(valueOf("mse", {1, 2}, {0, 4}), 2.5, kFloatRounding);
    EXPECT_NEAR(valueOf("mean_absolute_error", {1, 2}, {0, 4}), 1.5, kFloatRounding);
    EXPECT_NEAR(valueOf("categorical_crossentropy", {0.2F, 0.8F}, {0, 1}), -std::log(0.8),
                kFloatRounding);
    // Outputs that do not sum to 1 are divided by their sum.
    EXPECT_NEAR(valueOf("categorical_crossentropy", {0.2F, 0.2F}, {0, 1}), std::log(2.0),
                kFloatRounding);
    EXPECT_NEAR(valueOf("categorical_crossentropy(from_logits=True)", {0, 0}, {0, 1}),
                std::log(2.0), kFloatRounding);
    EXPECT_NEAR(valueOf("binary_crossentropy", {0.25F}, {1}), std::log(4.0), kFloatRounding);
    EXPECT_NEAR(valueOf("binary_crossentropy(from_logits=True)", {0}, {1}), std::log(2.0),
                kFloatRounding);
    EXPECT_NEAR(valueOf("mape", {3}, {4}), 25.0, kFloatRounding);
    EXPECT_NEAR(valueOf("msle", {3}, {0}), std::pow(std::log(4.0), 2), kFloatRounding);
    EXPECT_NEAR(valueOf("huber", {3, 0.5F}, {0, 0}), (2.5 + 0.125) / 2, kFloatRounding);
    EXPECT_NEAR(valueOf("huber(delta=2)", {3}, {0}), 4.0, kFloatRounding);
    EXPECT_NEAR(valueOf("log_cosh", {-2}, {0}), std::log(std::cosh(2.0)), kFloatRounding);
    EXPECT_NEAR(valueOf("poisson", {2}, {3}), 2.0 - 3.0 * std::log(2.0), kFloatRounding);
    EXPECT_NEAR(valueOf("kl_divergence", {0.25F, 0.75F}, {0.5F, 0.5F}),
                0.5 * std::log(2.0) + 0.5 * std::log(2.0 / 3.0), kFloatRounding);
    EXPECT_NEAR(valueOf("cosine_similarity", {3, 4}, {0, 1}), -0.8, kFloatRounding);
    EXPECT_NEAR(valueOf("categorical_hinge", {0.2F, 0.9F, 0.1F}, {1, 0, 0}), 1.7, kFloatRounding);
}

TEST(Loss, readsZerosAndOnesAsSigns)
{
    EXPECT_NEAR(valueOf("hinge", {0.5F, -2}, {1, -1}), 0.25, kFloatRounding);
    EXPECT_NEAR(valueOf("hinge", {0.5F, -2}, {1, 0}), 0.25, kFloatRounding);
    EXPECT_NEAR(valueOf("squared_hinge", {0.5F, 1}, {1, 0}), (0.25 + 4.0) / 2, kFloatRounding);
}

TEST(Loss, clipsProbabilitiesAtKerasEpsilon)
{
    constexpr double kEpsilon = 1e-7;
    constexpr double kClippedRounding = 1e-3; // of log at a value that float32 rounds
    EXPECT_NEAR(valueOf("categorical_crossentropy", {1, 0}, {0, 1}), -std::log(kEpsilon),
                kClippedRounding);
    EXPECT_NEAR(valueOf("binary_crossentropy", {0}, {1}), -std::log(2 * kEpsilon),
                kClippedRounding);
}

TEST(Loss, staysFiniteOnLargeLogits)
{
    for (const std::string text :
         {"categorical_crossentropy(from_logits=True)", "binary_crossentropy(from_logits=True)"}) {
        EXPECT_NEAR(valueOf(text, {1000, -1000}, {1, 0}), 0.0, kFloatRounding) << text;
        EXPECT_TRUE(std::isfinite(valueOf(text, {-1000, 1000}, {1, 0}))) << text;
    }
}

TEST(Loss, everyRowCanBeMadeByBothNames)
{
    for (const LossInfo& row : losses()) {
        EXPECT_TRUE(makeLoss(row.name).has_value()) << row.name;
        EXPECT_FALSE(row.doc.empty());
        for (const CallParameter& parameter : row.parameters) {
            EXPECT_FALSE(parameter.doc.empty()) << row.name << ", " << parameter.name;
        }
        if (!row.shortName.empty()) {
            EXPECT_TRUE(makeLoss(row.shortName).has_value()) << row.shortName;
        }
    }
    const auto unknown = makeLoss("mean_squared_eror");
    ASSERT_FALSE(unknown.has_value());
    EXPECT_THAT(unknown.error().sentence(), HasSubstr("mean_squared_error"));
}

Samples labelled(std::vector<std::int64_t> labels)
{
    Samples samples;
    samples.inputs.emplace_back(Shape{static_cast<Index>(labels.size()), 2});
    samples.labels = std::move(labels);
    return samples;
}

TEST(TargetsFor, turnsLabelsAndRowsIntoWhatTheLossWants)
{
    const auto dense = makeLoss("categorical_crossentropy");
    const auto sparse = makeLoss("sparse_categorical_crossentropy");
    const Samples samples = labelled({1, 0});
    const auto rows = targetsFor(**dense, samples, Shape{2});
    ASSERT_TRUE(rows.has_value());
    EXPECT_THAT(rows->values.values(), testing::ElementsAre(0, 1, 1, 0));

    Samples column = labelled({});
    column.inputs = {Tensor(Shape{2, 2})};
    column.targets = Tensor(Shape{2, 1}, std::array{1.0F, 0.0F});
    const auto labels = targetsFor(**sparse, column, Shape{3});
    ASSERT_TRUE(labels.has_value());
    EXPECT_THAT(labels->labels, testing::ElementsAre(1, 0));
}

TEST(TargetsFor, namesWhatDoesNotFit)
{
    const auto sparse = makeLoss("sparse_categorical_crossentropy");
    const auto beyond = targetsFor(**sparse, labelled({0, 7}), Shape{3});
    ASSERT_FALSE(beyond.has_value());
    EXPECT_EQ(beyond.error().code, ErrorCode::ShapeMismatch);
    EXPECT_THAT(beyond.error().message, HasSubstr("7"));

    Samples bare = labelled({});
    bare.inputs = {Tensor(Shape{2, 2})};
    EXPECT_FALSE(targetsFor(**sparse, bare, Shape{3}).has_value());
}

} // namespace
} // namespace bitscape::train
