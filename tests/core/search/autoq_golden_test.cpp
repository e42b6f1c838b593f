// SPDX-License-Identifier: GPL-3.0-or-later
// Spaces, sizes and scores of the real AutoQKeras, from ../shared/golden/qtools/autoq.
#include "core/io/model_file.h"
#include "core/search/study.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace bitscape::search {
namespace {

using Json = nlohmann::ordered_json;

const std::filesystem::path kFolder = std::filesystem::path(BITSCAPE_SHARED) / "golden/qtools";
constexpr double kDeltaError = 1e-9; // AutoQKeras' own float32 steps are repeated
constexpr double kScoreError = 3e-7; // it rounds scores, up to 2, to float32

Json readJson(const std::filesystem::path& path)
{
    std::ifstream file(path);
    return Json::parse(file, nullptr, false);
}

/// The model of a golden entry, for searches; null graph if this release cannot run it.
SearchInput inputFor(const std::string& model)
{
    SearchInput input;
    const auto loaded = io::loadModel((kFolder / model).string());
    if (!loaded || !graph::requireSupported(*loaded->graph)) {
        return input;
    }
    input.graph = loaded->graph;
    input.weights = loaded->graph->weights();
    input.base = loaded->quantizers;
    input.sequential = Json::parse(loaded->architecture)["class_name"] == "Sequential";
    return input;
}

/// Settings of the parts that are covered: bits, no tuning of filters or learning rates.
bool isCovered(const Json& setting)
{
    const Json& arguments = setting["arguments"];
    return setting["goal"]["type"] == "bits" && !setting.contains("exception") &&
           arguments.value("tune_filters", "none") == "none" &&
           !arguments.value("learning_rate_optimizer", false);
}

StudyDescription descriptionOf(const Json& setting)
{
    Json config = setting["arguments"];
    config["goal"] = setting["goal"];
    StudyDescription description;
    description.configJson = config.dump();
    return description;
}

void expectSpace(const SpaceReport& space, const Json& wanted)
{
    ASSERT_EQ(space.choices.size(), wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        const Choice& choice = space.choices[i];
        EXPECT_EQ(choice.name, wanted[i]["name"]);
        const Json values =
            wanted[i].contains("values") ? wanted[i]["values"] : Json::array({wanted[i]["value"]});
        EXPECT_EQ(Json(choice.values), values) << choice.name;
        EXPECT_EQ(choice.defaultValue, wanted[i].value("default", values[0])) << choice.name;
    }
}

void expectTrial(const SearchInput& input, const SpaceReport& space, const Json& trial)
{
    const auto assignment = trial["values"].get<std::map<std::string, std::string>>();
    const auto configuration = configurationOf(input, space, assignment);
    if (!configuration) {
        // Quantizers that this release does not have; describe() warned of them.
        EXPECT_FALSE(space.warnings.empty()) << configuration.error().sentence();
        return;
    }
    const auto measured = measure(input, space, *configuration);
    ASSERT_TRUE(measured.has_value()) << measured.error().sentence();
    EXPECT_EQ(measured->size, trial["trial_size"].get<double>());
    EXPECT_NEAR(measured->delta, trial["delta"].get<double>(), kDeltaError);
    for (const Json& pair : trial.value("score_for_accuracy", Json::array())) {
        EXPECT_NEAR(space.factor.score(pair[0].get<double>(), measured->delta),
                    pair[1].get<double>(), kScoreError);
    }
}

TEST(AutoQGolden, spacesAndTrialsAreThoseOfAutoQKeras)
{
    if (!std::filesystem::exists(kFolder)) {
        GTEST_SKIP() << "no golden vectors at " << kFolder;
    }
    int settings = 0;
    for (const auto& file : std::filesystem::directory_iterator(kFolder / "autoq")) {
        const Json entry = readJson(file.path());
        if (!entry.is_object() || !entry.contains("settings")) {
            continue;
        }
        const SearchInput input = inputFor(entry["model"]);
        for (const Json& setting : entry["settings"]) {
            if (input.graph == nullptr || !isCovered(setting)) {
                continue;
            }
            SCOPED_TRACE(file.path().stem().string() + " " + setting["setting"].get<std::string>());
            const auto space = describe(input, descriptionOf(setting));
            ASSERT_TRUE(space.has_value()) << space.error().sentence();
            expectSpace(*space, setting["space"]);
            EXPECT_EQ(space->referenceSize, setting["reference"].get<double>());
            for (const Json& trial : setting["trials"]) {
                expectTrial(input, *space, trial);
            }
            ++settings;
        }
    }
    EXPECT_GE(settings, 10);
}

TEST(AutoQGolden, sizesOfModelsAsTheyAre)
{
    if (!std::filesystem::exists(kFolder)) {
        GTEST_SKIP() << "no golden vectors at " << kFolder;
    }
    int rows = 0;
    for (const Json& row : readJson(kFolder / "autoq/sizes.json")) {
        const std::string model = "models/" + row["model"].get<std::string>() + ".json";
        if (row["goal"]["type"] != "bits" || row.contains("exception") ||
            !std::filesystem::exists(kFolder / model)) {
            continue;
        }
        const SearchInput input = inputFor(model);
        if (input.graph == nullptr) {
            continue;
        }
        SCOPED_TRACE(model);
        StudyDescription description;
        description.configJson = Json{{"goal", row["goal"]}, {"limit", Json::object()}}.dump();
        const auto space = describe(input, description);
        ASSERT_TRUE(space.has_value()) << space.error().sentence();
        EXPECT_EQ(space->referenceSize, row["reference_size"].get<double>());
        EXPECT_EQ(space->trialSize, row["trial_size"].get<double>());
        EXPECT_NEAR(space->delta, row["delta"].get<double>(), kDeltaError);
        ++rows;
    }
    EXPECT_GE(rows, 8);
}

} // namespace
} // namespace bitscape::search
