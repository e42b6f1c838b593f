// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/configuration.h"
#include "core/graph/graph.h"

#include <string>
#include <vector>

// Small networks for tests of the hardware models.
namespace bitscape::hw::test {

/// Layers one after another or side by side; every add() returns the layer's index.
class Builder {
public:
    int input(const Shape& shape, std::string name = "in");
    int add(const std::string& className, const std::string& name, graph::Op op,
            std::vector<int> inputs);
    /// The finished graph; layers nobody reads are its outputs.
    [[nodiscard]] graph::GraphPtr make();

private:
    std::vector<graph::Layer> m_layers;
    std::vector<int> m_inputs;
};

enum class Kind { Conv, Depthwise, Dense };

/// A layer with multiplications, given by its geometry alone.
struct Geometry {
    std::string name;
    Kind kind = Kind::Conv;
    int height = 1, width = 1, inputs = 1, outputs = 1, kernelHeight = 1, kernelWidth = 1,
        stride = 1;
    bool isValid = false; ///< padding
};

/// Every layer with an input of its own, as the acceptance checks give them.
[[nodiscard]] graph::GraphPtr independentLayers(const std::vector<Geometry>& layers);
/// Kernels at weightBits, everything else at activationBits; biases at 16 bits.
[[nodiscard]] graph::Configuration uniformBits(const graph::Graph& graph, int weightBits,
                                               int activationBits);

/// MLPerf Tiny.
[[nodiscard]] std::vector<Geometry> resnet8();
[[nodiscard]] std::vector<Geometry> dsCnn();
[[nodiscard]] std::vector<Geometry> mobilenet();
[[nodiscard]] std::vector<Geometry> autoencoder();

} // namespace bitscape::hw::test
