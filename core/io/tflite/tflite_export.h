// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/io/export_content.h"

namespace bitscape::io {

/// A network of 8-bit affine quantizers as a TFLite file of int8 tensors: kernels symmetric, per
/// tensor or per output channel, outputs with one scale and zero point each, biases int32.
/// Normalizations must be folded by the configuration. Unsupported: names every layer that cannot
/// be expressed, and why.
[[nodiscard]] Result<ExportContent> exportTflite(const ExportInput& input);

} // namespace bitscape::io
