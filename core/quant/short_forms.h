// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quant/quantizer.h"

#include <string_view>

namespace bitscape::quant {

/// What a user may type for the quantizer of a tensor that now has `current` (may be null: float).
/// Result: the new quantizer; null for float. Besides everything parseQuantizer() reads:
///   4                     the same family with 4 bits; from float quantized_bits(4,0,1)
///   int8, uint8           affine with that width: symmetric and narrow, or with a zero point
///   po2:4, relu:4         quantized_po2(4), quantized_relu(4,0)
///   float, none           no quantizer
///   ap_fixed<6,1>         quantized_bits(6,0,0,alpha=1.0); ap_ufixed<6,1> has no sign
/// InvalidArgument as parseQuantizer().
[[nodiscard]] Result<QuantizerPtr> parseEdit(std::string_view text, const QuantizerPtr& current);

} // namespace bitscape::quant
