// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/op.h"

#include <vector>

namespace bitscape::graph {

/// Chosen indices along every axis of a sample: slices, steps, mirrored and zero borders, repeats.
/// picks[axis][i]: the index of the input that becomes index i; −1 gives 0. No class of Keras:
/// importers make it of operators that move values without computing any.
[[nodiscard]] Op pickOp(std::vector<std::vector<Index>> picks);

} // namespace bitscape::graph
