// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/tensor/tensor.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// PNG through libpng and JPEG through libturbojpeg, told apart by their first bytes.
//
// They are decoded in this process, not in a child as HDF5 is. Both libraries are written for
// untrusted bytes, fuzzed without pause upstream and used so by every browser; libhdf5 1.10 is not.
// A child would have to decode all images of a set in one thread and send them through a pipe. What
// remains are bombs, and they are bounded here before a library sees a byte: a picture may not
// claim more pixels than its bytes can hold nor more than kMaxPixels, libpng's chunks and JPEG's
// scans are limited, and every read is checked against the end. tests/fuzz/image_fuzz.cpp keeps
// watch.
namespace bitscape::io {

enum class ImageFormat { Png, Jpeg };

/// What the head of an image says.
struct ImageInfo {
    ImageFormat format = ImageFormat::Png;
    Index height = 0;
    Index width = 0;
    int channels = 0; ///< 1: grey, 3: colour (a palette counts as colour); without alpha
};

/// The largest picture that is read: 64 megapixels.
inline constexpr Index kMaxPixels = Index{1} << 26;

/// Whether the bytes begin as PNG or JPEG do.
[[nodiscard]] bool isImage(std::string_view start);
/// Whether a name ends as those of PNG and JPEG images do, in any case.
[[nodiscard]] bool hasImageEnding(std::string_view name);

/// From the first bytes of an image of `size` bytes; nothing if more of them are needed (JPEG says
/// its size behind its comments). CorruptFile: neither PNG nor JPEG, damaged, larger than its bytes
/// can hold or than kMaxPixels, CMYK or 12-bit JPEG.
[[nodiscard]] Result<std::optional<ImageInfo>>
readImageInfo(std::string_view start, std::size_t size, const std::string& where);

/// A decoded picture: height×width×channels.
struct Image {
    Index height = 0;
    Index width = 0;
    int channels = 0;
    std::vector<std::uint8_t> pixels;
    bool hadAlpha = false; ///< it was dropped: the colour below it counts, as in TensorFlow
    bool was16Bit = false; ///< the upper 8 bits were taken, as in TensorFlow
    bool hadStrayBytes =
        false; ///< the JPEG library met bytes that belong to nothing and went past them
};

/// channels: 1 or 3. Grey from colour is 0.299 R + 0.587 G + 0.114 B, rounded (ITU-R 601, as JPEG's
/// own luminance). The orientation in EXIF is not applied, as Keras does not.
/// CorruptFile as readImageInfo(), and for damage anywhere up to the end of the picture.
/// Thread: any.
[[nodiscard]] Result<Image> decodeImage(std::string_view bytes, int channels,
                                        const std::string& where);

/// Bilinear with half-pixel centres and without anti-aliasing, as tf.image.resize: the value at
/// row i lies at (i + ½)·h/H − ½ of the picture, held at the borders. out: height×width×channels.
void resizeBilinear(const Image& image, Index height, Index width, std::span<float> out);

} // namespace bitscape::io
