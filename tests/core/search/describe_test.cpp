// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/search/limits.h"
#include "core/search/study.h"
#include "tests/support/examples.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace bitscape::search {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

SearchInput inputOf(graph::GraphPtr graph)
{
    SearchInput input;
    input.weights = graph->weights();
    input.graph = std::move(graph);
    return input;
}

Result<SpaceReport> describeWith(const SearchInput& input, const std::string& config,
                                 std::map<std::string, double> limits = {})
{
    StudyDescription description;
    description.configJson = config;
    description.limits = std::move(limits);
    return describe(input, description);
}

std::vector<std::string> names(const SpaceReport& space)
{
    std::vector<std::string> list;
    for (const Choice& choice : space.choices) {
        list.push_back(choice.name);
    }
    return list;
}

TEST(Space, asksForKernelsFirstThenLayerByLayer)
{
    const SearchInput input = inputOf(examples::smallCnn());
    const auto space =
        describeWith(input, R"({"limit": {"Conv2D": [4], "Dense": [4, 8, 4], "Activation": [4],
                                "BatchNormalization": []}})");
    ASSERT_TRUE(space.has_value()) << space.error().sentence();
    EXPECT_THAT(names(*space), ElementsAre("conv_kernel_quantizer", "logits_kernel_quantizer",
                                           "conv_bias_quantizer", "relu_activation_quantizer",
                                           "logits_bias_quantizer"));
    EXPECT_THAT(space->convertedNorms, ElementsAre("bn"));
    EXPECT_EQ(space->choices[2].values.size(), 3U); // padded with 8 bits for the bias
    EXPECT_FALSE(space->transferWeights);
}

TEST(Space, patternsShareOneChoice)
{
    const SearchInput input =
        inputOf(examples::Chain(Shape{4}).dense("fc1", 4).dense("fc2", 4).dense("last", 2).build());
    const auto space = describeWith(
        input, R"({"limit": {"fc": [["ternary", "binary"], 8, 4], "Dense": [8, 8, 4]}})");
    ASSERT_TRUE(space.has_value()) << space.error().sentence();
    EXPECT_THAT(names(*space), ElementsAre("fc_kernel_quantizer", "last_kernel_quantizer",
                                           "fc_bias_quantizer", "last_bias_quantizer"));
    EXPECT_THAT(space->choices[0].values, ElementsAre("ternary", "binary"));
    const auto configuration = configurationOf(input, *space, {{"fc_kernel_quantizer", "binary"}});
    ASSERT_TRUE(configuration.has_value());
    for (const char* layer : {"fc1", "fc2"}) {
        EXPECT_EQ(configuration->find(layer, graph::Slot::Kernel)->info().name, "binary");
    }
    EXPECT_EQ(configuration->find("last", graph::Slot::Kernel)->info().name, "binary");
}

TEST(Space, embeddedActivationsTakeTheDefaultBits)
{
    const SearchInput input = inputOf(examples::smallMlp());
    const auto space =
        describeWith(input, R"({"limit": {"Dense": [8, 8, 8]}, "activation_bits": 6})");
    ASSERT_TRUE(space.has_value()) << space.error().sentence();
    EXPECT_TRUE(std::ranges::any_of(space->choices, [](const Choice& choice) {
        return choice.name == "fc1_activation_quantizer" && choice.targets.empty();
    }));
    const auto configuration = configurationOf(input, *space, {});
    ASSERT_TRUE(configuration.has_value());
    const auto activation = configuration->find("fc1", graph::Slot::Activation);
    ASSERT_NE(activation, nullptr);
    EXPECT_EQ(activation->info().name, "quantized_relu");
    EXPECT_EQ(activation->bits(), 6);
    EXPECT_EQ(configuration->find("out", graph::Slot::Activation), nullptr); // softmax stays
}

TEST(Space, layerIndexesLeaveLayersOut)
{
    const SearchInput input = inputOf(examples::smallCnn());
    const auto space =
        describeWith(input, R"({"limit": {"Conv2D": [4], "Dense": [4]}, "layer_indexes": [1]})");
    ASSERT_TRUE(space.has_value());
    // The dense layer's kernel is asked for, as in AutoQKeras, but goes nowhere.
    EXPECT_THAT(names(*space), ElementsAre("conv_kernel_quantizer", "logits_kernel_quantizer",
                                           "conv_bias_quantizer"));
    EXPECT_TRUE(space->choices[1].targets.empty());
}

TEST(Space, namesWhatIsWrongWithAConfiguration)
{
    struct Case {
        std::string config, said;
    };
    const std::vector<Case> table{
        {"{", "JSON"},
        {R"({"limits": {}})", "limit"},
        {R"({"tune_filters": "layer"})", "tune_filters"},
        {R"({"limit": {"Dense": [0]}})", "No kernel quantizer"},
        {R"json({"limit": {"Dense": [["quantized_bits(4,0,2)"]]}})json", "quantized_bits(4,0,1)"},
        {R"({"limit": {"fc1": [8]}})", "limit.fc1"},
        {R"json({"limit": {"(": [8]}})json", "regular expression"},
        {R"({"limit": {"Dense": ["8"]}})", "limit.Dense"},
        {R"({"activation_bits": 0})", "activation_bits"},
        {R"({"goal": {"type": "speed"}})", "speed"},
    };
    const SearchInput input = inputOf(examples::smallMlp());
    for (const Case& row : table) {
        const auto space = describeWith(input, row.config);
        ASSERT_FALSE(space.has_value()) << row.config;
        EXPECT_EQ(space.error().code, ErrorCode::InvalidArgument);
        EXPECT_THAT(space.error().sentence(), HasSubstr(row.said)) << row.config;
    }
}

TEST(Space, theDefaultConfigurationCanBeMadeWhole)
{
    for (const char* goal : {"bits", "energy", "cycles"}) {
        const SearchInput input = [] {
            SearchInput made = inputOf(examples::smallCnn());
            made.cost = [](const graph::Graph&, const graph::Configuration&) -> Result<Cost> {
                return Cost{.cycles = 5};
            };
            made.energy = [](const graph::Graph&, const graph::Configuration&,
                             const EnergyRequest&) -> Result<double> { return 7.0; };
            return made;
        }();
        const auto space = describeWith(input, defaultConfig(goal));
        ASSERT_TRUE(space.has_value()) << space.error().sentence();
        EXPECT_TRUE(space->warnings.empty());
        EXPECT_TRUE(space->transferWeights);
        for (const Choice& choice : space->choices) {
            EXPECT_EQ(usableValues(choice).size(), choice.values.size());
        }
    }
}

TEST(ConfigurationOf, refusesNamesAndValuesOutsideTheSpace)
{
    const SearchInput input = inputOf(examples::smallMlp());
    const auto space = describeWith(input, R"({"limit": {"Dense": [4, 8, 4]}})");
    ASSERT_TRUE(space.has_value());
    const auto name = configurationOf(input, *space, {{"fc1_kernel_quantiser", "binary"}});
    ASSERT_FALSE(name.has_value());
    EXPECT_THAT(name.error().sentence(), HasSubstr("fc1_kernel_quantizer"));
    const auto value =
        configurationOf(input, *space, {{"fc1_kernel_quantizer", "quantized_bits(8,0,1)"}});
    ASSERT_FALSE(value.has_value());
    EXPECT_THAT(value.error().sentence(), HasSubstr("quantized_bits(4,0,1)"));
}

TEST(Limits, tellTheReachableRange)
{
    const SearchInput input = inputOf(examples::smallMlp());
    const std::string config = R"({"limit": {"Dense": [4, 8, 4]}})";
    const auto space = describeWith(input, config);
    ASSERT_TRUE(space.has_value());
    Assignment least;
    for (const Choice& choice : space->choices) {
        least[choice.name] = byBits(choice).front();
    }
    const auto smallest = measure(input, *space, *configurationOf(input, *space, least));
    ASSERT_TRUE(smallest.has_value());
    EXPECT_TRUE(describeWith(input, config, {{"bits", smallest->cost.bits}}).has_value());

    const auto refused = describeWith(input, config, {{"bits", smallest->cost.bits - 1}});
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, ErrorCode::Infeasible);
    EXPECT_THAT(refused.error().message, HasSubstr("limit bits"));
    EXPECT_THAT(refused.error().message,
                HasSubstr(std::to_string(static_cast<int>(smallest->cost.bits)) + " to "));
}

TEST(Limits, refuseCostsThatDoNotExist)
{
    const SearchInput input = inputOf(examples::smallMlp());
    for (const auto& limits : {std::map<std::string, double>{{"watts", 1}},
                               std::map<std::string, double>{{"bits", 0}}}) {
        const auto refused = describeWith(input, defaultConfig("bits"), limits);
        ASSERT_FALSE(refused.has_value());
        EXPECT_EQ(refused.error().code, ErrorCode::InvalidArgument);
    }
}

} // namespace
} // namespace bitscape::search
