// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/project/report.h"
#include "core/project/report_data.h"

#include <vector>

namespace bitscape::project {

/// Trials of the studies over a cost, with front, references and current configuration.
enum class CostAxis { WeightBits, Energy, Cycles };
[[nodiscard]] Figure accuracyFigure(const ReportData& data, CostAxis kind);
/// Loss and accuracy per epoch.
[[nodiscard]] Figure trainingFigure(const ReportData& data);
/// Histogram of every kernel before and its levels after quantization.
[[nodiscard]] Figure weightFigure(const ReportData& data);
/// Scale (step) per channel of every quantized kernel.
[[nodiscard]] Figure scaleFigure(const ReportData& data);
/// Ranges of the layers' outputs as calibration saw them.
[[nodiscard]] Figure activationFigure(const ReportData& data);
/// Parts of the lane-slots offered, per layer of the accelerator.
[[nodiscard]] Figure utilizationFigure(const ReportData& data);
/// Energy per layer on the accelerator, stacked by part.
[[nodiscard]] Figure energyFigure(const ReportData& data);

/// All that the project has data for, in the order of the report.
[[nodiscard]] std::vector<Figure> figures(const ReportData& data);

} // namespace bitscape::project
