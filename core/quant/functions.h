// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quant/quantizer.h"

#include <vector>

namespace bitscape::quant {

/// The plain functions that QKeras' get_quantizer accepts beside quantizers: QKeras' own (origin
/// "QKeras", with its slopes: hard_sigmoid has 1/2) and Keras' activations (origin "Keras").
[[nodiscard]] std::vector<QuantizerInfo> functionInfos();

} // namespace bitscape::quant
