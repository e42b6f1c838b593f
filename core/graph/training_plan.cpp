// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/execution.h"
#include "core/graph/plan_weights.h"
#include "core/graph/training_weights.h"
#include "core/tensor/float_memory.h"

#include <fmt/format.h>

#include <algorithm>

namespace bitscape::graph {

namespace {

constexpr std::int64_t kSmallMacs = 1 << 20; // a step of less is not worth waking threads for

LayerKernels makeKernels(const Graph& graph, const Configuration& configuration, Index maxBatch,
                         const TrainingPlanOptions& options)
{
    LayerKernels kernels;
    for (int l = 0; l < static_cast<int>(graph.layers().size()); ++l) {
        kernels.push_back(
            makeLayerKernel(graph, l, quantizersOf(configuration, graph.layer(l)),
                            {.isTraining = options.isTraining, .sigmoid = options.sigmoid}));
        kernels.back()->prepareTraining(TrainingStages::kItems, maxBatch);
    }
    return kernels;
}

/// A training program with its memory, weights and threads.
class Plan final : public TrainingPlan {
public:
    Plan(GraphPtr graph, const Configuration& configuration, Index maxBatch, Parallel& parallel,
         const TrainingPlanOptions& options)
        : m_graph(std::move(graph)), m_maxBatch(maxBatch),
          m_givesInputGradients(options.inputGradients), m_penalties(options.activityPenalties),
          m_threads(parallel, m_graph->macs() * maxBatch < kSmallMacs),
          m_kernels(makeKernels(*m_graph, configuration, maxBatch, options)),
          m_program(makeTrainingProgram(
              *m_graph, configuration, m_kernels,
              {.inputGradients = options.inputGradients, .penalties = m_penalties})),
          m_weights(*m_graph, configuration, m_kernels, m_program),
          m_learned(findLearned(*m_graph, m_weights.quantizers(), m_program)),
          m_stages(*m_graph, m_program, m_kernels, maxBatch, m_penalties, m_threads),
          m_calls{.base = {.training = options.isTraining && options.draws,
                           .sigmoid = options.sigmoid,
                           .seed = 0}}
    {
        Index inputFloats = 0;
        for (const int layer : m_graph->inputs()) {
            inputFloats = std::max(inputFloats, nodeOf(layer).shape.elementCount());
        }
        m_zeros = allocateFloats(m_givesInputGradients ? inputFloats * maxBatch : 0);
        m_bytes = FloatMemory::ofThisThread() - m_bytes;
    }

    Index bytes() const override { return m_bytes; }

    Result<std::vector<TensorView>> forward(std::span<const TensorView> inputs,
                                            std::span<const Tensor> weights,
                                            std::uint64_t seed) override
    {
        if (auto ok = takeInputs(inputs); !ok) {
            return fail(std::move(ok).error());
        }
        m_calls.seed = seed;
        m_weights.take(weights, m_calls, m_threads);
        m_stages.forward(m_calls, m_learned);
        std::vector<TensorView> outputs;
        for (const int layer : m_graph->outputs()) {
            const Node& node = nodeOf(layer);
            outputs.push_back({m_stages.whole(node.y), node.shape.batchOf(m_stages.samples())});
        }
        return outputs;
    }

    Result<void> backward(std::span<const TensorView> upstream) override
    {
        const auto outputs = m_graph->outputs();
        ensure(upstream.size() == outputs.size(), "TrainingPlan: one upstream gradient per output");
        for (std::size_t i = 0; i < outputs.size(); ++i) {
            const Shape wanted = nodeOf(outputs[i]).shape.batchOf(m_stages.samples());
            if (!(upstream[i].shape == wanted)) {
                return fail(ErrorCode::ShapeMismatch,
                            fmt::format("The upstream gradient has the shape {}, wanted {}.",
                                        upstream[i].shape.toString(), wanted.toString()),
                            "output " + m_graph->layer(outputs[i]).name);
            }
        }
        m_stages.backward(upstream, m_calls, m_learned);
        m_weights.finish(m_stages, m_calls, m_learned, m_threads);
        return {};
    }

    std::span<const Tensor> gradients() const override { return m_weights.gradients(); }

    double activityPenalty() const override { return m_stages.penalty(); }

    std::vector<TensorView> inputGradients() const override
    {
        std::vector<TensorView> views;
        for (const int layer : m_graph->inputs()) {
            const Node& node = nodeOf(layer);
            ensure(m_givesInputGradients, "TrainingPlan: input gradients were not asked for");
            const float* data =
                node.gradient < 0 ? m_zeros.get() : m_stages.whole({.buffer = node.gradient});
            views.push_back({data, node.shape.batchOf(m_stages.samples())});
        }
        return views;
    }

    std::vector<Update> updatedStatistics() const override
    {
        std::vector<Update> updates;
        const auto slots = m_graph->weightSlots();
        for (std::size_t s = 0; s < slots.size(); ++s) {
            const auto& kernel = m_kernels[static_cast<std::size_t>(slots[s].layer)];
            if (const Tensor* value = kernel->updatedWeight(slots[s].weight)) {
                updates.push_back({static_cast<int>(s), value->view()});
            }
        }
        return updates;
    }

    std::span<const float> clipLimits() const override { return m_weights.clipLimits(); }

    void setNoise(std::optional<float> noise) override { m_calls.noise = noise; }

    std::span<const LearnedPlace> learnedPlaces() const override { return m_learned.places; }

    void setQuantizer(std::size_t place, quant::QuantizerPtr quantizer) override
    {
        ensure(place < m_learned.places.size(), "TrainingPlan: no such learned place");
        if (const int slot = m_learned.slots[place]; slot >= 0) {
            m_weights.setQuantizer(static_cast<std::size_t>(slot), std::move(quantizer));
            return;
        }
        const auto layer = static_cast<std::size_t>(m_learned.places[place].layer);
        m_program.nodes[layer].activation.quantizer = std::move(quantizer);
    }

    std::span<const std::vector<Tensor>> learnedGradients() const override
    {
        return m_learned.gradients;
    }

private:
    [[nodiscard]] const Node& nodeOf(int layer) const
    {
        return m_program.nodes[static_cast<std::size_t>(layer)];
    }

    Result<void> takeInputs(std::span<const TensorView> inputs)
    {
        const auto wanted = m_graph->inputs();
        ensure(inputs.size() == wanted.size(), "TrainingPlan: one view per network input");
        const Index samples = inputs.empty() ? 0 : inputs.front().shape[0];
        ensure(samples <= m_maxBatch, "TrainingPlan: a batch larger than planned");
        for (std::size_t i = 0; i < inputs.size(); ++i) {
            const Layer& layer = m_graph->layer(wanted[i]);
            if (!(inputs[i].shape == layer.outputShape.batchOf(samples))) {
                return fail(ErrorCode::ShapeMismatch,
                            fmt::format("The data have the shape {}, the network reads {}.",
                                        inputs[i].shape.toString(),
                                        layer.outputShape.batchOf(samples).toString()),
                            "input " + layer.name);
            }
        }
        m_stages.begin(inputs, samples);
        return {};
    }

    Index m_bytes = FloatMemory::ofThisThread(); // first: before all that is made
    GraphPtr m_graph;
    Index m_maxBatch;
    bool m_givesInputGradients;
    std::vector<ActivityPenalty> m_penalties;
    StageThreads m_threads;
    LayerKernels m_kernels;
    TrainingProgram m_program;
    TrainingWeights m_weights;
    LearnedPlaces m_learned;
    TrainingStages m_stages;
    StepCalls m_calls;
    FloatBuffer m_zeros;
};

} // namespace

Result<std::unique_ptr<TrainingPlan>> TrainingPlan::make(GraphPtr graph,
                                                         const Configuration& configuration,
                                                         Index maxBatch, Parallel& parallel,
                                                         TrainingPlanOptions options)
{
    ensure(maxBatch >= 1, "TrainingPlan: a batch has at least one sample");
    if (configuration.foldBatchNorm) {
        return fail(ErrorCode::InvalidArgument,
                    "Batch normalization is folded before training, not while training.",
                    graph->name(), "Fold the network first, or drop \"@fold_batchnorm\".");
    }
    if (auto ok = checkPlan(*graph, configuration); !ok) {
        return fail(std::move(ok).error());
    }
    if (auto ok = requireGradients(*graph); !ok) {
        return fail(std::move(ok).error());
    }
    return std::make_unique<Plan>(std::move(graph), configuration, maxBatch, parallel, options);
}

} // namespace bitscape::graph
