// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/layer_registry.h"

namespace bitscape::graph {

/// FixedPointQuantizer of HGQ: every value has a fixed-point type of its own.
[[nodiscard]] LayerInfo fixedPointLayer();

} // namespace bitscape::graph
