// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/project/project.h"

#include <string>
#include <vector>

namespace bitscape::project {

/// A drawn plot: SVG text with its caption.
struct Figure {
    std::string id;      ///< "accuracy-bits": file name and anchor
    std::string title;   ///< "Accuracy against weight memory"
    std::string caption; ///< one or two sentences: what it shows, what the marks mean
    std::string svg;     ///< a whole document
};

// Reports on a project. Their bytes depend on the project and the program's version only.
// InvalidArgument for an empty project.

/// One self-contained HTML document with inline SVG plots, no scripts, nothing from elsewhere.
[[nodiscard]] Result<std::string> htmlReport(const Project& project);
/// The same content as Markdown. Plots are referred to as figureFolder/ID.svg, left out if it is
/// empty; reportFigures() gives their content.
[[nodiscard]] Result<std::string> markdownReport(const Project& project,
                                                 const std::string& figureFolder = {});
/// The numbers as JSON, snake_case keys.
[[nodiscard]] Result<std::string> jsonReport(const Project& project);
/// The plots that the project has data for, in the order of the report.
[[nodiscard]] Result<std::vector<Figure>> reportFigures(const Project& project);

} // namespace bitscape::project
