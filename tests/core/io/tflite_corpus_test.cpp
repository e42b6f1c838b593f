// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/model_file.h"
#include "core/io/tflite/tflite_export.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

// Real TFLite files of the corpus beside the sources.
namespace bitscape::io {
namespace {

const std::filesystem::path kModels = std::filesystem::path(BITSCAPE_SHARED) / "corpus" / "models";

std::vector<std::filesystem::path> files()
{
    std::vector<std::filesystem::path> found;
    if (std::filesystem::exists(kModels)) {
        for (const auto& entry : std::filesystem::recursive_directory_iterator(kModels)) {
            if (entry.path().extension() == ".tflite") {
                found.push_back(entry.path());
            }
        }
    }
    std::ranges::sort(found);
    return found;
}

TEST(TfliteCorpus, EveryFileIsRead)
{
    const auto all = files();
    if (all.empty()) {
        GTEST_SKIP() << "there is no corpus in " << kModels;
    }
    const std::map<std::string, std::int64_t> macs{{"ic_resnet8_int8.tflite", 12'501'632},
                                                   {"kws_dscnn_int8.tflite", 2'656'768},
                                                   {"ad_toycar_int8.tflite", 264'192}};
    std::size_t known = 0;
    for (const auto& path : all) {
        const auto file = loadModel(path.string());
        ASSERT_TRUE(file) << file.error().sentence();
        EXPECT_EQ(file->format, "tflite");
        // Recurrent layers in integers are all that is not covered.
        for (const int index : file->graph->unsupported()) {
            const std::string& name = file->graph->layer(index).className;
            EXPECT_TRUE(name == "SVDF" || name == "UNIDIRECTIONAL_SEQUENCE_LSTM") << name;
        }
        if (const auto row = macs.find(path.filename().string()); row != macs.end()) {
            EXPECT_EQ(file->graph->macs(), row->second) << path;
            ++known;
        }
    }
    EXPECT_EQ(known, macs.size());
}

TEST(TfliteCorpus, IntegerNetworksAreWrittenAsTheyWereRead)
{
    for (const auto& path : files()) {
        const std::string name = path.stem().string();
        if (!name.ends_with("_int8") && name != "micro_speech_quantized" &&
            name != "simple_add_model") {
            continue;
        }
        const auto file = loadModel(path.string());
        ASSERT_TRUE(file) << file.error().sentence();
        const auto content = exportTflite({file->graph, file->quantizers});
        ASSERT_TRUE(content) << content.error().sentence();
        const auto again = loadModelFromMemory(
            {}, std::make_shared<const std::string>(content->files.front().bytes));
        ASSERT_TRUE(again) << again.error().sentence();
        EXPECT_EQ(again->quantizers.canonical(), file->quantizers.canonical()) << path;
        EXPECT_EQ(again->graph->macs(), file->graph->macs());
        EXPECT_EQ(again->graph->layers().size(), file->graph->layers().size());
    }
}

} // namespace
} // namespace bitscape::io
