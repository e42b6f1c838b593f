// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/hdf5.h"
#include "core/io/isolation.h"
#include "tests/core/io/temporary_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <numeric>
#include <stop_token>
#include <vector>

namespace bitscape::io {
namespace {

using hdf5::File;
using hdf5::Format;
using hdf5::Storage;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using tests::contentOf;
using tests::TemporaryFolder;

std::vector<std::string> manyNames(std::size_t count, std::size_t width)
{
    std::vector<std::string> names;
    for (std::size_t i = 0; i < count; ++i) {
        std::string name = std::to_string(i);
        names.push_back(name + std::string(width - name.size(), 'x'));
    }
    return names;
}

void fill(const std::string& path, Format format, std::int64_t userBlock)
{
    auto file = File::create(path, format, userBlock);
    ASSERT_TRUE(file) << file.error().sentence();
    ASSERT_TRUE(file->setText("kind", "tëxt"));
    ASSERT_TRUE(file->setText("nothing", ""));
    ASSERT_TRUE(file->setLongText("long", std::string(100000, 'a')));
    ASSERT_TRUE(file->setInteger("version", 7));
    ASSERT_TRUE(file->setReal("ratio", 0.1));
    ASSERT_TRUE(file->setTexts("names", std::vector<std::string>{"a", "bcd", ""}));
    ASSERT_TRUE(file->setTexts("none", {}));
    ASSERT_TRUE(file->setTexts("split", manyNames(3000, 28)));
    const Tensor tensor(Shape{2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6});
    auto group = file->makeGroup("a/b");
    ASSERT_TRUE(group);
    EXPECT_EQ(group->path(), "/a/b");
    ASSERT_TRUE(group->write("deep/w:0", tensor.view(), Storage::Checked));
    ASSERT_TRUE(group->write("scalar", Tensor(Shape{}).view(), Storage::Checked));
    ASSERT_TRUE(group->write("empty", Tensor(Shape{0, 4}).view(), Storage::Checked));
    const std::vector<std::int64_t> integers{-1, std::int64_t{1} << 60};
    const std::vector<Index> two{2};
    ASSERT_TRUE(file->writeIntegers("integers", integers, two, Storage::Plain));
    ASSERT_TRUE(
        file->writeDoubles("doubles", std::vector<double>{0.1, 1e300}, two, Storage::Checked));
    ASSERT_TRUE(file->writeBytes("bytes", std::string("\0\xff", 2), Storage::Checked));
    *group = {};
    ASSERT_TRUE(file->close());
}

void expectContent(const File& file)
{
    EXPECT_EQ(*file.text("kind"), "tëxt");
    EXPECT_EQ(*file.text("nothing"), "");
    EXPECT_EQ(file.text("long")->size(), 100000U);
    EXPECT_EQ(*file.integer("version"), 7);
    EXPECT_EQ(*file.real("ratio"), 0.1);
    EXPECT_THAT(*file.texts("names"), ElementsAre("a", "bcd", ""));
    EXPECT_THAT(*file.texts("none"), IsEmpty());
    EXPECT_EQ(*file.texts("split"), manyNames(3000, 28));
    EXPECT_FALSE(file.hasAttribute("split"));
    EXPECT_THAT(*file.children(), ElementsAre("a", "bytes", "doubles", "integers"));
    auto group = file.group("a/b");
    ASSERT_TRUE(group);
    EXPECT_THAT(group->readTensor("deep/w:0")->values(), ElementsAre(1, 2, 3, 4, 5, 6));
    EXPECT_EQ(group->readTensor("scalar")->shape().rank(), 0);
    EXPECT_EQ(group->readTensor("empty")->shape(), (Shape{0, 4}));
    EXPECT_THAT(*file.readIntegers("integers"), ElementsAre(-1, std::int64_t{1} << 60));
    EXPECT_THAT(*file.readDoubles("doubles"), ElementsAre(0.1, 1e300));
    EXPECT_EQ(*file.readBytes("bytes"), std::string("\0\xff", 2));
    EXPECT_EQ(file.info("bytes")->dtype, "uint8");
    EXPECT_EQ(file.info("a/b/deep/w:0")->dtype, "float32");
    EXPECT_TRUE(file.hasGroup("a/b/deep"));
    EXPECT_FALSE(file.hasGroup("a/b/deep/w:0"));
    EXPECT_TRUE(file.hasDataset("a/b/deep/w:0"));
}

TEST(Hdf5, RoundTripsInBothFormats)
{
    const TemporaryFolder folder;
    for (const Format format : {Format::Earliest, Format::V110}) {
        for (const std::int64_t userBlock : {0, 512}) {
            const std::string path = folder / "a.h5";
            fill(path, format, userBlock);
            auto file = File::open(path);
            ASSERT_TRUE(file) << file.error().sentence();
            expectContent(*file);
            const std::string bytes = contentOf(path);
            EXPECT_EQ(bytes.substr(static_cast<std::size_t>(userBlock), 4), "\x89HDF");
            auto image = File::openBytes(bytes, "image");
            ASSERT_TRUE(image) << image.error().sentence();
            expectContent(*image);
        }
    }
}

TEST(Hdf5, TheSameContentGivesTheSameBytes)
{
    const TemporaryFolder folder;
    fill(folder / "early.h5", Format::Earliest, 0);
    fill(folder / "late.h5", Format::V110, 0);
    ::usleep(1100000); // times in HDF5 count seconds
    fill(folder / "early2.h5", Format::Earliest, 0);
    fill(folder / "late2.h5", Format::V110, 0);
    EXPECT_EQ(contentOf(folder / "early.h5"), contentOf(folder / "early2.h5"));
    EXPECT_EQ(contentOf(folder / "late.h5"), contentOf(folder / "late2.h5"));
}

TEST(Hdf5, ChecksumsFindFlippedValues)
{
    const TemporaryFolder folder;
    {
        auto file = File::create(folder / "a.h5", Format::V110);
        ASSERT_TRUE(file);
        const Tensor tensor(Shape{2}, std::vector<float>{1234.5F, 1234.5F});
        ASSERT_TRUE(file->write("x", tensor.view(), Storage::Checked));
        ASSERT_TRUE(file->close());
    }
    std::string bytes = contentOf(folder / "a.h5");
    const float marker = 1234.5F;
    const std::size_t at = bytes.find(std::string(reinterpret_cast<const char*>(&marker), 4));
    ASSERT_NE(at, std::string::npos);
    bytes[at] = static_cast<char>(bytes[at] ^ 4);
    auto file = File::openBytes(bytes, "a.h5");
    ASSERT_TRUE(file);
    const auto tensor = file->readTensor("x");
    ASSERT_FALSE(tensor);
    EXPECT_EQ(tensor.error().code, ErrorCode::CorruptFile);
}

TEST(Hdf5, RefusesWrongKindsAndSizesByName)
{
    const TemporaryFolder folder;
    fill(folder / "a.h5", Format::Earliest, 0);
    auto file = File::open(folder / "a.h5");
    ASSERT_TRUE(file);
    EXPECT_EQ(file->readTensor("nothing/here").error().code, ErrorCode::NotFound);
    EXPECT_EQ(file->group("bytes").error().code, ErrorCode::CorruptFile);
    EXPECT_EQ(file->readTensor("a").error().code, ErrorCode::CorruptFile);
    EXPECT_EQ(file->text("none").error().code, ErrorCode::CorruptFile);
    EXPECT_EQ(file->text("names").error().code, ErrorCode::CorruptFile);
    EXPECT_EQ(file->texts("version").error().code, ErrorCode::CorruptFile);
    EXPECT_EQ(file->integer("kind").error().code, ErrorCode::CorruptFile);
    EXPECT_EQ(file->integer("absent").error().code, ErrorCode::NotFound);
    EXPECT_EQ(file->readIntegers("doubles").error().code, ErrorCode::CorruptFile);
    EXPECT_EQ(file->readBytes("doubles").error().code, ErrorCode::CorruptFile);
    const auto large = file->readTensor("a/b/deep/w:0", 5);
    ASSERT_FALSE(large);
    EXPECT_THAT(large.error().message, HasSubstr("6 values"));
    EXPECT_THAT(large.error().where, HasSubstr("/a/b/deep/w:0"));
}

TEST(Hdf5, SaysWhenThereIsNoFile)
{
    const TemporaryFolder folder;
    EXPECT_EQ(File::open(folder / "none.h5").error().code, ErrorCode::NotFound);
    EXPECT_EQ(File::open(folder.write("t.h5", "text")).error().code, ErrorCode::CorruptFile);
    EXPECT_EQ(File::openBytes("", "empty").error().code, ErrorCode::CorruptFile);
    EXPECT_EQ(File::create(folder / "no/such/a.h5", Format::V110).error().code, ErrorCode::Io);
}

TEST(Isolation, BringsAnswersAndErrorsBack)
{
    const std::string large(3000000, 'x');
    EXPECT_EQ(*isolated("a", [&]() -> Result<std::string> { return large; }), large);
    EXPECT_EQ(*isolated("a", []() -> Result<std::string> { return std::string(); }), "");
    const auto failed = isolated("a", []() -> Result<std::string> {
        return fail(ErrorCode::Unsupported, "message", "where", "hint");
    });
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, ErrorCode::Unsupported);
    EXPECT_EQ(failed.error().message, "message");
    EXPECT_EQ(failed.error().where, "where");
    EXPECT_EQ(failed.error().hint, "hint");
}

TEST(Isolation, SurvivesTheDeathOfTheChild)
{
    for (const int number : {SIGSEGV, SIGABRT, SIGKILL}) {
        const auto died = isolated("a.h5", [&]() -> Result<std::string> {
            ::kill(::getpid(), number);
            return std::string("never");
        });
        ASSERT_FALSE(died) << number;
        EXPECT_EQ(died.error().code, ErrorCode::CorruptFile);
        EXPECT_EQ(died.error().where, "a.h5");
    }
    const auto threw = isolated("a.h5", []() -> Result<std::string> { throw std::bad_alloc(); });
    EXPECT_EQ(threw.error().code, ErrorCode::CorruptFile);
}

TEST(Isolation, EndsWhatTakesTooLongOrIsStopped)
{
    const auto forever = []() -> Result<std::string> {
        while (true) {
            ::usleep(1000);
        }
    };
    const auto late = isolated("a.h5", forever, {.seconds = 0.1});
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, ErrorCode::CorruptFile);
    std::stop_source stop;
    stop.request_stop();
    const auto stopped = isolated("a.h5", forever, {.job = {stop.get_token(), nullptr}});
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().code, ErrorCode::Canceled);
}

TEST(Isolation, ReadsHdf5InTheChild)
{
    const TemporaryFolder folder;
    fill(folder / "a.h5", Format::Earliest, 0);
    const auto answer = isolated("a.h5", [&]() -> Result<std::string> {
        auto file = File::open(folder / "a.h5");
        return file ? file->text("kind") : fail(std::move(file).error());
    });
    ASSERT_TRUE(answer) << answer.error().sentence();
    EXPECT_EQ(*answer, "tëxt");
}

} // namespace
} // namespace bitscape::io
