// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/train/optimizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <string>
#include <vector>

namespace bitscape::train {
namespace {

using testing::HasSubstr;

constexpr float kRounding = 5e-6F; // 1 − beta_2^t loses digits in float32, as it does in Keras

struct Trajectory {
    std::string text;
    std::array<float, 2> end; ///< computed in double from the published update rules
};

/// Three steps from (1, −2) along fixed gradients.
std::vector<float> walk(const std::string& text)
{
    auto optimizer = makeOptimizer(text);
    EXPECT_TRUE(optimizer.has_value()) << text;
    const std::array<float, 2> start{1.0F, -2.0F};
    std::vector<Tensor> weights{Tensor(Shape{2}, start)};
    (*optimizer)->begin(weights, {0});
    const std::array<std::array<float, 2>, 3> gradients{
        {{0.5F, -1.0F}, {0.25F, 2.0F}, {-0.75F, 0.125F}}};
    for (const auto& gradient : gradients) {
        std::vector<Tensor> step{Tensor(Shape{2}, gradient)};
        (*optimizer)->step(weights, step);
    }
    (*optimizer)->finish(weights);
    return {weights[0].values().begin(), weights[0].values().end()};
}

TEST(Optimizer, followsKerasRules)
{
    const std::vector<Trajectory> table{
        {"sgd(0.1)", {1.0F, -2.1125F}},
        {"sgd(0.1,momentum=0.9)", {0.892F, -2.1215F}},
        {"SGD(0.1,0.9,True)", {0.9028F, -2.22185F}},
        {"adam(0.1)", {0.8149808F, -1.9684340F}},
        {"adam(0.1,beta_1=0.8,beta_2=0.5,epsilon=1e-05,amsgrad=True)", {0.8269442F, -1.9662212F}},
        {"sgd(0.1,weight_decay=0.01)", {0.9971279F, -2.1065059F}},
        {"sgd(0.1,clipnorm=0.5)", {1.0207573F, -2.0131125F}},
        {"sgd(0.1,global_clipnorm=0.5)", {1.0207573F, -2.0131125F}},
        {"sgd(0.1,clipvalue=0.4)", {0.975F, -2.0125F}},
        {"sgd(0.1,use_ema=True,ema_momentum=0.9)", {0.9892F, -2.01215F}},
        {"rmsprop(0.1)", {0.7980430F, -1.9882765F}},
        {"rmsprop(0.1,rho=0.8,momentum=0.5,centered=True)", {0.5558796F, -1.8929974F}},
        {"adagrad(0.1)", {0.9525151F, -1.9987419F}},
        {"adadelta(10.0)", {0.9944537F, -2.0053734F}},
        {"adamax(0.1)", {0.8321461F, -1.9495399F}},
        {"nadam(0.1)", {0.9208477F, -1.9920690F}},
        {"adamw(0.1,0.05)", {0.8015193F, -1.9393982F}},
        {"ftrl(0.1,l1_regularization_strength=0.3,l2_regularization_strength=0.2,l2_shrinkage_"
         "regularization_strength=0.1,beta=0.5)",
         {0.1785997F, -0.8789972F}},
        {"lion(0.1)", {0.9000000F, -2.1000000F}},
    };
    for (const Trajectory& row : table) {
        const std::vector<float> end = walk(row.text);
        EXPECT_NEAR(end[0], row.end[0], kRounding) << row.text;
        EXPECT_NEAR(end[1], row.end[1], kRounding) << row.text;
    }
}

TEST(Optimizer, leavesUntrainedWeightsAlone)
{
    auto optimizer = makeOptimizer("adam(0.1,weight_decay=0.1)");
    ASSERT_TRUE(optimizer.has_value());
    std::vector<Tensor> weights{Tensor(Shape{1}, std::array{1.0F}),
                                Tensor(Shape{1}, std::array{2.0F})};
    std::vector<Tensor> gradients{Tensor(Shape{1}, std::array{1.0F}),
                                  Tensor(Shape{1}, std::array{1.0F})};
    (*optimizer)->begin(weights, {1});
    (*optimizer)->step(weights, gradients);
    EXPECT_EQ(weights[0].values()[0], 1.0F);
    EXPECT_LT(weights[1].values()[0], 2.0F);
}

TEST(Optimizer, everyRowDescendsAndResumesWithTheSameBytes)
{
    constexpr int kSteps = 40;
    for (const OptimizerInfo& row : optimizers()) {
        const std::string text = std::string(row.name) + "(0.05,use_ema=True)";
        const auto walkOn = [](Optimizer& optimizer, std::vector<Tensor>& weights, int steps) {
            for (int i = 0; i < steps; ++i) { // the slope of w²/2 is w
                std::vector<Tensor> gradients = weights;
                optimizer.step(weights, gradients);
            }
        };
        std::vector<Tensor> whole{Tensor(Shape{2}, std::array{1.0F, -2.0F})};
        std::vector<Tensor> parts = whole;
        auto first = makeOptimizer(text);
        ASSERT_TRUE(first.has_value()) << text;
        (*first)->begin(whole, {0});
        walkOn(**first, whole, kSteps);
        EXPECT_LT(std::abs(whole[0].data()[0]), 1.0F) << text;
        EXPECT_LT(std::abs(whole[0].data()[1]), 2.0F) << text;

        auto before = makeOptimizer(text);
        auto after = makeOptimizer(text);
        (*before)->begin(parts, {0});
        walkOn(**before, parts, kSteps / 4);
        (*after)->begin(parts, {0});
        ASSERT_TRUE((*after)->restore((*before)->state()).has_value()) << text;
        walkOn(**after, parts, kSteps - kSteps / 4);
        (*first)->finish(whole);
        (*after)->finish(parts);
        EXPECT_TRUE(whole[0] == parts[0]) << text;
    }
}

TEST(Optimizer, refusesTheStateOfAnother)
{
    std::vector<Tensor> weights{Tensor(Shape{2})};
    auto adam = makeOptimizer("adam");
    auto sgd = makeOptimizer("sgd");
    (*adam)->begin(weights, {0});
    (*sgd)->begin(weights, {0});
    EXPECT_FALSE((*adam)->restore((*sgd)->state()).has_value());
}

TEST(Optimizer, everyRowCanBeMadeWithDefaults)
{
    for (const OptimizerInfo& row : optimizers()) {
        const auto made = makeOptimizer(row.name);
        ASSERT_TRUE(made.has_value()) << row.name;
        EXPECT_EQ((*made)->settings().learningRate, row.defaultLearningRate);
        EXPECT_FALSE(row.doc.empty());
        for (const CallParameter& parameter : allParameters(row)) {
            EXPECT_FALSE(parameter.doc.empty()) << row.name << ", " << parameter.name;
        }
    }
}

TEST(Optimizer, refusesWhatItCannotRead)
{
    struct Case {
        std::string text, said;
    };
    const std::vector<Case> table{
        {"adan(0.1)", "adan"},
        {"adam(0.1", "cannot be read"},
        {"adam(learning_rat=0.1)", "learning_rate"},
        {"adam(0.1,learning_rate=0.2)", "twice"},
        {"sgd(-1)", "learning_rate"},
        {"sgd(0.1,momentum=1.5)", "momentum"},
        {"sgd(abc)", "abc"},
        {"sgd('fast')", "number"},
        {"sgd(momentum=0.9,0.1)", "without a name"},
        {"", "cannot be read"},
        {"adam([0.1])", "number"},
        {"sgd(clipnorm=1,global_clipnorm=1)", "not both"},
        {"ftrl(learning_rate_power=0.5)", "learning_rate_power"},
    };
    for (const Case& row : table) {
        const auto made = makeOptimizer(row.text);
        ASSERT_FALSE(made.has_value()) << row.text;
        EXPECT_EQ(made.error().code, ErrorCode::InvalidArgument);
        EXPECT_THAT(made.error().sentence(), HasSubstr(row.said)) << row.text;
    }
}

TEST(KerasCall, printsWhatItReads)
{
    for (const std::string text :
         {"adam", "sgd(0.01,momentum=0.9,nesterov=True)", "loss(None,False,mode='x')",
          "adam(1e-05)", "steps([1.0,2.0],values=[])"}) {
        const auto call = parseKerasCall(text, "--optimizer");
        ASSERT_TRUE(call.has_value()) << text;
        EXPECT_EQ(toString(*call), text);
    }
}

} // namespace
} // namespace bitscape::train
