// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quant/quantizer.h"

namespace bitscape::quant {

/// QKeras' binary: one bit, ±scale or {0, scale}.
[[nodiscard]] QuantizerInfo binaryInfo();
/// QKeras' ternary: −scale, 0, scale.
[[nodiscard]] QuantizerInfo ternaryInfo();

} // namespace bitscape::quant
