// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/layer_registry.h"

namespace bitscape::graph {

/// Keras' Softmax; over other axes than the last it is a rule.
[[nodiscard]] LayerInfo softmaxLayer();

} // namespace bitscape::graph
