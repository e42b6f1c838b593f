// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/array_file.h"
#include "core/io/data_file.h"
#include "core/io/data_sources.h"
#include "core/io/hdf5.h"
#include "core/io/zip_archive.h"
#include "tests/core/io/temporary_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <numeric>

namespace bitscape::io {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using tests::TemporaryFolder;

Tensor counting(const Shape& shape)
{
    Tensor tensor(shape);
    std::iota(tensor.values().begin(), tensor.values().end(), 0.0F);
    return tensor;
}

std::string bigEndian(std::initializer_list<std::uint32_t> numbers)
{
    std::string out;
    for (const std::uint32_t number : numbers) {
        for (const unsigned shift : {24U, 16U, 8U, 0U}) {
            out += static_cast<char>(number >> shift);
        }
    }
    return out;
}

/// 6 samples of 2×2×1 with labels 0, 1, 2, 0, 1, 2.
class DataFile : public ::testing::Test {
protected:
    DataFile() : x(counting({6, 2, 2, 1})), y(Shape{6}, std::vector<float>{0, 1, 2, 0, 1, 2})
    {
        EXPECT_TRUE(saveNpz(m_folder / "xy.npz", {{"x", x.view()}, {"y", y.view()}}));
        EXPECT_TRUE(saveNpy(m_folder / "x.npy", x.view()));
        EXPECT_TRUE(saveNpyIntegers(m_folder / "y.npy", {{0, 1, 2, 0, 1, 2}}, Shape{6}));
    }

    [[nodiscard]] DataRecipe recipe(const std::string& name) const
    {
        return {.source = m_folder / name};
    }

    static std::vector<float> valuesOf(const Result<DataSet>& set)
    {
        if (!set) {
            ADD_FAILURE() << set.error().sentence();
            return {};
        }
        const auto values = set->samples->inputs.front().values();
        return {values.begin(), values.end()};
    }

    static std::vector<std::int64_t> labelsOf(const Result<DataSet>& set)
    {
        return set ? set->samples->labels : std::vector<std::int64_t>{};
    }

    static void expectRefused(const DataRecipe& recipe, ErrorCode code, const std::string& says)
    {
        const auto set = loadData(recipe);
        ASSERT_FALSE(set) << recipe.source;
        EXPECT_EQ(set.error().code, code) << set.error().sentence();
        EXPECT_THAT(set.error().sentence(), HasSubstr(says));
    }

    TemporaryFolder m_folder;
    Tensor x, y;
};

TEST_F(DataFile, ReadsNpzUnderUsualAndGivenNames)
{
    const auto set = loadData(recipe("xy.npz"));
    ASSERT_TRUE(set) << set.error().sentence();
    EXPECT_EQ(set->samples->inputs.front(), x);
    EXPECT_EQ(set->dtype, "float32");
    EXPECT_EQ(set->minimum, 0);
    EXPECT_EQ(set->maximum, 23);
    EXPECT_THAT(labelsOf(set), ElementsAre(0, 1, 2, 0, 1, 2));
    EXPECT_EQ(set->sha256.size(), 64U);

    ASSERT_TRUE(saveNpz(m_folder / "named.npz", {{"kinds", y.view()}, {"pictures", x.view()}}));
    DataRecipe named = recipe("named.npz");
    named.xKey = "pictures";
    named.yKey = "kinds";
    const auto again = loadData(named);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->samples->inputs.front(), x);
    EXPECT_THAT(labelsOf(again), ElementsAre(0, 1, 2, 0, 1, 2));
    named.xKey = "pixels";
    expectRefused(named, ErrorCode::InvalidArgument, "pixels");
}

TEST_F(DataFile, ReadsNpyAloneAndInPairs)
{
    const auto alone = loadData(recipe("x.npy"));
    ASSERT_TRUE(alone);
    EXPECT_EQ(alone->samples->inputs.front(), x);
    EXPECT_THAT(labelsOf(alone), IsEmpty());
    const auto pair = loadData({.source = m_folder / "x.npy" + "," + m_folder / "y.npy"});
    ASSERT_TRUE(pair) << pair.error().sentence();
    EXPECT_EQ(pair->samples->inputs.front(), x);
    EXPECT_THAT(labelsOf(pair), ElementsAre(0, 1, 2, 0, 1, 2));
}

TEST_F(DataFile, ReadsIdxWithLabelsBeside)
{
    const std::string pixels("\0\1\2\3\4\5\6\7", 8);
    m_folder.write("t-images-idx3-ubyte", bigEndian({0x803, 2, 2, 2}) + pixels);
    const auto bare = loadData(recipe("t-images-idx3-ubyte"));
    EXPECT_THAT(valuesOf(bare), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
    EXPECT_EQ(bare->samples->inputs.front().shape(), (Shape{2, 2, 2, 1}));
    EXPECT_THAT(labelsOf(bare), IsEmpty());
    m_folder.write("t-labels-idx1-ubyte", bigEndian({0x801, 2}) + "\7\1");
    DataRecipe second = recipe("t-images-idx3-ubyte");
    EXPECT_THAT(labelsOf(loadData(second)), ElementsAre(7, 1));
    second.skip = 1;
    EXPECT_THAT(labelsOf(loadData(second)), ElementsAre(1));
    EXPECT_THAT(valuesOf(loadData(second)), ElementsAre(4, 5, 6, 7));
    m_folder.write("d-images.idx3-ubyte", bigEndian({0x803, 2, 2, 2}) + pixels);
    m_folder.write("d-labels.idx1-ubyte", bigEndian({0x801, 2}) + "\4\5");
    EXPECT_THAT(labelsOf(loadData(recipe("d-images.idx3-ubyte"))), ElementsAre(4, 5));
    const auto pair = loadData(
        {.source = m_folder / "d-images.idx3-ubyte" + "," + m_folder / "t-labels-idx1-ubyte"});
    EXPECT_THAT(labelsOf(pair), ElementsAre(7, 1));
    m_folder.write("t-labels-idx1-ubyte", bigEndian({0x801, 3}) + "\7\1\2");
    expectRefused(recipe("t-images-idx3-ubyte"), ErrorCode::ShapeMismatch, "3 labels");
}

TEST_F(DataFile, RefusesBrokenIdx)
{
    m_folder.write("a-idx3", bigEndian({0x803, 2, 2, 2}) + "1234567");
    expectRefused(recipe("a-idx3"), ErrorCode::CorruptFile, "7 bytes");
    m_folder.write("b-idx3", bigEndian({0x803, 0x80000000U, 0x8000, 0x8000}));
    expectRefused(recipe("b-idx3"), ErrorCode::CorruptFile, "do not fit");
    m_folder.write("c-idx3", bigEndian({0x803, 2}));
    expectRefused(recipe("c-idx3"), ErrorCode::CorruptFile, "header");
    m_folder.write("d-idx3", "no idx at all");
    expectRefused(recipe("d-idx3"), ErrorCode::CorruptFile, "no IDX");
}

TEST_F(DataFile, ReadsTables)
{
    m_folder.write("a.csv", "a,b,kind\n1,2,0\n3.5,-4e1,1\n\n");
    DataRecipe table = recipe("a.csv");
    table.labelColumn = "kind";
    EXPECT_THAT(valuesOf(loadData(table)), ElementsAre(1, 2, 3.5F, -40));
    EXPECT_THAT(labelsOf(loadData(table)), ElementsAre(0, 1));
    m_folder.write("b.csv", "1,2,0\r\n3.5,-4e1,1\r\n");
    table = recipe("b.csv");
    table.labelColumn = "2";
    EXPECT_THAT(valuesOf(loadData(table)), ElementsAre(1, 2, 3.5F, -40));
    EXPECT_THAT(labelsOf(loadData(table)), ElementsAre(0, 1));
    m_folder.write("c.csv",
                   "\xEF\xBB\xBF\"length; \"\"cm\"\"\";species\n5.1;virginica\n4.9;setosa\n");
    table = recipe("c.csv");
    table.labelColumn = "species";
    const auto set = loadData(table);
    EXPECT_THAT(valuesOf(set), ElementsAre(5.1F, 4.9F));
    EXPECT_THAT(labelsOf(set), ElementsAre(1, 0));
    EXPECT_THAT(set->samples->classNames, ElementsAre("setosa", "virginica"));
    m_folder.write("d.csv", "a,label\n1,0.5\n2,0.25\n");
    const auto regression = loadData(recipe("d.csv"));
    ASSERT_TRUE(regression);
    EXPECT_THAT(labelsOf(regression), IsEmpty());
    EXPECT_THAT(regression->samples->targets.values(), ElementsAre(0.5F, 0.25F));
}

TEST_F(DataFile, ReadsTablesAsSpreadsheetsWriteThem)
{
    m_folder.write("german.csv", "a;b;kind\n1,5;2;0\n-0,25;3,0;1\n");
    DataRecipe table = recipe("german.csv");
    table.labelColumn = "kind";
    EXPECT_THAT(valuesOf(loadData(table)), ElementsAre(1.5F, 2, -0.25F, 3));
    EXPECT_THAT(labelsOf(loadData(table)), ElementsAre(0, 1));
    m_folder.write("tab.tsv", "1\t2\tred, dark\n3\t4\tblue\n");
    table = recipe("tab.tsv");
    table.labelColumn = "2";
    const auto tabs = loadData(table);
    EXPECT_THAT(valuesOf(tabs), ElementsAre(1, 2, 3, 4));
    EXPECT_THAT(tabs->samples->classNames, ElementsAre("blue", "red, dark"));
    m_folder.write("quoted.csv",
                   "\"a;\tname\",\"kind\"\n\"1\",\"two\nlines\"\n\"2\",\"x, \"\"y\"\"\"\nz,0\n");
    table = recipe("quoted.csv");
    table.labelColumn = "kind";
    expectRefused(table, ErrorCode::CorruptFile, "line 5");
    m_folder.write("quoted.csv",
                   "\"a;\tname\",\"kind\"\n\"1\",\"two\nlines\"\n\"2\",\"x, \"\"y\"\"\"\n");
    const auto quoted = loadData(table);
    EXPECT_THAT(valuesOf(quoted), ElementsAre(1, 2));
    EXPECT_THAT(quoted->samples->classNames, ElementsAre("two\nlines", "x, \"y\""));
}

TEST_F(DataFile, RefusesBrokenTablesByLineAndColumn)
{
    struct Case {
        const char* text;
        const char* says;
    };
    for (const Case& one :
         {Case{"", "empty"}, Case{"a,b,kind\n", "no line of data"},
          Case{"a,b,kind\n1,2,0\n1,2\n", "line 3"}, Case{"a,b,kind\n1,two,0\n", "column 'b'"},
          Case{"a,b,kind\n1,,0\n", "no number"}, Case{"a,b,kind\n1,2x,0\n", "'2x'"}}) {
        m_folder.write("t.csv", one.text);
        DataRecipe table = recipe("t.csv");
        table.labelColumn = *one.text == '\0' ? "" : "kind";
        expectRefused(table, ErrorCode::CorruptFile, one.says);
    }
    m_folder.write("t.csv", "a,b,kind\n1,2,0\n");
    DataRecipe table = recipe("t.csv");
    table.labelColumn = "kin";
    expectRefused(table, ErrorCode::InvalidArgument, "'kind'");
}

TEST_F(DataFile, ReadsCifarAndTurnsPlanesIntoPixels)
{
    std::string bytes;
    for (const char label : {'\3', '\5'}) {
        bytes += label;
        bytes += std::string(1024, 'r') + std::string(1024, 'g') + std::string(1024, 'b');
    }
    m_folder.write("batch.bin", bytes);
    const auto set = loadData(recipe("batch.bin"));
    ASSERT_TRUE(set) << set.error().sentence();
    EXPECT_EQ(set->samples->inputs.front().shape(), (Shape{2, 32, 32, 3}));
    EXPECT_THAT(set->samples->inputs.front().values().first(4), ElementsAre('r', 'g', 'b', 'r'));
    EXPECT_THAT(labelsOf(set), ElementsAre(3, 5));
}

TEST_F(DataFile, ReadsHdf5)
{
    {
        auto file = hdf5::File::create(m_folder / "a.h5", hdf5::Format::Earliest);
        ASSERT_TRUE(file);
        ASSERT_TRUE(file->write("x", x.view(), hdf5::Storage::Plain));
        ASSERT_TRUE(
            file->writeBytes("deep/y", std::string("\0\1\2\0\1\2", 6), hdf5::Storage::Plain));
        ASSERT_TRUE(file->close());
    }
    const auto set = loadData({.source = m_folder / "a.h5" + "::/x,/deep/y"});
    ASSERT_TRUE(set) << set.error().sentence();
    EXPECT_EQ(set->samples->inputs.front(), x);
    EXPECT_THAT(labelsOf(set), ElementsAre(0, 1, 2, 0, 1, 2));
    EXPECT_EQ(loadData(recipe("a.h5"))->samples->inputs.front(), x);
    expectRefused({.source = m_folder / "a.h5" + "::/z"}, ErrorCode::NotFound, "/z");
    expectRefused({.source = m_folder / "a.h5" + "::/x,/deep"}, ErrorCode::CorruptFile, "deep");
    m_folder.write("text.h5", "text");
    expectRefused({.source = m_folder / "text.h5" + "::/x"}, ErrorCode::CorruptFile, "text.h5");
}

TEST_F(DataFile, ReadsGroupsOfHdf5AsNpz)
{
    {
        auto file = hdf5::File::create(m_folder / "g.h5", hdf5::Format::Earliest);
        ASSERT_TRUE(file);
        ASSERT_TRUE(file->write("x_test", x.view(), hdf5::Storage::Plain));
        ASSERT_TRUE(file->write("y_test", y.view(), hdf5::Storage::Plain));
        ASSERT_TRUE(file->write("other", counting({6, 3}).view(), hdf5::Storage::Plain));
        ASSERT_TRUE(file->write("short", counting({2}).view(), hdf5::Storage::Plain));
        ASSERT_TRUE(file->write("deep/a", counting({4, 2}).view(), hdf5::Storage::Checked));
        ASSERT_TRUE(file->write("deep/b", counting({4, 5}).view(), hdf5::Storage::Plain));
        ASSERT_TRUE(file->close());
    }
    const auto set = loadData(recipe("g.h5"));
    ASSERT_TRUE(set) << set.error().sentence();
    EXPECT_THAT(labelsOf(set), ElementsAre(0, 1, 2, 0, 1, 2));
    EXPECT_THAT(set->samples->inputNames, ElementsAre("x_test", "other", "y_test"));
    EXPECT_EQ(set->samples->inputs.front(), x);
    DataRecipe part = recipe("g.h5");
    part.skip = 2;
    part.limit = 2;
    EXPECT_THAT(valuesOf(loadData(part)), ElementsAre(8, 9, 10, 11, 12, 13, 14, 15));
    EXPECT_THAT(labelsOf(loadData(part)), ElementsAre(2, 0));
    const auto group = loadData({.source = m_folder / "g.h5" + "::/deep"});
    ASSERT_TRUE(group) << group.error().sentence();
    EXPECT_THAT(group->samples->inputNames, ElementsAre("a", "b"));
    const auto keys = loadData({.source = m_folder / "g.h5", .xKey = "deep/a", .yKey = ""});
    ASSERT_TRUE(keys) << keys.error().sentence();
    EXPECT_EQ(keys->samples->inputs.front().shape(), (Shape{4, 2}));
    expectRefused({.source = m_folder / "g.h5", .xKey = "pixels"}, ErrorCode::InvalidArgument,
                  "pixels");
    expectRefused({.source = m_folder / "g.h5" + "::/x_test,/short"}, ErrorCode::ShapeMismatch,
                  "2 labels for 6 samples");
}

namespace {

std::string npyOf(const std::string& descr, const std::string& shape, const std::string& data)
{
    std::string head = "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + "}";
    head.resize(117, ' ');
    head += '\n';
    return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(head.size()) + '\0' + head +
           data;
}

} // namespace

TEST_F(DataFile, ReadsWordsAsClassesAndLeavesOutWhatIsNoNumber)
{
    const std::string numbers = npyOf("|u1", "(3, 1)", "\1\2\3");
    const std::string words = npyOf("|S3", "(3,)", std::string("catdog\0\0\0", 9));
    const std::string objects = npyOf("|O", "(3,)", "pickle");
    const auto zip = [&](const std::vector<std::pair<std::string, std::string>>& entries) {
        m_folder.write("w.npz", writeZip(entries, "w.npz").value());
        return loadData(recipe("w.npz"));
    };
    const auto set = zip({{"meta.npy", objects}, {"x.npy", numbers}, {"y.npy", words}});
    EXPECT_THAT(valuesOf(set), ElementsAre(1, 2, 3));
    EXPECT_THAT(labelsOf(set), ElementsAre(1, 2, 0));
    EXPECT_THAT(set->samples->classNames, ElementsAre("", "cat", "dog"));
    EXPECT_THAT(set->samples->inputNames, ElementsAre("x"));
    const auto named = zip({{"x.npy", objects}, {"y.npy", numbers}});
    EXPECT_EQ(named.error().code, ErrorCode::CorruptFile);
    EXPECT_THAT(named.error().sentence(), HasSubstr("pickled"));
    m_folder.write("n.npy", numbers);
    m_folder.write("wide.npy", npyOf("<U2", "(3,)",
                                     std::string("a\0\0\0\0\0\0\0"
                                                 "\xE9\0\0\0b\0\0\0"
                                                 "a\0\0\0\0\0\0\0",
                                                 24)));
    const auto pair = loadData({.source = m_folder / "n.npy" + "," + m_folder / "wide.npy"});
    EXPECT_THAT(labelsOf(pair), ElementsAre(0, 1, 0));
    EXPECT_THAT(pair->samples->classNames, ElementsAre("a", "\xC3\xA9"
                                                            "b"));
}

TEST_F(DataFile, UnpacksOnlyTheArraysThatAreWanted)
{
    ASSERT_TRUE(saveNpz(m_folder / "both.npz", {{"x_train", counting({50, 2}).view()},
                                                {"y_train", counting({50}).view()},
                                                {"x_test", counting({4, 2}).view()},
                                                {"y_test", counting({4}).view()}}));
    const auto set = loadData(recipe("both.npz"));
    EXPECT_THAT(labelsOf(set), ElementsAre(0, 1, 2, 3));
    EXPECT_THAT(set->samples->inputNames, ElementsAre("x_test", "y_test"));
    DataRecipe train = recipe("both.npz");
    train.xKey = "x_train";
    train.skip = 48;
    EXPECT_THAT(labelsOf(loadData(train)), ElementsAre(48, 49));
    ASSERT_TRUE(saveNpz(m_folder / "plain.npz", {{"arr_0", x.view()}, {"arr_1", y.view()}}));
    EXPECT_THAT(labelsOf(loadData(recipe("plain.npz"))), ElementsAre(0, 1, 2, 0, 1, 2));
}

TEST_F(DataFile, ReadsOneHotAnswersAsBoth)
{
    const Tensor hot(Shape{2, 3}, std::vector<float>{0, 1, 0, 0, 0, 1});
    ASSERT_TRUE(saveNpz(m_folder / "hot.npz", {{"x", counting({2, 4}).view()}, {"y", hot.view()}}));
    const auto set = loadData(recipe("hot.npz"));
    ASSERT_TRUE(set);
    EXPECT_THAT(labelsOf(set), ElementsAre(1, 2));
    EXPECT_EQ(set->samples->targets, hot);
    const Tensor soft(Shape{2, 3}, std::vector<float>{0, 1, 0, 0, 0.5F, 0.5F});
    ASSERT_TRUE(
        saveNpz(m_folder / "soft.npz", {{"x", counting({2, 4}).view()}, {"y", soft.view()}}));
    EXPECT_THAT(labelsOf(loadData(recipe("soft.npz"))), IsEmpty());
}

TEST_F(DataFile, PicksRows)
{
    DataRecipe part = recipe("xy.npz");
    part.skip = 1;
    part.limit = 2;
    const auto set = loadData(part);
    EXPECT_THAT(valuesOf(set), ElementsAre(4, 5, 6, 7, 8, 9, 10, 11));
    EXPECT_THAT(labelsOf(set), ElementsAre(1, 2));
    part = recipe("xy.npz");
    part.splitTrain = 0.5;
    EXPECT_THAT(labelsOf(loadData(part)), ElementsAre(0, 1, 2));
    part.skip = 3;
    expectRefused(part, ErrorCode::InvalidArgument, "No sample is left");
}

TEST_F(DataFile, ScalesAndNormalizes)
{
    const Tensor small(Shape{2, 1, 1, 3}, std::vector<float>{0, 51, 102, 153, 204, 255});
    ASSERT_TRUE(saveNpy(m_folder / "small.npy", small.view()));
    DataRecipe scaled = recipe("small.npy");
    scaled.scale = 0.5;
    EXPECT_THAT(valuesOf(loadData(scaled)), ElementsAre(0, 25.5F, 51, 76.5F, 102, 127.5F));
    DataRecipe normal = recipe("small.npy");
    normal.normalize = "51,51";
    EXPECT_THAT(valuesOf(loadData(normal)), ElementsAre(-1, 0, 1, 2, 3, 4));
    normal.normalize = "minmax";
    EXPECT_THAT(valuesOf(loadData(normal)), ElementsAre(0, 0.2F, 0.4F, 0.6F, 0.8F, 1));
    normal.normalize = "int8:0.5,-1";
    EXPECT_THAT(valuesOf(loadData(normal)), ElementsAre(0.5F, 26, 51.5F, 77, 102.5F, 128));
    normal.normalize = "imagenet";
    const auto imagenet = valuesOf(loadData(normal));
    EXPECT_NEAR(imagenet[0], (0 / 255.0 - 0.485) / 0.229, 1e-6);
    EXPECT_NEAR(imagenet[5], (255 / 255.0 - 0.406) / 0.225, 1e-6);
    expectRefused({.source = m_folder / "x.npy", .normalize = "imagenet"}, ErrorCode::ShapeMismatch,
                  "three channels");
    const Tensor flat(Shape{2, 1});
    ASSERT_TRUE(saveNpy(m_folder / "flat.npy", flat.view()));
    EXPECT_THAT(valuesOf(loadData({.source = m_folder / "flat.npy", .normalize = "minmax"})),
                ElementsAre(0, 0));
}

TEST_F(DataFile, TurnsChannelsFirstAround)
{
    ASSERT_TRUE(saveNpy(m_folder / "nchw.npy", counting({1, 2, 2, 2}).view()));
    const auto set = loadData({.source = m_folder / "nchw.npy", .layout = "nchw"});
    EXPECT_THAT(valuesOf(set), ElementsAre(0, 4, 1, 5, 2, 6, 3, 7));
    ASSERT_TRUE(saveNpy(m_folder / "shape.npy", counting({1, 3, 4, 5}).view()));
    EXPECT_EQ(loadData({.source = m_folder / "shape.npy", .layout = "nchw"})
                  ->samples->inputs.front()
                  .shape(),
              (Shape{1, 4, 5, 3}));
}

TEST_F(DataFile, RefusesWhatDoesNotFitTogether)
{
    expectRefused(recipe("none.npz"), ErrorCode::NotFound, "none.npz");
    ASSERT_TRUE(saveNpz(m_folder / "uneven.npz", {{"x", x.view()}, {"y", counting({5}).view()}}));
    expectRefused(recipe("uneven.npz"), ErrorCode::ShapeMismatch, "5 labels for 6 samples");
    m_folder.write("what.dat", "??");
    expectRefused(recipe("what.dat"), ErrorCode::CorruptFile, "no known kind");
    std::filesystem::create_directory(m_folder / "folder");
    expectRefused(recipe("folder"), ErrorCode::CorruptFile, "no PNG or JPEG image");
    DataRecipe few = recipe("xy.npz");
    few.classes = 2;
    expectRefused(few, ErrorCode::InvalidArgument, "Class 2");
}

TEST_F(DataFile, ValidatesEveryOption)
{
    const auto refused = [this](auto edit) {
        DataRecipe one = recipe("xy.npz");
        edit(one);
        const auto valid = one.validate();
        return !valid && valid.error().code == ErrorCode::InvalidArgument;
    };
    EXPECT_TRUE(recipe("xy.npz").validate());
    EXPECT_TRUE(refused([](DataRecipe& r) { r.source.clear(); }));
    EXPECT_TRUE(refused([](DataRecipe& r) { r.limit = -1; }));
    EXPECT_TRUE(refused([](DataRecipe& r) { r.skip = -1; }));
    EXPECT_TRUE(refused([](DataRecipe& r) { r.classes = -1; }));
    EXPECT_TRUE(refused([](DataRecipe& r) { r.splitTrain = 0; }));
    EXPECT_TRUE(refused([](DataRecipe& r) { r.splitTrain = std::nan(""); }));
    EXPECT_TRUE(refused([](DataRecipe& r) { r.layout = "chwn"; }));
    EXPECT_TRUE(refused([](DataRecipe& r) { r.color = "blue"; }));
    EXPECT_TRUE(refused([](DataRecipe& r) { r.dtype = "uint4"; }));
    EXPECT_TRUE(refused([](DataRecipe& r) { r.imageSize = ImageSize{0, 3}; }));
    EXPECT_TRUE(refused([](DataRecipe& r) { r.imageSize = ImageSize{3, 100000}; }));
    EXPECT_TRUE(refused([](DataRecipe& r) { r.normalize = "sometimes"; }));
    EXPECT_TRUE(refused([](DataRecipe& r) { r.normalize = "1,0"; }));
    EXPECT_TRUE(refused([](DataRecipe& r) { r.normalize = "int8:0,3"; }));
    EXPECT_TRUE(refused([](DataRecipe& r) { r.normalize = "1,2,3"; }));
    EXPECT_TRUE(refused([](DataRecipe& r) {
        r.scale = 2;
        r.normalize = "minmax";
    }));
}

TEST_F(DataFile, DescribesWhatIsDoneToImages)
{
    DataRecipe images = recipe("folder");
    images.imageSize = parseImageSize("96x128").value();
    images.color = "grey";
    images.dtype = "int8";
    EXPECT_THAT(images.describe(), HasSubstr("resized to 96×128, in grey, bytes as int8"));
    for (const char* text : {"96", "96x", "x96", "0x96", "96x96x3", "-1x2", "99999x2", "a x b"}) {
        EXPECT_EQ(parseImageSize(text).error().code, ErrorCode::InvalidArgument) << text;
    }
}

TEST_F(DataFile, FitsSamplesToInputs)
{
    const auto set = loadData(recipe("xy.npz"));
    ASSERT_TRUE(set);
    const std::vector<std::string> names{"input"};
    const auto fit = [&](const Shape& shape) {
        return fitToInputs(set->samples, names, std::vector<Shape>{shape});
    };
    EXPECT_EQ((*fit({2, 2, 1}))->inputs.front().shape(), (Shape{6, 2, 2, 1}));
    EXPECT_EQ((*fit({-1, -1, 1}))->inputs.front().shape(), (Shape{6, 2, 2, 1}));
    EXPECT_EQ((*fit({2, 2}))->inputs.front().shape(), (Shape{6, 2, 2}));
    EXPECT_EQ((*fit({4}))->inputs.front().shape(), (Shape{6, 4}));
    EXPECT_THAT((*fit({4}))->labels, ElementsAre(0, 1, 2, 0, 1, 2));
    const auto refused = fit({16});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::ShapeMismatch);
    EXPECT_THAT(refused.error().message, HasSubstr("16"));
    EXPECT_THAT(refused.error().message, HasSubstr("2×2×1"));
    ASSERT_TRUE(saveNpy(m_folder / "grey.npy", counting({3, 2, 2}).view()));
    const auto grey = loadData(recipe("grey.npy"));
    const auto channel = fitToInputs(grey->samples, names, std::vector<Shape>{{2, 2, 1}});
    EXPECT_EQ((*channel)->inputs.front().shape(), (Shape{3, 2, 2, 1}));
}

TEST_F(DataFile, TakesInputsByTheirNames)
{
    ASSERT_TRUE(saveNpz(m_folder / "two.npz",
                        {{"b", counting({6, 3}).view()}, {"a", counting({6, 2}).view()}}));
    const auto two = loadData(recipe("two.npz"));
    ASSERT_TRUE(two) << two.error().sentence();
    const std::vector<std::string> names{"a", "b"};
    const auto fitted = fitToInputs(two->samples, names, std::vector<Shape>{{2}, {3}});
    ASSERT_TRUE(fitted) << fitted.error().sentence();
    EXPECT_EQ((*fitted)->inputs[0].shape(), (Shape{6, 2}));
    EXPECT_EQ((*fitted)->inputs[1].shape(), (Shape{6, 3}));
    // arrays called x and y are inputs where the network calls its inputs so
    const auto set = loadData(recipe("xy.npz"));
    const auto both = fitToInputs(set->samples, std::vector<std::string>{"y", "x"},
                                  std::vector<Shape>{{1}, {2, 2, 1}});
    ASSERT_TRUE(both) << both.error().sentence();
    EXPECT_THAT((*both)->inputs[0].values(), ElementsAre(0, 1, 2, 0, 1, 2));
    const auto missing = fitToInputs(set->samples, std::vector<std::string>{"a", "b", "c"},
                                     std::vector<Shape>{{1}, {1}, {1}});
    ASSERT_FALSE(missing);
    EXPECT_THAT(missing.error().message, HasSubstr("3 inputs (a, b, c)"));
}

TEST_F(DataFile, StopsWhenAsked)
{
    std::stop_source stop;
    stop.request_stop();
    const auto set = loadData(recipe("xy.npz"), {stop.get_token(), nullptr});
    ASSERT_FALSE(set);
    EXPECT_EQ(set.error().code, ErrorCode::Canceled);
}

TEST_F(DataFile, EveryKindIsWhole)
{
    for (const SourceKind& kind : sourceKinds()) {
        EXPECT_FALSE(kind.name.empty());
        EXPECT_NE(kind.accepts, nullptr);
        EXPECT_NE(kind.read, nullptr);
    }
}

TEST(FashionMnist, IsReadWhereInstalled)
{
    const auto set = loadData({.source = "fashion-mnist:test", .limit = 100});
    if (!set && set.error().code == ErrorCode::NotFound) {
        GTEST_SKIP() << set.error().sentence();
    }
    ASSERT_TRUE(set) << set.error().sentence();
    EXPECT_EQ(set->samples->inputs.front().shape(), (Shape{100, 28, 28, 1}));
    EXPECT_EQ(set->samples->labels.front(), 9);
    EXPECT_EQ(set->dtype, "uint8");
    EXPECT_EQ(loadData({.source = "fashion-mnist:dev"}).error().code, ErrorCode::InvalidArgument);
}

} // namespace
} // namespace bitscape::io
