// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/cli/command.h"
#include "core/graph/execution.h"
#include "core/graph/integer/fixed_point.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace bitscape::cli {

/// How a network is run: --mode, empty: with the quantizers the model and the map bring, if any;
/// and --tflite-rounding.
struct ModeOption {
    std::string mode;
    std::string tfliteRounding = "optimised";
};
void addModeOption(CLI::App& app, ModeOption& option);

struct ChosenMode {
    std::string name; ///< "float", "fake" or "integer"
    graph::Configuration configuration;
    std::optional<graph::LiteRtKernels> integer; ///< whole numbers, rounded as these kernels do
};
/// InvalidArgument for integer where nothing is quantized.
[[nodiscard]] Result<ChosenMode> chooseMode(const ModeOption& option,
                                            graph::Configuration configuration);

/// The network made ready to run in that mode; layers that integer mode runs on floats are told to
/// the session. Errors as graph::InferencePlan::make().
[[nodiscard]] Result<std::shared_ptr<const graph::InferencePlan>>
makePlan(Session& session, graph::GraphPtr graph, const ChosenMode& mode,
         const graph::WeightSet& weights, std::vector<int> taps = {});

} // namespace bitscape::cli
