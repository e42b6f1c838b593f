// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quant/quantizer.h"

namespace bitscape::quant {

/// Floating-point numbers with few bits; word_forms.h has the names of the usual ones.
[[nodiscard]] QuantizerInfo minifloatInfo();

} // namespace bitscape::quant
