// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/execution_mode.h"

#include "core/graph/integer/integer_plan.h"

#include <CLI/CLI.hpp>

#include <algorithm>

namespace bitscape::cli {

void addModeOption(CLI::App& app, ModeOption& option)
{
    app.add_option("--mode", option.mode,
                   "float, fake (quantizers on float numbers) or integer (codes and whole-number "
                   "arithmetic); default: fake if the model or the map brings quantizers")
        ->check(CLI::IsMember({"float", "fake", "integer"}));
    const auto names = graph::liteRtKernelNames();
    app.add_option("--tflite-rounding", option.tfliteRounding,
                   "Which of LiteRT's sets of kernels integer mode rounds like where scales are no "
                   "powers of two: reference, optimised or xnnpack")
        ->check(CLI::IsMember(std::vector<std::string>(names.begin(), names.end())))
        ->capture_default_str();
}

Result<ChosenMode> chooseMode(const ModeOption& option, graph::Configuration configuration)
{
    if (option.mode == "integer") {
        if (configuration.isFloat()) {
            return fail(ErrorCode::InvalidArgument,
                        "Nothing is quantized, so there are no codes to compute with.",
                        "--mode integer", "Give quantizers by --map, or run calibrate first.");
        }
        const auto names = graph::liteRtKernelNames();
        const auto at = std::ranges::find(names, option.tfliteRounding) - names.begin();
        return ChosenMode{"integer", std::move(configuration),
                          static_cast<graph::LiteRtKernels>(at)};
    }
    if (option.mode == "float") {
        return ChosenMode{"float", {}, {}};
    }
    const bool isFake = option.mode == "fake" || !configuration.isFloat();
    return ChosenMode{isFake ? "fake" : "float", std::move(configuration), {}};
}

Result<std::shared_ptr<const graph::InferencePlan>>
makePlan(Session& session, graph::GraphPtr graph, const ChosenMode& mode,
         const graph::WeightSet& weights, std::vector<int> taps)
{
    if (!mode.integer) {
        return graph::InferencePlan::make(std::move(graph), mode.configuration, weights,
                                          {.taps = std::move(taps)});
    }
    auto plan = graph::IntegerPlan::make(std::move(graph), mode.configuration, weights,
                                         {.taps = std::move(taps), .kernels = *mode.integer});
    if (!plan) {
        return fail(std::move(plan).error());
    }
    session.warn((*plan)->program().warnings);
    return std::shared_ptr<const graph::InferencePlan>(std::move(*plan));
}

} // namespace bitscape::cli
