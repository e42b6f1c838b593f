// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/base/job.h"
#include "core/base/parallel.h"
#include "core/graph/configuration.h"
#include "core/graph/graph.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace bitscape::graph {

/// Name of the engine variant the loader chose: "baseline", "v3" or "v4".
[[nodiscard]] const char* engineVariant();

class LayerCache;
class TensorCache;

struct PlanOptions {
    std::vector<int> taps;              ///< layers whose outputs are kept besides the network's
    std::shared_ptr<LayerCache> layers; ///< of other plans, to take ready ones from; null: none
    quant::InternalSigmoid sigmoid = quant::InternalSigmoid::Hard;
};

/// Graph + configuration + weights, made ready to run: quantized and packed weights, steps with
/// fused epilogues, a memory plan. An empty configuration is float execution: one code path for
/// both. Immutable, shared between threads.
///
/// A quantizer of an output that looks at the whole tensor (an automatic scale) sees groups of 32
/// consecutive samples, Keras' default batch, so that results depend on the data alone.
class InferencePlan {
public:
    /// Unsupported (all layers named), InvalidArgument (a calibrated quantizer without range),
    /// ShapeMismatch (weights that do not fit, an input of open size).
    [[nodiscard]] static Result<std::shared_ptr<const InferencePlan>>
    make(GraphPtr graph, const Configuration& configuration, const WeightSet& weights,
         PlanOptions options = {});
    virtual ~InferencePlan() = default;

    /// The graph that is run: the given one, or the folded one if the configuration folds batch
    /// normalization.
    [[nodiscard]] virtual const Graph& graph() const = 0;
    /// Shapes without batch of what run() returns: outputs first, then taps.
    [[nodiscard]] virtual std::vector<Shape> resultShapes() const = 0;
    /// Runs all samples of `inputs` (one view per network input, N×shape). Returns outputs, then
    /// taps, each N×shape. Work is cut in chunks of fixed size: the bytes do not depend on threads.
    /// ShapeMismatch if an input does not fit; Canceled. Progress counts samples.
    [[nodiscard]] virtual Result<std::vector<Tensor>> run(std::span<const TensorView> inputs,
                                                          Parallel& parallel,
                                                          const JobContext& job = {}) const = 0;
    /// The same bytes from the tensors that earlier runs left in `cache`, of this plan or of plans
    /// of other configurations: only what depends on a change is computed. What this run computes
    /// stays there, the later in the network the sooner. `inputsName` stands for the values of
    /// `inputs`. Plans that keep nothing just run.
    [[nodiscard]] virtual Result<std::vector<Tensor>>
    runFrom(TensorCache& cache, const std::string& inputsName, std::span<const TensorView> inputs,
            Parallel& parallel, const JobContext& job = {}) const;
    /// Bytes that running so many samples at once takes at most: weights quantized and packed, what
    /// each thread works in, results; without the stored weights and the inputs. run() allocates
    /// the results alone, once each thread has its arena. Absent where the plan does not know.
    [[nodiscard]] virtual std::optional<Index> bytes(Index samples, int threads) const;
    /// The quantized weights as used, in the order of graph()'s weightSlots(); stored ones where
    /// float and for QConv2DBatchnorm, whose folded kernel is no weight.
    [[nodiscard]] virtual WeightSet quantizedWeights() const = 0;
};

/// Keras' activity regularizer: l1·Σ|y| + l2·Σy² of a layer's output, divided by the samples.
struct ActivityPenalty {
    int layer = 0;
    double l1 = 0.0, l2 = 0.0;
};

struct TrainingPlanOptions {
    quant::InternalSigmoid sigmoid = quant::InternalSigmoid::Hard;
    bool isTraining = true; ///< false: layers behave as in inference, gradients are taken there
    bool draws = true;      ///< QKeras' learning phase: stochastic quantizers draw while training
    bool inputGradients = false; ///< compute inputGradients(), which training does not need
    std::vector<ActivityPenalty> activityPenalties; ///< part of the loss beside `upstream`
};

/// One training step's worth of state for batches of up to `maxBatch` samples: forward in training
/// mode, backward to weights. Not shared between threads; uses the pool inside. The work is cut in
/// parts that depend on the batch alone: the bytes do not depend on threads. Memory is planned
/// here, see bytes().
class TrainingPlan {
public:
    /// As InferencePlan::make(). InvalidArgument also for a configuration that folds batch
    /// normalization: fold the graph first. `parallel` outlives the plan.
    [[nodiscard]] static Result<std::unique_ptr<TrainingPlan>>
    make(GraphPtr graph, const Configuration& configuration, Index maxBatch, Parallel& parallel,
         TrainingPlanOptions options = {});
    virtual ~TrainingPlan() = default;

    /// Bytes that the plan holds: tensors of a batch, what each thread works in, weights quantized
    /// and packed, gradients. A step allocates nothing of their size.
    [[nodiscard]] virtual Index bytes() const = 0;

    /// Runs the batch with `weights` (Graph::weightSlots() order, float shadow weights; quantized
    /// inside). `seed` feeds dropout and stochastic quantizers. The views stay valid until the next
    /// call; inputs and weights must stay where they are until backward() is through. Batch
    /// normalization uses batch statistics; moving statistics are written to updatedStatistics().
    [[nodiscard]] virtual Result<std::vector<TensorView>>
    forward(std::span<const TensorView> inputs, std::span<const Tensor> weights,
            std::uint64_t seed) = 0;
    /// Gradients for the last forward(): `upstream` one view per output. Fills gradients().
    [[nodiscard]] virtual Result<void> backward(std::span<const TensorView> upstream) = 0;
    /// Sum of TrainingPlanOptions::activityPenalties for the last forward(), after backward().
    [[nodiscard]] virtual double activityPenalty() const = 0;
    /// One tensor per weight slot; untouched (zero) for weights without gradient.
    [[nodiscard]] virtual std::span<const Tensor> gradients() const = 0;
    /// d loss / d input, one per network input (N×shape of the last batch). Only with
    /// TrainingPlanOptions::inputGradients.
    [[nodiscard]] virtual std::vector<TensorView> inputGradients() const = 0;
    /// New values of non-trainable weights after forward(): (slot, value) pairs.
    struct Update {
        int slot;
        TensorView value;
    };
    [[nodiscard]] virtual std::vector<Update> updatedStatistics() const = 0;
    /// Instead of qnoise_factor of the quantizers that QKeras' noise scheduler reaches (those of
    /// weights and of activation layers) from the next forward() on; absent: their own.
    virtual void setNoise(std::optional<float> noise) = 0;

    /// A tensor whose quantizer has learned parameters: a weight's, or the output of a layer (of an
    /// input layer also for Configuration::input).
    struct LearnedPlace {
        int layer = 0;
        Slot slot = Slot::Activation;
    };
    /// All that the plan gives gradients for. Quantizers that a layer applies to values of its own
    /// making (folded kernels, batch statistics) are none of them.
    [[nodiscard]] virtual std::span<const LearnedPlace> learnedPlaces() const = 0;
    /// The quantizer of a learned place for the coming forward(): the same row, its learned
    /// parameters changed.
    virtual void setQuantizer(std::size_t place, quant::QuantizerPtr quantizer) = 0;
    /// After backward(): Quantizer::learnedGradient() of each learned place, over the whole batch.
    [[nodiscard]] virtual std::span<const std::vector<Tensor>> learnedGradients() const = 0;
    /// Range [−c, c] that QKeras keeps a quantized weight in after every optimizer step (its
    /// automatic Clip constraint), per slot; 0 where there is none.
    [[nodiscard]] virtual std::span<const float> clipLimits() const = 0;
};

/// The graph with every batch normalization that directly follows a convolution, depth-wise
/// convolution or dense layer (its only consumer, linear activation) folded into that layer's
/// weights. Names stay; the normalization layer disappears; a following activation moves nowhere.
/// Layers whose name `configuration` gives an output quantizer are left alone.
[[nodiscard]] Result<GraphPtr> foldBatchNorm(const Graph& graph,
                                             const Configuration& configuration = {});

} // namespace bitscape::graph
