// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/layer_registry.h"

#include <span>

namespace bitscape::graph {

/// Layers that cut, pad or enlarge images, sequences and volumes.
[[nodiscard]] std::span<const LayerInfo> resampleLayers();

/// How TFLite's RESIZE_BILINEAR finds the places of an image's pixels in another.
struct ResizeSetting {
    Index height = 1, width = 1; ///< of the output
    bool alignCorners = false;   ///< the corners' centers meet
    bool halfPixels = false;     ///< pixels have their centers in their middle
};
/// No class of Keras; made by importers. Images channels last.
[[nodiscard]] Op bilinearResizeOp(const ResizeSetting& setting);

} // namespace bitscape::graph
