// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/search/autoq_config.h"
#include "core/search/study.h"

namespace bitscape::search {

/// Fills choices, convertedNorms and embedded of the report as AutoQKeras builds its space
/// (AutoQKHyperModel.quantize_model): order, names and sharing of choices included.
/// InvalidArgument: a limit that leaves no candidate, names an unknown one or lacks an element.
[[nodiscard]] Result<void> buildSpace(const graph::Graph& graph, bool sequential,
                                      const AutoqConfig& config, SpaceReport& report);

} // namespace bitscape::search
