// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quant/quantizer.h"

// Quantizers whose range is trained along with the weights.
namespace bitscape::quant {

/// Learned step size (Esser et al., arXiv 1902.08153).
[[nodiscard]] QuantizerInfo lsqInfo();
/// Rectifier with a learned clip (Choi et al., arXiv 1805.06085).
[[nodiscard]] QuantizerInfo pactInfo();

} // namespace bitscape::quant
