// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quant/quantizer.h"

namespace bitscape::quant {

/// QKeras' quantized_hswish: hard swish, then quantized_bits.
[[nodiscard]] QuantizerInfo quantizedHswishInfo();

} // namespace bitscape::quant
