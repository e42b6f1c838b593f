// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/layer_registry.h"

#include <span>

namespace bitscape::graph {

/// Transposed convolutions: of sequences and images, depth-wise and separable ones of QKeras.
[[nodiscard]] std::span<const LayerInfo> transposedLayers();

} // namespace bitscape::graph
