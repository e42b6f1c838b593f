// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/layer_registry.h"

#include <span>

namespace bitscape::graph {

/// Normalizations of each sample by itself.
[[nodiscard]] std::span<const LayerInfo> groupNormLayers();

} // namespace bitscape::graph
