// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quant/quantizer.h"

// The quantizers of TensorQuant; their strings are in word_forms.h. All pass gradients in full.
namespace bitscape::quant {

/// zero, down, nearest, stochastic: fixed point.
[[nodiscard]] QuantizerInfo tensorquantFixedInfo();
[[nodiscard]] QuantizerInfo tensorquantLogarithmicInfo();
[[nodiscard]] QuantizerInfo tensorquantSparseInfo();
[[nodiscard]] QuantizerInfo tensorquantBinaryInfo();
[[nodiscard]] QuantizerInfo tensorquantTernaryInfo();
[[nodiscard]] QuantizerInfo tensorquantNoneInfo();

} // namespace bitscape::quant
