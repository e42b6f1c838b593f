// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/functions/evaluation.h"

#include <vector>

namespace bitscape::graph {

/// NumPy's matmul: stacks of matrices, a vector as a row or a column.
struct MatrixStacks {
    Sizes sizes; ///< of the result
    Index rows = 1, inner = 1, columns = 1;
    std::vector<Index> a, b; ///< per matrix of the result: which of a and of b
};
[[nodiscard]] MatrixStacks matrixStacks(Evaluation& e, const Sizes& a, const Sizes& b);
[[nodiscard]] std::vector<double> multiply(const MatrixStacks& stacks, std::span<const double> a,
                                           std::span<const double> b);

} // namespace bitscape::graph
