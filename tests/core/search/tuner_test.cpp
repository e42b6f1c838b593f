// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/search/tuner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

namespace bitscape::search {
namespace {

using testing::HasSubstr;

std::vector<Choice> choices(int count)
{
    std::vector<Choice> list;
    for (int i = 0; i < count; ++i) {
        list.push_back({.name = "layer" + std::to_string(i) + "_kernel_quantizer",
                        .values = {"binary", "ternary", "quantized_bits(4,0,1)"},
                        .defaultValue = "binary"});
    }
    return list;
}

std::unique_ptr<Tuner> randomTuner(TunerInput input)
{
    const auto row = findTuner("random");
    EXPECT_TRUE(row.has_value());
    return (*row)->make(std::move(input));
}

TEST(RandomTuner, dependsOnSeedAndNumberOnly)
{
    const auto one = randomTuner({.choices = choices(6), .seed = 3});
    const auto other = randomTuner({.choices = choices(6), .seed = 3});
    const auto seventh = other->ask(7);
    for (int i = 0; i < 7; ++i) {
        EXPECT_EQ(one->ask(i), other->ask(i));
    }
    EXPECT_EQ(one->ask(7), seventh);
    EXPECT_NE(randomTuner({.choices = choices(6), .seed = 4})->ask(0), one->ask(0));
}

TEST(RandomTuner, proposesNothingTwiceAndAllOfASmallSpace)
{
    const auto tuner = randomTuner({.choices = choices(3), .seed = 1});
    std::set<Assignment> seen;
    for (int i = 0; i < 27; ++i) {
        const auto assignment = tuner->ask(i);
        ASSERT_TRUE(assignment.has_value()) << i;
        EXPECT_TRUE(seen.insert(*assignment).second) << i;
    }
    EXPECT_FALSE(tuner->ask(27).has_value());
}

TEST(RandomTuner, aSpaceWithoutChoicesHoldsOneTrial)
{
    const auto tuner = randomTuner({});
    EXPECT_TRUE(tuner->ask(0).has_value());
    EXPECT_FALSE(tuner->ask(1).has_value());
}

TEST(RandomTuner, drawsOnlyQuantizersThatExist)
{
    std::vector<Choice> list = choices(1);
    list[0].values = {"no_such_quantizer", "ternary"};
    const auto tuner = randomTuner({.choices = list});
    EXPECT_EQ(tuner->ask(0)->begin()->second, "ternary");
    EXPECT_FALSE(tuner->ask(1).has_value());
}

TEST(RandomTuner, findsWhatNarrowLimitsLeave)
{
    // Only one assignment of 3^8 is allowed: all binary.
    const auto allowed = [](const Assignment& assignment) {
        return std::ranges::all_of(assignment,
                                   [](const auto& entry) { return entry.second == "binary"; });
    };
    const auto tuner = randomTuner({.choices = choices(8), .seed = 2, .allowed = allowed});
    const auto first = tuner->ask(0);
    ASSERT_TRUE(first.has_value());
    EXPECT_TRUE(allowed(*first));
    EXPECT_FALSE(tuner->ask(1).has_value());
}

TEST(Tuners, nameThemselves)
{
    for (const TunerInfo& row : tuners()) {
        EXPECT_FALSE(row.doc.empty());
        EXPECT_TRUE(findTuner(row.name).has_value());
    }
    const auto unknown = findTuner("greedy");
    ASSERT_FALSE(unknown.has_value());
    EXPECT_EQ(unknown.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(unknown.error().sentence(), HasSubstr("random"));
}

} // namespace
} // namespace bitscape::search
