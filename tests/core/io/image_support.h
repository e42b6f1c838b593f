// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <png.h>
#include <turbojpeg.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace bitscape::io::tests {

/// How a PNG is to be written; `rows` hold what libpng takes: 16 bits big-endian, packed below 8.
struct PngText {
    int height = 0;
    int width = 0;
    int type = PNG_COLOR_TYPE_GRAY;
    int depth = 8;
    std::vector<std::uint8_t> rows;
    std::vector<png_color> palette;
    std::vector<png_byte> paletteAlpha;
    int interlace = PNG_INTERLACE_NONE;
};

inline std::string encodePng(const PngText& text)
{
    std::string out;
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
    png_infop info = png_create_info_struct(png);
    png_set_write_fn(
        png, &out,
        [](png_structp writer, png_bytep data, std::size_t count) {
            static_cast<std::string*>(png_get_io_ptr(writer))
                ->append(reinterpret_cast<const char*>(data), count);
        },
        nullptr);
    png_set_IHDR(png, info, static_cast<png_uint_32>(text.width),
                 static_cast<png_uint_32>(text.height), text.depth, text.type, text.interlace,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (!text.palette.empty()) {
        png_set_PLTE(png, info, text.palette.data(), static_cast<int>(text.palette.size()));
    }
    if (!text.paletteAlpha.empty()) {
        png_set_tRNS(png, info, text.paletteAlpha.data(),
                     static_cast<int>(text.paletteAlpha.size()), nullptr);
    }
    png_write_info(png, info);
    const std::size_t rowSize = text.rows.size() / static_cast<std::size_t>(text.height);
    std::vector<png_bytep> rows;
    for (int row = 0; row < text.height; ++row) {
        rows.push_back(const_cast<png_bytep>(text.rows.data()) +
                       static_cast<std::size_t>(row) * rowSize);
    }
    png_write_image(png, rows.data());
    png_write_end(png, nullptr);
    png_destroy_write_struct(&png, &info);
    return out;
}

/// A grey picture of one value, or a coloured one of three.
inline std::string flatPng(int height, int width, const std::vector<std::uint8_t>& pixel)
{
    PngText text{height, width, pixel.size() == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB};
    for (int i = 0; i < height * width; ++i) {
        text.rows.insert(text.rows.end(), pixel.begin(), pixel.end());
    }
    return encodePng(text);
}

/// rows: height×width×(1 or 3).
inline std::string encodeJpeg(int height, int width, const std::vector<std::uint8_t>& rows,
                              bool grey, int flags = 0, int quality = 100)
{
    const std::unique_ptr<void, int (*)(tjhandle)> encoder(tjInitCompress(), tjDestroy);
    unsigned char* bytes = nullptr;
    unsigned long size = 0;
    tjCompress2(encoder.get(), rows.data(), width, 0, height, grey ? TJPF_GRAY : TJPF_RGB, &bytes,
                &size, grey ? TJSAMP_GRAY : TJSAMP_444, quality, flags);
    std::string out(reinterpret_cast<const char*>(bytes), size);
    tjFree(bytes);
    return out;
}

} // namespace bitscape::io::tests
