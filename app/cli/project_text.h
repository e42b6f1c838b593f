// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/cli/command.h"
#include "core/project/project.h"

#include <string>

// Trials and configurations as commands print them: JSON of the contract and tables for people.
namespace bitscape::cli {

/// All trials of a study, each as trialJson() prints it.
[[nodiscard]] Json trialsJson(const project::Project& project, const search::Study& study);
[[nodiscard]] std::string trialsText(const search::Study& study, bool onlyFront = false);

/// [{name, current, hash, weights, measured: {…} or null}].
[[nodiscard]] Json configurationsJson(const project::Project& project);
[[nodiscard]] std::string configurationsText(const project::Project& project);

} // namespace bitscape::cli
