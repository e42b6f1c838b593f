// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quant/quantizer.h"

namespace bitscape::quant {

/// QKeras' internal sigmoid: hard clip(x/2 + 1/2, 0, 1), smooth clip(3x/16 + 1/2, 0, 1), or the
/// logistic function.
[[nodiscard]] float sigmoid(float x, InternalSigmoid mode);
/// Its derivative; at the corners of the clipped forms that of the sloped side.
[[nodiscard]] float sigmoidSlope(float x, InternalSigmoid mode);

} // namespace bitscape::quant
