// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/json_text.h"
#include "core/base/text.h"
#include "core/graph/layer_registry.h"
#include "core/io/data_file.h"
#include "core/io/model_file.h"
#include "tests/core/io/temporary_folder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Real files of the corpus beside the sources: what is known of each must come out.
namespace bitscape::io {
namespace {

const std::string kCorpus = std::string(BITSCAPE_SHARED) + "/corpus";

struct Row {
    std::string file, format, version, parameters;
    Json classes;
};

std::vector<Row> rows()
{
    constexpr std::size_t kColumns = 13;
    std::vector<Row> out;
    std::ifstream table(kCorpus + "/models.tsv");
    std::string line;
    std::getline(table, line);
    while (std::getline(table, line)) {
        const std::vector<std::string> cells = split(line, '\t');
        if (cells.size() >= kColumns && std::filesystem::exists(kCorpus + "/models/" + cells[0])) {
            out.push_back(
                {cells[0], cells[3], cells[4], cells[6], Json::parse(cells[7], nullptr, false)});
        }
    }
    return out;
}

/// Classes whose layers the table counts although they stand inside others.
bool nests(const Row& row)
{
    for (const char* name :
         {"Bidirectional", "TimeDistributed", "PruneLowMagnitude", "Sequential", "Functional",
          "Model", "Merge", "TimeDistributedDense", "QConv2DBatchnorm", "FixedPointQuantizer"}) {
        if (row.classes.is_object() && row.classes.contains(name)) {
            return true;
        }
    }
    return false;
}

/// Keras 2's name of a class of Keras 1.
std::string nowCalled(const std::string& name)
{
    constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kNames{
        std::pair("Convolution1D", "Conv1D"), std::pair("Convolution2D", "Conv2D")};
    const auto* found = std::ranges::find(kNames, name, &decltype(kNames)::value_type::first);
    return found == kNames.end() ? name : std::string(found->second);
}

std::map<std::string, int> classesOf(const graph::Graph& graph)
{
    std::map<std::string, int> counts;
    for (const graph::Layer& layer : graph.layers()) {
        if (layer.className != "InputLayer" && !graph::isImplied(layer.op)) {
            ++counts[layer.className];
        }
    }
    return counts;
}

TEST(Corpus, EveryKerasFileIsReadOrRefusedInWords)
{
    const std::vector<Row> table = rows();
    if (table.empty()) {
        GTEST_SKIP() << "no corpus at " << kCorpus;
    }
    int read = 0;
    for (const Row& row : table) {
        if (!row.format.starts_with("keras")) {
            continue;
        }
        const auto file = loadModel(kCorpus + "/models/" + row.file);
        ASSERT_TRUE(file) << row.file << ": " << file.error().sentence();
        ++read;
        if (nests(row)) {
            continue;
        }
        std::map<std::string, int> wanted;
        for (const auto& [name, count] : row.classes.items()) {
            if (name != "InputLayer") {
                wanted[nowCalled(name)] += count.get<int>();
            }
        }
        EXPECT_EQ(classesOf(*file->graph), wanted) << row.file;
        // The table counts the states of metrics in zips of Keras 2 as well.
        const bool isCounted =
            row.format == "keras h5" || (row.format == "keras zip" && row.version.starts_with("3"));
        if (isCounted && file->graph->unsupported().empty()) {
            EXPECT_EQ(std::to_string(file->graph->parameterCount()), row.parameters) << row.file;
        }
    }
    EXPECT_GT(read, 100);
}

TEST(Corpus, WeightsAloneAskForTheArchitecture)
{
    for (const Row& row : rows()) {
        if (row.format != "h5 weights" || row.version.empty()) {
            continue;
        }
        const auto file = loadModel(kCorpus + "/models/" + row.file);
        ASSERT_FALSE(file) << row.file;
        EXPECT_EQ(file.error().code, ErrorCode::CorruptFile);
        EXPECT_NE(file.error().message.find("architecture"), std::string::npos) << row.file;
    }
}

TEST(Corpus, PairsOfArchitectureAndWeightsFit)
{
    int pairs = 0;
    for (const Row& row : rows()) {
        if (row.format != "keras json") {
            continue;
        }
        const std::string path = kCorpus + "/models/" + row.file;
        const std::string stem = path.substr(0, path.size() - 5);
        const std::string weights = stem + "_weights.h5";
        if (!std::filesystem::exists(weights)) {
            continue;
        }
        const auto file = loadModel(path + "," + weights);
        ASSERT_TRUE(file) << row.file << ": " << file.error().sentence();
        ++pairs;
    }
    if (pairs == 0) {
        GTEST_SKIP() << "no corpus at " << kCorpus;
    }
    EXPECT_GT(pairs, 5);
}

TEST(Corpus, WhatIsReadCanBeWrittenAndReadAgain)
{
    const tests::TemporaryFolder folder;
    for (const Row& row : rows()) {
        if (row.format != "keras h5") {
            continue;
        }
        const auto file = loadModel(kCorpus + "/models/" + row.file);
        if (!file || !file->graph->unsupported().empty()) {
            continue;
        }
        const auto weights = file->graph->weights();
        ASSERT_TRUE(saveKerasH5(folder / "s.h5", *file->graph, weights, file->quantizers));
        const auto back = loadModel(folder / "s.h5");
        ASSERT_TRUE(back) << row.file << ": " << back.error().sentence();
        ASSERT_EQ(back->graph->layers().size(), file->graph->layers().size()) << row.file;
        EXPECT_TRUE(sameContent(back->quantizers, file->quantizers)) << row.file;
        for (std::size_t i = 0; i < back->graph->layers().size(); ++i) {
            EXPECT_EQ(back->graph->layers()[i].op, file->graph->layers()[i].op) << row.file;
        }
    }
}

TEST(Corpus, DataSetsHaveTheirKnownSizes)
{
    struct Case {
        DataRecipe recipe;
        Index count;
        Shape sample;
    };
    const std::string data = kCorpus + "/data/";
    if (!std::filesystem::exists(data)) {
        GTEST_SKIP() << "no corpus at " << kCorpus;
    }
    const Case cases[] = {
        {{.source = data + "mnist10k/t10k-images-idx3-ubyte.gz"}, 2000, {28, 28, 1}},
        {{.source = data + "cifar10/cifar10_dev1000.npz", .xKey = "images", .yKey = "labels"},
         1000,
         {32, 32, 3}},
        {{.source = data + "kws01/kws01_int8_dev500.npz"}, 500, {49, 10, 1}},
        {{.source = data + "sklearn_tables/iris.csv", .labelColumn = "label"}, 150, {4}},
        {{.source = data + "uci_tables/vowel.csv.gz"}, 990, {10}},
    };
    for (const Case& one : cases) {
        const auto set = loadData(one.recipe);
        ASSERT_TRUE(set) << set.error().sentence();
        EXPECT_EQ(set->samples->count(), one.count) << one.recipe.source;
        EXPECT_EQ(set->samples->inputs.front().shape().sample(), one.sample);
        EXPECT_TRUE(set->samples->hasLabels()) << one.recipe.source;
    }
}

} // namespace
} // namespace bitscape::io
