// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/project/seal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>

namespace bitscape::project {
namespace {

using ::testing::HasSubstr;

constexpr int kKnown = 3;

std::string sealed(const std::string& content, int version = kKnown)
{
    return makeSeal(content, version) + content;
}

TEST(SealTest, IsTextOf512BytesAndHolds)
{
    const std::string file = sealed("content");
    ASSERT_EQ(file.size(), 512U + 7U);
    EXPECT_THAT(file, HasSubstr("bitscape project\nformat 3\n"));
    EXPECT_THAT(file, HasSubstr("\nbytes 519\n"));
    EXPECT_TRUE(checkSeal(file, kKnown, "f"));
}

TEST(SealTest, NoticesEverySingleChangedByte)
{
    const std::string file = sealed("some content that is not empty");
    for (std::size_t at = 0; at < file.size(); ++at) {
        for (const int mask : {0x01, 0x80}) {
            std::string damaged = file;
            damaged[at] = static_cast<char>(damaged[at] ^ mask);
            EXPECT_FALSE(checkSeal(damaged, kKnown, "f")) << "byte " << at;
        }
    }
}

TEST(SealTest, NoticesEveryTruncationAndAppendedBytes)
{
    const std::string file = sealed("content");
    for (std::size_t size = 0; size < file.size(); ++size) {
        const auto result = checkSeal(std::string_view(file).substr(0, size), kKnown, "f");
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code, ErrorCode::CorruptFile);
    }
    EXPECT_FALSE(checkSeal(file + "x", kKnown, "f"));
}

TEST(SealTest, SaysHowMuchOfAFileIsThere)
{
    const auto result = checkSeal(sealed("content").substr(0, 515), kKnown, "f");
    ASSERT_FALSE(result);
    EXPECT_THAT(result.error().message, HasSubstr("515 of 519 bytes"));
}

TEST(SealTest, TellsOtherFilesFromDamagedOnes)
{
    const std::string hdf5 = "\x89HDF\r\n\x1a\n" + std::string(1000, 'x');
    EXPECT_THAT(checkSeal(hdf5, kKnown, "f").error().message, HasSubstr("HDF5 file, but no"));
    EXPECT_THAT(checkSeal(std::string(1000, 'x'), kKnown, "f").error().message,
                HasSubstr("no Bitscape project"));
}

TEST(SealTest, RefusesANewerFormatByNameAndReadsOlderOnes)
{
    const auto result = checkSeal(sealed("content", 4), kKnown, "f");
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::VersionTooNew);
    EXPECT_THAT(result.error().message, HasSubstr("format 4, known up to 3"));
    EXPECT_TRUE(checkSeal(sealed("content", 1), kKnown, "f"));
}

/// An attribute message as HDF5 1.10 writes it for a scalar integer.
std::string attributeMessage(std::int64_t value)
{
    std::string message = "format_version";
    message += std::string("\0\x10\x08\0\0\x08\0\0\0\0\0\x40\0\x02\0\0\0", 17);
    for (int i = 0; i < 8; ++i) {
        message += static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i));
    }
    return message;
}

TEST(SealTest, NamesTheVersionIfOnlyTheAttributeInsideIsNewer)
{
    std::string file = sealed("before" + attributeMessage(kKnown) + "behind");
    ASSERT_TRUE(checkSeal(file, kKnown, "f"));
    const std::size_t at = file.find(attributeMessage(kKnown));
    file.replace(at, attributeMessage(0).size(), attributeMessage(9999));
    const auto result = checkSeal(file, kKnown, "f");
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::VersionTooNew);
    EXPECT_THAT(result.error().message, HasSubstr("9999"));
}

TEST(SealTest, ScansBytesAtTheEndWithoutReadingBeyond)
{
    const std::string whole = attributeMessage(9999);
    for (std::size_t size = 1; size < whole.size(); ++size) {
        std::string file = sealed("x" + whole.substr(0, size));
        file[600 % file.size()] = static_cast<char>(~file[600 % file.size()]);
        EXPECT_FALSE(checkSeal(file, kKnown, "f"));
    }
}

} // namespace
} // namespace bitscape::project
