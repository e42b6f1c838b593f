// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quant/quantizer.h"

namespace bitscape::quant {

/// QKeras' quantized_relu: a rectifier whose positive range is a fixed-point grid.
[[nodiscard]] QuantizerInfo quantizedReluInfo();

} // namespace bitscape::quant
