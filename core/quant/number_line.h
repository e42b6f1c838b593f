// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quant/quantizer.h"

#include <optional>
#include <utility>
#include <vector>

namespace bitscape::quant {

/// Neighboring inputs that give one value.
struct LineStep {
    double from = 0.0, to = 0.0; ///< ends of the inputs; the outermost reach the ends of the line
    double value = 0.0;
    std::optional<double> code; ///< where levels have codes
};

/// What a quantizer makes of the numbers of an interval: the picture of its grid and rounding.
struct NumberLine {
    double low = 0.0, high = 0.0;                 ///< the interval
    std::vector<LineStep> steps;                  ///< ascending, without gaps; empty where values
                                                  ///< are finer than a screen or a function is
                                                  ///< smooth
    std::vector<std::pair<double, double>> curve; ///< (x, Q(x)), ascending x
    double clipLow = 0.0, clipHigh = 0.0;         ///< beyond them only the outermost level is left
    bool fromValues = false; ///< the scale is fitted: steps are known where there are values
};

/// The line around `values` (a tensor as the quantizer gets it; its kernel, say) or, where it is
/// empty, around the quantizer's range. Quantizers with fitted scales show what they do to the
/// values that use scale number `group` (0 … Fit::scale.size() − 1), or to evenly spaced numbers in
/// −1 … 1 where there are no values. Accepted by the quantizer (ensured). Cost: O(n log n).
[[nodiscard]] NumberLine numberLine(const Quantizer& quantizer, TensorView values, Index group = 0);

} // namespace bitscape::quant
