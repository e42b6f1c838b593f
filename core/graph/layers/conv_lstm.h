// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/layer_registry.h"

namespace bitscape::graph {

/// Keras' ConvLSTM2D: an LSTM whose input and states are images and whose products are
/// convolutions.
[[nodiscard]] LayerInfo convLstm2dLayer();

} // namespace bitscape::graph
