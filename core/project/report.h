// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/project/project.h"

#include <string>

namespace bitscape::project {

/// One self-contained HTML document with inline SVG plots, no scripts or files from elsewhere. The
/// bytes depend on the project only.
[[nodiscard]] Result<std::string> htmlReport(const Project& project);
[[nodiscard]] Result<std::string> markdownReport(const Project& project);
[[nodiscard]] Result<std::string> jsonReport(const Project& project);

} // namespace bitscape::project
