// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quant/quantizer.h"

namespace bitscape::quant {

/// QKeras' quantized_po2: signed powers of two.
[[nodiscard]] QuantizerInfo quantizedPo2Info();
/// QKeras' quantized_relu_po2: a rectifier with powers of two as levels.
[[nodiscard]] QuantizerInfo quantizedReluPo2Info();

} // namespace bitscape::quant
