// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/integer/program.h"
#include "core/io/export_content.h"

#include <string>
#include <string_view>

namespace bitscape::io {

/// The program as one C99 header without allocation: weights as packed whole numbers, a plain
/// function per layer, and `void NAME_predict(const float *input, float *output)` for one sample
/// (inputs, and outputs, one after another). Its numbers are those of graph::IntegerPlan; functions
/// on floats agree to rounding. `name` becomes a C identifier. Unsupported names every layer on
/// floats that is more than an activation function.
[[nodiscard]] Result<std::string> toCHeader(const graph::IntegerProgram& program,
                                            std::string_view name);

/// The same as an export; which layers run on floats is among the warnings.
[[nodiscard]] Result<ExportContent> exportCHeader(const ExportInput& input);

} // namespace bitscape::io
