// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layers/resample.h"
#include "core/io/tflite/tflite_picking.h"

#include <algorithm>
#include <array>
#include <cmath>

// Operators on images as a whole: dilation and resizing.
namespace bitscape::io {

namespace {

// ---- dilation, as TFLite spells it: cut into a batch of phases, convolved, put together again

/// Borders of an image by a constant of 2×2 numbers.
std::array<std::int64_t, 4> borders(OperatorReading& reading)
{
    const TfliteIntegers block = reading.integers(1);
    const TfliteIntegers edges = reading.integers(2);
    constexpr std::int64_t kMost = 1 << 20;
    const bool fits =
        block.size() == 2 && block[0] == block[1] && block[0] >= 1 && block[0] < kMost &&
        edges.size() == 4 &&
        std::ranges::all_of(edges, [](std::int64_t edge) { return edge >= 0 && edge < kMost; });
    if (!fits) {
        reading.lacks("only one block size for both sides of an image is covered");
        return {};
    }
    return {edges[0], edges[1], edges[2], edges[3]};
}

void spaceToBatch(OperatorReading& reading)
{
    const TfliteSource data = reading.batched(reading.source(0));
    const auto edges = borders(reading);
    if (data.sizes.size() != 4) {
        reading.lacks("it reads no image");
    }
    Picking picking(reading, data);
    for (const std::size_t axis : {1U, 2U}) {
        Indices indices;
        for (Index at = -edges[2 * axis - 2];
             reading.isOk() && at < data.sizes[axis] + edges[2 * axis - 1]; ++at) {
            indices.push_back(at < data.sizes[axis] ? std::max<Index>(at, -1) : -1);
        }
        picking.set(axis, std::move(indices));
    }
    const TfliteSource padded = picking.layer("padded");
    if (reading.isOk()) {
        reading.giveCut(padded, static_cast<int>(reading.integers(1)[0]));
    }
}

void batchToSpace(OperatorReading& reading)
{
    const auto edges = borders(reading);
    const auto cut = reading.cutSource(0);
    if (!cut) {
        reading.lacks("it puts together what was not cut before");
    }
    if (!reading.isOk()) {
        return;
    }
    const TfliteSource data = cut->source;
    Picking picking(reading, data);
    for (const std::size_t axis : {1U, 2U}) {
        Indices indices;
        for (Index at = edges[2 * axis - 2]; at < data.sizes[axis] - edges[2 * axis - 1]; ++at) {
            indices.push_back(at);
        }
        picking.set(axis, std::move(indices));
    }
    reading.give(picking.layer());
}

// ---- sizes of images

/// Where the pixels of a larger or smaller image come from, as TFLite's kernel has it.
Indices nearestPixels(std::int64_t input, std::int64_t output, bool alignCorners, bool halfPixels)
{
    const bool aligns = alignCorners && output > 1;
    const float scale = aligns ? static_cast<float>(input - 1) / static_cast<float>(output - 1)
                               : static_cast<float>(input) / static_cast<float>(output);
    const float offset = halfPixels ? 0.5F : 0.0F;
    Indices pixels;
    for (std::int64_t at = 0; at < output; ++at) {
        const float place = (static_cast<float>(at) + offset) * scale;
        const auto pixel = static_cast<Index>(aligns ? std::round(place) : std::floor(place));
        pixels.push_back(std::clamp<Index>(pixel, 0, input - 1));
    }
    return pixels;
}

void resizeNearest(OperatorReading& reading)
{
    const TfliteSource data = reading.source(0);
    if (data.sizes.size() != 4 || reading.output().shape.size() != 4) {
        reading.lacks("it reads no image");
        return;
    }
    Picking picking(reading, data);
    for (const std::size_t axis : {1U, 2U}) {
        picking.set(axis, nearestPixels(data.sizes[axis], reading.output().shape[axis],
                                        reading.flag("align_corners"),
                                        reading.flag("half_pixel_centers")));
    }
    reading.give(picking.layer());
}

void resizeBilinear(OperatorReading& reading)
{
    const TfliteSource data = reading.batched(reading.source(0));
    if (data.sizes.size() != 4 || reading.output().shape.size() != 4) {
        reading.lacks("it reads no image");
        return;
    }
    reading.give(
        reading.layer(graph::bilinearResizeOp({.height = reading.output().shape[1],
                                               .width = reading.output().shape[2],
                                               .alignCorners = reading.flag("align_corners"),
                                               .halfPixels = reading.flag("half_pixel_centers")}),
                      data));
}

} // namespace

std::span<const TfliteConverter> tfliteImageConverters()
{
    static constexpr std::array kRows{TfliteConverter{schema::kSpaceToBatch, spaceToBatch},
                                      TfliteConverter{schema::kBatchToSpace, batchToSpace},
                                      TfliteConverter{schema::kResizeNearest, resizeNearest},
                                      TfliteConverter{schema::kResizeBilinear, resizeBilinear}};
    return kRows;
}

} // namespace bitscape::io
