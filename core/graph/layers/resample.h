// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/layer_registry.h"

#include <span>

namespace bitscape::graph {

/// Layers that cut, pad or enlarge images, sequences and volumes.
[[nodiscard]] std::span<const LayerInfo> resampleLayers();

} // namespace bitscape::graph
