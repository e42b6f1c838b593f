// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/layer_registry.h"

namespace bitscape::graph {

/// Keras' Permute: the axes in another order.
[[nodiscard]] LayerInfo permuteLayer();

} // namespace bitscape::graph
