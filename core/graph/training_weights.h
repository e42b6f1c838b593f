// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/execution.h"
#include "core/graph/training_stages.h"

#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace bitscape::graph {

/// Weights of a training plan: quantized and packed before a step; their gradients put together
/// after it. What is given to the constructor outlives it.
class TrainingWeights {
public:
    TrainingWeights(const Graph& graph, const Configuration& configuration,
                    const LayerKernels& kernels, const TrainingProgram& program);

    /// Quantizes the weights and hands them to the kernels; they stay until finish().
    void take(std::span<const Tensor> weights, const StepCalls& calls, StageThreads& threads);
    /// Puts the gradients of the weights together, after all stages.
    void finish(const TrainingStages& stages, const StepCalls& calls, LearnedPlaces& learned,
                StageThreads& threads);

    [[nodiscard]] std::span<const Tensor> gradients() const { return m_gradients; }
    [[nodiscard]] std::span<const float> clipLimits() const { return m_clipLimits; }
    [[nodiscard]] std::span<const quant::QuantizerPtr> quantizers() const { return m_quantizers; }
    void setQuantizer(std::size_t slot, quant::QuantizerPtr quantizer)
    {
        m_quantizers[slot] = std::move(quantizer);
    }

private:
    void takeLayer(std::size_t layer, const StepCalls& calls);
    void runTask(std::size_t item, const TrainingStages& stages, int worker);
    void passQuantizer(std::size_t slot, const StepCalls& calls, LearnedPlaces& learned);
    void sumShared();

    const Graph& m_graph;
    const LayerKernels& m_kernels;
    const TrainingProgram& m_program;
    std::vector<std::size_t> m_firstSlot;          ///< per layer
    std::vector<std::size_t> m_weighted;           ///< layers with weights
    std::vector<std::pair<int, int>> m_tasks;      ///< layer, its gradient task
    std::vector<quant::QuantizerPtr> m_quantizers; ///< per slot
    std::vector<std::size_t> m_passed;             ///< slots whose gradient passes a quantizer
    std::vector<float> m_clipLimits;
    std::vector<std::vector<std::size_t>> m_shared; ///< slots, see sharedWeights()
    std::vector<Tensor> m_quantized, m_gradients;
    std::vector<float*> m_gradientPointers;
    std::vector<TensorView> m_views; ///< weights in use
    std::span<const Tensor> m_weights;
};

} // namespace bitscape::graph
