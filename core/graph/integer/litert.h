// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/integer/program.h"

// Arithmetic of LiteRT (TensorFlow Lite), whose three sets of kernels round differently.
namespace bitscape::graph {

/// From the numbers that `work` makes, with `steps`, to codes with the step `to`. `isWide`: the
/// work reads codes of more than 8 bits, for which there is one set of kernels.
[[nodiscard]] Scaling liteRtScaling(const Work& work, const std::vector<double>& steps, double to,
                                    LiteRtKernels kernels, bool isWide);
/// Whether the codes of the grid need more than 8 bits.
[[nodiscard]] bool isWideGrid(const CodeGrid& grid);

/// a ± b between codes, and what becomes of the sum.
struct LiteRtSum {
    SumWork work;
    Requantization rule;
};
[[nodiscard]] LiteRtSum liteRtSumOf(const CodeGrid& a, const CodeGrid& b, const CodeGrid& to,
                                    const std::vector<char>& isNegative, LiteRtKernels kernels);

/// Softmax between codes of 8 bits; nullopt for other widths.
[[nodiscard]] std::optional<SoftmaxWork> liteRtSoftmax(const CodeGrid& from, const CodeGrid& to);

/// Whether f is a ReLU with a slope below 0 and nothing else.
[[nodiscard]] bool isLeakyRelu(const Function& f);
/// Leaky ReLU between codes, both grids of one step.
[[nodiscard]] TableWork liteRtLeakyRelu(float slope, const CodeGrid& from, const CodeGrid& to,
                                        LiteRtKernels kernels);

/// Codes of q(f(x)) for every code of the grid, which has one step.
[[nodiscard]] TableWork functionTable(const Function& f, const CodeGrid& from,
                                      const quant::Quantizer& q, const quant::CallContext& call);

} // namespace bitscape::graph
