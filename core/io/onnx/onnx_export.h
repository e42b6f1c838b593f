// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/io/export_content.h"
#include "core/io/onnx/onnx_model.h"

// Networks as ONNX. Tensors of the graph keep our layout and the layers' names at its ends;
// convolutions in between have their channels first. Unsupported: layers and quantizers that have
// no meaning there, all of them named.
namespace bitscape::io {

/// The float network; quantizers are left out (but folded normalizations are folded).
[[nodiscard]] Result<ExportContent> exportOnnx(const ExportInput& input);
/// QuantizeLinear and DequantizeLinear around every quantized tensor; codes narrower than their
/// type are clipped between (QCDQ).
[[nodiscard]] Result<ExportContent> exportOnnxQdq(const ExportInput& input);
/// Quant and BipolarQuant of the qonnx package.
[[nodiscard]] Result<ExportContent> exportQonnx(const ExportInput& input);

} // namespace bitscape::io
