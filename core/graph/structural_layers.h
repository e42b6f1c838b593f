// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/layer_registry.h"

#include <span>

namespace bitscape::graph {

/// Rows of the layers that have ops of their own (op.h), because folding, the hardware model and
/// the search look inside them.
[[nodiscard]] std::span<const LayerInfo> structuralLayers();

} // namespace bitscape::graph
