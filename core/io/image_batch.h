// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/io/data_sources.h"
#include "core/io/image_file.h"

#include <functional>

namespace bitscape::io {

/// Encoded images that become samples, in order.
struct ImageList {
    std::vector<ImageInfo> infos; ///< what their heads say
    std::function<std::string(std::size_t)> name;
    std::function<Result<std::string>(std::size_t)> read; ///< the bytes; called from any thread
};

/// 1 or 3 channels, as the recipe's color says: "auto" is grey only where all are grey.
[[nodiscard]] int channelsFor(const DataRecipe& recipe, std::span<const ImageInfo> infos);

/// Calls body(i) for i = 0 … count−1 on the context's threads; says progress. The first failure in
/// order of i is the answer, whoever met it first; Canceled within the time of one call.
[[nodiscard]] Result<void> forEachInOrder(std::size_t count, const ReadContext& context,
                                          const std::function<Result<void>(std::size_t)>& body);

/// Decodes all, in parallel, into float32 of N×H×W×C; resizes where the recipe says a size.
/// ShapeMismatch: different sizes and no size given, names the first two. OutOfResources: more than
/// the memory that is there. CorruptFile names the image. What was dropped becomes warnings.
[[nodiscard]] Result<Array> decodeImages(const ImageList& images, int channels,
                                         const DataRecipe& recipe, const ReadContext& context,
                                         Warnings& warnings);

} // namespace bitscape::io
