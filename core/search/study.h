// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/base/job.h"
#include "core/graph/configuration.h"
#include "core/graph/graph.h"
#include "core/train/samples.h"
#include "core/train/train.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace bitscape::search {

/// Costs of one configuration; bits as AutoQKeras counts them for the goal, energy of QTools,
/// cycles of the accelerator. Handed in from above: search knows no hardware.
struct Cost {
    double bits = 0.0; ///< weights, packed
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

/// One hyper-parameter of the space: name as AutoQKeras gives it ("fc1_kernel_quantizer"),
/// candidates.
struct Choice {
    std::string name;
    std::string layer;
    graph::Slot slot = graph::Slot::Kernel;
    std::vector<std::string> values; ///< quantizer strings
    std::string defaultValue;
};

/// AutoQKeras' forgiving factor: delta and size of a trial against the reference.
struct ForgivingFactor {
    enum class Kind { Bits, Energy } kind = Kind::Bits;
    double deltaP = 8.0, deltaN = 8.0, rate = 2.0, stress = 1.0; ///< deltas in percent
    int inputBits = 8, outputBits = 8, referenceBits = 8;
    std::string configJson = "{}";  ///< per-class what counts ("parameters", "activations")
    std::string processJson = "{}"; ///< energy: process, memories, quantizers of the reference
};

/// Everything that describes a search before its first trial; part of the project, hashed.
struct StudyDescription {
    std::string name = "study";
    std::string configJson; ///< AutoQKeras configuration as given, or the one made from --goal
    std::string tuner = "random";
    int trials = 10;
    int epochs = 1;
    Index batch = 32;
    std::string optimizer = "adam(0.001)";
    std::string loss;
    std::uint64_t seed = 0;
    std::string goal = "bits";            ///< "bits" | "energy": which cost the score uses
    std::map<std::string, double> limits; ///< "bits" → upper bound, …
    double validationShare = 0.25;
    double budgetSeconds = 0.0; ///< 0: none
    std::string dataDescription;
    std::string baseHash; ///< of graph, weights and base configuration
};

enum class TrialState { Waiting, Running, Complete, Failed };
[[nodiscard]] std::string_view name(TrialState state);

struct Trial {
    int number = 0;
    TrialState state = TrialState::Waiting;
    std::map<std::string, std::string> assignment; ///< choice name → quantizer string
    graph::Configuration configuration;
    double metric = 0.0; ///< accuracy on the validation part, 0 … 1 (or −loss for regression)
    double metricError = 0.0; ///< one standard error
    double score = 0.0;
    Cost cost;
    double trialSize = 0.0, referenceSize = 0.0, delta = 0.0;
    double seconds = 0.0;
    std::uint64_t seed = 0;
    std::string failure; ///< sentence if Failed
};

struct Study {
    StudyDescription description;
    std::vector<Trial> trials; ///< by number; those finished so far
    double referenceSize = 0.0;

    /// Best finished trial by score (lowest number on ties); null if none.
    [[nodiscard]] const Trial* best() const;
    /// Numbers of finished trials that no other dominates (metric up, bits down), ascending by
    /// bits.
    [[nodiscard]] std::vector<int> front() const;
    /// Of the front in (bits / referenceSize, metric), reference point (1, 0) or the largest seen;
    /// ≥ 0.
    [[nodiscard]] double hypervolume() const;
};

struct SearchInput {
    graph::GraphPtr graph;
    graph::WeightSet weights;
    graph::Configuration base; ///< quantizers the model came with
    std::shared_ptr<const train::Samples> train;
    std::shared_ptr<const train::Samples> validation;
    CostFunction cost;     ///< may be empty: energy and cycles stay 0
    EnergyFunction energy; ///< size of a configuration for the energy goal; unused for bits
    /// The model is a Keras Sequential: its input layers are not among `model.layers`, so forgiving
    /// bits does not count them.
    bool sequential = false;
};

/// The space, sizes and defaults of a description; no training. Infeasible if limits cannot be met:
/// the message holds the reachable range and the binding limit.
struct SpaceReport {
    std::vector<Choice> choices;
    double referenceSize = 0.0, trialSize = 0.0, delta = 0.0; ///< trialSize: of the base as it is
};
[[nodiscard]] Result<SpaceReport> describe(const SearchInput& input,
                                           const StudyDescription& description);

/// The configuration that an assignment means.
[[nodiscard]] Result<graph::Configuration>
configurationOf(const SearchInput& input, const SpaceReport& space,
                const std::map<std::string, std::string>& assignment);

/// Called when a trial has ended, one call at a time, in the order in which trials end (with
/// several threads trial 1 may come before trial 0; Study::trials is sorted by number all the
/// same). Must store it before it returns: kill -9 then loses only running trials.
using TrialCallback = std::function<Result<void>(const Study&, const Trial&)>;

/// Runs the trials that `study` does not hold yet; whole trials side by side on `threads` threads.
/// The result depends on the description only. Canceled after a stop request: what finished has
/// been handed to the callback.
[[nodiscard]] Result<Study> run(const SearchInput& input, Study study, int threads,
                                const JobContext& job, const TrialCallback& onTrial);

} // namespace bitscape::search
