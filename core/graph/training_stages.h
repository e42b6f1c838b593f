// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/parallel.h"
#include "core/graph/execution.h"
#include "core/graph/training_program.h"

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace bitscape::graph {

/// How the quantizers of a training plan are called in one step.
struct StepCalls {
    quant::CallContext base;
    std::uint64_t seed = 0;     ///< of the step
    std::optional<float> noise; ///< see TrainingPlan::setNoise()

    [[nodiscard]] quant::CallContext ofWeight(std::size_t slot) const;
    /// Of quantizers inside a layer's kernel.
    [[nodiscard]] quant::CallContext insideOf(std::size_t layer) const;
    /// Of a layer's output, from its element `first` on; `draws`: its values depend on the place.
    [[nodiscard]] quant::CallContext ofOutput(const Layer& layer, int number, Index first,
                                              bool draws) const;
    /// QKeras' scheduler knows the quantizers of activation layers, not those of other outputs.
    [[nodiscard]] std::optional<float> noiseOf(const Layer& layer) const;

private:
    /// Stochastic quantizers draw while training, from the stream `number` of a purpose.
    [[nodiscard]] quant::CallContext streamOf(std::string_view purpose, std::size_t number) const;
};

/// Tensors of a plan whose quantizers have learned parameters, and what a step says of these.
struct LearnedPlaces {
    std::vector<TrainingPlan::LearnedPlace> places;
    std::vector<int> slots;    ///< per place: weight slot; −1: the layer's output
    std::vector<int> ofWeight; ///< place per weight slot; −1: none
    std::vector<int> ofOutput; ///< place per layer; −1: none
    std::vector<std::vector<Tensor>> gradients; ///< per place
};
[[nodiscard]] LearnedPlaces findLearned(const Graph& graph,
                                        std::span<const quant::QuantizerPtr> quantizers,
                                        const TrainingProgram& program);

/// Loops of a step: on the pool, or in place where the work is not worth waking threads for.
class StageThreads {
public:
    StageThreads(Parallel& parallel, bool isSmall) : m_parallel(parallel), m_isSmall(isSmall) {}

    [[nodiscard]] bool isSmall() const { return m_isSmall; }
    [[nodiscard]] int count() const { return m_isSmall ? 1 : m_parallel.threads(); }
    /// body(item, worker).
    template <class Body>
    void forEach(std::size_t count, const Body& body)
    {
        if (m_isSmall || count == 1) {
            for (std::size_t item = 0; item < count; ++item) {
                body(item, 0);
            }
        } else {
            // By reference: it need not fit into a std::function.
            m_parallel.forEach(count, std::cref(body));
        }
    }

private:
    Parallel& m_parallel;
    bool m_isSmall;
};

/// Runs the stages of a training program on batches of up to `maxBatch` samples: owns the memory of
/// all tensors. What is given to the constructor outlives it.
class TrainingStages {
public:
    /// Parts of a batch that threads may work on at once. Partial sums are kept per item.
    static constexpr int kItems = 8;

    TrainingStages(const Graph& graph, const TrainingProgram& program, const LayerKernels& kernels,
                   Index maxBatch, std::span<const ActivityPenalty> penalties,
                   StageThreads& threads);

    /// A new batch; the views stay until its last stage.
    void begin(std::span<const TensorView> inputs, Index samples);
    void forward(const StepCalls& calls, LearnedPlaces& learned);
    /// `upstream`: one view per network output; stays as long.
    void backward(std::span<const TensorView> upstream, const StepCalls& calls,
                  LearnedPlaces& learned);
    /// Sum of the penalties of the batch, after backward().
    [[nodiscard]] double penalty() const;

    [[nodiscard]] Index samples() const { return m_samples; }
    [[nodiscard]] int items() const { return m_items; }
    /// The whole batch of a global tensor or an input; inputs are not written to.
    [[nodiscard]] float* whole(Ref ref) const;
    /// Room for the kernel that a worker runs.
    [[nodiscard]] float* scratch(int worker) const;

private:
    struct Worker {
        FloatBuffer arena;
        std::vector<const float*> inputs;
        std::vector<float*> gradients;
    };

    [[nodiscard]] const Node& nodeOf(int layer) const
    {
        return m_program.nodes[static_cast<std::size_t>(layer)];
    }
    [[nodiscard]] LayerKernel& kernelOf(int layer) const
    {
        return *m_kernels[static_cast<std::size_t>(layer)];
    }

    void run(int firstStage, int pastStage, const StepCalls& calls, LearnedPlaces& learned);
    void runStage(const Stage& stage);
    void runItem(const Stage& stage, int item, Worker& worker);
    void runAction(const Action& action, const SampleRange& range, Worker& worker);
    void runAfter(const Action& action);
    void runForward(const Action& action, const SampleRange& range, Worker& worker);
    void runBackward(const Action& action, const SampleRange& range, Worker& worker);
    void activate(int layer, const float* z, float* y, const SampleRange& range, const Shape& shape,
                  Index offset);
    void deactivate(int layer, const float* values, float* gradient, const Shape& shape);
    void loadUpstream(const Action& action, const SampleRange& range, Worker& worker);
    void penalize(const Action& action, const SampleRange& range, Worker& worker);

    /// A chunk's part of a tensor; null for none. Inputs are not written to.
    [[nodiscard]] float* at(Ref ref, const SampleRange& range, const Worker& worker) const;
    std::span<const float* const> inputsOf(const Node& node, const SampleRange& range,
                                           Worker& worker) const;

    const Graph& m_graph;
    const TrainingProgram& m_program;
    const LayerKernels& m_kernels;
    Index m_maxBatch;
    std::span<const ActivityPenalty> m_penalties;
    StageThreads& m_threads;
    std::vector<double> m_penaltyParts; ///< sums per penalty and work item
    FloatBuffer m_global;
    Index m_chunk = 1;
    Index m_scratchOffset = 0; ///< of a kernel's room in an arena
    std::vector<Worker> m_workers;

    const StepCalls* m_calls = nullptr;
    LearnedPlaces* m_learned = nullptr;
    std::vector<TensorView> m_inputs, m_upstream;
    Index m_samples = 0;
    int m_items = 0;
};

} // namespace bitscape::graph
