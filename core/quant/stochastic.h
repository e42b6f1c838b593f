// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quant/quantizer.h"

namespace bitscape::quant {

/// QKeras' stochastic_ternary: ternary whose codes are drawn while training.
[[nodiscard]] QuantizerInfo stochasticTernaryInfo();
/// QKeras' stochastic_binary: binary whose signs are drawn while training.
[[nodiscard]] QuantizerInfo stochasticBinaryInfo();
/// QKeras' bernoulli: 0 or scale, always drawn.
[[nodiscard]] QuantizerInfo bernoulliInfo();

} // namespace bitscape::quant
