// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/array_file.h"
#include "core/io/zip_archive.h"
#include "tests/core/io/temporary_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <bit>
#include <cmath>
#include <limits>

namespace bitscape::io {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using tests::contentOf;
using tests::TemporaryFolder;

std::string npy(const std::string& dictionary, std::string_view data, char major = 1)
{
    std::string header = dictionary + "\n";
    std::string out = "\x93NUMPY";
    out += major;
    out += '\0';
    out += static_cast<char>(header.size() & 255U);
    out += static_cast<char>(header.size() >> 8U);
    if (major > 1) {
        out += std::string(2, '\0');
    }
    return out + header + std::string(data);
}

template <class T>
std::string bytesOf(std::initializer_list<T> values, bool swap = false)
{
    std::string out;
    for (const T value : values) {
        std::string bytes(reinterpret_cast<const char*>(&value), sizeof value);
        if (swap) {
            std::ranges::reverse(bytes);
        }
        out += bytes;
    }
    return out;
}

std::string gzip(std::string_view text)
{
    z_stream stream{};
    deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    std::string out(deflateBound(&stream, text.size()) + 64, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    deflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

TEST(Npy, ReadsEveryElementType)
{
    struct Case {
        const char* descr;
        std::string data;
        const char* dtype;
        bool isInteger;
    };
    const Case cases[] = {
        {"|b1", bytesOf<std::uint8_t>({0, 1}), "bool", true},
        {"|i1", bytesOf<std::int8_t>({0, 1}), "int8", true},
        {"|u1", bytesOf<std::uint8_t>({0, 1}), "uint8", true},
        {"<i2", bytesOf<std::int16_t>({0, 1}), "int16", true},
        {">u2", bytesOf<std::uint16_t>({0, 1}, true), "uint16", true},
        {"<i4", bytesOf<std::int32_t>({0, 1}), "int32", true},
        {">u4", bytesOf<std::uint32_t>({0, 1}, true), "uint32", true},
        {"<i8", bytesOf<std::int64_t>({0, 1}), "int64", true},
        {"=u8", bytesOf<std::uint64_t>({0, 1}), "uint64", true},
        {"<f2", bytesOf<std::uint16_t>({0x0000, 0x3C00}), "float16", false},
        {">f4", bytesOf<float>({0, 1}, true), "float32", false},
        {"<f8", bytesOf<double>({0, 1}), "float64", false},
    };
    for (const Case& one : cases) {
        const auto array = readNpy(npy(std::string("{'descr': '") + one.descr +
                                           "', 'fortran_order': False, 'shape': (2,), }",
                                       one.data),
                                   "x.npy");
        ASSERT_TRUE(array) << one.descr << ": " << array.error().sentence();
        EXPECT_EQ(array->dtype, one.dtype);
        EXPECT_EQ(array->isInteger(), one.isInteger) << one.descr;
        EXPECT_THAT(array->values, ElementsAre(0.0F, 1.0F)) << one.descr;
        if (one.isInteger) {
            EXPECT_THAT(array->toIntegers(), ElementsAre(0, 1)) << one.descr;
        }
    }
}

TEST(Npy, KeepsIntegersThatFloatsCannotHold)
{
    constexpr std::int64_t kLarge = (std::int64_t{1} << 53) + 1;
    const auto array = readNpy(npy("{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }",
                                   bytesOf<std::int64_t>({kLarge})),
                               "x.npy");
    ASSERT_TRUE(array);
    EXPECT_THAT(array->toIntegers(), ElementsAre(kLarge));
}

TEST(Npy, ReadsHalfPrecisionExtremes)
{
    const auto array =
        readNpy(npy("{'descr': '<f2', 'fortran_order': False, 'shape': (5,), }",
                    bytesOf<std::uint16_t>({0x0001, 0x7BFF, 0xFC00, 0x7E00, 0xC000})),
                "x.npy");
    ASSERT_TRUE(array);
    EXPECT_EQ(array->values[0], std::ldexp(1.0F, -24));
    EXPECT_EQ(array->values[1], 65504.0F);
    EXPECT_EQ(array->values[2], -std::numeric_limits<float>::infinity());
    EXPECT_TRUE(std::isnan(array->values[3]));
    EXPECT_EQ(array->values[4], -2.0F);
}

TEST(Npy, TurnsFortranOrderAround)
{
    const auto array = readNpy(npy("{'descr': '<i4', 'fortran_order': True, 'shape': (2, 3), }",
                                   bytesOf<std::int32_t>({1, 4, 2, 5, 3, 6})),
                               "x.npy");
    ASSERT_TRUE(array);
    EXPECT_THAT(array->values, ElementsAre(1, 2, 3, 4, 5, 6));
    EXPECT_THAT(array->integers, ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST(Npy, ReadsLaterVersionsAndScalars)
{
    const auto array = readNpy(
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (), }", bytesOf<float>({2.5F}), 2),
        "x.npy");
    ASSERT_TRUE(array) << array.error().sentence();
    EXPECT_TRUE(array->shape.empty());
    EXPECT_THAT(array->values, ElementsAre(2.5F));
}

TEST(Npy, RefusesWhatItCannotTrust)
{
    const std::string good = "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 8, 8, 1), }";
    struct Case {
        const char* what;
        std::string bytes;
        const char* says;
    };
    const Case cases[] = {
        {"empty", "", "no .npy"},
        {"other magic", "\x93NUMPZ\x01" + std::string(100, '\0'), "no .npy"},
        {"cut header", npy(good, "").substr(0, 40), "header is damaged"},
        {"cut data", npy(good, std::string(100, '\0')), "ends too early"},
        {"pickle", npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", "x"), "pickled"},
        {"text", npy("{'descr': '<U4', 'fortran_order': False, 'shape': (1,), }", "x"),
         "no number"},
        {"code", npy("{'descr': __import__('os'), 'fortran_order': False, 'shape': (1,), }", "x"),
         "header is damaged"},
        {"negative", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-4,), }", "x"),
         "header is damaged"},
        {"overflow",
         npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296, 8), }",
             "x"),
         "ends too early"},
        {"many axes",
         npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }", "1234"),
         "axes"},
        {"missing key", npy("{'descr': '<f4', 'shape': (1,), }", "1234"), "header is damaged"},
        {"version", npy(good, "", 9), "Version 9"},
    };
    for (const Case& one : cases) {
        const auto array = readNpy(one.bytes, "x.npy");
        ASSERT_FALSE(array) << one.what;
        EXPECT_EQ(array.error().code, ErrorCode::CorruptFile) << one.what;
        EXPECT_THAT(array.error().message, HasSubstr(one.says)) << one.what;
        EXPECT_THAT(array.error().where, HasSubstr("x.npy")) << one.what;
    }
}

TEST(Npy, SavedFilesReadBack)
{
    const TemporaryFolder folder;
    const Tensor tensor(Shape{2, 3}, std::vector<float>{1, 2, 3, 4, 5, -6.5F});
    ASSERT_TRUE(saveNpy(folder / "x.npy", tensor.view()));
    const auto array = loadNpy(folder / "x.npy");
    ASSERT_TRUE(array);
    EXPECT_EQ(array->toTensor(), tensor);
    EXPECT_EQ(array->dtype, "float32");

    const std::vector<std::int64_t> codes{-1, 1LL << 40};
    ASSERT_TRUE(saveNpyIntegers(folder / "i.npy", codes, Shape{2}));
    const auto integers = loadNpy(folder / "i.npy");
    ASSERT_TRUE(integers);
    EXPECT_EQ(integers->toIntegers(), codes);
    EXPECT_EQ(contentOf(folder / "x.npy").find("\n") % 64, 63U) << "the header is padded to 64";
}

TEST(Npz, RoundTripsWithEqualBytes)
{
    const TemporaryFolder folder;
    const Tensor a(Shape{2}, std::vector<float>{1, 2});
    const Tensor b(Shape{1, 2}, std::vector<float>{3, 4});
    ASSERT_TRUE(saveNpz(folder / "a.npz", {{"first", a.view()}, {"second", b.view()}}));
    ASSERT_TRUE(saveNpz(folder / "b.npz", {{"first", a.view()}, {"second", b.view()}}));
    EXPECT_EQ(contentOf(folder / "a.npz"), contentOf(folder / "b.npz"));
    const auto arrays = loadNpz(folder / "a.npz");
    ASSERT_TRUE(arrays) << arrays.error().sentence();
    ASSERT_EQ(arrays->size(), 2U);
    EXPECT_EQ(arrays->front().first, "first");
    EXPECT_EQ(arrays->front().second.toTensor(), a);
    EXPECT_EQ(arrays->back().second.toTensor(), b);
}

TEST(Npz, RefusesDamage)
{
    const TemporaryFolder folder;
    const Tensor a(Shape{64}, std::vector<float>(64, 1.0F));
    ASSERT_TRUE(saveNpz(folder / "a.npz", {{"a", a.view()}}));
    const std::string good = contentOf(folder / "a.npz");
    for (const std::size_t size : {std::size_t{0}, good.size() / 2, good.size() - 10}) {
        const auto arrays = readNpz(good.substr(0, size), "a.npz");
        ASSERT_FALSE(arrays) << size;
        EXPECT_EQ(arrays.error().code, ErrorCode::CorruptFile);
    }
    std::string flipped = good;
    flipped[good.size() / 2] = static_cast<char>(flipped[good.size() / 2] ^ 1);
    const auto arrays = readNpz(flipped, "a.npz");
    ASSERT_FALSE(arrays);
    EXPECT_THAT(arrays.error().where, HasSubstr("a.npz"));
}

TEST(Zip, BoundsWhatItUnpacks)
{
    const auto bytes = writeZip({{"a.txt", std::string(1000, 'a')}}, "a.zip");
    ASSERT_TRUE(bytes);
    EXPECT_TRUE(readZip(*bytes, "a.zip", 1000));
    const auto refused = readZip(*bytes, "a.zip", 999);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::CorruptFile);
}

TEST(Files, AFailedWriteLeavesTheOldFileAndNoPart)
{
    const TemporaryFolder folder;
    ASSERT_TRUE(writeFileAtomically(folder / "a.txt", "old"));
    ASSERT_TRUE(writeFileAtomically(folder / "a.txt", "new"));
    EXPECT_EQ(contentOf(folder / "a.txt"), "new");
    EXPECT_EQ(folder.fileCount(), 1);
    const auto failed = writeFileAtomically(folder / "no/such/a.txt", "x");
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, ErrorCode::Io);
    std::filesystem::create_directory(folder / "taken");
    EXPECT_FALSE(writeFileAtomically(folder / "taken", "x"));
    EXPECT_FALSE(std::filesystem::exists(folder / "taken.part"));
}

TEST(Files, SaysWhyAFileCannotBeRead)
{
    const TemporaryFolder folder;
    EXPECT_EQ(readFile(folder / "none").error().code, ErrorCode::NotFound);
    EXPECT_EQ(readFile(folder / "").error().code, ErrorCode::Io);
    EXPECT_EQ(readFile("/dev/zero").error().code, ErrorCode::Io);
    folder.write("big", "12345");
    EXPECT_EQ(readFile(folder / "big", 4).error().code, ErrorCode::OutOfResources);
    EXPECT_EQ(*readFile(folder / "big", 5), "12345");
}

TEST(Gunzip, UnpacksMembersAndRefusesDamage)
{
    const std::string text(100000, 'x');
    const std::string packed = gzip(text);
    EXPECT_EQ(*gunzip(packed, "a.gz"), text);
    EXPECT_EQ(*gunzip(packed + gzip("y"), "a.gz"), text + "y");
    EXPECT_EQ(gunzip(packed.substr(0, packed.size() - 5), "a.gz").error().code,
              ErrorCode::CorruptFile);
    EXPECT_EQ(gunzip(packed, "a.gz", 99999).error().code, ErrorCode::CorruptFile);
    EXPECT_EQ(gunzip("no gzip", "a.gz").error().code, ErrorCode::CorruptFile);
    EXPECT_EQ(gunzip("", "a.gz").error().code, ErrorCode::CorruptFile);
}

} // namespace
} // namespace bitscape::io
