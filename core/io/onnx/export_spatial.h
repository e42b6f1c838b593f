// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/io/onnx/export_context.h"

#include <string>
#include <vector>

// Windows that move over images, sequences and volumes, in ONNX' words.
namespace bitscape::io {

/// Sizes per spatial axis, outermost first.
struct SpatialWindow {
    int rank = 2;
    std::vector<std::int64_t> size, stride, dilation; ///< empty: all 1
    graph::Padding padding = graph::Padding::Valid;
};

template <class Op>
[[nodiscard]] SpatialWindow windowOf(const Op& op, const graph::Extent& size)
{
    const auto axes = [&](const graph::Extent& extent) {
        return op.spatialRank == 1 ? std::vector<std::int64_t>{extent.width}
                                   : std::vector<std::int64_t>{extent.height, extent.width};
    };
    SpatialWindow window{op.spatialRank, axes(size), axes(op.stride), {}, op.padding};
    if constexpr (requires { op.dilation; }) {
        window.dilation = axes(op.dilation);
    }
    return window;
}

/// The spatial sizes of a shape without batch; −1: open.
[[nodiscard]] std::vector<Index> spatialSizes(const Shape& shape, bool channelsFirst);
/// kernel_shape, strides, dilations and pads (or auto_pad where sizes are open).
[[nodiscard]] OnnxAttributes windowAttributes(const SpatialWindow& window,
                                              const std::vector<Index>& input);
/// (spatial…, in, out) → (out, in, spatial…)
[[nodiscard]] WeightForm kernelForm(int spatialRank);
/// (spatial…, in, multiplier) → (in·multiplier, 1, spatial…)
[[nodiscard]] WeightForm depthwiseForm(const Shape& kernel);
[[nodiscard]] int depthwiseGroups(const Shape& kernel);

/// Conv of `x`, which lies channels first. `bias` may be empty.
[[nodiscard]] std::string convolve(ExportContext& context, int layer, const std::string& x,
                                   const SpatialWindow& window, const std::string& kernel,
                                   const std::string& bias, int groups);
/// Zeros around the spatial axes of `x`, which lies channels first.
[[nodiscard]] std::string padded(ExportContext& context, const std::string& x,
                                 const std::vector<std::int64_t>& before,
                                 const std::vector<std::int64_t>& after, const std::string& name);

/// Convolutions and dense layers whose normalization is part of their weights.
void exportFolded(ExportContext& context, int layer, const graph::FoldedConvOp& op);

} // namespace bitscape::io
