// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quant/quantizer.h"

namespace bitscape::quant {

/// QKeras' quantized_ulaw: µ-law companded levels.
[[nodiscard]] QuantizerInfo quantizedUlawInfo();

} // namespace bitscape::quant
