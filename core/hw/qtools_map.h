// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/configuration.h"
#include "core/graph/graph.h"
#include "core/hw/qtools.h"
#include "core/hw/qtools_operators.h"

#include <nlohmann/json_fwd.hpp>

#include <optional>
#include <string>
#include <vector>

namespace bitscape::hw::qtools {

/// Which rules of QTools a layer falls under.
enum class LayerRule {
    Kernel,     ///< dense and convolution layers
    Folded,     ///< convolutions with a batch normalization folded in
    Norm,       ///< batch normalization
    Activation, ///< QActivation and Keras' Activation
    Merge,      ///< Add, Concatenate
    AveragePool,
    Through, ///< the type passes: MaxPooling, Reshape, Flatten
    Other,   ///< the type passes, with a warning
};

/// Types and operators of one layer.
struct LayerTypes {
    int index = -1; ///< in the graph
    std::string name, className;
    LayerRule rule = LayerRule::Other;
    bool readsInput = false;  ///< a network input, through nothing else
    bool feedsOutput = false; ///< a network output
    std::vector<DataType> inputs;
    std::vector<std::int64_t> inputElements; ///< per sample, one for each of `inputs`
    DataType output;
    Shape outputShape; ///< without batch
    std::int64_t operations = 0;

    std::optional<DataType> weight, bias;
    Shape kernelShape;
    std::optional<Operator> product, sum; ///< multiplier and accumulator
    std::optional<Operator> fusedSum;     ///< accumulator with scales or normalization taken in
    std::optional<DataType> gamma, beta, mean, variance, inverse;
    std::optional<Normalization> norm;
    std::optional<DataType> average;
    std::optional<Operator> merged;
};

struct Map {
    std::vector<DataType> sources;
    std::vector<LayerTypes> layers;
    Warnings warnings;
};

/// The class that the layer has once its quantizers are applied: QTools' rules go by class.
[[nodiscard]] std::string qtoolsClass(const graph::Layer& layer,
                                      const graph::Configuration& configuration);

/// Follows types from the inputs through every layer. InputLayers and Dropout do not appear.
[[nodiscard]] Result<Map> makeMap(const graph::Graph& graph,
                                  const graph::Configuration& configuration,
                                  const QToolsOptions& options);

/// The map in QTools' layout.
[[nodiscard]] nlohmann::ordered_json toJson(const Map& map);

} // namespace bitscape::hw::qtools
