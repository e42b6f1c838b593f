// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/train/teaching.h"
#include "tests/support/examples.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace bitscape::train {
namespace {

constexpr double kFloatRounding = 1e-6;

/// A network that returns its three inputs.
std::shared_ptr<const graph::InferencePlan> mirror()
{
    const auto graph = examples::Chain(Shape{3}).dense("out", 3).build();
    graph::WeightSet weights;
    weights.push_back(
        std::make_shared<const Tensor>(Shape{3, 3}, std::vector<float>{1, 0, 0, 0, 1, 0, 0, 0, 1}));
    weights.push_back(std::make_shared<const Tensor>(Shape{3}));
    auto plan = graph::InferencePlan::make(graph, {}, weights);
    EXPECT_TRUE(plan.has_value());
    return *plan;
}

struct Mixed {
    double loss = 0;
    std::vector<float> slope;
};

/// For a loss of 5 with a gradient of 0.25 everywhere.
Mixed mix(const Teaching& teaching, const Tensor& taught, const Tensor& given,
          std::span<const float> weights = {})
{
    Parallel parallel(1);
    Tensor upstream(given.shape());
    std::ranges::fill(upstream.values(), 0.25F);
    const TensorView input = taught.view();
    const auto loss = teaching.mix(std::span(&input, 1), given.view(), weights, 5.0,
                                   upstream.mutableView(), parallel);
    EXPECT_TRUE(loss.has_value());
    return {*loss, {upstream.values().begin(), upstream.values().end()}};
}

const std::vector<float> kTaught{1.0F, -0.5F, 0.25F, 2.0F, 0.0F, -1.0F};
const std::vector<float> kGiven{0.5F, 0.75F, -0.25F, -1.0F, 0.5F, 1.5F};

TEST(Teaching, gradientsAgreeWithDifferences)
{
    constexpr float kStep = 0x1p-8F;
    constexpr double kSecondOrder = 2e-5;
    const std::vector<float> weights{1.0F, 0.5F};
    for (const AnswerKind kind : {AnswerKind::Classes, AnswerKind::Flags, AnswerKind::Values}) {
        const Teaching teaching(mirror(), 0.4, 3.0, kind, true);
        const Tensor taught(Shape{2, 3}, kTaught);
        Tensor given(Shape{2, 3}, kGiven);
        const Mixed here = mix(teaching, taught, given, weights);
        for (Index i = 0; i < given.size(); ++i) {
            const float kept = given.data()[i];
            given.data()[i] = kept + kStep;
            const double above = mix(teaching, taught, given, weights).loss;
            given.data()[i] = kept - kStep;
            const double below = mix(teaching, taught, given, weights).loss;
            given.data()[i] = kept;
            EXPECT_NEAR(here.slope[static_cast<std::size_t>(i)],
                        0.6 * 0.25 + (above - below) / (2.0 * kStep), kSecondOrder)
                << "kind " << static_cast<int>(kind) << ", element " << i;
        }
    }
}

TEST(Teaching, asksNothingOfOutputsThatAreTheTeachers)
{
    for (const AnswerKind kind : {AnswerKind::Classes, AnswerKind::Flags, AnswerKind::Values}) {
        const Teaching teaching(mirror(), 0.4, 3.0, kind, true);
        const Tensor taught(Shape{2, 3}, kTaught);
        EXPECT_NEAR(mix(teaching, taught, taught).loss, 0.6 * 5.0, kFloatRounding);
    }
}

TEST(Teaching, comparesValuesByTheirDistance)
{
    const Teaching teaching(mirror(), 1.0, 3.0, AnswerKind::Values, false);
    const Tensor taught(Shape{1, 3}, std::vector<float>{1, 2, 3});
    const Tensor given(Shape{1, 3}, std::vector<float>{2, 2, 1});
    EXPECT_NEAR(mix(teaching, taught, given).loss, 5.0 / 3.0, kFloatRounding);
}

} // namespace
} // namespace bitscape::train
