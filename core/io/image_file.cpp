// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/image_file.h"

#include "core/io/bytes.h"

#include <png.h>
#include <turbojpeg.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <csetjmp>
#include <cstring>
#include <memory>

namespace bitscape::io {

namespace {

constexpr std::string_view kPngMagic = "\x89PNG\r\n\x1a\n";
constexpr std::string_view kJpegMagic = "\xFF\xD8\xFF";
constexpr int kGrey = 1;
constexpr int kColour = 3;

Failure corrupt(std::string message, const std::string& where)
{
    return fail(ErrorCode::CorruptFile, std::move(message), where);
}

std::string sizeText(Index height, Index width)
{
    return std::to_string(height) + "×" + std::to_string(width);
}

/// `holds`: the most pixels that so many bytes can stand for.
Result<void> checkPixels(const ImageInfo& info, std::size_t holds, const std::string& where)
{
    const Index pixels = info.height * info.width;
    if (info.height < 1 || info.width < 1 || static_cast<std::size_t>(pixels) > holds) {
        return corrupt("The image is damaged: it claims " + sizeText(info.height, info.width) +
                           " pixels, which its bytes cannot hold.",
                       where);
    }
    if (pixels > kMaxPixels) {
        return corrupt("The image has " + sizeText(info.height, info.width) +
                           " pixels; at most 64 megapixels are read.",
                       where);
    }
    return {};
}

// ------------------------------------------------------------------------------------------- PNG

Result<std::optional<ImageInfo>> pngInfo(std::string_view start, std::size_t size,
                                         const std::string& where)
{
    constexpr std::string_view kFirstChunk{"\0\0\0\x0DIHDR", 8};
    constexpr std::size_t kPacking = 1032; // DEFLATE cannot pack tighter
    constexpr std::uint32_t kMaxSide = 0x7FFFFFFF;
    ByteReader reader(start.substr(kPngMagic.size()));
    const auto chunk = reader.take(kFirstChunk.size());
    const auto width = reader.bigEndian32();
    const auto height = reader.bigEndian32();
    const auto depth = reader.number<std::uint8_t>();
    const auto type = reader.number<std::uint8_t>();
    if (!type || *chunk != kFirstChunk || *width > kMaxSide || *height > kMaxSide) {
        return corrupt("The PNG image is damaged: it has no head.", where);
    }
    ImageInfo info{ImageFormat::Png, static_cast<Index>(*height), static_cast<Index>(*width),
                   (*type & PNG_COLOR_MASK_COLOR) != 0 ? kColour : kGrey};
    const std::size_t perByte = *depth < 8 && *depth > 0 ? 8 / std::size_t{*depth} : 1;
    if (auto ok = checkPixels(info, size * kPacking * perByte, where); !ok) {
        return fail(std::move(ok).error());
    }
    return std::optional(info);
}

/// What libpng's callbacks see.
struct PngSource {
    std::string_view bytes;
    std::array<char, 96> message{};
    bool hadAlpha = false;
    bool was16Bit = false;
};

void onPngError(png_structp png, png_const_charp text)
{
    auto* source = static_cast<PngSource*>(png_get_error_ptr(png));
    std::strncpy(source->message.data(), text, source->message.size() - 1);
    png_longjmp(png, 1);
}

void onPngWarning(png_structp /*png*/, png_const_charp /*text*/) {}

void feedPng(png_structp png, png_bytep out, std::size_t count)
{
    auto* source = static_cast<PngSource*>(png_get_io_ptr(png));
    if (count > source->bytes.size()) {
        png_error(png, "it ends too early");
    }
    std::memcpy(out, source->bytes.data(), count);
    source->bytes.remove_prefix(count);
}

/// Sets up 8-bit rows of `channels` values; leaves by longjmp where the head does not fit.
void preparePng(png_structp png, png_infop about, PngSource& source, const ImageInfo& info,
                int channels)
{
    constexpr png_alloc_size_t kMaxChunk = 8U << 20U;
    png_set_read_fn(png, &source, feedPng);
    png_set_user_limits(png, static_cast<png_uint_32>(info.width),
                        static_cast<png_uint_32>(info.height));
    png_set_chunk_malloc_max(png, kMaxChunk);
    png_read_info(png, about);
    const int type = png_get_color_type(png, about);
    const int depth = png_get_bit_depth(png, about);
    source.hadAlpha =
        (type & PNG_COLOR_MASK_ALPHA) != 0 || png_get_valid(png, about, PNG_INFO_tRNS) != 0;
    source.was16Bit = depth == 16;
    if (type == PNG_COLOR_TYPE_PALETTE) {
        png_set_palette_to_rgb(png);
    } else if (depth < 8) {
        png_set_expand_gray_1_2_4_to_8(png);
    }
    if (source.was16Bit) {
        png_set_strip_16(png);
    }
    if (source.hadAlpha) {
        png_set_strip_alpha(png);
    }
    if (channels == kColour && info.channels == kGrey) {
        png_set_gray_to_rgb(png);
    }
    png_set_interlace_handling(png);
    png_read_update_info(png, about);
    if (png_get_rowbytes(png, about) !=
        static_cast<std::size_t>(info.width) * static_cast<std::size_t>(channels)) {
        png_error(png, "its head contradicts itself");
    }
}

/// Owns nothing but libpng's structures: the library leaves by longjmp, past destructors.
bool runPng(PngSource& source, const ImageInfo& info, int channels, png_bytepp rows)
{
    png_structp png =
        png_create_read_struct(PNG_LIBPNG_VER_STRING, &source, onPngError, onPngWarning);
    png_infop about = png != nullptr ? png_create_info_struct(png) : nullptr;
    if (about == nullptr) {
        png_destroy_read_struct(&png, nullptr, nullptr);
        return false;
    }
    if (setjmp(png_jmpbuf(png)) != 0) { // NOLINT(cert-err52-cpp): libpng's way
        png_destroy_read_struct(&png, &about, nullptr);
        return false;
    }
    preparePng(png, about, source, info, channels);
    png_read_image(png, rows);
    png_read_end(png, nullptr);
    png_destroy_read_struct(&png, &about, nullptr);
    return true;
}

Result<Image> decodePng(std::string_view bytes, const ImageInfo& info, int channels,
                        const std::string& where)
{
    Image image{info.height, info.width, channels};
    const auto rowSize = static_cast<std::size_t>(info.width) * static_cast<std::size_t>(channels);
    image.pixels.resize(static_cast<std::size_t>(info.height) * rowSize);
    std::vector<png_bytep> rows(static_cast<std::size_t>(info.height));
    for (std::size_t row = 0; row < rows.size(); ++row) {
        rows[row] = image.pixels.data() + row * rowSize;
    }
    PngSource source{bytes};
    if (!runPng(source, info, channels, rows.data())) {
        return corrupt("The PNG image is damaged: " + std::string(source.message.data()) + ".",
                       where);
    }
    image.hadAlpha = source.hadAlpha;
    image.was16Bit = source.was16Bit;
    return image;
}

// ------------------------------------------------------------------------------------------ JPEG

/// The frame header (SOF) of a JPEG stream.
struct Frame {
    int bits = 0;
    Index height = 0;
    Index width = 0;
    int components = 0;
};

enum class Search { Found, NeedsMore, Damaged };

std::optional<int> bigEndian16(ByteReader& reader)
{
    const auto high = reader.number<std::uint8_t>();
    const auto low = reader.number<std::uint8_t>();
    return low ? std::optional(*high * 256 + *low) : std::nullopt;
}

Search readFrame(ByteReader& reader, Frame& frame)
{
    const auto length = bigEndian16(reader);
    const auto bits = reader.number<std::uint8_t>();
    const auto height = bigEndian16(reader);
    const auto width = bigEndian16(reader);
    const auto components = reader.number<std::uint8_t>();
    if (!components) {
        return Search::NeedsMore;
    }
    frame = {*bits, *height, *width, *components};
    return *length >= 8 ? Search::Found : Search::Damaged;
}

Search findFrame(std::string_view bytes, Frame& frame)
{
    constexpr int kStartOfScan = 0xDA;
    constexpr int kEndOfImage = 0xD9;
    constexpr std::array kNoFrames{0xC4, 0xC8, 0xCC}; // tables, among the codes of frames
    ByteReader reader(bytes);
    (void)reader.take(2);
    while (true) {
        auto byte = reader.number<std::uint8_t>();
        if (byte && *byte != 0xFF) {
            return Search::Damaged;
        }
        while (byte && *byte == 0xFF) { // markers may be padded
            byte = reader.number<std::uint8_t>();
        }
        if (!byte) {
            return Search::NeedsMore;
        }
        const int marker = *byte;
        if (marker == kStartOfScan || marker == kEndOfImage) {
            return Search::Damaged;
        }
        if (marker >= 0xC0 && marker <= 0xCF &&
            std::ranges::find(kNoFrames, marker) == kNoFrames.end()) {
            return readFrame(reader, frame);
        }
        const auto length = bigEndian16(reader);
        if (!length || *length < 2 || !reader.take(static_cast<std::size_t>(*length) - 2)) {
            return length && *length < 2 ? Search::Damaged : Search::NeedsMore;
        }
    }
}

Result<std::optional<ImageInfo>> jpegInfo(std::string_view start, std::size_t size,
                                          const std::string& where)
{
    // A block of 8×8 pixels costs at least a bit for its mean.
    constexpr std::size_t kPixelsPerByte = 8 * 64;
    constexpr int kInk = 4;
    Frame frame;
    const Search search = findFrame(start, frame);
    if (search == Search::NeedsMore && start.size() < size) {
        return std::optional<ImageInfo>();
    }
    if (search != Search::Found) {
        return corrupt("The JPEG image is damaged: it says no size.", where);
    }
    if (frame.components == kInk) {
        return fail(ErrorCode::CorruptFile, "The JPEG image is in ink colours (CMYK).", where,
                    "Save it in RGB.");
    }
    if ((frame.components != kGrey && frame.components != kColour) || frame.bits != 8) {
        return corrupt("The JPEG image has " + std::to_string(frame.components) +
                           " components of " + std::to_string(frame.bits) + " bits.",
                       where);
    }
    const ImageInfo info{ImageFormat::Jpeg, frame.height, frame.width, frame.components};
    if (auto ok = checkPixels(info, size * kPixelsPerByte, where); !ok) {
        return fail(std::move(ok).error());
    }
    return std::optional(info);
}

struct EndTurboJpeg {
    void operator()(void* handle) const { tjDestroy(handle); }
};

Result<Image> decodeJpeg(std::string_view bytes, const ImageInfo& info, int channels,
                         const std::string& where)
{
    constexpr int kFlags = TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS;
    const std::unique_ptr<void, EndTurboJpeg> decoder(tjInitDecompress());
    if (!decoder) {
        return fail(ErrorCode::OutOfResources, "There is no memory to decode it.", where);
    }
    Image image{info.height, info.width, channels};
    image.pixels.resize(static_cast<std::size_t>(info.height * info.width * channels));
    const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
    const auto width = static_cast<int>(info.width);
    const auto height = static_cast<int>(info.height);
    int realWidth = 0;
    int realHeight = 0;
    int sampling = 0;
    int space = 0;
    const auto damaged = [&] {
        return corrupt("The JPEG image is damaged: " + std::string(tjGetErrorStr2(decoder.get())) +
                           ".",
                       where);
    };
    if (tjDecompressHeader3(decoder.get(), data, bytes.size(), &realWidth, &realHeight, &sampling,
                            &space) != 0 &&
        tjGetErrorCode(decoder.get()) == TJERR_FATAL) {
        return damaged();
    }
    if (realWidth != width || realHeight != height) {
        return corrupt("The JPEG image is damaged: it says two sizes.", where);
    }
    if (tjDecompress2(decoder.get(), data, bytes.size(), image.pixels.data(), width, 0, height,
                      channels == kGrey ? TJPF_GRAY : TJPF_RGB, kFlags) != 0) {
        // Cameras leave bytes between segments; anything else the library warns of is damage.
        const std::string_view text = tjGetErrorStr2(decoder.get());
        image.hadStrayBytes = tjGetErrorCode(decoder.get()) == TJERR_WARNING &&
                              text.find("extraneous bytes before marker") != std::string_view::npos;
        if (!image.hadStrayBytes) {
            return damaged();
        }
    }
    return image;
}

/// ITU-R 601.
void toGrey(Image& image)
{
    constexpr unsigned kRed = 19595;
    constexpr unsigned kGreen = 38470;
    constexpr unsigned kBlue = 7471;
    constexpr unsigned kHalf = 1U << 15U;
    const std::size_t count = image.pixels.size() / kColour;
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint8_t* pixel = image.pixels.data() + i * kColour;
        image.pixels[i] = static_cast<std::uint8_t>(
            (pixel[0] * kRed + pixel[1] * kGreen + pixel[2] * kBlue + kHalf) >> 16U);
    }
    image.pixels.resize(count);
    image.channels = kGrey;
}

/// Where a row or column of the result lies between two of the picture.
struct Between {
    Index low = 0;
    Index high = 0;
    float share = 0; ///< of `high`
};

std::vector<Between> betweens(Index from, Index to)
{
    std::vector<Between> out(static_cast<std::size_t>(to));
    const float scale = static_cast<float>(from) / static_cast<float>(to);
    for (Index i = 0; i < to; ++i) {
        const float at = (static_cast<float>(i) + 0.5F) * scale - 0.5F;
        const float floor = std::floor(at);
        out[static_cast<std::size_t>(i)] = {
            std::max<Index>(static_cast<Index>(floor), 0),
            std::min<Index>(static_cast<Index>(std::ceil(at)), from - 1), at - floor};
    }
    return out;
}

} // namespace

bool isImage(std::string_view start)
{
    return start.starts_with(kPngMagic) || start.starts_with(kJpegMagic);
}

bool hasImageEnding(std::string_view name)
{
    constexpr std::array<std::string_view, 5> kEndings{".png", ".jpg", ".jpeg", ".jpe", ".jfif"};
    std::string lower(name);
    std::ranges::transform(lower, lower.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return std::ranges::any_of(kEndings,
                               [&](std::string_view end) { return lower.ends_with(end); });
}

Result<std::optional<ImageInfo>> readImageInfo(std::string_view start, std::size_t size,
                                               const std::string& where)
{
    if (start.starts_with(kPngMagic)) {
        return pngInfo(start, size, where);
    }
    if (start.starts_with(kJpegMagic)) {
        return jpegInfo(start, size, where);
    }
    return corrupt("It is neither a PNG nor a JPEG image.", where);
}

Result<Image> decodeImage(std::string_view bytes, int channels, const std::string& where)
{
    ensure(channels == kGrey || channels == kColour, "decodeImage: grey or colour");
    const auto info = readImageInfo(bytes, bytes.size(), where);
    if (!info) {
        return fail(Error(info.error()));
    }
    const ImageInfo& about = **info; // the bytes are whole
    if (about.format == ImageFormat::Jpeg) {
        return decodeJpeg(bytes, about, channels, where);
    }
    auto image = decodePng(bytes, about, std::max(channels, about.channels), where);
    if (image && image->channels > channels) {
        toGrey(*image);
    }
    return image;
}

void resizeBilinear(const Image& image, Index height, Index width, std::span<float> out)
{
    ensure(out.size() == static_cast<std::size_t>(height * width * image.channels),
           "resizeBilinear: wrong size");
    const std::vector<Between> rows = betweens(image.height, height);
    const std::vector<Between> columns = betweens(image.width, width);
    const Index channels = image.channels;
    const auto at = [&](Index row, Index column, Index channel) {
        return static_cast<float>(image.pixels[static_cast<std::size_t>(
            (row * image.width + column) * channels + channel)]);
    };
    float* target = out.data();
    for (const Between& row : rows) {
        for (const Between& column : columns) {
            for (Index channel = 0; channel < channels; ++channel) {
                const float topLeft = at(row.low, column.low, channel);
                const float bottomLeft = at(row.high, column.low, channel);
                const float top =
                    topLeft + (at(row.low, column.high, channel) - topLeft) * column.share;
                const float bottom =
                    bottomLeft + (at(row.high, column.high, channel) - bottomLeft) * column.share;
                *target++ = top + (bottom - top) * row.share;
            }
        }
    }
}

} // namespace bitscape::io
