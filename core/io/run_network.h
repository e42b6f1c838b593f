// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/io/export_content.h"

#include <optional>
#include <string>
#include <vector>

// A network the way it is run, for formats that hold numbers instead of layers that Keras folds.
namespace bitscape::io {

/// A weight as the network computes with it.
struct RunWeight {
    int layer = 0;
    int weight = 0;                    ///< index in Layer::weights
    const graph::Slot* slot = nullptr; ///< null: no quantizer may sit on it
    quant::QuantizerPtr quantizer;     ///< as execution applies it; null: float
    TensorPtr value;                   ///< before its quantizer

    /// After it.
    [[nodiscard]] Tensor quantized() const;
};

struct RunNetwork {
    graph::GraphPtr graph; ///< foldable normalizations, also those of folded layers, are in weights
    graph::Configuration configuration; ///< folds nothing any more
    std::vector<RunWeight> weights;     ///< in the order of the graph's weightSlots()

    [[nodiscard]] const graph::Layer& layerOf(const RunWeight& weight) const
    {
        return graph->layer(weight.layer);
    }
    /// "kernel", "bias", …
    [[nodiscard]] const std::string& nameOf(const RunWeight& weight) const;
};

/// InvalidArgument: a quantizer that does not fit its weight.
[[nodiscard]] Result<RunNetwork> runNetwork(const ExportInput& input);

/// The graph with QConv2DBatchnorm and its like as plain layers that hold the folded weights.
[[nodiscard]] Result<graph::GraphPtr> withoutFoldedLayers(const graph::Graph& graph);

/// The uniform levels of a tensor: value = step · (code − zero point), code = low … high.
struct UniformGrid {
    std::vector<float> steps;      ///< one, or one per index of `shape`
    std::vector<float> zeroPoints; ///< as many
    Shape shape{1};                ///< broadcasts against the tensor
    double low = 0, high = 0;      ///< codes at the ends
    bool isSigned = true;
};
/// Of a quantizer for these values; nothing if its levels are not evenly spaced.
[[nodiscard]] std::optional<UniformGrid> uniformGrid(const quant::Quantizer& quantizer,
                                                     TensorView values);
/// Of an output, whose values are not known; nothing also if the scale follows them.
[[nodiscard]] std::optional<UniformGrid> uniformGrid(const quant::Quantizer& quantizer);

} // namespace bitscape::io
