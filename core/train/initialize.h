// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/graph.h"

#include <cstdint>

namespace bitscape::train {

/// Fresh weights as Keras would draw them: each by its layer's initializer (config of the file;
/// QKeras' QInitializer fits the draws to its quantizer), kernels without one by Glorot's uniform
/// rule, all others as the op starts them (biases 0, gamma 1). The same for the same seed.
[[nodiscard]] graph::WeightSet initialWeights(const graph::Graph& graph, std::uint64_t seed);

} // namespace bitscape::train
