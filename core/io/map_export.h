// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/io/export_content.h"

// Quantizers as the configurations of other tools; what these cannot say is noted.
namespace bitscape::io {

/// Configuration of hls4ml (YAML): a fixed-point type for each weight and output.
[[nodiscard]] Result<ExportContent> exportHls4ml(const ExportInput& input);

/// AIMET's encodings (JSON, lists as of version 0.6.1): outputs by layer, weights as LAYER.weight
/// and LAYER.bias.
[[nodiscard]] Result<ExportContent> exportAimet(const ExportInput& input);

/// TensorQuant's two maps (JSON) as this program reads them.
[[nodiscard]] Result<ExportContent> exportTensorQuant(const ExportInput& input);

} // namespace bitscape::io
