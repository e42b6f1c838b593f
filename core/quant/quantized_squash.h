// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quant/quantizer.h"

namespace bitscape::quant {

/// QKeras' quantized_tanh.
[[nodiscard]] QuantizerInfo quantizedTanhInfo();
/// QKeras' quantized_sigmoid.
[[nodiscard]] QuantizerInfo quantizedSigmoidInfo();

} // namespace bitscape::quant
