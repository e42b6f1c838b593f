// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/graph.h"

#include <span>

namespace bitscape::graph {

/// The network for inputs of these sizes (without batch, one per input): what its file leaves open,
/// such as the length of sequences, is as the data have it. The graph itself if nothing is open.
/// ShapeMismatch if a layer cannot be of that size.
[[nodiscard]] Result<GraphPtr> closeShapes(const GraphPtr& graph, std::span<const Shape> inputs);

} // namespace bitscape::graph
