// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/image_file.h"
#include "tests/core/io/image_support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bitscape::io {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using tests::encodeJpeg;
using tests::encodePng;
using tests::PngText;

std::vector<std::uint8_t> pixelsOf(const std::string& bytes, int channels)
{
    const auto image = decodeImage(bytes, channels, "image");
    EXPECT_TRUE(image) << (image ? "" : image.error().sentence());
    return image ? image->pixels : std::vector<std::uint8_t>();
}

void expectDamaged(const std::string& bytes, const std::string& says)
{
    const auto image = decodeImage(bytes, 3, "a/b.png");
    ASSERT_FALSE(image) << says;
    EXPECT_EQ(image.error().code, ErrorCode::CorruptFile);
    EXPECT_THAT(image.error().sentence(), HasSubstr(says));
    EXPECT_THAT(image.error().where, HasSubstr("a/b.png"));
}

ImageInfo infoOf(const std::string& bytes)
{
    const auto info = readImageInfo(bytes, bytes.size(), "image");
    EXPECT_TRUE(info && *info) << (info ? "needs more" : info.error().sentence());
    return info && *info ? **info : ImageInfo();
}

TEST(Png, EveryKindOfPixelBecomesEightBitsWithoutAlpha)
{
    const std::string grey = encodePng({1, 2, PNG_COLOR_TYPE_GRAY, 8, {7, 200}});
    EXPECT_THAT(pixelsOf(grey, 1), ElementsAre(7, 200));
    EXPECT_THAT(pixelsOf(grey, 3), ElementsAre(7, 7, 7, 200, 200, 200));
    EXPECT_THAT(pixelsOf(encodePng({1, 2, PNG_COLOR_TYPE_RGB, 8, {1, 2, 3, 4, 5, 6}}), 3),
                ElementsAre(1, 2, 3, 4, 5, 6));
    EXPECT_THAT(pixelsOf(encodePng({1, 2, PNG_COLOR_TYPE_GRAY, 16, {7, 255, 200, 0}}), 1),
                ElementsAre(7, 200));
    EXPECT_THAT(pixelsOf(encodePng({1, 8, PNG_COLOR_TYPE_GRAY, 1, {0b10100000}}), 1),
                ElementsAre(255, 0, 255, 0, 0, 0, 0, 0));
    EXPECT_THAT(pixelsOf(encodePng({1, 2, PNG_COLOR_TYPE_GRAY, 4, {0x1F}}), 1),
                ElementsAre(17, 255));
    EXPECT_THAT(pixelsOf(encodePng({1, 2, PNG_COLOR_TYPE_GRAY_ALPHA, 8, {7, 0, 200, 128}}), 1),
                ElementsAre(7, 200));
    EXPECT_THAT(
        pixelsOf(encodePng({1, 2, PNG_COLOR_TYPE_RGB_ALPHA, 8, {1, 2, 3, 0, 4, 5, 6, 9}}), 3),
        ElementsAre(1, 2, 3, 4, 5, 6));
    PngText palette{1, 2, PNG_COLOR_TYPE_PALETTE, 8, {1, 0}};
    palette.palette = {{10, 20, 30}, {40, 50, 60}};
    EXPECT_THAT(pixelsOf(encodePng(palette), 3), ElementsAre(40, 50, 60, 10, 20, 30));
    palette.paletteAlpha = {0, 255};
    EXPECT_THAT(pixelsOf(encodePng(palette), 3), ElementsAre(40, 50, 60, 10, 20, 30));
}

TEST(Png, SaysWhatItDropped)
{
    const auto alpha =
        decodeImage(encodePng({1, 1, PNG_COLOR_TYPE_GRAY_ALPHA, 16, {9, 0, 1, 1}}), 1, "a");
    ASSERT_TRUE(alpha);
    EXPECT_TRUE(alpha->hadAlpha);
    EXPECT_TRUE(alpha->was16Bit);
    const auto plain = decodeImage(tests::flatPng(1, 1, {5}), 1, "a");
    ASSERT_TRUE(plain);
    EXPECT_FALSE(plain->hadAlpha);
    EXPECT_FALSE(plain->was16Bit);
}

TEST(Png, ColourBecomesGreyByLuminance)
{
    EXPECT_THAT(pixelsOf(tests::flatPng(1, 1, {255, 0, 0}), 1), ElementsAre(76));
    EXPECT_THAT(pixelsOf(tests::flatPng(1, 1, {0, 255, 0}), 1), ElementsAre(150));
    EXPECT_THAT(pixelsOf(tests::flatPng(1, 1, {0, 0, 255}), 1), ElementsAre(29));
    EXPECT_THAT(pixelsOf(tests::flatPng(1, 1, {255, 255, 255}), 1), ElementsAre(255));
}

TEST(Png, InterlacedIsTheSame)
{
    PngText text{9, 9, PNG_COLOR_TYPE_GRAY, 8, {}};
    for (std::uint8_t i = 0; i < 81; ++i) {
        text.rows.push_back(static_cast<std::uint8_t>(3 * i));
    }
    const auto plain = pixelsOf(encodePng(text), 1);
    text.interlace = PNG_INTERLACE_ADAM7;
    EXPECT_EQ(pixelsOf(encodePng(text), 1), plain);
}

TEST(Png, DamageAnywhereIsSeen)
{
    const std::string whole = tests::flatPng(8, 8, {1, 2, 3});
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_FALSE(decodeImage(whole.substr(0, size), 3, "cut")) << size;
    }
    std::string flipped = whole;
    flipped[whole.find("IDAT") + 6] ^= 0x10;
    expectDamaged(flipped, "damaged");
    expectDamaged("no image", "neither a PNG nor a JPEG");
}

TEST(Png, ClaimsBeyondItsBytesAreRefusedBeforeMemoryIsTaken)
{
    std::string bomb = tests::flatPng(1, 1, {1});
    const std::size_t width = bomb.find("IHDR") + 4;
    bomb.replace(width, 8, std::string("\x7F\xFF\xFF\xFF\x7F\xFF\xFF\xFF", 8));
    expectDamaged(bomb, "cannot hold");
    bomb.replace(width, 8, std::string(8, '\0'));
    expectDamaged(bomb, "cannot hold");
    bomb.replace(width, 8, std::string("\0\0\xFF\xFF\0\0\xFF\xFF", 8));
    bomb += std::string(std::size_t{5} << 20, '\0'); // enough bytes, too many pixels
    expectDamaged(bomb, "64 megapixels");
}

TEST(Jpeg, ReadsGreyAndColour)
{
    const std::vector<std::uint8_t> grey(16 * 24, 90);
    const std::string greyBytes = encodeJpeg(16, 24, grey, true);
    const ImageInfo info = infoOf(greyBytes);
    EXPECT_EQ(info.format, ImageFormat::Jpeg);
    EXPECT_EQ(info.height, 16);
    EXPECT_EQ(info.width, 24);
    EXPECT_EQ(info.channels, 1);
    EXPECT_THAT(pixelsOf(greyBytes, 1), Each(90));
    EXPECT_EQ(pixelsOf(greyBytes, 3).size(), 16U * 24 * 3);
    std::vector<std::uint8_t> red;
    for (int i = 0; i < 16 * 16; ++i) {
        red.insert(red.end(), {250, 10, 10});
    }
    for (const int flags : {0, TJFLAG_PROGRESSIVE}) {
        const std::string bytes = encodeJpeg(16, 16, red, false, flags);
        EXPECT_EQ(infoOf(bytes).channels, 3);
        const auto pixels = pixelsOf(bytes, 3);
        ASSERT_EQ(pixels.size(), red.size());
        for (std::size_t i = 0; i < red.size(); ++i) {
            EXPECT_NEAR(pixels[i], red[i], 2);
        }
        EXPECT_NEAR(pixelsOf(bytes, 1).front(), 0.299 * 250 + 0.701 * 10, 2);
    }
}

TEST(Jpeg, TruncationIsDamageAndStrayBytesAreNot)
{
    std::vector<std::uint8_t> rows;
    for (int i = 0; i < 32 * 32; ++i) {
        rows.push_back(static_cast<std::uint8_t>((i * 37) % 251));
    }
    const std::string whole = encodeJpeg(32, 32, rows, true);
    expectDamaged(whole.substr(0, whole.size() / 2), "damaged");
    expectDamaged(whole.substr(0, 20), "damaged");
    std::string stray = whole;
    stray.insert(stray.size() - 2, "\x11\x22", 2);
    const auto image = decodeImage(stray, 1, "stray.jpg");
    ASSERT_TRUE(image) << image.error().sentence();
    EXPECT_EQ(image->pixels, pixelsOf(whole, 1));
}

TEST(Jpeg, FindsItsSizeBehindLongComments)
{
    const std::string plain = encodeJpeg(16, 16, std::vector<std::uint8_t>(256, 1), true);
    const std::string comment = std::string("\xFF\xFE\x80\x02", 4) + std::string(0x8000, 'c');
    const std::string bytes = plain.substr(0, 2) + comment + plain.substr(2);
    const auto start = readImageInfo(std::string_view(bytes).substr(0, 4096), bytes.size(), "a");
    ASSERT_TRUE(start) << start.error().sentence();
    EXPECT_FALSE(start->has_value());
    EXPECT_EQ(infoOf(bytes).width, 16);
    EXPECT_EQ(pixelsOf(bytes, 1).size(), 256U);
}

TEST(Jpeg, RefusesInkAndAbsurdSizes)
{
    std::string bytes = encodeJpeg(16, 16, std::vector<std::uint8_t>(256, 1), true);
    const std::size_t frame = bytes.find("\xFF\xC0");
    ASSERT_NE(frame, std::string::npos);
    std::string ink = bytes;
    ink[frame + 9] = 4;
    expectDamaged(ink, "CMYK");
    std::string huge = bytes;
    huge.replace(frame + 5, 4, "\xFF\xFF\xFF\xFF");
    expectDamaged(huge, "cannot hold");
    std::string deep = bytes;
    deep[frame + 4] = 12;
    expectDamaged(deep, "12 bits");
}

TEST(Resize, IsBilinearWithHalfPixelCentres)
{
    const Image image{1, 4, 1, {0, 10, 20, 30}};
    std::vector<float> half(2);
    resizeBilinear(image, 1, 2, half);
    EXPECT_THAT(half, ElementsAre(5, 25));
    std::vector<float> twice(8);
    resizeBilinear(image, 1, 8, twice);
    EXPECT_THAT(twice, ElementsAre(0, 2.5F, 7.5F, 12.5F, 17.5F, 22.5F, 27.5F, 30));
    const Image square{2, 2, 3, {0, 100, 200, 10, 110, 210, 20, 120, 220, 30, 130, 230}};
    std::vector<float> one(3);
    resizeBilinear(square, 1, 1, one);
    EXPECT_THAT(one, ElementsAre(15, 115, 215));
    std::vector<float> same(12);
    resizeBilinear(square, 2, 2, same);
    EXPECT_TRUE(std::ranges::equal(same, square.pixels));
}

TEST(ImageNames, AreKnownInAnyCase)
{
    EXPECT_TRUE(hasImageEnding("a/B.JPeG"));
    EXPECT_TRUE(hasImageEnding("x.png"));
    EXPECT_FALSE(hasImageEnding("x.gif"));
}

} // namespace
} // namespace bitscape::io
