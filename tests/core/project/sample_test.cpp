// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/text.h"
#include "core/project/sample.h"
#include "core/project/sample_digits.h"
#include "tests/core/project/sample_projects.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <ostream>

namespace bitscape::project {

static void PrintTo(const SampleInfo& sample, std::ostream* out) // googletest finds it by name
{
    *out << sample.name;
}

namespace {

using namespace tests;

TEST(SampleDigitsTest, AreTheSameBytesOnEveryMachine)
{
    const train::Samples samples = drawDigits(DigitsPart::Train, 200);
    const auto values = samples.inputs.front().values();
    EXPECT_EQ(sha256({reinterpret_cast<const char*>(values.data()), values.size_bytes()}),
              "d7be031c0e1b65bfd9e958437b7e1557fc1b34a4ae077947842a8db0cebfdc68");
}

TEST(SampleDigitsTest, HoldEveryClassEquallyInValuesOf255ths)
{
    const train::Samples samples = drawDigits(DigitsPart::Train, 50);
    ASSERT_EQ(samples.inputs.front().shape(), (Shape{50, 16, 16, 1}));
    for (int digit = 0; digit < 10; ++digit) {
        EXPECT_EQ(std::ranges::count(samples.labels, digit), 5);
    }
    for (const float value : samples.inputs.front().values()) {
        const float code = value * 255.0F;
        EXPECT_TRUE(value >= 0 && value <= 1 && std::abs(code - std::round(code)) < 1e-4F);
    }
    EXPECT_EQ(samples.classNames.size(), 10U);
}

TEST(SampleDigitsTest, AnImageDoesNotDependOnHowManyAreDrawn)
{
    const train::Samples few = drawDigits(DigitsPart::Test, 3);
    const train::Samples more = drawDigits(DigitsPart::Test, 7);
    EXPECT_TRUE(std::ranges::equal(few.inputs.front().values(),
                                   more.inputs.front().values().subspan(0, 3 * 256)));
}

TEST(SampleDigitsTest, PartsAndImagesDiffer)
{
    const train::Samples a = drawDigits(DigitsPart::Train, 20);
    const train::Samples b = drawDigits(DigitsPart::Test, 20);
    EXPECT_NE(a.inputs.front(), b.inputs.front());
    const auto values = a.inputs.front().values();
    EXPECT_FALSE(std::ranges::equal(values.subspan(0, 256), values.subspan(10 * 256, 256)));
}

TEST(SampleDigitsTest, DataFollowTheRecipe)
{
    io::DataRecipe recipe;
    recipe.source = "sample:digits:test";
    recipe.skip = 2;
    recipe.limit = 3;
    recipe.scale = 2.0;
    const io::DataSet data = valueOf(openData(recipe));
    EXPECT_EQ(data.samples->labels, (std::vector<std::int64_t>{2, 3, 4}));
    const train::Samples drawn = drawDigits(DigitsPart::Test, 3);
    EXPECT_EQ(data.samples->inputs.front().values()[0],
              2.0F * drawn.inputs.front().values()[2 * 256]);
    EXPECT_EQ(data.sha256.size(), 64U);
    recipe.limit = -1;
    EXPECT_EQ(openData(recipe).error().code, ErrorCode::InvalidArgument);
}

class SampleTest : public ::testing::TestWithParam<SampleInfo> {};

TEST_P(SampleTest, NetworksLoadWithFreshWeights)
{
    const io::ModelFile model = valueOf(untrainedNetwork(GetParam(), 1));
    const graph::Graph& graph = *model.graph;
    EXPECT_TRUE(graph.unsupported().empty());
    EXPECT_EQ(graph.layer(graph.outputs().front()).outputShape, (Shape{10}));
    EXPECT_EQ(graph.name(), GetParam().name);
    const graph::Layer& conv = graph.layer(graph.find("conv_1"));
    const auto kernel = conv.findWeight("kernel")->value;
    EXPECT_NE(kernel->values()[0], 0.0F);
    const double limit = std::sqrt(6.0 / (9.0 * (1 + GetParam().filters[0])));
    for (const float value : kernel->values()) {
        EXPECT_LE(std::abs(value), limit);
    }
    const graph::Layer& norm = graph.layer(graph.find("norm_1"));
    EXPECT_EQ(norm.findWeight("gamma")->value->values()[0], 1.0F);
    EXPECT_EQ(norm.findWeight("moving_variance")->value->values()[0], 1.0F);
    EXPECT_EQ(norm.findWeight("beta")->value->values()[0], 0.0F);
    EXPECT_EQ(model.sha256, valueOf(untrainedNetwork(GetParam(), 1)).sha256);
    const io::ModelFile other = valueOf(untrainedNetwork(GetParam(), 2));
    EXPECT_NE(*other.graph->weights().front(), *graph.weights().front());
}

TEST_P(SampleTest, RecipesAreValid)
{
    EXPECT_TRUE(trainRecipe(GetParam()).validate());
    EXPECT_TRUE(testRecipe(GetParam()).validate());
    EXPECT_NE(GetParam().trainData, GetParam().testData);
    EXPECT_FALSE(GetParam().doc.empty());
}

INSTANTIATE_TEST_SUITE_P(All, SampleTest, ::testing::ValuesIn(samples().begin(), samples().end()),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(EmbeddedSampleTest, ModelsOpenAndFitTheirData)
{
    for (const std::string_view name : embeddedModels()) {
        const OpenedModel opened = valueOf(openModel("sample:" + std::string(name)));
        const SampleInfo* sample = findSample(name);
        ASSERT_NE(sample, nullptr);
        EXPECT_EQ(opened.model->graph->layer(0).outputShape,
                  (Shape{sample->size, sample->size, 1}));
        EXPECT_EQ(opened.model->path, "sample:" + std::string(name));
    }
}

TEST(EmbeddedSampleTest, TheFinishedProjectIsComplete)
{
    const Project project = valueOf(sampleProject());
    EXPECT_EQ(project.name, "untitled");
    EXPECT_EQ(project.data->samples->count(), kDigitsTrainCount);
    EXPECT_TRUE(project.calibration);
    EXPECT_FALSE(project.trainingHistory.empty());
    ASSERT_EQ(project.studies.size(), 1U);
    EXPECT_GE(project.studies.front()->trials.size(), 40U);
    EXPECT_GE(project.studies.front()->front().size(), 3U);
    ASSERT_EQ(project.configurations.size(), 3U);
    for (int i = 0; i < 3; ++i) {
        Project chosen = project;
        chosen.current = i;
        const auto& measured = chosen.currentConfiguration().measured;
        ASSERT_TRUE(measured);
        EXPECT_EQ(measured->forHash, stateHash(chosen));
        EXPECT_GT(measured->accuracy, 0.85);
        EXPECT_EQ(measured->count, kDigitsTestCount);
    }
    EXPECT_LT(embeddedFile("digits.bitscape").size(), 400U * 1024U);
    EXPECT_TRUE(embeddedFile("nothing").empty());
}

} // namespace
} // namespace bitscape::project
