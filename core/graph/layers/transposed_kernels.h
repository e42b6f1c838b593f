// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/activation.h"
#include "core/graph/layers/layer_kernel.h"

namespace bitscape::graph {

struct TransposedOptions {
    bool useBias = true;  ///< there is one
    bool addsBias = true; ///< and it counts
    /// Channels of one group, whose kernel is stored as (taps, all inputs, outputs of the group).
    /// 1: the convolution is depth-wise or has no groups; the kernel is stored as the
    /// convolution's.
    Index groupSize = 1;
};

/// A transposed convolution is the gradient of a convolution: `c` leads from its output to its
/// input.
[[nodiscard]] std::unique_ptr<LayerKernel>
makeTransposedKernel(std::unique_ptr<const Convolution> c, const TransposedOptions& options);
/// A depth-wise one, `middle`, and a point-wise one. `middle` works element by element.
[[nodiscard]] std::unique_ptr<LayerKernel>
makeSeparableTransposedKernel(std::unique_ptr<const Convolution> depthwise,
                              std::unique_ptr<const Convolution> pointwise, bool useBias,
                              Activation middle, const KernelRequest& request);

} // namespace bitscape::graph
