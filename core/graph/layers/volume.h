// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/layer_registry.h"

#include <span>

namespace bitscape::graph {

/// Convolution and pooling of volumes (depth × height × width × channels).
[[nodiscard]] std::span<const LayerInfo> volumeLayers();

} // namespace bitscape::graph
