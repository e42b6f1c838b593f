// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/configuration.h"
#include "core/graph/graph.h"
#include "core/train/samples.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace bitscape::bench {

/// A network that speed is measured on, with fresh weights: numbers do not matter, shapes do.
struct Network {
    std::string_view name; ///< "resnet8"
    std::string_view doc;
    Index batch = 64;       ///< of a training step
    bool classifies = true; ///< else it learns its own input
    graph::GraphPtr (*make)();
};

/// QKeras' example CNN, the four of MLPerf Tiny, the MLP of the jet taggers and the small network
/// of qkeras-mod's notebook.
[[nodiscard]] std::span<const Network> networks();
/// By name; null if there is none.
[[nodiscard]] const Network* findNetwork(std::string_view name);

/// quantized_bits(4,0,1) on kernels and biases, quantized_relu(4,0) behind every ReLU.
[[nodiscard]] graph::Configuration fourBits(const graph::Graph& graph);

/// Uniform in [0, 1).
[[nodiscard]] Tensor randomTensor(const Shape& shape, std::uint64_t seed);
/// So many of them for the network, with the answers it learns.
[[nodiscard]] std::shared_ptr<const train::Samples>
randomSamples(const Network& network, const graph::Graph& graph, Index count);

} // namespace bitscape::bench
