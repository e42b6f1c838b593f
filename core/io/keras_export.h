// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/io/export_content.h"

// Keras' and QKeras' own formats. Errors: Unsupported where a layer is in no such format.
namespace bitscape::io {

/// The float twin as Keras HDF5 (legacy layout): quantizers are left out, with a note, and folded
/// layers become plain ones with the folded weights.
[[nodiscard]] Result<ExportContent> exportKerasH5(const ExportInput& input);

} // namespace bitscape::io
