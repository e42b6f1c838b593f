// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/base/job.h"
#include "core/base/parallel.h"
#include "core/graph/configuration.h"
#include "core/graph/execution.h"
#include "core/train/optimizer.h"
#include "core/train/samples.h"

#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bitscape::train {

/// Every option is text or a number, so that a run can be written down and repeated.
struct TrainOptions {
    int epochs = 1;
    Index batch = 32;
    std::string optimizer = "adam(0.001)"; ///< Keras name, learning rate first, keyword arguments
    std::string loss;                      ///< Keras name; empty: from the data (labels:
                                           ///< sparse_categorical_crossentropy, else mse)
    std::string schedule; ///< of the learning rate, see makeSchedule(); empty: it stays
    int warmUp = 0;       ///< steps that lead up to the first learning rate
    std::uint64_t seed = 0;
    bool shuffle = true;
    int maxSteps = 0; ///< 0: no limit
    int earlyStop =
        0; ///< epochs without a better validation loss (training loss without validation); 0: never
    std::string classWeight; ///< see sampleWeights()
    std::string augment;     ///< see makeAugmentations(); for networks that read images
    std::string noise;       ///< see makeNoiseSchedule(); empty: quantizers keep their own
    double distillation = 0; ///< share of the loss that measures the distance to the teacher, 0…1
    double temperature = 2;  ///< at which teacher and network are compared, > 0

    [[nodiscard]] Result<void> validate() const;
    /// What decides the numbers, all but how long it goes on: equal texts, equal steps.
    [[nodiscard]] std::string canonical() const;
    /// The options of `bitscape-cli train` that say the same, defaults left out.
    [[nodiscard]] std::string commandLine() const;
};

struct HistoryEntry {
    int epoch = 0; ///< from 1
    int step = 0;  ///< optimizer steps done so far
    double loss = 0.0;
    std::optional<double> accuracy, validationLoss, validationAccuracy;
};

/// A network whose outputs another one is to learn.
struct Teacher {
    graph::GraphPtr graph;
    graph::WeightSet weights;
};

/// Sums over batches, weighted by their sizes as Keras' running means are.
struct RunningMean {
    double loss = 0, hits = 0;
    Index count = 0;

    void add(double batchLoss, std::optional<double> accuracy, Index size);
};

/// A training between two steps: all that it takes to go on as if it had never stopped.
struct TrainState {
    std::string origin;          ///< hash of options, network, configuration and data it belongs to
    int epoch = 1;               ///< being trained
    Index position = 0;          ///< samples of the epoch that are done
    RunningMean mean;            ///< over them
    HistoryEntry entry;          ///< of the epoch so far
    std::vector<Tensor> weights; ///< Graph::weightSlots() order, then learned parameters
    OptimizerState optimizer;
    std::vector<HistoryEntry> history;
    double best = std::numeric_limits<double>::infinity(); ///< of what early stopping watches
    int worseEpochs = 0;
    std::vector<Tensor> bestWeights; ///< empty: none yet
    bool isOver = false;             ///< stopped early
};

struct TrainInput {
    graph::GraphPtr graph;
    graph::Configuration configuration;
    graph::WeightSet weights; ///< start; Graph::weightSlots() order
    std::shared_ptr<const Samples> train;
    std::shared_ptr<const Samples> validation; ///< may be null
    std::optional<Teacher> teacher;           ///< for distillation; absent: the network itself, not
                                              ///< quantized, with the weights it starts from
    std::shared_ptr<const TrainState> resume; ///< of the same run; null: from the start
};

struct TrainReport {
    graph::WeightSet weights;           ///< of the last epoch, or the best with early stopping
    graph::Configuration configuration; ///< the input's, with what its quantizers have learned
    std::vector<HistoryEntry> history;  ///< one per epoch; one per step if maxSteps is set
    int steps = 0;
    double stepMillisecondsMedian = 0.0;
    /// What the training works in: the plan, weights, gradients, optimizer, batches, and what
    /// measures the validation part; without the data and what a checkpoint copies.
    Index plannedBytes = 0;
    bool stoppedByUser = false; ///< weights are those of the last full step
    Warnings warnings;
};

/// Called after every epoch (or step with maxSteps), on the training thread.
using EpochCallback = std::function<void(const HistoryEntry&)>;
/// Called after every epoch and where a stop request ends the training, on the training thread.
/// An error ends it.
using CheckpointCallback = std::function<Result<void>(const TrainState&)>;

/// Mini-batch training. Same seed, same bytes, for any number of threads, and through any number of
/// stops that a checkpoint bridges.
/// InvalidArgument (options, a state of another run), ShapeMismatch (data), Unsupported; a NaN loss
/// is InvalidArgument naming epoch, step and the first layer with a NaN. Stop requests end it with
/// stoppedByUser set.
[[nodiscard]] Result<TrainReport> train(const TrainInput& input, const TrainOptions& options,
                                        Parallel& parallel, const JobContext& job = {},
                                        const EpochCallback& onEpoch = {},
                                        const CheckpointCallback& onCheckpoint = {});

struct Evaluation {
    Index count = 0;
    std::optional<double> loss, accuracy, top5, auc;
    std::optional<double> precision, recall, f1; ///< of yes, or of class 1 of two
    std::optional<double> mse, rmse, mae;
    std::optional<double> mape, msle, logCosh, huber, cosineSimilarity, hinge, klDivergence,
        poisson; ///< as the losses of these names; similarity with the sign of a similarity
    std::vector<std::vector<std::int64_t>>
        confusion;                ///< rows true, columns predicted; empty without labels
    std::vector<double> perClass; ///< accuracy per true class; NaN where there is none
    double seconds = 0.0;
};

/// A metric by its name; the one table of all commands and forms.
struct MetricInfo {
    std::string_view name; ///< as written: "accuracy"
    std::string_view doc;
    std::optional<double> Evaluation::*value;
    bool isUsual; ///< shown even where nobody asked for it
};
[[nodiscard]] std::span<const MetricInfo> metrics();

/// ShapeMismatch if the samples cannot be held against outputs of this shape (without batch).
[[nodiscard]] Result<void> checkAnswers(const Samples& samples, const Shape& output);

/// Metrics of a network on samples. ShapeMismatch, Canceled.
[[nodiscard]] Result<Evaluation> evaluate(const graph::InferencePlan& plan, const Samples& samples,
                                          Parallel& parallel, const JobContext& job = {});
/// The same from outputs that are already computed (N×classes or N×shape).
[[nodiscard]] Evaluation evaluateOutputs(TensorView outputs, const Samples& samples);

} // namespace bitscape::train
