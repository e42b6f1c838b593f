// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/graph/configuration.h"
#include "core/graph/graph.h"

#include <array>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace bitscape::search {

/// Costs of one configuration: energy of QTools, cycles of the accelerator. Handed in from above:
/// search knows no hardware.
struct Cost {
    double bits = 0.0; ///< of the weights, packed; in trials what AutoQKeras' bits goal counts
    double activationBits = 0.0;
    double energyPicojoule = 0.0;
    double cycles = 0.0;
};
using CostFunction = std::function<Result<Cost>(const graph::Graph&, const graph::Configuration&)>;

/// What QTools is asked for by the energy goal; members named as QTools' arguments.
struct EnergyRequest {
    std::string process = "horowitz";
    std::string parametersOn = "fixed"; ///< dram | sram | fixed
    std::string activationsOn = "dram"; ///< dram | sram | fixed
    double minimumSramBits = 0;
    bool readWriteIo = true;
    std::vector<std::string> sourceQuantizers; ///< quantizers or type names of the inputs; empty:
                                               ///< QTools' default
    std::string kerasQuantizer = "fp32";       ///< type of what plain Keras layers hold
    std::string accumulator = "fp32";          ///< accumulator of plain Keras layers
    bool forReference = false;                 ///< count every layer as a plain Keras one
    bool inference = false;                    ///< use the values of the weights
};
/// Energy in pJ as QTools' extract_energy_sum gives it. Handed in from above.
using EnergyFunction = std::function<Result<double>(
    const graph::Graph&, const graph::Configuration&, const EnergyRequest&)>;

/// How sizes are taken: what is handed in, and what kind of model it is.
struct SizeInput {
    const graph::Graph& graph;
    bool sequential; ///< see SearchInput
    const CostFunction& cost;
    const EnergyFunction& energy;
};

/// AutoQKeras' forgiving factor: how much accuracy a smaller network may lose. A value.
struct ForgivingFactor {
    enum class Kind { Bits, Energy, Cycles };

    Kind kind = Kind::Bits;
    double deltaP = 8.0, deltaN = 8.0; ///< percent per factor of `rate`, for smaller and larger
    double rate = 2.0, stress = 1.0;
    int inputBits = 8, outputBits = 8, referenceBits = 8;
    /// By class of layer, or "default": what counts, of "parameters" and "activations".
    std::map<std::string, std::vector<std::string>, std::less<>> counted{
        {"default", {"parameters", "activations"}}};
    std::array<EnergyRequest, 2> energy; ///< of the reference, of a trial

    /// Size of a configuration in the unit of the goal: bits, pJ or cycles.
    [[nodiscard]] Result<double> size(const SizeInput& input,
                                      const graph::Configuration& configuration) const;
    /// Size of the network as it came, that trials are measured against.
    [[nodiscard]] Result<double> referenceSize(const SizeInput& input,
                                               const graph::Configuration& base) const;
    /// Gain (or loss) in share of the metric. Sizes > 0, otherwise 0.
    [[nodiscard]] double delta(double referenceSize, double trialSize) const;
    /// metric·(1 + delta); a metric below 0 (−loss) shrinks instead of growing.
    [[nodiscard]] double score(double metric, double delta) const;
};

/// Reads AutoQKeras' goal {"type", "params"} (JSON text). InvalidArgument names the key.
[[nodiscard]] Result<ForgivingFactor> parseGoal(const std::string& json);

/// Class of a layer as the configuration makes it: "QDense" for a Dense with quantizers. A batch
/// normalization with an entry in the configuration is a QBatchNormalization even if the entry is
/// empty.
[[nodiscard]] std::string quantizedClass(const graph::Layer& layer,
                                         const graph::Configuration& configuration);

/// Bits of one layer as forgiving bits counts them.
struct LayerBits {
    std::string layer;
    double parameters = 0, activations = 0;
};
[[nodiscard]] std::vector<LayerBits> countBits(const ForgivingFactor& factor,
                                               const graph::Graph& graph, bool sequential,
                                               const graph::Configuration& configuration);

} // namespace bitscape::search
