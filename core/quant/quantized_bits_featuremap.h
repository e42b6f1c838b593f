// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quant/quantizer.h"

namespace bitscape::quant {

/// qkeras-mod's quantizer of activations: integers with a zero point, fitted at every call.
[[nodiscard]] QuantizerInfo quantizedBitsFeaturemapInfo();

} // namespace bitscape::quant
