// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/configuration.h"
#include "core/graph/graph.h"
#include "core/graph/op.h"

#include <optional>

namespace bitscape::train {

/// The network with the function of one layer left out.
[[nodiscard]] Result<graph::GraphPtr> withoutFunction(const graph::GraphPtr& graph, int layer);

/// The network without the function at its end that a loss skips; the same graph where the network
/// does not end with it.
[[nodiscard]] Result<graph::GraphPtr> withoutEnd(const graph::GraphPtr& graph,
                                                 const graph::Configuration& configuration,
                                                 std::optional<graph::FunctionKind> skipped);

} // namespace bitscape::train
