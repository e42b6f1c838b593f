// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/io/export_content.h"

// The network as simulators of accelerators take it: shapes and widths, no weights.
// Errors: ShapeMismatch (a size is open).
namespace bitscape::io {

/// topology.csv of SCALE-Sim: a row per convolution and dense layer, padding written into the
/// input's size.
[[nodiscard]] Result<ExportContent> exportScaleSim(const ExportInput& input);

/// Workload of ZigZag (YAML): loops, dimension relations and widths of every layer.
[[nodiscard]] Result<ExportContent> exportZigZag(const ExportInput& input);

} // namespace bitscape::io
