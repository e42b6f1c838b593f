// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/job.h"
#include "core/base/parallel.h"

#include <string>
#include <vector>

namespace bitscape::project {

/// One thing that a build must do right on the machine it runs on.
struct SelfTestCase {
    std::string name;
    bool passed = false;
    std::string detail; ///< what was compared; after a failure: what came out instead
};

/// Checks this program on this machine, from what is inside it: quantizers against formulas, layers
/// against plain loops, files against themselves, the sample against what was stored. Takes about a
/// second. On a stop request the cases so far are returned.
[[nodiscard]] std::vector<SelfTestCase> selfTest(Parallel& parallel, const JobContext& job = {});

} // namespace bitscape::project
