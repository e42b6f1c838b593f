// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/cli/command.h"
#include "app/cli/inputs.h"
#include "core/train/samples.h"

#include <memory>
#include <optional>
#include <string>

namespace bitscape::cli {

/// `--validation`: a share of the data's end, or data of their own.
struct Validation {
    std::optional<double> share; ///< 0 < share < 1
    std::string source;          ///< DATA; empty with a share
};
/// InvalidArgument: a number that is no share.
[[nodiscard]] Result<Validation> parseValidation(const std::string& text);

/// The validation part's own data, prepared as the training data are, all of them.
[[nodiscard]] Result<io::DataSet> openValidation(Session& session, const DataOptions& options,
                                                 const Validation& validation,
                                                 const graph::Graph& graph);

} // namespace bitscape::cli
