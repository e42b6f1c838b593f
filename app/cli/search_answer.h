// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/cli/command.h"
#include "core/search/study.h"

#include <map>
#include <optional>
#include <string>

namespace bitscape::cli {

/// Answer of `search --dry-run`: the space and sizes of the model as it is or, with an assignment,
/// of the network that it makes.
[[nodiscard]] Result<Answer> describeSpace(const search::SearchInput& input,
                                           const search::SpaceReport& space,
                                           const std::map<std::string, std::string>* assignment,
                                           std::optional<double> metric);

/// Answer of a finished search.
[[nodiscard]] Result<Answer> describeStudy(const search::SearchInput& input,
                                           const search::SpaceReport& space,
                                           const search::Study& study);

/// A trial as `search` and `project` print it.
[[nodiscard]] Json trialJson(const graph::Graph& graph, const search::Trial& trial);

} // namespace bitscape::cli
