// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/io/export_content.h"
#include "core/project/project.h"

namespace bitscape::project {

/// AutoQKeras' arguments as one JSON object: those of the project's last search, completed, or ones
/// that search around the quantizers of `input`. `project` may be null.
[[nodiscard]] Result<io::ExportContent> exportAutoQKeras(const io::ExportInput& input,
                                                         const Project* project);

/// All searches of the project as a database of Optuna (SQLite, schema 12): a study each, trials
/// with their parameters, the metric (maximized) and the size (minimized), costs as attributes.
[[nodiscard]] Result<io::ExportContent> exportOptuna(const Project& project);

} // namespace bitscape::project
