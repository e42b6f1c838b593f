// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/json_text.h"
#include "core/graph/configuration.h"

namespace bitscape::graph {

/// Applies the precisions of an hls4ml configuration (the file, or its HLSConfig alone): LayerName
/// counts before LayerType before Model. 'auto' and keys that are no precision change nothing;
/// names that match nothing are warnings. InvalidArgument names the key and what is wrong with its
/// type.
[[nodiscard]] Result<void> applyHls4mlConfig(const Graph& graph, const Json& config,
                                             MapResult& result);

} // namespace bitscape::graph
