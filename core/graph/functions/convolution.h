// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/functions/windows.h"

#include <vector>

namespace bitscape::graph {

/// Sizes of the output of a convolution with an operator's attributes; failures are told to `e`.
[[nodiscard]] Sizes convolutionSizes(Evaluation& e, const ArrayValue& x, const ArrayValue& w);
/// Its sums, for sizes that convolutionSizes() has checked; numbers apart from the arrays.
[[nodiscard]] std::vector<double> convolve(Evaluation& e, std::span<const double> x,
                                           std::span<const double> w, const ArrayValue& xSizes,
                                           const ArrayValue& wSizes);
/// x − zero point; null: 0. One for all, or one per index of the first axis.
[[nodiscard]] std::vector<double> withoutZeroPoint(Evaluation& e, const ArrayValue& x,
                                                   const ArrayValue* zero, bool isPerFirstAxis);

} // namespace bitscape::graph
