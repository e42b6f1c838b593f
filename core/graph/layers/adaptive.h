// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/layer_registry.h"

namespace bitscape::graph {

/// QAdaptiveActivation: a quantizer whose integer bits follow the range of the values.
[[nodiscard]] LayerInfo adaptiveActivationLayer();

} // namespace bitscape::graph
