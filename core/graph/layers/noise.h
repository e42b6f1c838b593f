// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/layer_registry.h"

#include <span>

namespace bitscape::graph {

/// Layers that disturb values while training and hand them on otherwise.
[[nodiscard]] std::span<const LayerInfo> noiseLayers();
/// A Dropout whose config has a noise_shape.
void readShapedDropout(LayerReading& reading, float rate);

} // namespace bitscape::graph
