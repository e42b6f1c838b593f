// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/io/onnx/onnx_model.h"

#include <string>

namespace bitscape::io {

/// The bytes of an .onnx file that readOnnx() reads as this model. The same model gives the same
/// bytes. Attributes and tensors that are only named (OnnxForeign, OnnxTensor::missing) are left
/// out.
[[nodiscard]] std::string writeOnnx(const OnnxModel& model);

} // namespace bitscape::io
