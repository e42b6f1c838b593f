// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/cli/command.h"

// One line per command; its rows stand in commands.cpp, its code in NAME_command.cpp.
namespace bitscape::cli {

[[nodiscard]] Action declareInspect(CLI::App& app);
[[nodiscard]] Action declareData(CLI::App& app);
[[nodiscard]] Action declareProbe(CLI::App& app);
[[nodiscard]] Action declareProject(CLI::App& app);
[[nodiscard]] Action declarePredict(CLI::App& app);
[[nodiscard]] Action declareEvaluate(CLI::App& app);
[[nodiscard]] Action declareGradient(CLI::App& app);
[[nodiscard]] Action declareQuickstart(CLI::App& app);
[[nodiscard]] Action declareReport(CLI::App& app);
[[nodiscard]] Action declareBench(CLI::App& app);
[[nodiscard]] Action declareSelfTest(CLI::App& app);
[[nodiscard]] Action declareQuantize(CLI::App& app);
[[nodiscard]] Action declareQuantizers(CLI::App& app);
[[nodiscard]] Action declareEstimate(CLI::App& app);
[[nodiscard]] Action declareHardware(CLI::App& app);
[[nodiscard]] Action declareExport(CLI::App& app);
[[nodiscard]] Action declareTrain(CLI::App& app);
[[nodiscard]] Action declareSearch(CLI::App& app);
[[nodiscard]] Action declareCalibrate(CLI::App& app);

} // namespace bitscape::cli
