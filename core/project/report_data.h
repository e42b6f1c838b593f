// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/project/project.h"

#include <optional>
#include <string>
#include <vector>

namespace bitscape::project {

/// A kernel-type weight before and after its quantizer.
struct WeightReport {
    std::string layer, weight; ///< "conv2d", "kernel"
    std::string quantizer;     ///< canonical string; empty: float
    int bits = 32;
    TensorPtr before;
    Tensor after;               ///< same shape; equal to before if float
    std::vector<double> scales; ///< step of two neighboring levels, one or one per channel
    double sqnrDb = 0;          ///< infinite if nothing is lost
    double clippedShare = 0;    ///< beyond the outermost level by more than half a step
    double zeroShare = 0;       ///< becomes 0 without being it
    int levels = 0;             ///< different values after quantization
};

/// What the report says of a layer.
struct LayerReport {
    const graph::Layer* layer = nullptr;
    std::string weightQuantizer, biasQuantizer, outputQuantizer; ///< empty: float or none
    std::optional<int> weightBits, outputBits;                   ///< none: float or no such tensor
    double packedBits = 0;                                       ///< of all its weights
    std::optional<double> energyPicojoule;                       ///< QTools
    std::vector<const hw::LayerCost*> rows; ///< of the hardware model; usually one
};

/// Cost of the network in one state, for comparison.
struct ReferenceReport {
    std::string name; ///< "float", "mixed-A"
    std::optional<NamedConfiguration::Measured> measured;
    bool isStale = false; ///< measured for other weights or quantizers
    bool isCurrent = false;
    search::Cost cost;
};

/// A trial with what the report adds to it.
struct TrialReport {
    const search::Trial* trial = nullptr;
    std::size_t study = 0;
    double packedBits = 0; ///< of the weights; Trial::cost.bits is the size that the goal counts
};

/// All numbers of a report, computed once for every format.
struct ReportData {
    const Project* project = nullptr;
    std::vector<LayerReport> layers;
    std::vector<WeightReport> weights;
    std::vector<ReferenceReport> configurations; ///< of the project, in order
    std::vector<TrialReport> trials;             ///< of all studies
    ReferenceReport floating;                    ///< the network without quantizers
    std::optional<hw::NetworkCost> hardware;
    std::optional<hw::NetworkCost> fixed16; ///< the accelerator without Sum-Together, 16 bits
    std::optional<hw::Speedup> speedup;
    std::vector<hw::Hint> hints;
    std::optional<hw::EnergyEstimate> energy;
    Warnings warnings; ///< what could not be computed, and what the models remark

    [[nodiscard]] const ReferenceReport& current() const
    {
        return configurations[static_cast<std::size_t>(project->current)];
    }
};

/// Precondition: !project.isEmpty(); the project outlives the data.
[[nodiscard]] ReportData gatherReport(const Project& project);

} // namespace bitscape::project
