// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/data_preview.h"

#include "core/io/data_sources.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace bitscape::io {

namespace {

constexpr double kWhite = 255.0;

/// How a sample is drawn.
struct Picture {
    Index height = 0; ///< 0: it is a series
    Index width = 0;
    Index channels = 0; ///< of the sample
    int shown = 1;      ///< of them: 1 or 3
};

Picture pictureOf(const Shape& sample)
{
    constexpr Index kLeastSide = 8; // narrower tables are series of few channels
    if (sample.rank() == 3) {
        return {sample[0], sample[1], sample[2], sample[2] == 3 ? 3 : 1};
    }
    if (sample.rank() == 2 && std::min(sample[0], sample[1]) >= kLeastSide) {
        return {sample[0], sample[1], 1, 1};
    }
    return {};
}

/// From values to bytes: v ↦ (v − low) · factor.
struct Stretch {
    double low = 0;
    double factor = 1;

    [[nodiscard]] std::uint8_t operator()(double value) const
    {
        const double scaled = (value - low) * factor;
        return std::isfinite(scaled)
                   ? static_cast<std::uint8_t>(std::lround(std::clamp(scaled, 0.0, kWhite)))
                   : 0;
    }
};

Stretch stretchOf(const DataSet& set, const DataPreview& preview)
{
    const bool asStored = set.dtype == "uint8" && !set.recipe.scale && set.recipe.normalize.empty();
    const double span = preview.maximum - preview.minimum;
    if (asStored || !(span > 0)) {
        return {asStored ? 0.0 : preview.minimum, 1};
    }
    return {preview.minimum, kWhite / span};
}

/// Averages squares of step×step values.
void draw(std::span<const float> values, const Picture& picture, const Stretch& stretch,
          PreviewSample& out)
{
    const Index longest = std::max(picture.height, picture.width);
    const Index step = (longest + kThumbnailSide - 1) / kThumbnailSide;
    out.height = (picture.height + step - 1) / step;
    out.width = (picture.width + step - 1) / step;
    out.channels = picture.shown;
    for (Index row = 0; row < out.height; ++row) {
        const Index rowEnd = std::min((row + 1) * step, picture.height);
        for (Index column = 0; column < out.width; ++column) {
            const Index columnEnd = std::min((column + 1) * step, picture.width);
            for (Index channel = 0; channel < picture.shown; ++channel) {
                double sum = 0;
                for (Index y = row * step; y < rowEnd; ++y) {
                    for (Index x = column * step; x < columnEnd; ++x) {
                        sum += values[static_cast<std::size_t>(
                            (y * picture.width + x) * picture.channels + channel)];
                    }
                }
                const Index count = (rowEnd - row * step) * (columnEnd - column * step);
                out.pixels.push_back(stretch(sum / static_cast<double>(count)));
            }
        }
    }
}

std::vector<PreviewClass> countClasses(std::span<const std::int64_t> labels,
                                       const std::vector<std::string>& names)
{
    std::map<std::int64_t, Index> counts;
    for (const std::int64_t label : labels) {
        ++counts[label];
    }
    std::vector<PreviewClass> classes;
    for (const auto& [label, count] : counts) {
        const auto at = static_cast<std::size_t>(label);
        classes.push_back({label, at < names.size() ? names[at] : std::string(), count});
    }
    return classes;
}

} // namespace

DataPreview previewOf(const DataSet& set, Index count)
{
    const train::Samples& samples = *set.samples;
    const Tensor& tensor = samples.inputs.front();
    DataPreview preview;
    preview.count = samples.count();
    preview.sampleShape = tensor.shape().sample();
    preview.dtype = set.dtype;
    preview.minimum = set.minimum;
    preview.maximum = set.maximum;
    preview.warnings = set.warnings;
    preview.classes = countClasses(samples.labels, samples.classNames);
    preview.countsAll = true;
    const Picture picture = pictureOf(preview.sampleShape);
    const Stretch stretch = stretchOf(set, preview);
    for (Index i = 0; i < std::min(count, preview.count); ++i) {
        const std::span<const float> values = tensor.view().rows(i, 1).values();
        PreviewSample sample;
        sample.label = samples.hasLabels() ? samples.labels[static_cast<std::size_t>(i)] : -1;
        if (picture.height > 0 && picture.width > 0 && picture.channels > 0) {
            draw(values, picture, stretch, sample);
        } else {
            sample.series.assign(values.begin(), values.end());
        }
        preview.samples.push_back(std::move(sample));
    }
    return preview;
}

Result<DataPreview> previewData(const DataRecipe& recipe, Index count, const JobContext& job)
{
    ensure(count >= 1, "previewData: at least one sample");
    if (auto valid = recipe.validate(); !valid) {
        return fail(std::move(valid).error());
    }
    DataRecipe few = recipe;
    few.limit = count;
    few.skip = 0;
    few.splitTrain = 1.0;
    few.weightKey.clear();
    auto raw = readSource(few, {job, 0, true});
    if (!raw) {
        return fail(std::move(raw).error());
    }
    const Index total = raw->total;
    const std::vector<std::int64_t> labels = std::move(raw->allLabels);
    auto set = prepareData(std::move(*raw), few, job);
    if (!set) {
        return fail(std::move(set).error());
    }
    DataPreview preview = previewOf(*set, count);
    preview.countsAll = preview.count == total;
    preview.count = total;
    if (!labels.empty()) {
        preview.classes = countClasses(labels, set->samples->classNames);
        preview.countsAll = true;
    }
    return preview;
}

} // namespace bitscape::io
