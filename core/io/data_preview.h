// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/io/data_file.h"

#include <cstdint>
#include <string>
#include <vector>

namespace bitscape::io {

/// One sample to look at: a small image, or a series of values.
struct PreviewSample {
    Index height = 0; ///< 0: a series
    Index width = 0;
    int channels = 0;                 ///< 1 or 3
    std::vector<std::uint8_t> pixels; ///< height×width×channels
    std::vector<float> series;        ///< prepared values, where it is no image
    std::int64_t label = -1;          ///< −1: none
};

struct PreviewClass {
    std::int64_t label = 0;
    std::string name; ///< empty where the source has none
    Index count = 0;
};

/// What a data set looks like before it is opened.
struct DataPreview {
    Index count = 0;                 ///< samples in the source; 0: not known without reading it all
    Shape sampleShape;               ///< of a prepared sample
    std::string dtype;               ///< as stored
    double minimum = 0, maximum = 0; ///< of the prepared values of `samples`
    std::vector<PreviewSample> samples;
    std::vector<PreviewClass> classes; ///< those that occur, by label
    bool countsAll = false;            ///< classes counts the whole source, not `samples` alone
    Warnings warnings;
};

/// Longest side of a preview's images, in pixels.
inline constexpr Index kThumbnailSide = 128;

/// Up to `count` ≥ 1 samples, prepared as the recipe says but for its rows: of folders evenly
/// spaced over all, of files the first ones. Reads no more than it needs: a fraction of a second
/// for files of any size. Images of different sizes are shown in the first one's, with a warning.
/// Pixels are as stored where these are plain bytes, else stretched from the samples' least to
/// their largest value; images beyond kThumbnailSide are averaged down. Three or one channels are
/// shown as colour or grey, of others the first. Errors: as loadData().
[[nodiscard]] Result<DataPreview> previewData(const DataRecipe& recipe, Index count,
                                              const JobContext& job = {});
/// The same of a data set that is there: its first `count` samples.
[[nodiscard]] DataPreview previewOf(const DataSet& set, Index count);

} // namespace bitscape::io
