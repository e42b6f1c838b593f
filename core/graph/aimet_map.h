// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/json_text.h"
#include "core/graph/configuration.h"

namespace bitscape::graph {

/// Applies AIMET's encodings: of the forms up to 0.6.1 (lists or layers with inputs and outputs by
/// tensor name) and of 1.0.0 (lists of named entries). Outputs are found by layer name, weights as
/// LAYER.weight, LAYER.bias or LAYER/kernel:0. What matches nothing is a warning.
/// InvalidArgument names the encoding and what is wrong with it.
[[nodiscard]] Result<void> applyAimetEncodings(const Graph& graph, const Json& encodings,
                                               MapResult& result);

} // namespace bitscape::graph
