// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quant/quantizer.h"

namespace bitscape::quant {

/// QKeras' quantized_linear: its successor of quantized_bits, where alpha is a true step.
[[nodiscard]] QuantizerInfo quantizedLinearInfo();

} // namespace bitscape::quant
