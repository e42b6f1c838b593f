// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/layer_registry.h"

#include <span>

namespace bitscape::graph {

/// Convolutions with a kernel of its own for every pixel.
[[nodiscard]] std::span<const LayerInfo> locallyConnectedLayers();

} // namespace bitscape::graph
