// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/layer_registry.h"

#include <span>

namespace bitscape::graph {

/// Layers that combine several tensors element by element, and Dot.
[[nodiscard]] std::span<const LayerInfo> mergeLayers();

} // namespace bitscape::graph
