// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/data_file.h"
#include "core/io/data_sources.h"
#include "tests/core/io/temporary_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

namespace bitscape::io {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using tests::TemporaryFolder;

std::string floats(std::initializer_list<float> values)
{
    std::string bytes;
    for (const float value : values) {
        std::array<char, sizeof value> part{};
        std::memcpy(part.data(), &value, sizeof value);
        bytes.append(part.data(), part.size());
    }
    return bytes;
}

class MlperfTiny : public ::testing::Test {
protected:
    [[nodiscard]] Result<DataSet> load(DataRecipe recipe = {}) const
    {
        recipe.source = m_folder / "";
        return loadData(recipe);
    }

    static std::vector<float> valuesOf(const Result<DataSet>& set)
    {
        EXPECT_TRUE(set) << (set ? "" : set.error().sentence());
        if (!set) {
            return {};
        }
        const auto values = set->samples->inputs.front().values();
        return {values.begin(), values.end()};
    }

    void expectRefused(ErrorCode code, const std::string& says) const
    {
        const auto set = load();
        ASSERT_FALSE(set) << says;
        EXPECT_EQ(set.error().code, code) << set.error().sentence();
        EXPECT_THAT(set.error().sentence(), HasSubstr(says));
    }

    TemporaryFolder m_folder;
};

TEST_F(MlperfTiny, ReadsBytesInTheOrderOfTheList)
{
    m_folder.write("b.bin", "\x01\xFF");
    m_folder.write("a.bin", "\x03\x04");
    m_folder.write("y_labels.csv", "b.bin, 10, 7\r\na.bin,10,2\n\n");
    const auto set = load();
    EXPECT_THAT(valuesOf(set), ElementsAre(1, 255, 3, 4));
    EXPECT_THAT(set->samples->labels, ElementsAre(7, 2));
    EXPECT_EQ(set->samples->inputs.front().shape(), (Shape{2, 2}));
    EXPECT_EQ(set->dtype, "uint8");
    EXPECT_THAT(set->warnings, IsEmpty());
    EXPECT_THAT(valuesOf(load({.dtype = "int8"})), ElementsAre(1, -1, 3, 4));
    EXPECT_THAT(valuesOf(load({.skip = 1})), ElementsAre(3, 4));
    const auto byList = loadData({.source = m_folder / "y_labels.csv"});
    EXPECT_THAT(valuesOf(byList), ElementsAre(1, 255, 3, 4));
    EXPECT_EQ(byList->sha256, set->sha256);
}

TEST_F(MlperfTiny, OnlyTheFilesThatAreWantedAreOpened)
{
    m_folder.write("a.bin", "\x03\x04");
    m_folder.write("y_labels.csv", "a.bin,10,2\nmissing.bin,10,3\n");
    EXPECT_THAT(valuesOf(load({.limit = 1})), ElementsAre(3, 4));
    expectRefused(ErrorCode::NotFound, "missing.bin");
}

TEST_F(MlperfTiny, WindowsOfASeriesAreSamples)
{
    m_folder.write("n.bin", floats({1, 2, 3, 4}));
    m_folder.write("m.bin", floats({5, 6}));
    m_folder.write("y_labels.csv", "n.bin,2,0,8,4\nm.bin,2,1,8,4\n");
    const auto set = load();
    EXPECT_THAT(valuesOf(set), ElementsAre(1, 2, 2, 3, 3, 4, 5, 6));
    EXPECT_THAT(set->samples->labels, ElementsAre(0, 0, 0, 1));
    EXPECT_EQ(set->dtype, "float32");
    ASSERT_THAT(set->warnings, SizeIs(1));
    EXPECT_THAT(set->warnings[0].message, HasSubstr("2 files gave 4 windows"));
    EXPECT_THAT(valuesOf(load({.limit = 1, .skip = 2})), ElementsAre(3, 4));
}

TEST_F(MlperfTiny, FlatSamplesTakeTheShapeOfTheInput)
{
    m_folder.write("a.bin", std::string(12, 'a'));
    m_folder.write("y_labels.csv", "a.bin,2,0\n");
    const auto set = load();
    ASSERT_TRUE(set);
    const std::vector<std::string> names{"input"};
    const auto shapeFor = [&](const Shape& wanted) {
        const auto fitted = fitToInputs(set->samples, names, std::vector<Shape>{wanted});
        return fitted ? (*fitted)->inputs.front().shape() : Shape();
    };
    EXPECT_EQ(shapeFor({2, 2, 3}), (Shape{1, 2, 2, 3}));
    EXPECT_EQ(shapeFor({-1, 2, 3}), (Shape{1, 2, 2, 3}));
    EXPECT_EQ(shapeFor({12}), (Shape{1, 12}));
    EXPECT_EQ(shapeFor({2, 2, 2}), Shape());
    EXPECT_EQ(shapeFor({-1, 5}), Shape());
    EXPECT_EQ(shapeFor({-1, -1, 3}), Shape());
}

TEST_F(MlperfTiny, RefusesBrokenLists)
{
    struct Case {
        const char* list;
        const char* says;
    };
    m_folder.write("a.bin", "1234");
    m_folder.write("b.bin", "12345");
    for (const Case& one :
         {Case{"", "names no file"}, Case{"a.bin,10\n", "2 cells"}, Case{"a.bin,10,x\n", "Cell 3"},
          Case{"a.bin,10,10\n", "Class 10 of 10"}, Case{"a.bin,10,-1\n", "Cell 3"},
          Case{"../a.bin,10,1\n", "outside"}, Case{"/etc/passwd,10,1\n", "outside"},
          Case{"a.bin,2,0,0,4\n", "0 bytes"}, Case{"a.bin,2,0,5,4\n", "long as a window"},
          Case{"a.bin,2,0,3,1\n", "holds no value"}, Case{",2,0\n", "outside"}}) {
        m_folder.write("y_labels.csv", one.list);
        expectRefused(ErrorCode::CorruptFile, one.says);
    }
    m_folder.write("y_labels.csv", "a.bin,10,1\nb.bin,10,2\n");
    expectRefused(ErrorCode::ShapeMismatch, "'a.bin' has 4 bytes, 'b.bin' has 5");
    m_folder.write("y_labels.csv", "a.bin,2,0,4,4\na.bin,2,0,8,4\n");
    expectRefused(ErrorCode::ShapeMismatch, "different sizes");
    m_folder.write("y_labels.csv", "b.bin,2,0,1,1\n");
    EXPECT_THAT(valuesOf(load({.dtype = "uint8"})), SizeIs(5));
}

} // namespace
} // namespace bitscape::io
