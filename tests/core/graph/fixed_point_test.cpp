// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/json_text.h"
#include "core/graph/execution.h"
#include "core/io/model_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace bitscape::graph {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

/// What FixedPointQuantizer makes of a row; `types`: keep_negative, bits, integers of each value.
std::vector<float> quantized(const std::string& rounding, const std::string& overflow,
                             const std::vector<float>& x,
                             const std::array<std::vector<float>, 3>& types)
{
    const auto count = static_cast<Index>(types[0].size());
    const Json model{
        {"class_name", "Sequential"},
        {"config",
         {{"name", "m"},
          {"layers",
           {{{"class_name", "InputLayer"},
             {"config", {{"name", "x"}, {"batch_input_shape", {nullptr, x.size()}}}}},
            {{"class_name", "FixedPointQuantizer"},
             {"config",
              {{"name", "q"}, {"RND", rounding}, {"SAT", overflow}, {"shape", {1, count}}}}}}}}}};
    const auto file = io::loadModelFromMemory(model.dump(), nullptr);
    EXPECT_TRUE(file) << file.error().sentence();
    WeightSet weights;
    for (const std::vector<float>& type : types) {
        weights.push_back(std::make_shared<const Tensor>(Shape{1, count}, type));
    }
    const auto plan = InferencePlan::make(file->graph, {}, weights).value();
    const Tensor input(Shape{1, static_cast<Index>(x.size())}, x);
    Parallel parallel(1);
    const Tensor y = plan->run(std::vector{input.view()}, parallel).value().front();
    return {y.values().begin(), y.values().end()};
}

TEST(FixedPoint, RoundsAndWrapsAsApFixed)
{
    const std::array<std::vector<float>, 3> fixed42{{{1}, {4}, {2}}}; // −2 … 1.75 in quarters
    const std::vector<float> x{0.30F, -0.30F, 1.75F, 2.0F, -2.25F};
    EXPECT_THAT(quantized("TRN", "WRAP", x, fixed42), ElementsAre(0.25F, -0.5F, 1.75F, -2, 1.75F));
    EXPECT_THAT(quantized("RND", "SAT", x, fixed42), ElementsAre(0.25F, -0.25F, 1.75F, 1.75F, -2));
    EXPECT_THAT(quantized("TRN_ZERO", "SAT_SYM", x, fixed42),
                ElementsAre(0.25F, -0.25F, 1.75F, 1.75F, -1.75F));
    EXPECT_THAT(quantized("RND", "SAT_ZERO", x, fixed42), ElementsAre(0.25F, -0.25F, 1.75F, 0, 0));
    EXPECT_THAT(quantized("RND", "WRAP_SM", x, fixed42),
                ElementsAre(0.25F, -0.25F, 1.75F, 1.75F, -2));
    const std::vector<float> ties{0.125F, 0.375F, -0.125F, -0.375F};
    EXPECT_THAT(quantized("RND", "SAT", ties, fixed42), ElementsAre(0.25F, 0.5F, 0, -0.25F));
    EXPECT_THAT(quantized("RND_CONV", "SAT", ties, fixed42), ElementsAre(0, 0.5F, 0, -0.5F));
    EXPECT_THAT(quantized("RND_ZERO", "SAT", ties, fixed42), ElementsAre(0, 0.25F, 0, -0.25F));
    EXPECT_THAT(quantized("RND_MIN_INF", "SAT", ties, fixed42),
                ElementsAre(0, 0.25F, -0.25F, -0.5F));
    EXPECT_THAT(quantized("RND_INF", "SAT", ties, fixed42),
                ElementsAre(0.25F, 0.5F, -0.25F, -0.5F));
}

TEST(FixedPoint, GivesEveryValueItsType)
{
    // ufixed<3,1>, fixed<5,5>, no bits at all
    EXPECT_THAT(quantized("TRN", "SAT", {1.9F, -3.5F, 7.0F}, {{{0, 1, 0}, {3, 5, 0}, {1, 5, 0}}}),
                ElementsAreArray({1.75F, -4.0F, 0.0F}));
}

} // namespace
} // namespace bitscape::graph
