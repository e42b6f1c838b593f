// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quant/quantizer.h"

namespace bitscape::quant {

/// QKeras' quantized_bits: a fixed-point grid, or one with a scale fitted to the values.
[[nodiscard]] QuantizerInfo quantizedBitsInfo();

} // namespace bitscape::quant
