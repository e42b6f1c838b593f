// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quant/quantizer.h"

namespace bitscape::quant {

/// Integers with scale and zero point, as ONNX and TFLite have them; the range is calibrated.
[[nodiscard]] QuantizerInfo affineInfo();

} // namespace bitscape::quant
