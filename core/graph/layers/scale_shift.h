// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/layer_registry.h"

namespace bitscape::graph {

/// QScaleShift: one factor and one offset for all values.
[[nodiscard]] LayerInfo scaleShiftLayer();

} // namespace bitscape::graph
