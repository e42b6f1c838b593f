// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/document/derived.h"
#include "app/document/selection.h"
#include "app/jobs/activities.h"

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace bitscape::app {

/// A study and one of its trials.
struct TrialRef {
    std::shared_ptr<const search::Study> study;
    const search::Trial* trial = nullptr; ///< in *study
};

/// The trial that the selection names; empty if it is gone.
[[nodiscard]] std::optional<TrialRef> findTrial(const Activities& activities,
                                                const std::optional<TrialId>& id);
/// The newest study with trials, the running one first; null if there is none.
[[nodiscard]] std::shared_ptr<const search::Study> newestStudy(const Activities& activities);
/// Numbers of the trials on the front of the study.
[[nodiscard]] std::set<int> frontOf(const search::Study& study);
/// Weight bits (or output bits) of the layers that have such a quantizer, in the order of the
/// network: "8 4 4 8".
[[nodiscard]] QString bitsInOrder(const graph::Graph& graph,
                                  const graph::Configuration& configuration, bool outputs);

} // namespace bitscape::app
