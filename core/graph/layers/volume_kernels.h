// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/layers/layer_kernel.h"

#include <array>

namespace bitscape::graph {

using VolumeSize = std::array<int, 3>; ///< depth, height, width

struct VolumeWindow {
    VolumeSize size{}, stride{}, dilation{};
    Padding padding = Padding::Valid;
};

/// Shapes are depth × height × width × channels; the kernel (kd, kh, kw, ci/groups, filters).
[[nodiscard]] std::unique_ptr<LayerKernel> makeVolumeConvolutionKernel(const Shape& input,
                                                                       const Shape& output,
                                                                       const VolumeWindow& window,
                                                                       int groups, bool useBias);
[[nodiscard]] std::unique_ptr<LayerKernel> makeVolumePoolKernel(PoolKind kind, const Shape& input,
                                                                const Shape& output,
                                                                const VolumeWindow& window);

} // namespace bitscape::graph
