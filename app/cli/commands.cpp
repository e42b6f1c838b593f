// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.h"

#include <vector>

namespace bitscape::cli {

std::span<const CommandInfo> commands()
{
    static const std::vector<CommandInfo> table{
        {"inspect", "Layers, shapes, parameters and MACs of a model", declareInspect},
        {"data", "Count, shape, range and classes of data", declareData},
        {"quantizers", "List the quantizers with parameters, defaults and grids",
         declareQuantizers},
        {"quantize", "Quantize an array: values, scale, codes, gradient", declareQuantize},
        {"predict", "Run a network on data and write its outputs", declarePredict},
        {"evaluate", "Metrics of a network on data", declareEvaluate},
        {"gradient", "Outputs and gradients for one batch", declareGradient},
        {"calibrate", "Choose ranges of quantizers from data", declareCalibrate},
        {"train", "Train a network, with quantizers or without", declareTrain},
        {"search", "Search quantizers per layer as AutoQKeras does", declareSearch},
        {"estimate", "Bits, operations and energy as QTools counts them", declareEstimate},
        {"hardware", "Cycles, use and energy on an accelerator", declareHardware},
        {"export", "Write a network for other tools", declareExport},
        {"project", "Make, show, verify and change projects", declareProject},
        {"report", "Write a report of a project or model", declareReport},
        {"quickstart", "Run the whole loop on a sample", declareQuickstart},
        {"probe", "Say what a file is, and whether it is sound", declareProbe},
        {"bench", "Time the engine and hold it against this machine's limits", declareBench},
        {"self-test", "Check this build on this machine", declareSelfTest},
    };
    return table;
}

} // namespace bitscape::cli
