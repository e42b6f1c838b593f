// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/window/page.h"

namespace bitscape::app {

/// Writes the report of a project; the ending of `path` decides: .html or .pdf. The PDF has vector
/// plots and embedded fonts. Atomic. InvalidArgument for another ending; Io, OutOfResources.
/// Thread: GUI.
[[nodiscard]] Result<void> exportReport(const project::Project& project, const QString& path);

/// Asks for a file name and exports; success and failure are told in the page's banner.
void exportReportAsking(Context& context, Page& page, const QString& ending);

} // namespace bitscape::app
