// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/graph/configuration.h"
#include "core/graph/graph.h"
#include "core/search/study.h"

#include <string>
#include <vector>

namespace bitscape::hw {

/// Arguments of QTools (spec/qtools-autoq), named as there.
struct QToolsOptions {
    std::string process = "horowitz";
    std::string weightsOn = "dram";     ///< dram | sram | fixed
    std::string activationsOn = "dram"; ///< dram | sram | fixed
    double minimumSramBits = 0;
    bool readWriteIo = false;
    std::vector<std::string>
        sourceQuantizers;         ///< one per input, or one for all; empty: quantized_bits(8,0,1)
    std::string kerasQuantizer;   ///< quantizer or named type for plain Keras layers
    std::string accumulator;      ///< keras_accumulator
    bool forReference = false;    ///< count every layer as a plain Keras one
    bool inference = false;       ///< use the values of power-of-two weights
    bool quantizeWeights = false; ///< with inference: weights are float and quantized first
    bool hardwareWeights = false; ///< convolutions and the normalizations after them are fused
    bool fitScales = false;       ///< auto_po2 scales are known: fitted to the weights

    /// InvalidArgument: a memory, a type or a size that there is not.
    [[nodiscard]] Result<void> validate() const;
};

struct LayerEnergy {
    std::string layer, className; ///< QTools' class: "QConv2D" for a Conv2D with quantizers
    double inputs = 0, outputs = 0, parameters = 0, operation = 0; ///< pJ, two decimals as QTools
    double counted = 0; ///< pJ: those of the four that the total takes for this class
    std::int64_t operations = 0;
    std::int64_t weightBits = 0, biasBits = 0; ///< 0: the layer has none
    std::int64_t outputBits = 0;
};

struct EnergyEstimate {
    std::vector<LayerEnergy> layers;
    double totalPicojoule = 0;       ///< whole pJ, as QTools' extract_energy_sum
    std::int64_t weightBits = 0;     ///< all weights, packed
    std::int64_t activationBits = 0; ///< all layer outputs
    double bops = 0;  ///< Σ MACs·(b_a·b_w + b_a + b_w + log2(products per output))
    double ebops = 0; ///< Σ MACs·b_a·b_w
    Warnings warnings;
};

/// QTools' energy of the layers that this release covers. InvalidArgument (an option, a quantizer
/// QTools has no type for), Unsupported (layers known by name only, all named).
[[nodiscard]] Result<EnergyEstimate> qtoolsEstimate(const graph::Graph& graph,
                                                    const graph::Configuration& configuration,
                                                    const QToolsOptions& options);

/// The data-type map behind it as JSON text in QTools' own layout. Errors as above.
[[nodiscard]] Result<std::string> qtoolsMap(const graph::Graph& graph,
                                            const graph::Configuration& configuration,
                                            const QToolsOptions& options);

/// QTools' energy sum as AutoQKeras' energy goal asks for it; may be handed to a search.
[[nodiscard]] Result<double> energySize(const graph::Graph& graph,
                                        const graph::Configuration& configuration,
                                        const search::EnergyRequest& request);

} // namespace bitscape::hw
