// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/configuration.h"

#include <string>

namespace CLI {
class App;
}

namespace bitscape::cli {

/// How a network is run: --mode. Empty: with the quantizers the model and the map bring, if any.
struct ModeOption {
    std::string mode;
};
void addModeOption(CLI::App& app, ModeOption& option);

struct ChosenMode {
    std::string name; ///< "float" or "fake"
    graph::Configuration configuration;
};
/// InvalidArgument for modes that are known but not there.
[[nodiscard]] Result<ChosenMode> chooseMode(const ModeOption& option,
                                            graph::Configuration configuration);

} // namespace bitscape::cli
