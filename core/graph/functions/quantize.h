// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/functions/evaluation.h"

namespace bitscape::graph {

/// Which number of a scale or zero point belongs to an element: one for all, one per index of an
/// axis, or one per block along it.
class ScaleLayout {
public:
    /// `axis` and `block` as the attributes say; what does not fit is told to `e`.
    ScaleLayout(Evaluation& e, const Sizes& x, const Sizes& scale, std::int64_t axis,
                std::int64_t block);
    [[nodiscard]] Index of(Index element) const;

private:
    Sizes m_x, m_steps, m_scaleSteps, m_perAxis; ///< how many elements share a number
};

/// saturate(round(x / scale) + zero point), halves to even, in float32 as ONNX Runtime computes.
[[nodiscard]] std::int64_t quantized(ElementType type, double x, double scale, double zero);

} // namespace bitscape::graph
