// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/layer_registry.h"

#include <span>

namespace bitscape::graph {

/// Rescaling and Normalization: data brought to the range a network was trained with.
[[nodiscard]] std::span<const LayerInfo> rescaleLayers();

} // namespace bitscape::graph
