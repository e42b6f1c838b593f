// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/graph.h"

#include <vector>

namespace bitscape::graph {

/// Makes visible what Keras passes on silently: the masks of Masking and Embedding(mask_zero)
/// become layers ("NAME:mask"), appended to the list, and the last inputs of the layers that heed
/// them (LayerRule::withMask()). Layers refer to each other by their place in the list.
void passMasks(std::vector<Layer>& layers);

} // namespace bitscape::graph
