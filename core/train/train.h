// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/base/job.h"
#include "core/base/parallel.h"
#include "core/graph/configuration.h"
#include "core/graph/execution.h"
#include "core/train/samples.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace bitscape::train {

struct TrainOptions {
    int epochs = 1;
    Index batch = 32;
    std::string optimizer = "adam(0.001)"; ///< Keras name, learning rate first, keyword arguments
    std::string loss;                      ///< Keras name; empty: from the data (labels:
                                           ///< sparse_categorical_crossentropy, else mse)
    std::uint64_t seed = 0;
    bool shuffle = true;
    int maxSteps = 0; ///< 0: no limit
    int earlyStop =
        0; ///< epochs without a better validation loss (training loss without validation); 0: never

    [[nodiscard]] Result<void> validate() const;
};

struct HistoryEntry {
    int epoch = 0; ///< from 1
    int step = 0;  ///< optimizer steps done so far
    double loss = 0.0;
    std::optional<double> accuracy, validationLoss, validationAccuracy;
};

struct TrainInput {
    graph::GraphPtr graph;
    graph::Configuration configuration;
    graph::WeightSet weights; ///< start; Graph::weightSlots() order
    std::shared_ptr<const Samples> train;
    std::shared_ptr<const Samples> validation; ///< may be null
};

struct TrainReport {
    graph::WeightSet weights;          ///< of the last epoch, or the best with early stopping
    std::vector<HistoryEntry> history; ///< one per epoch; one per step if maxSteps is set
    int steps = 0;
    double stepMillisecondsMedian = 0.0;
    bool stoppedByUser = false; ///< weights are those of the last full step
    Warnings warnings;
};

/// Called after every epoch (or step with maxSteps), on the training thread.
using EpochCallback = std::function<void(const HistoryEntry&)>;

/// Mini-batch training. Same seed, same bytes, for any number of threads.
/// InvalidArgument (options), ShapeMismatch (data), Unsupported; a NaN loss is InvalidArgument
/// naming epoch, step and the first layer with a NaN. Stop requests end it with stoppedByUser set.
[[nodiscard]] Result<TrainReport> train(const TrainInput& input, const TrainOptions& options,
                                        Parallel& parallel, const JobContext& job = {},
                                        const EpochCallback& onEpoch = {});

struct Evaluation {
    Index count = 0;
    std::optional<double> loss, accuracy, top5, mse, mae, auc;
    std::vector<std::vector<std::int64_t>>
        confusion;                ///< rows true, columns predicted; empty without labels
    std::vector<double> perClass; ///< accuracy per true class; NaN where there is none
    double seconds = 0.0;
};

/// Metrics of a network on samples. ShapeMismatch, Canceled.
[[nodiscard]] Result<Evaluation> evaluate(const graph::InferencePlan& plan, const Samples& samples,
                                          Parallel& parallel, const JobContext& job = {});
/// The same from outputs that are already computed (N×classes or N×shape).
[[nodiscard]] Evaluation evaluateOutputs(TensorView outputs, const Samples& samples);

} // namespace bitscape::train
