// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/layer_registry.h"

namespace bitscape::graph {

/// Keras' Dot: products of two tensors summed along an axis of each.
[[nodiscard]] LayerInfo dotLayer();

} // namespace bitscape::graph
