// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/rng.h"
#include "core/io/array_file.h"
#include "core/io/hdf5.h"
#include "core/io/load_options.h"
#include "core/io/zip_archive.h"
#include "core/project/codec.h"
#include "core/project/project.h"
#include "tests/core/io/keras_support.h"
#include "tests/core/io/temporary_folder.h"
#include "tests/core/project/sample_projects.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <thread>

namespace bitscape::project {
namespace {

using io::tests::TemporaryFolder;
using ::testing::HasSubstr;
using namespace tests;

Project stored(const Project& project, const TemporaryFolder& folder,
               DataPolicy policy = DataPolicy::Source)
{
    const std::string path = folder / "p.bitscape";
    if (auto saved = save(project, path); !saved) {
        throw std::runtime_error(saved.error().sentence());
    }
    return valueOf(load(path, policy));
}

TEST(ProjectFileTest, KeepsNameTimesAndTexts)
{
    const TemporaryFolder folder;
    const Project before = fullProject();
    const Project after = stored(before, folder);
    EXPECT_EQ(after.name, before.name);
    EXPECT_EQ(after.uuid, before.uuid);
    EXPECT_EQ(after.created, before.created);
    EXPECT_EQ(after.modified.size(), std::string("2024-02-29T12:00:00Z").size());
    EXPECT_EQ(after.commands, before.commands);
    EXPECT_EQ(after.viewState, before.viewState);
    EXPECT_EQ(dumped(toJson(after.trainingHistory)), dumped(toJson(before.trainingHistory)));
}

TEST(ProjectFileTest, KeepsTheModelWithItsBytes)
{
    const TemporaryFolder folder;
    const std::string modelPath = folder / "m.h5";
    const auto made = smallModel();
    ASSERT_TRUE(io::saveKerasH5(modelPath, *made->graph, made->graph->weights(), {}));
    const auto model = std::make_shared<const io::ModelFile>(valueOf(io::loadModel(modelPath)));
    const Project after = stored(makeProject(model), folder);
    EXPECT_EQ(*after.model->bytes, *model->bytes);
    EXPECT_EQ(after.model->sha256, model->sha256);
    EXPECT_EQ(after.model->path, modelPath);
    EXPECT_EQ(after.model->architecture, model->architecture);
    EXPECT_EQ(after.model->producer, model->producer);
    const graph::WeightSet weights = model->graph->weights();
    const graph::WeightSet read = after.graph().weights();
    ASSERT_EQ(read.size(), weights.size());
    for (std::size_t i = 0; i < weights.size(); ++i) {
        EXPECT_EQ(*read[i], *weights[i]);
    }
}

/// Saved and opened again, the project computes with the same weights and knows the same file.
void expectKept(const io::ModelFile& model, const TemporaryFolder& folder)
{
    const Project after = stored(makeProject(std::make_shared<const io::ModelFile>(model)), folder);
    EXPECT_EQ(after.model->format, model.format);
    EXPECT_EQ(after.model->sha256, model.sha256);
    EXPECT_EQ(after.model->kerasVersion, model.kerasVersion);
    const graph::WeightSet weights = model.graph->weights();
    const graph::WeightSet read = after.graph().weights();
    ASSERT_EQ(read.size(), weights.size());
    for (std::size_t i = 0; i < weights.size(); ++i) {
        EXPECT_EQ(*read[i], *weights[i]);
    }
}

/// A dense layer with a kernel that no other layout of it equals.
void writeTree(const std::string& path)
{
    auto file = io::hdf5::File::create(path, io::hdf5::Format::Earliest);
    ASSERT_TRUE(file);
    const Tensor kernel = io::tests::ramp({2, 3});
    const Tensor bias = io::tests::ramp({3}, 1);
    ASSERT_TRUE(file->write("layers/dense/vars/0", kernel.view(), io::hdf5::Storage::Plain));
    ASSERT_TRUE(file->write("layers/dense/vars/1", bias.view(), io::hdf5::Storage::Plain));
}

TEST(ProjectFileTest, KeepsModelsOfAllKerasLayouts)
{
    using namespace io::tests; // NOLINT(google-build-using-namespace): makers of small files
    const TemporaryFolder folder;
    const Json model =
        sequential({input("in", {2}), layer("Dense", {{"name", "d"}, {"units", 3}})});
    const std::string weights = folder / "m.weights.h5";
    writeTree(weights);
    const std::string json = folder.write("m.json", model.dump());
    expectKept(valueOf(io::loadModel(json + "," + weights)), folder);
    expectKept(valueOf(io::loadModel(weights, {.architecture = json})), folder);

    const auto zip = io::writeZip({{"metadata.json", R"({"keras_version": "3.5.0"})"},
                                   {"config.json", model.dump()},
                                   {"model.weights.h5", contentOf(weights)}},
                                  "m.keras");
    ASSERT_TRUE(zip);
    expectKept(valueOf(io::loadModel(folder.write("m.keras", *zip))), folder);

    const Json old =
        sequential({layer("Convolution2D", {{"name", "c"},
                                            {"nb_filter", 2},
                                            {"nb_row", 3},
                                            {"nb_col", 3},
                                            {"dim_ordering", "th"},
                                            {"batch_input_shape", {nullptr, 1, 4, 4}}})});
    writeKeras(folder / "k1.h5", old, {{"c", {{"c_W", ramp({2, 1, 3, 3})}, {"c_b", ramp({2})}}}},
               "1.2.2");
    expectKept(valueOf(io::loadModel(folder / "k1.h5")), folder);
}

TEST(ProjectFileTest, KeepsWeightsOfANetworkThatWasMadeHere)
{
    const TemporaryFolder folder;
    const Project before = makeProject(smallModel());
    ASSERT_FALSE(before.model->bytes);
    const Project after = stored(before, folder);
    ASSERT_NE(before.graph().weights().front()->values()[0], 0.0F);
    EXPECT_EQ(*after.graph().weights().front(), *before.graph().weights().front());
    EXPECT_TRUE(after.model->warnings.empty());
}

TEST(ProjectFileTest, KeepsConfigurationsWithWeightsAndMeasurements)
{
    const TemporaryFolder folder;
    const Project before = fullProject();
    const Project after = stored(before, folder);
    ASSERT_EQ(after.configurations.size(), before.configurations.size());
    EXPECT_EQ(after.current, before.current);
    for (std::size_t i = 0; i < before.configurations.size(); ++i) {
        const NamedConfiguration& a = *before.configurations[i];
        const NamedConfiguration& b = *after.configurations[i];
        EXPECT_EQ(b.configuration.name, a.configuration.name);
        EXPECT_TRUE(graph::sameContent(a.configuration, b.configuration));
        ASSERT_EQ(static_cast<bool>(b.weights), static_cast<bool>(a.weights));
        for (std::size_t w = 0; a.weights && w < a.weights->size(); ++w) {
            EXPECT_EQ(*(*b.weights)[w], *(*a.weights)[w]);
        }
        ASSERT_EQ(b.measured.has_value(), a.measured.has_value());
        if (a.measured) {
            EXPECT_EQ(b.measured->accuracy, a.measured->accuracy);
            EXPECT_EQ(b.measured->standardError, a.measured->standardError);
            EXPECT_EQ(b.measured->count, a.measured->count);
            EXPECT_EQ(b.measured->dataDescription, a.measured->dataDescription);
            EXPECT_EQ(b.measured->forHash, a.measured->forHash);
        }
    }
    EXPECT_EQ(stateHash(after), stateHash(before));
}

TEST(ProjectFileTest, KeepsCalibrationToTheLastCount)
{
    const TemporaryFolder folder;
    const Project before = fullProject();
    const Project after = stored(before, folder);
    ASSERT_TRUE(after.calibration);
    EXPECT_EQ(after.calibration->samples, before.calibration->samples);
    EXPECT_EQ(after.calibration->dataDescription, before.calibration->dataDescription);
    ASSERT_EQ(after.calibration->tensors.size(), before.calibration->tensors.size());
    for (std::size_t i = 0; i < before.calibration->tensors.size(); ++i) {
        const search::TensorStatistics& a = before.calibration->tensors[i];
        const search::TensorStatistics& b = after.calibration->tensors[i];
        EXPECT_EQ(b.layer, a.layer);
        EXPECT_EQ(b.samples, a.samples);
        EXPECT_EQ(b.minimum, a.minimum);
        EXPECT_EQ(b.maximum, a.maximum);
        EXPECT_EQ(b.sum, a.sum);
        EXPECT_EQ(b.sumOfSquares, a.sumOfSquares);
        EXPECT_EQ(b.count, a.count);
        EXPECT_EQ(b.zeros, a.zeros);
        EXPECT_EQ(b.range, a.range);
        EXPECT_EQ(b.histogram, a.histogram);
    }
}

TEST(ProjectFileTest, KeepsStudiesWithEveryNumberOfEveryTrial)
{
    const TemporaryFolder folder;
    const Project before = fullProject();
    const Project after = stored(before, folder);
    ASSERT_EQ(after.studies.size(), 1U);
    const search::Study& a = *before.studies.front();
    const search::Study& b = *after.studies.front();
    EXPECT_EQ(dumped(toJson(b.description)), dumped(toJson(a.description)));
    EXPECT_EQ(b.referenceSize, a.referenceSize);
    EXPECT_EQ(b.front(), a.front());
    ASSERT_EQ(b.trials.size(), a.trials.size());
    for (std::size_t i = 0; i < a.trials.size(); ++i) {
        EXPECT_EQ(b.trials[i].number, a.trials[i].number);
        EXPECT_EQ(b.trials[i].metric, a.trials[i].metric);
        EXPECT_EQ(b.trials[i].metricError, a.trials[i].metricError);
        EXPECT_EQ(b.trials[i].score, a.trials[i].score);
        EXPECT_EQ(b.trials[i].cost.bits, a.trials[i].cost.bits);
        EXPECT_EQ(b.trials[i].cost.activationBits, a.trials[i].cost.activationBits);
        EXPECT_EQ(b.trials[i].cost.energyPicojoule, a.trials[i].cost.energyPicojoule);
        EXPECT_EQ(b.trials[i].cost.cycles, a.trials[i].cost.cycles);
        EXPECT_EQ(b.trials[i].trialSize, a.trials[i].trialSize);
        EXPECT_EQ(b.trials[i].referenceSize, a.trials[i].referenceSize);
        EXPECT_EQ(b.trials[i].delta, a.trials[i].delta);
        EXPECT_EQ(b.trials[i].seconds, a.trials[i].seconds);
        EXPECT_EQ(dumped(trialTexts(b.trials[i])), dumped(trialTexts(a.trials[i])));
    }
}

TEST(ProjectFileTest, KeepsAccelerators)
{
    const TemporaryFolder folder;
    const Project before = fullProject();
    const Project after = stored(before, folder);
    EXPECT_EQ(after.accelerator, before.accelerator);
    EXPECT_EQ(after.accelerators, before.accelerators);
}

TEST(ProjectFileTest, KeepsAnEmptyProject)
{
    const TemporaryFolder folder;
    const Project after = stored(Project{}, folder);
    EXPECT_TRUE(after.isEmpty());
    EXPECT_FALSE(after.uuid.empty());
    EXPECT_EQ(after.accelerator, Project{}.accelerator);
}

TEST(ProjectFileTest, DrawsBuiltInDataAgainAndKeepsAPartForLookingOnly)
{
    const TemporaryFolder folder;
    const Project before = fullProject();
    const Project whole = stored(before, folder);
    EXPECT_EQ(whole.data->samples->inputs.front(), before.data->samples->inputs.front());
    EXPECT_EQ(whole.data->samples->labels, before.data->samples->labels);
    EXPECT_EQ(whole.validationShare, before.validationShare);
    EXPECT_TRUE(whole.data->warnings.empty());

    const Project part = stored(before, folder, DataPolicy::Stored);
    EXPECT_EQ(part.dataCount, 150);
    EXPECT_EQ(part.data->samples->count(), 100);
    // The kept samples are the data's own, evenly spaced: number 2 of the part is number 3.
    const Index size = 256;
    const auto from = before.data->samples->inputs.front().values().subspan(3 * size, size);
    const auto kept = part.data->samples->inputs.front().values().subspan(2 * size, size);
    EXPECT_TRUE(std::ranges::equal(from, kept));
}

/// Data from a file with more samples than a project keeps.
io::DataSet largeData(const std::string& path, float first)
{
    Tensor values(Shape{kStoredSamples + 500, 3});
    values.values()[0] = first;
    EXPECT_TRUE(io::saveNpy(path, values.view()));
    io::DataRecipe recipe;
    recipe.source = path;
    return valueOf(openData(recipe));
}

TEST(ProjectFileTest, ReadsTheSourceAgainOrGoesOnWithThePartAndSaysSo)
{
    const TemporaryFolder folder;
    const std::string source = folder / "x.npy";
    Project before = makeProject(smallModel());
    before.putData(largeData(source, 0.5F));
    EXPECT_EQ(stored(before, folder).data->samples->count(), kStoredSamples + 500);

    largeData(source, 0.75F);
    const Project changed = stored(before, folder);
    EXPECT_EQ(changed.data->samples->count(), kStoredSamples);
    ASSERT_EQ(changed.data->warnings.size(), 1U);
    EXPECT_EQ(changed.data->warnings.front().code, "data_source_changed");

    std::filesystem::remove(source);
    const Project missing = stored(before, folder);
    EXPECT_EQ(missing.data->samples->count(), kStoredSamples);
    EXPECT_EQ(missing.dataCount, kStoredSamples + 500);
    EXPECT_EQ(missing.data->samples->inputs.front().values()[0], 0.5F);
    ASSERT_EQ(missing.data->warnings.size(), 1U);
    EXPECT_EQ(missing.data->warnings.front().code, "data_source_missing");
}

TEST(ProjectFileTest, KeepsHowImagesAndBytesWereRead)
{
    const TemporaryFolder folder;
    Project before = makeProject(smallModel());
    io::DataSet data = smallData(20);
    data.recipe.imageSize = io::ImageSize{96, 128};
    data.recipe.color = "grey";
    data.recipe.dtype = "int8";
    before.putData(std::move(data));
    const io::DataRecipe recipe = stored(before, folder).data->recipe;
    EXPECT_EQ(recipe.imageSize, (io::ImageSize{96, 128}));
    EXPECT_EQ(recipe.color, "grey");
    EXPECT_EQ(recipe.dtype, "int8");
    const Json old = Json::parse(R"({"source": "x.npz", "x_key": "", "y_key": "",
        "label_column": "", "scale": null, "normalize": "", "layout": "nhwc", "limit": 0,
        "skip": 0, "split_train": 1.0, "classes": 0})");
    const auto older = recipeFrom(old);
    ASSERT_TRUE(older) << older.error().sentence();
    EXPECT_FALSE(older->imageSize);
    EXPECT_EQ(older->color, "auto");
    EXPECT_EQ(toJson(*older), old);
}

TEST(ProjectFileTest, SameContentGivesSameBytesButForTheTime)
{
    const TemporaryFolder folder;
    const Project project = fullProject();
    ASSERT_TRUE(save(project, folder / "a.bitscape"));
    ASSERT_TRUE(save(project, folder / "b.bitscape"));
    const std::string a = io::tests::contentOf(folder / "a.bitscape");
    const std::string b = io::tests::contentOf(folder / "b.bitscape");
    ASSERT_EQ(a.size(), b.size());
    std::size_t differences = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        differences += a[i] != b[i] ? 1 : 0;
    }
    EXPECT_LE(differences, 64U + 20U + 8U) << "digest, time and the sum of their block";
}

TEST(ProjectFileTest, DamageIsRefusedNeverReadAsOtherNumbers)
{
    const TemporaryFolder folder;
    ASSERT_TRUE(save(fullProject(), folder / "p.bitscape"));
    const std::string good = io::tests::contentOf(folder / "p.bitscape");
    Rng rng(11);
    for (int i = 0; i < 300; ++i) {
        std::string damaged = good;
        const std::size_t at = rng.below(damaged.size());
        if (i % 3 == 0) {
            damaged.resize(at);
        } else if (i % 3 == 1) {
            damaged[at] = static_cast<char>(damaged[at] ^ (1 << rng.below(8)));
        } else {
            for (std::size_t k = at; k < std::min(at + 64, damaged.size()); ++k) {
                damaged[k] = static_cast<char>(rng.below(256));
            }
        }
        if (damaged == good) {
            continue;
        }
        const auto result = loadFromMemory(damaged, "p.bitscape", DataPolicy::Stored);
        ASSERT_FALSE(result) << "damage " << i << " at byte " << at;
        EXPECT_THAT(result.error().where, HasSubstr("p.bitscape"));
    }
}

TEST(ProjectFileTest, AVersionChangedInPlaceIsNamed)
{
    const TemporaryFolder folder;
    ASSERT_TRUE(save(fullProject(), folder / "p.bitscape"));
    std::string bytes = io::tests::contentOf(folder / "p.bitscape");
    // As another HDF5 program would: the value of the attribute alone.
    const std::size_t name = bytes.find(std::string("format_version") + '\0');
    ASSERT_NE(name, std::string::npos);
    const std::size_t value = name + 15 + 12 + 4;
    ASSERT_EQ(bytes[value], 1);
    bytes[value] = 0x0f;
    bytes[value + 1] = 0x27;
    const auto result = loadFromMemory(bytes, "p.bitscape");
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::VersionTooNew);
    EXPECT_THAT(result.error().message, HasSubstr("9999"));
}

TEST(ProjectFileTest, ASaveThatFailsLeavesTheOldFileAndNoPart)
{
    const TemporaryFolder folder;
    const auto nowhere = save(fullProject(), folder / "missing/p.bitscape");
    ASSERT_FALSE(nowhere);
    EXPECT_EQ(nowhere.error().code, ErrorCode::Io);

    // A folder cannot be replaced by a file.
    std::filesystem::create_directory(folder / "taken.bitscape");
    EXPECT_FALSE(save(fullProject(), folder / "taken.bitscape"));
    EXPECT_EQ(folder.fileCount(), 1);
}

TEST(ProjectFileTest, KilledWhileSavingTheFileIsTheOldOrTheNewOne)
{
    const TemporaryFolder folder;
    const std::string path = folder / "p.bitscape";
    Project project = fullProject();
    ASSERT_TRUE(save(project, path));
    Rng rng(3);
    for (int round = 0; round < 8; ++round) {
        const pid_t child = ::fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            for (int i = 0;; ++i) {
                project.commands = {std::to_string(i)};
                if (!save(project, path)) {
                    ::_exit(1);
                }
            }
        }
        std::this_thread::sleep_for(std::chrono::microseconds(2000 + rng.below(40000)));
        ::kill(child, SIGKILL);
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFSIGNALED(status));
        const auto loaded = load(path, DataPolicy::Stored);
        ASSERT_TRUE(loaded) << loaded.error().sentence();
        EXPECT_EQ(loaded->studies.front()->trials.size(), 4U);
    }
}

TEST(ProjectFileTest, MissingFileIsNotFound)
{
    const auto result = load("/nonexistent/p.bitscape");
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::NotFound);
}

} // namespace
} // namespace bitscape::project
