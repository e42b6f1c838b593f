// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/layer_registry.h"

#include <span>

namespace bitscape::graph {

/// Attention, AdditiveAttention and MultiHeadAttention.
[[nodiscard]] std::span<const LayerInfo> attentionLayers();

} // namespace bitscape::graph
