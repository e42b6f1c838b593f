// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/data_file.h"
#include "tests/core/io/image_support.h"
#include "tests/core/io/temporary_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace bitscape::io {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using tests::flatPng;
using tests::TemporaryFolder;

class ImageFolder : public ::testing::Test {
protected:
    void put(const std::string& name, const std::string& bytes) const
    {
        const std::filesystem::path path = m_folder / name;
        std::filesystem::create_directories(path.parent_path());
        m_folder.write(name, bytes);
    }

    [[nodiscard]] Result<DataSet> load(DataRecipe recipe = {}, const JobContext& job = {}) const
    {
        recipe.source = m_folder / "";
        return loadData(recipe, job, 2);
    }

    /// First value of every sample.
    static std::vector<float> firsts(const Result<DataSet>& set)
    {
        EXPECT_TRUE(set) << (set ? "" : set.error().sentence());
        std::vector<float> out;
        for (Index i = 0; set && i < set->samples->count(); ++i) {
            out.push_back(set->samples->inputs.front().view().rows(i, 1).values().front());
        }
        return out;
    }

    void expectRefused(const DataRecipe& recipe, ErrorCode code, const std::string& says) const
    {
        const auto set = load(recipe);
        ASSERT_FALSE(set) << says;
        EXPECT_EQ(set.error().code, code) << set.error().sentence();
        EXPECT_THAT(set.error().sentence(), HasSubstr(says));
    }

    TemporaryFolder m_folder;
};

TEST_F(ImageFolder, SubFoldersInOrderAreTheClasses)
{
    put("dog/b.png", flatPng(2, 3, {4}));
    put("dog/a.png", flatPng(2, 3, {3}));
    put("cat/deeper/z.png", flatPng(2, 3, {2}));
    put("cat/y.png", flatPng(2, 3, {1}));
    put("eel/e.png", flatPng(2, 3, {5}));
    const auto set = load();
    EXPECT_THAT(firsts(set), ElementsAre(1, 2, 3, 4, 5));
    EXPECT_THAT(set->samples->labels, ElementsAre(0, 0, 1, 1, 2));
    EXPECT_THAT(set->samples->classNames, ElementsAre("cat", "dog", "eel"));
    EXPECT_EQ(set->samples->inputs.front().shape(), (Shape{5, 2, 3, 1}));
    EXPECT_EQ(set->dtype, "uint8");
    EXPECT_THAT(set->warnings, IsEmpty());
}

TEST_F(ImageFolder, WithoutSubFoldersThereAreNoLabels)
{
    put("b.png", flatPng(2, 2, {2}));
    put("a.png", flatPng(2, 2, {1}));
    const auto set = load();
    EXPECT_THAT(firsts(set), ElementsAre(1, 2));
    EXPECT_THAT(set->samples->labels, IsEmpty());
    EXPECT_THAT(set->samples->classNames, IsEmpty());
}

TEST_F(ImageFolder, ContentCountsNotTheEnding)
{
    put("a/1.png", tests::encodeJpeg(8, 8, std::vector<std::uint8_t>(64, 50), true));
    put("a/2.dat", flatPng(8, 8, {60}));
    put("a/3.jpg", flatPng(8, 8, {70}));
    EXPECT_THAT(firsts(load()), ElementsAre(50, 60, 70));
}

TEST_F(ImageFolder, LeavesOutOthersAndCountsThemOnce)
{
    put("a/1.png", flatPng(2, 2, {1}));
    put("a/.hidden.png", flatPng(2, 2, {9}));
    put("a/readme.txt", "text");
    put(".git/2.png", flatPng(2, 2, {9}));
    put("beside.png", flatPng(2, 2, {9}));
    std::filesystem::create_directory(m_folder / "b");
    const auto set = load();
    EXPECT_THAT(firsts(set), ElementsAre(1));
    EXPECT_THAT(set->samples->classNames, ElementsAre("a", "b"));
    ASSERT_THAT(set->warnings, SizeIs(2));
    EXPECT_EQ(set->warnings[0].code, "files_left_out");
    EXPECT_THAT(set->warnings[0].message, HasSubstr("4 files were left out: 2 hidden"));
    EXPECT_THAT(set->warnings[0].message, HasSubstr("a/readme.txt"));
    EXPECT_EQ(set->warnings[1].code, "empty_class");
}

TEST_F(ImageFolder, IsGreyOnlyWhereAllImagesAre)
{
    put("a/1.png", flatPng(1, 1, {10}));
    put("a/2.png", flatPng(1, 1, {1, 2, 3}));
    const auto shapeOf = [](const Result<DataSet>& set) {
        return set ? set->samples->inputs.front().shape() : Shape();
    };
    EXPECT_EQ(shapeOf(load()), (Shape{2, 1, 1, 3}));
    EXPECT_EQ(shapeOf(load({.limit = 1})), (Shape{1, 1, 1, 3})) << "a part has the same channels";
    EXPECT_EQ(shapeOf(load({.color = "grey"})), (Shape{2, 1, 1, 1}));
    std::filesystem::remove(m_folder / "a/2.png");
    EXPECT_EQ(shapeOf(load()), (Shape{1, 1, 1, 1}));
    EXPECT_EQ(shapeOf(load({.color = "rgb"})), (Shape{1, 1, 1, 3}));
}

TEST_F(ImageFolder, DifferentSizesAreRefusedUnlessOneIsGiven)
{
    put("a/1.png", flatPng(2, 4, {10}));
    put("a/2.png", flatPng(2, 4, {20}));
    put("b/3.png", flatPng(6, 5, {30}));
    expectRefused({}, ErrorCode::ShapeMismatch, "a/1.png' has 2×4");
    expectRefused({}, ErrorCode::ShapeMismatch, "b/3.png' has 6×5");
    EXPECT_THAT(firsts(load({.limit = 2})), ElementsAre(10, 20));
    const auto set = load({.imageSize = ImageSize{3, 3}});
    EXPECT_THAT(firsts(set), ElementsAre(10, 20, 30));
    EXPECT_EQ(set->samples->inputs.front().shape(), (Shape{3, 3, 3, 1}));
}

TEST_F(ImageFolder, DamagedImagesAreNamedWhereTheyAreWanted)
{
    const std::string good = flatPng(2, 2, {1});
    put("a/1.png", good);
    put("a/2.png", good.substr(0, good.size() - 20));
    put("a/3.png", "no png");
    expectRefused({}, ErrorCode::CorruptFile, "a/3.png");
    expectRefused({.limit = 2}, ErrorCode::CorruptFile, "a/2.png");
    EXPECT_THAT(firsts(load({.limit = 1})), ElementsAre(1));
    put("a/0.png", "");
    expectRefused({.limit = 1}, ErrorCode::CorruptFile, "a/0.png");
}

TEST_F(ImageFolder, TheSumChangesWithNamesAndContents)
{
    put("a/1.png", flatPng(2, 2, {1}));
    put("a/2.png", flatPng(2, 2, {2}));
    const std::string first = load()->sha256;
    EXPECT_EQ(first.size(), 64U);
    EXPECT_EQ(load()->sha256, first);
    put("a/2.png", flatPng(2, 2, {3}));
    EXPECT_NE(load()->sha256, first);
    put("a/2.png", flatPng(2, 2, {2}));
    EXPECT_EQ(load()->sha256, first);
    std::filesystem::rename(m_folder / "a/2.png", m_folder / "a/3.png");
    EXPECT_NE(load()->sha256, first);
}

TEST_F(ImageFolder, WhatWasDroppedIsSaid)
{
    put("a/1.png",
        tests::encodePng({1, 1, PNG_COLOR_TYPE_RGB_ALPHA, 16, {1, 0, 2, 0, 3, 0, 4, 0}}));
    const auto set = load();
    EXPECT_THAT(firsts(set), ElementsAre(1));
    ASSERT_THAT(set->warnings, SizeIs(2));
    EXPECT_EQ(set->warnings[0].code, "alpha_dropped");
    EXPECT_EQ(set->warnings[1].code, "depth_reduced");
}

TEST_F(ImageFolder, LayoutIsKnownHere)
{
    put("a/1.png", flatPng(2, 5, {1, 2, 3}));
    const auto set = load({.layout = "nchw"});
    ASSERT_TRUE(set);
    EXPECT_EQ(set->samples->inputs.front().shape(), (Shape{1, 2, 5, 3}));
    ASSERT_THAT(set->warnings, SizeIs(1));
    EXPECT_EQ(set->warnings[0].code, "layout_known");
}

TEST_F(ImageFolder, AnEmptyFolderHoldsNoSamples)
{
    expectRefused({}, ErrorCode::CorruptFile, "no PNG or JPEG image");
}

TEST_F(ImageFolder, StopsWhenAskedWhileItDecodes)
{
    for (int i = 0; i < 200; ++i) {
        put("a/" + std::to_string(i) + ".png", flatPng(200, 200, {1, 2, 3}));
    }
    std::stop_source stop;
    ProgressBoard progress;
    const std::jthread stopper([&] {
        while (progress.read().unit != "images" || progress.read().done == 0) {
            std::this_thread::yield();
        }
        stop.request_stop();
    });
    const auto set = load({}, {stop.get_token(), &progress});
    if (!set) {
        EXPECT_EQ(set.error().code, ErrorCode::Canceled);
        EXPECT_LT(progress.read().done, 200);
    }
    stop.request_stop();
    EXPECT_EQ(load({}, {stop.get_token(), &progress}).error().code, ErrorCode::Canceled);
}

} // namespace
} // namespace bitscape::io
