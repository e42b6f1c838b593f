// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/io/export_content.h"

// Keras' and QKeras' own formats. Errors: Unsupported where a layer is in no such format.
namespace bitscape::io {

/// The float twin as Keras HDF5 (legacy layout): quantizers are left out, with a note, and folded
/// layers become plain ones with the folded weights, as do normalizations that the configuration
/// folds.
[[nodiscard]] Result<ExportContent> exportKerasH5(const ExportInput& input);

/// Network and weights in QKeras' layers. Normalizations that the configuration folds are in
/// QConv2DBatchnorm and QDepthwiseConv2DBatchnorm, behind other layers in the weights.
[[nodiscard]] Result<ExportContent> exportQKerasH5(const ExportInput& input);
/// The architecture alone, as to_json() gives it.
[[nodiscard]] Result<ExportContent> exportQKerasJson(const ExportInput& input);

/// A `.keras` archive of Keras 3; QKeras' layers where there are quantizers.
[[nodiscard]] Result<ExportContent> exportKerasZip(const ExportInput& input);

} // namespace bitscape::io
