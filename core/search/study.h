// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/base/job.h"
#include "core/graph/configuration.h"
#include "core/graph/graph.h"
#include "core/search/forgiving_factor.h"
#include "core/train/samples.h"
#include "core/train/train.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace bitscape::search {

/// One hyper-parameter of the space: name as AutoQKeras gives it ("fc1_kernel_quantizer"),
/// candidates. With one candidate there is nothing to choose (keras-tuner's Fixed).
struct Choice {
    std::string name;
    std::string layer; ///< the first one it was made for
    graph::Slot slot = graph::Slot::Kernel;
    std::vector<std::string> values; ///< quantizer strings, at least one
    std::string defaultValue;        ///< the first
    /// Where the chosen quantizer goes. Several for a pattern; none where AutoQKeras asks and then
    /// does not use the answer (activations embedded in a layer).
    struct Target {
        std::string layer;
        graph::Slot slot;
    };
    std::vector<Target> targets;
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
    std::string goal = "bits"; ///< goal.type of the configuration: bits, energy, cycles
    std::map<std::string, double>
        limits; ///< upper bounds of costs: "bits", "energy" (pJ), "cycles"
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
    /// Area below the front in (bits / largest bits, metric): the largest of the reference's (with
    /// the bits goal) and of all finished trials; metrics count from 0, or from the lowest if that
    /// is negative. ≥ 0.
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

/// The space, sizes and defaults of a description.
struct SpaceReport {
    std::vector<Choice> choices;
    std::vector<std::string> convertedNorms; ///< batch normalizations that become Q twins
    /// Activations inside quantized layers: what model_quantize makes of relu, tanh and sigmoid.
    std::map<std::string, std::string> embedded;
    ForgivingFactor factor;
    bool transferWeights = false; ///< trials start from the model's weights, else from fresh ones
    double referenceSize = 0.0, trialSize = 0.0, delta = 0.0; ///< trialSize: of the base as it is
    Warnings warnings;
};
/// No training. InvalidArgument: the configuration; Infeasible if limits cannot be met: the message
/// holds the reachable range and the binding limit.
[[nodiscard]] Result<SpaceReport> describe(const SearchInput& input,
                                           const StudyDescription& description);

/// AutoQKeras configuration (JSON text) for a goal alone: AutoQKeras' default quantizers of at most
/// 8 bits for all layers that can be quantized, starting from the model's weights.
[[nodiscard]] std::string defaultConfig(const std::string& goal);

/// Sizes and score factor of one configuration.
struct TrialSize {
    Cost cost; ///< bits are forgiving bits, whatever the goal
    double size = 0.0, delta = 0.0;
};
[[nodiscard]] Result<TrialSize> measure(const SearchInput& input, const SpaceReport& space,
                                        const graph::Configuration& configuration);

/// Whether a stored study can be continued with another description: all but name, number of trials
/// and budget must agree. InvalidArgument names what differs.
[[nodiscard]] Result<void> requireSame(const StudyDescription& stored,
                                       const StudyDescription& wanted);

/// The configuration that an assignment means; names that it lacks get their default.
/// InvalidArgument: a name or value that the space does not hold, a quantizer that does not exist.
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
