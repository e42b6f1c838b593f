// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/configuration.h"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

// TensorQuant's maps: which quantizer by a part of the layer's name. Used inside core/graph only.
namespace bitscape::graph {

/// A key of a map with what it stands for.
struct NamePart {
    std::string part;              ///< found anywhere in the name, upper and lower case told apart
    quant::QuantizerPtr quantizer; ///< null: the tensor stays float, and no later key counts
    bool matched = false;
};

struct TensorQuantMap {
    std::vector<NamePart> activations; ///< of outputs, after the layer's function
    std::vector<NamePart> weights;     ///< of kernel and bias alike
};

/// Reads {"activations": …, "weights": …}, each an object of name parts and strings or one string
/// for all layers. InvalidArgument names the key and what is wrong.
[[nodiscard]] Result<TensorQuantMap> readTensorQuantMap(const nlohmann::ordered_json& json);

/// Sets the quantizers of the layers that TensorQuant quantizes: the first key found in a layer's
/// name counts. Warns of keys found in no such layer, and of outputs that cannot be quantized after
/// the layer's function.
void applyTensorQuantMap(const Graph& graph, TensorQuantMap& map, MapResult& result);

} // namespace bitscape::graph
