// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quant/quantizer.h"

namespace bitscape::quant {

/// The nearest of a list of values, given or found by k-means.
[[nodiscard]] QuantizerInfo codebookInfo();

} // namespace bitscape::quant
