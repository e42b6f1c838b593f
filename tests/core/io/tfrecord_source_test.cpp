// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/data_file.h"
#include "tests/core/io/image_support.h"
#include "tests/core/io/temporary_folder.h"
#include "tests/core/io/tfrecord_support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

namespace bitscape::io {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using tests::bytesFeature;
using tests::example;
using tests::floatFeature;
using tests::integerFeature;
using tests::record;
using tests::TemporaryFolder;

class TfRecord : public ::testing::Test {
protected:
    [[nodiscard]] Result<DataSet> load(const std::string& name, DataRecipe recipe = {}) const
    {
        recipe.source = m_folder / name;
        return loadData(recipe, {}, 2);
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

    void expectRefused(const std::string& bytes, ErrorCode code, const std::string& says,
                       const DataRecipe& recipe = {}) const
    {
        m_folder.write("bad.tfrecord", bytes);
        const auto set = load("bad.tfrecord", recipe);
        ASSERT_FALSE(set) << says;
        EXPECT_EQ(set.error().code, code) << set.error().sentence();
        EXPECT_THAT(set.error().sentence(), HasSubstr(says));
    }

    static std::string floatRecord(const std::vector<float>& x, std::int64_t y)
    {
        return record(example({{"x", floatFeature(x)}, {"y", integerFeature({y})}}));
    }

    TemporaryFolder m_folder;
};

TEST(Crc32c, IsCastagnolis)
{
    // RFC 3720, B.4: the sum of 32 zero bytes is 0x8A9136AA; masked as TFRecord stores it.
    const std::uint32_t sum = 0x8A9136AA;
    EXPECT_EQ(maskedCrc32c(std::string(32, '\0')), ((sum >> 15U) | (sum << 17U)) + 0xA282EAD8);
    const std::uint32_t digits = 0xE3069283; // of "123456789"
    EXPECT_EQ(maskedCrc32c("123456789"), ((digits >> 15U) | (digits << 17U)) + 0xA282EAD8);
}

TEST_F(TfRecord, ReadsNumbersPackedOrNot)
{
    m_folder.write("a.tfrecord", floatRecord({1.5F, -2}, 1) +
                                     record(example({{"y", integerFeature({0}, false)},
                                                     {"x", floatFeature({3, 4}, false)}})));
    const auto set = load("a.tfrecord");
    EXPECT_THAT(valuesOf(set), ElementsAre(1.5F, -2, 3, 4));
    EXPECT_THAT(set->samples->labels, ElementsAre(1, 0));
    EXPECT_EQ(set->samples->inputs.front().shape(), (Shape{2, 2}));
    EXPECT_EQ(set->dtype, "float32");
    EXPECT_THAT(set->samples->inputNames, ElementsAre("x"));
    EXPECT_THAT(valuesOf(load("a.tfrecord", {.skip = 1})), ElementsAre(3, 4));
}

TEST_F(TfRecord, IsKnownByItsFirstBytesAndReadThroughGzip)
{
    const std::string bytes = floatRecord({1}, 2) + floatRecord({3}, 0);
    m_folder.write("data", bytes);
    EXPECT_THAT(valuesOf(load("data")), ElementsAre(1, 3));
    const std::string path = m_folder / "packed.tfrecord.gz";
    gzFile file = gzopen(path.c_str(), "wb");
    ASSERT_EQ(gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size())),
              static_cast<int>(bytes.size()));
    gzclose(file);
    EXPECT_THAT(valuesOf(load("packed.tfrecord.gz")), ElementsAre(1, 3));
    std::filesystem::create_directory(m_folder / "set");
    std::filesystem::rename(path, m_folder / "set/packed.tfrecord.gz");
    EXPECT_THAT(valuesOf(load("set")), ElementsAre(1, 3));
}

TEST_F(TfRecord, DecodesImagesAndRawBytes)
{
    const auto image = [](const std::string& bytes, std::int64_t label) {
        return record(example({{"image/encoded", bytesFeature({bytes})},
                               {"image/class/label", integerFeature({label})}}));
    };
    m_folder.write("i.tfrecord",
                   image(tests::flatPng(2, 2, {7}), 1) + image(tests::flatPng(2, 2, {1, 2, 3}), 0));
    const auto images = load("i.tfrecord");
    EXPECT_THAT(valuesOf(images).size(), 2 * 2 * 2 * 3);
    EXPECT_THAT(images->samples->labels, ElementsAre(1, 0));
    EXPECT_EQ(load("i.tfrecord", {.limit = 1})->samples->inputs.front().shape(),
              (Shape{1, 2, 2, 3}));
    EXPECT_THAT(valuesOf(load("i.tfrecord", {.limit = 1, .color = "grey"})),
                ElementsAre(7, 7, 7, 7));

    const auto raw = [](const std::string& bytes) {
        return record(example({{"image_raw", bytesFeature({bytes})},
                               {"height", integerFeature({1})},
                               {"width", integerFeature({2})},
                               {"depth", integerFeature({2})},
                               {"label", bytesFeature({"cat"})}}));
    };
    m_folder.write("r.tfrecord", raw("\x01\x02\x03\xFF"));
    const auto bytes = load("r.tfrecord");
    EXPECT_THAT(valuesOf(bytes), ElementsAre(1, 2, 3, 255));
    EXPECT_EQ(bytes->samples->inputs.front().shape(), (Shape{1, 1, 2, 2}));
    EXPECT_THAT(bytes->samples->classNames, ElementsAre("cat"));
    EXPECT_THAT(valuesOf(load("r.tfrecord", {.dtype = "int8"})), ElementsAre(1, 2, 3, -1));
    EXPECT_EQ(load("r.tfrecord", {.dtype = "int16"})->samples->inputs.front().shape(),
              (Shape{1, 2}));
}

TEST_F(TfRecord, TakesOtherFeaturesByName)
{
    m_folder.write("a.tfrecord", record(example({{"speed", floatFeature({1, 2, 3})},
                                                 {"turn", floatFeature({0.25F})},
                                                 {"note", bytesFeature({"n"})}})));
    const auto set = load("a.tfrecord", {.xKey = "speed", .yKey = "turn"});
    EXPECT_THAT(valuesOf(set), ElementsAre(1, 2, 3));
    EXPECT_THAT(set->samples->labels, IsEmpty());
    EXPECT_THAT(set->samples->targets.values(), ElementsAre(0.25F));
    EXPECT_THAT(load("a.tfrecord").error().sentence(), HasSubstr("speed, turn, note"));
    const auto missing = load("a.tfrecord", {.xKey = "pixels"});
    EXPECT_EQ(missing.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(missing.error().sentence(), HasSubstr("pixels"));
}

TEST_F(TfRecord, JoinsShardsByTheirPrefix)
{
    m_folder.write("t.tfrecord-00001-of-00002", floatRecord({2}, 1));
    m_folder.write("t.tfrecord-00000-of-00002", floatRecord({1}, 0));
    EXPECT_THAT(valuesOf(load("t.tfrecord")), ElementsAre(1, 2));
    EXPECT_THAT(valuesOf(load("t.tfrecord-00001-of-00002")), ElementsAre(2));
    EXPECT_THAT(valuesOf(load("")), ElementsAre(1, 2));
    std::filesystem::remove(m_folder / "t.tfrecord-00000-of-00002");
    const auto set = load("t.tfrecord");
    ASSERT_FALSE(set);
    EXPECT_EQ(set.error().code, ErrorCode::NotFound);
    EXPECT_THAT(set.error().message, HasSubstr("Shard 0 of 2"));
}

TEST_F(TfRecord, RefusesDamage)
{
    const std::string good = floatRecord({1, 2}, 0);
    for (std::size_t size = 1; size < good.size(); ++size) {
        m_folder.write("cut.tfrecord", good.substr(0, size));
        const auto set = load("cut.tfrecord");
        ASSERT_FALSE(set) << size;
        EXPECT_EQ(set.error().code, ErrorCode::CorruptFile);
    }
    for (std::size_t at = 0; at < good.size(); ++at) {
        std::string flipped = good;
        flipped[at] ^= 1;
        m_folder.write("flip.tfrecord", flipped);
        EXPECT_FALSE(load("flip.tfrecord")) << at;
    }
    expectRefused("", ErrorCode::CorruptFile, "no record");
    expectRefused(record("\xFF\xFF"), ErrorCode::CorruptFile, "no tf.train.Example");
    expectRefused(record(tests::field(2, "lists")), ErrorCode::CorruptFile, "SequenceExample");
}

TEST_F(TfRecord, RefusesRaggedFeaturesByName)
{
    expectRefused(floatRecord({1, 2}, 0) + floatRecord({1, 2, 3}, 0), ErrorCode::ShapeMismatch,
                  "'x' has 3 values here and 2 before");
    expectRefused(record(example({{"x", bytesFeature({"a", "b"})}})), ErrorCode::ShapeMismatch,
                  "'x' has 2 values");
    expectRefused(floatRecord({1}, 0) + record(example({{"x", floatFeature({1})}})),
                  ErrorCode::CorruptFile, "no feature 'y'");
    const auto labels = [](const std::vector<std::int64_t>& y) {
        return record(example({{"x", floatFeature({1})}, {"y", integerFeature(y)}}));
    };
    expectRefused(labels({1}) + labels({1, 0}), ErrorCode::ShapeMismatch, "'y' has 2 values");
    expectRefused(labels({}), ErrorCode::ShapeMismatch, "'y' has 0 values");
    expectRefused(labels({1}) +
                      record(example({{"x", bytesFeature({"ab"})}, {"y", integerFeature({1})}})),
                  ErrorCode::ShapeMismatch, "'x'");
}

} // namespace
} // namespace bitscape::io
