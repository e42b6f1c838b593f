// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/layer_registry.h"

namespace bitscape::graph {

/// Keras' TimeDistributed: a layer applied to every step of a sequence.
[[nodiscard]] LayerInfo timeDistributedLayer();

} // namespace bitscape::graph
