// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/layers/layer_kernel.h"

namespace bitscape::graph {

/// How the score of a query and a key is computed.
enum class Score {
    Dot,      ///< scale · q·k
    Concat,   ///< weight · Σ tanh(scale·(q + k)), both numbers learned (scale may be 1)
    Additive, ///< Σ scale_d · tanh(q_d + k_d), scale learned per feature or 1
};

struct AttentionSetup {
    Score score = Score::Dot;
    bool learnsScale = false;
    bool isCausal = false; ///< a query sees keys up to its own place
    float dropout = 0.0F;  ///< of the shares, while training
};

/// y = softmax(scores)·value. Inputs: query (Tq × d), value (Tv × v), key (Tv × d) or, of two
/// inputs, the value again.
[[nodiscard]] std::unique_ptr<LayerKernel> makeAttentionKernel(const AttentionSetup& setup,
                                                               const KernelRequest& request);

struct HeadsSetup {
    int heads = 1;
    int keySize = 1, valueSize = 1; ///< of one head
    Index outputSize = 1;
    bool useBias = true;
    float dropout = 0.0F;
};

/// Every head projects query, key and value, attends, and the heads are mixed.
[[nodiscard]] std::unique_ptr<LayerKernel> makeHeadsKernel(const HeadsSetup& setup,
                                                           const KernelRequest& request);

} // namespace bitscape::graph
