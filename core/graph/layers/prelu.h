// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/layer_registry.h"

#include <span>

namespace bitscape::graph {

/// PReLU and ThresholdedReLU.
[[nodiscard]] std::span<const LayerInfo> reluLayers();

} // namespace bitscape::graph
