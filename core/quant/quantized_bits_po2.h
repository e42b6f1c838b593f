// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quant/quantizer.h"

namespace bitscape::quant {

/// Whole multiples of a power of two whose exponent training learns.
[[nodiscard]] QuantizerInfo quantizedBitsLearnablePo2Info();
/// Whole multiples of the power of two with the least squared error, fitted at every call.
[[nodiscard]] QuantizerInfo quantizedBitsMsqePo2Info();

} // namespace bitscape::quant
