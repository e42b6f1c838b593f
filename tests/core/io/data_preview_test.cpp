// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/data_preview.h"
#include "core/io/array_file.h"
#include "core/io/hdf5.h"
#include "tests/core/io/image_support.h"
#include "tests/core/io/temporary_folder.h"
#include "tests/core/io/tfrecord_support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bitscape::io {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using tests::TemporaryFolder;

class Preview : public ::testing::Test {
protected:
    [[nodiscard]] DataPreview preview(const std::string& source, Index count,
                                      DataRecipe recipe = {}) const
    {
        recipe.source = m_folder / source;
        auto out = previewData(recipe, count);
        EXPECT_TRUE(out) << (out ? "" : out.error().sentence());
        return out ? std::move(*out) : DataPreview();
    }

    static std::vector<Index> countsOf(const DataPreview& preview)
    {
        std::vector<Index> counts;
        for (const PreviewClass& one : preview.classes) {
            counts.push_back(one.count);
        }
        return counts;
    }

    TemporaryFolder m_folder;
};

Tensor counting(const Shape& shape)
{
    Tensor tensor(shape);
    for (Index i = 0; i < tensor.size(); ++i) {
        tensor.data()[i] = static_cast<float>(i);
    }
    return tensor;
}

TEST_F(Preview, OfArraysReadsTheFirstRowsAndAllLabels)
{
    const Tensor x = counting({100, 2, 2, 1});
    Tensor y(Shape{100});
    for (Index i = 0; i < 100; ++i) {
        y.data()[i] = static_cast<float>(i % 4);
    }
    ASSERT_TRUE(saveNpz(m_folder / "xy.npz", {{"x", x.view()}, {"y", y.view()}}));
    ASSERT_TRUE(saveNpy(m_folder / "x.npy", x.view()));
    ASSERT_TRUE(saveNpy(m_folder / "y.npy", y.view()));
    {
        auto file = hdf5::File::create(m_folder / "xy.h5", hdf5::Format::Earliest);
        ASSERT_TRUE(file && file->write("x", x.view(), hdf5::Storage::Plain) &&
                    file->write("y", y.view(), hdf5::Storage::Plain) && file->close());
    }
    const std::string pair = "x.npy," + m_folder / "y.npy";
    for (const std::string& name : {std::string("xy.npz"), pair, std::string("xy.h5")}) {
        SCOPED_TRACE(name);
        const DataPreview shown = preview(name, 3);
        EXPECT_EQ(shown.count, 100);
        EXPECT_EQ(shown.sampleShape, (Shape{2, 2, 1}));
        EXPECT_EQ(shown.dtype, "float32");
        EXPECT_EQ(shown.minimum, 0);
        EXPECT_EQ(shown.maximum, 11);
        EXPECT_THAT(countsOf(shown), ElementsAre(25, 25, 25, 25));
        EXPECT_TRUE(shown.countsAll);
        ASSERT_THAT(shown.samples, SizeIs(3));
        EXPECT_EQ(shown.samples[2].label, 2);
        EXPECT_EQ(shown.samples[0].height, 2);
        EXPECT_EQ(shown.samples[0].channels, 1);
        EXPECT_THAT(shown.samples[0].pixels, ElementsAre(0, 23, 46, 70)) << "stretched from 0…11";
        EXPECT_THAT(shown.samples[2].pixels, ElementsAre(185, 209, 232, 255));
    }
}

TEST_F(Preview, OfAFolderIsSpreadOverItsClasses)
{
    for (int i = 0; i < 30; ++i) {
        const std::string folder = i < 10 ? "ant" : "bee";
        std::filesystem::create_directories(m_folder / folder);
        m_folder.write(folder + "/" + std::to_string(100 + i) + ".png",
                       tests::flatPng(3, 3, {static_cast<std::uint8_t>(i), 0, 0}));
    }
    const DataPreview shown = preview("", 3);
    EXPECT_EQ(shown.count, 30);
    ASSERT_THAT(shown.classes, SizeIs(2));
    EXPECT_EQ(shown.classes[1].name, "bee");
    EXPECT_THAT(countsOf(shown), ElementsAre(10, 20));
    ASSERT_THAT(shown.samples, SizeIs(3));
    EXPECT_EQ(shown.samples[0].label, 0);
    EXPECT_EQ(shown.samples[2].label, 1);
    EXPECT_EQ(shown.samples[2].pixels[0], 20) << "bytes are shown as they are";
    EXPECT_EQ(shown.samples[2].channels, 3);
}

TEST_F(Preview, ShowsImagesOfDifferentSizesAndSaysSo)
{
    m_folder.write("a.png", tests::flatPng(4, 6, {9}));
    m_folder.write("b.png", tests::flatPng(300, 200, {7}));
    const DataPreview shown = preview("", 5);
    ASSERT_THAT(shown.samples, SizeIs(2));
    EXPECT_EQ(shown.samples[1].height, 4);
    EXPECT_THAT(shown.samples[1].pixels, Each(7));
    ASSERT_THAT(shown.warnings, SizeIs(1));
    EXPECT_EQ(shown.warnings[0].code, "sizes_differ");
    EXPECT_THAT(shown.classes, IsEmpty());
}

TEST_F(Preview, ImagesAreThumbnails)
{
    m_folder.write("a.png", tests::flatPng(300, 100, {9}));
    const DataPreview shown = preview("", 1);
    EXPECT_EQ(shown.sampleShape, (Shape{300, 100, 1}));
    EXPECT_EQ(shown.samples[0].height, 100);
    EXPECT_EQ(shown.samples[0].width, 34);
    EXPECT_THAT(shown.samples[0].pixels, Each(9));
    EXPECT_THAT(shown.samples[0].pixels, SizeIs(100 * 34));
}

TEST_F(Preview, OfTablesAreSeries)
{
    std::string table = "a,b,kind\n";
    for (int i = 0; i < 50; ++i) {
        table += std::to_string(i) + ",1.5," + (i % 2 == 0 ? "x\n" : "y\n");
    }
    m_folder.write("t.csv", table);
    const DataPreview shown = preview("t.csv", 2, {.labelColumn = "kind"});
    ASSERT_THAT(shown.samples, SizeIs(2));
    EXPECT_EQ(shown.samples[1].height, 0);
    EXPECT_THAT(shown.samples[1].series, ElementsAre(1, 1.5F));
    EXPECT_EQ(shown.classes[1].name, "y");
    EXPECT_FALSE(shown.countsAll);
}

TEST_F(Preview, OfRecordsAndTinyFolders)
{
    using namespace tests;
    std::string records;
    for (int i = 0; i < 9; ++i) {
        records += record(example({{"x", floatFeature({1, 2})}, {"y", integerFeature({i % 3})}}));
    }
    m_folder.write("r.tfrecord", records);
    const DataPreview shown = preview("r.tfrecord", 2);
    EXPECT_EQ(shown.count, 9);
    EXPECT_THAT(shown.samples, SizeIs(2));
    EXPECT_FALSE(shown.countsAll);

    std::filesystem::create_directory(m_folder / "tiny");
    std::string list;
    for (int i = 0; i < 8; ++i) {
        const std::string name = std::to_string(i) + ".bin";
        m_folder.write("tiny/" + name, std::string(5, static_cast<char>(i)));
        list += name + ",4," + std::to_string(i / 2) + "\n";
    }
    m_folder.write("tiny/y_labels.csv", list);
    const DataPreview tiny = preview("tiny", 4);
    EXPECT_EQ(tiny.count, 8);
    EXPECT_THAT(countsOf(tiny), ElementsAre(2, 2, 2, 2));
    EXPECT_EQ(tiny.samples[3].label, 3);
    EXPECT_THAT(tiny.samples[3].series, Each(6));
}

TEST_F(Preview, IgnoresTheRowsOfTheRecipeButNotItsPreparation)
{
    ASSERT_TRUE(saveNpy(m_folder / "x.npy", counting({10, 2}).view()));
    const DataPreview shown =
        preview("x.npy", 1, {.scale = 2, .limit = 1, .skip = 8, .splitTrain = 0.9});
    EXPECT_EQ(shown.count, 10);
    EXPECT_THAT(shown.samples.at(0).series, ElementsAre(0, 2));
}

TEST_F(Preview, RefusesWhatCannotBeRead)
{
    m_folder.write("x.npz", "no zip");
    EXPECT_EQ(previewData({.source = m_folder / "x.npz"}, 3).error().code, ErrorCode::CorruptFile);
    EXPECT_EQ(previewData({.source = m_folder / "none"}, 3).error().code, ErrorCode::NotFound);
}

} // namespace
} // namespace bitscape::io
