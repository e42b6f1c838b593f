// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/graph/configuration.h"
#include "core/graph/graph.h"

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
        sourceQuantizers;       ///< one per input, or one for all; empty: quantized_bits(8,0,1)
    std::string kerasQuantizer; ///< quantizer or named type for plain Keras layers
    std::string accumulator;    ///< keras_accumulator
    bool forReference = false;
    bool inference = false;
};

struct LayerEnergy {
    std::string layer, className;
    double inputs = 0, outputs = 0, parameters = 0, operation = 0; ///< pJ
    std::int64_t operations = 0;
    int weightBits = 0, biasBits = 0, outputBits = 0;
};

struct EnergyEstimate {
    std::vector<LayerEnergy> layers;
    double totalPicojoule = 0;       ///< as QTools' extract_energy_sum
    std::int64_t weightBits = 0;     ///< all weights, packed
    std::int64_t activationBits = 0; ///< all layer outputs
    double bops = 0, ebops = 0;
    std::string qtoolsMap; ///< QTools' own JSON layout
    Warnings warnings;
};

/// The QTools data-type map and energy of the layers that this release covers.
[[nodiscard]] Result<EnergyEstimate> qtoolsEstimate(const graph::Graph& graph,
                                                    const graph::Configuration& configuration,
                                                    const QToolsOptions& options);

} // namespace bitscape::hw
