// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/project/project.h"
#include "tests/core/io/temporary_folder.h"
#include "tests/core/project/sample_projects.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>

namespace bitscape::project {
namespace {

using ::testing::HasSubstr;
using namespace tests;

TEST(ProjectTest, AProjectIsMadeAroundAModel)
{
    const Project project = makeProject(smallModel());
    EXPECT_FALSE(project.isEmpty());
    EXPECT_EQ(project.name, "digits");
    EXPECT_EQ(project.configurations.size(), 1U);
    EXPECT_TRUE(project.currentConfiguration().configuration.isFloat());
    EXPECT_TRUE(std::regex_match(
        project.uuid,
        std::regex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")));
    EXPECT_TRUE(std::regex_match(project.created,
                                 std::regex("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ")));
    EXPECT_EQ(project.accelerator, hw::accelerators().front());
    EXPECT_NE(project.uuid, makeProject(smallModel()).uuid);
}

TEST(ProjectTest, ConfigurationsAreReplacedByName)
{
    Project project = makeProject(smallModel());
    NamedConfiguration other;
    other.configuration.name = "other";
    project.putConfiguration(other);
    EXPECT_EQ(project.current, 1);
    other.configuration.foldBatchNorm = true;
    project.putConfiguration(other);
    EXPECT_EQ(project.configurations.size(), 2U);
    EXPECT_TRUE(project.findConfiguration("other")->configuration.foldBatchNorm);
    NamedConfiguration first;
    first.configuration.name = "float";
    project.putConfiguration(first);
    EXPECT_EQ(project.current, 0);
    EXPECT_EQ(project.findConfiguration("nothing"), nullptr);
}

TEST(ProjectTest, AnEditLeavesCopiesAndDropsWhatWasMeasured)
{
    Project project = fullProject();
    const Project before = project;
    ASSERT_TRUE(project.currentConfiguration().measured);
    project.editCurrent([](graph::Configuration& configuration) {
        configuration.set("dense", graph::Slot::Kernel, quantizer("quantized_bits(2,0,1)"));
    });
    EXPECT_FALSE(project.currentConfiguration().measured);
    EXPECT_EQ(project.currentConfiguration().configuration.name, "mixed-A");
    EXPECT_TRUE(before.currentConfiguration().measured);
    EXPECT_EQ(
        before.currentConfiguration().configuration.find("dense", graph::Slot::Kernel)->bits(), 8);
    EXPECT_NE(stateHash(project), stateHash(before));
}

TEST(ProjectTest, TheStateHashDependsOnWeightsAndQuantizersNotOnNames)
{
    Project project = fullProject();
    const std::string hash = stateHash(project);
    NamedConfiguration renamed = project.currentConfiguration();
    renamed.configuration.name = "another name";
    project.putConfiguration(renamed);
    EXPECT_EQ(stateHash(project), hash);
    renamed.weights = nullptr;
    project.putConfiguration(renamed);
    EXPECT_NE(stateHash(project), hash);
}

TEST(ProjectTest, CostsAgreeWithTheModelsTheyComeFrom)
{
    const Project project = fullProject();
    const graph::Configuration& configuration = project.currentConfiguration().configuration;
    const search::Cost cost =
        valueOf(costFunction(project.accelerator)(project.graph(), configuration));
    EXPECT_EQ(cost.bits, static_cast<double>(hw::packedWeightBits(project.graph(), configuration)));
    const hw::EnergyEstimate estimate =
        valueOf(hw::qtoolsEstimate(project.graph(), configuration, {}));
    EXPECT_EQ(cost.energyPicojoule, estimate.totalPicojoule);
    EXPECT_EQ(cost.activationBits, static_cast<double>(estimate.activationBits));
    EXPECT_EQ(
        cost.cycles,
        static_cast<double>(
            valueOf(hw::hardwareCost(project.graph(), configuration, project.accelerator)).cycles));
    const search::Cost floating = valueOf(costFunction(project.accelerator)(project.graph(), {}));
    EXPECT_EQ(floating.bits, 32.0 * static_cast<double>(project.graph().parameterCount()));
    EXPECT_LT(cost.bits, floating.bits);
}

TEST(ProjectTest, ASearchGetsTheLastPartForValidation)
{
    Project project = fullProject();
    const search::SearchInput input = valueOf(searchInput(project));
    EXPECT_EQ(input.train->count(), 105);
    EXPECT_EQ(input.validation->count(), 45);
    EXPECT_EQ(input.validation->labels.front(), project.data->samples->labels[105]);
    EXPECT_TRUE(input.sequential);
    EXPECT_TRUE(input.base.isFloat());
    EXPECT_EQ(*input.weights.front(), *project.currentWeights().front());

    project.data = nullptr;
    EXPECT_EQ(searchInput(project).error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(searchInput(Project{}).error().code, ErrorCode::InvalidArgument);
}

TEST(ProjectTest, ModelsOfProjectsOpenByConfiguration)
{
    const io::tests::TemporaryFolder folder;
    const std::string path = folder / "p.bitscape";
    const Project project = fullProject();
    ASSERT_TRUE(save(project, path));
    const OpenedModel current = valueOf(openModel(path));
    EXPECT_EQ(current.configuration.name, "mixed-A");
    EXPECT_EQ(*current.weights.front(), *project.currentWeights().front());
    const OpenedModel floating = valueOf(openModel(path + "@float"));
    EXPECT_TRUE(floating.configuration.isFloat());
    EXPECT_EQ(*floating.weights.front(), *project.graph().weights().front());
    const auto missing = openModel(path + "@mixed-B");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, ErrorCode::NotFound);
    EXPECT_THAT(missing.error().hint, HasSubstr("mixed-A"));
}

TEST(ProjectTest, UnknownSamplesAreNamedWithThoseThatExist)
{
    const auto model = openModel("sample:diggits");
    ASSERT_FALSE(model);
    EXPECT_EQ(model.error().code, ErrorCode::NotFound);
    EXPECT_THAT(model.error().sentence(), HasSubstr("diggits"));
    EXPECT_THAT(model.error().hint, HasSubstr("sample:digits"));
    io::DataRecipe recipe;
    recipe.source = "sample:nothing";
    const auto data = openData(recipe);
    ASSERT_FALSE(data);
    EXPECT_EQ(data.error().code, ErrorCode::NotFound);
    EXPECT_THAT(data.error().hint, HasSubstr("sample:digits:test"));
}

} // namespace
} // namespace bitscape::project
