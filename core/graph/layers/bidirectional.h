// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/layer_registry.h"

namespace bitscape::graph {

/// Keras' Bidirectional and QKeras' QBidirectional: a recurrent layer that walks along a sequence
/// both ways. One set of quantizers is for both directions.
[[nodiscard]] LayerInfo bidirectionalLayer();

} // namespace bitscape::graph
