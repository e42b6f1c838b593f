// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/training_weights.h"

#include "core/graph/plan_weights.h"

#include <algorithm>
#include <functional>

namespace bitscape::graph {

TrainingWeights::TrainingWeights(const Graph& graph, const Configuration& configuration,
                                 const LayerKernels& kernels, const TrainingProgram& program)
    : m_graph(graph), m_kernels(kernels), m_program(program),
      m_quantizers(weightQuantizers(graph, configuration, kernels))
{
    m_clipLimits = weightClipLimits(graph, configuration);
    m_shared = sharedWeights(graph);
    for (std::size_t l = 0; l < graph.layers().size(); ++l) {
        m_firstSlot.push_back(m_gradients.size());
        const auto& weights = graph.layers()[l].weights;
        for (const Weight& weight : weights) {
            const std::size_t slot = m_gradients.size();
            m_gradients.emplace_back(weight.value->shape());
            m_quantized.emplace_back(m_quantizers[slot] ? weight.value->shape() : Shape{0});
            if (m_quantizers[slot] && program.nodes[l].flows) {
                m_passed.push_back(slot);
            }
        }
        if (!weights.empty()) {
            m_weighted.push_back(l);
        }
        const int tasks = program.nodes[l].flows ? kernels[l]->gradientTasks() : 0;
        for (int task = 0; task < tasks; ++task) {
            m_tasks.emplace_back(static_cast<int>(l), task);
        }
    }
    m_views.resize(m_gradients.size());
    for (Tensor& gradient : m_gradients) {
        m_gradientPointers.push_back(gradient.data());
    }
}

void TrainingWeights::take(std::span<const Tensor> weights, const StepCalls& calls,
                           StageThreads& threads)
{
    ensure(weights.size() == m_gradients.size(), "TrainingPlan: weights of another network");
    m_weights = weights;
    threads.forEach(m_weighted.size(),
                    [&](std::size_t item, int /*worker*/) { takeLayer(m_weighted[item], calls); });
}

void TrainingWeights::takeLayer(std::size_t layer, const StepCalls& calls)
{
    const std::size_t first = m_firstSlot[layer];
    const std::size_t count = m_graph.layers()[layer].weights.size();
    for (std::size_t slot = first; slot < first + count; ++slot) {
        m_views[slot] = m_weights[slot].view();
        if (m_quantizers[slot]) {
            m_quantizers[slot]->apply(m_views[slot], m_quantized[slot].mutableView(),
                                      calls.ofWeight(slot));
            m_views[slot] = m_quantized[slot].view();
        }
    }
    m_kernels[layer]->setCall(calls.insideOf(layer));
    m_kernels[layer]->setWeights(std::span(m_views).subspan(first, count));
}

void TrainingWeights::finish(const TrainingStages& stages, const StepCalls& calls,
                             LearnedPlaces& learned, StageThreads& threads)
{
    threads.forEach(m_tasks.size(),
                    [&](std::size_t item, int worker) { runTask(item, stages, worker); });
    threads.forEach(m_passed.size(), [&](std::size_t item, int /*worker*/) {
        passQuantizer(m_passed[item], calls, learned);
    });
    sumShared();
}

void TrainingWeights::runTask(std::size_t item, const TrainingStages& stages, int worker)
{
    const auto& [index, task] = m_tasks[item];
    const auto layer = static_cast<std::size_t>(index);
    const Node& node = m_program.nodes[layer];
    LayerKernel& kernel = *m_kernels[layer];
    const bool isLate = kernel.readsBatchLate();
    kernel.gradientTask(
        task, {.gradients = std::span(m_gradientPointers)
                                .subspan(m_firstSlot[layer], m_graph.layer(index).weights.size()),
               .items = stages.items(),
               .samples = stages.samples(),
               .input = isLate ? stages.whole(node.inputs[0]) : nullptr,
               .upstream = isLate ? stages.whole({.buffer = node.gradient}) : nullptr,
               .scratch = stages.scratch(worker)});
}

void TrainingWeights::passQuantizer(std::size_t slot, const StepCalls& calls,
                                    LearnedPlaces& learned)
{
    const TensorView weight = m_weights[slot].view();
    const quant::CallContext call = calls.ofWeight(slot);
    if (const int place = learned.ofWeight[slot]; place >= 0) {
        learned.gradients[static_cast<std::size_t>(place)] =
            m_quantizers[slot]->learnedGradient(weight, m_gradients[slot].view(), call);
    }
    m_quantizers[slot]->gradient(weight, m_gradients[slot].view(), m_gradients[slot].mutableView(),
                                 call);
}

/// Weights that several calls of a layer have in common learn from all of them: each copy gets the
/// sum, so that equal steps keep them equal.
void TrainingWeights::sumShared()
{
    for (const std::vector<std::size_t>& slots : m_shared) {
        Tensor& sum = m_gradients[slots.front()];
        for (const std::size_t slot : std::span(slots).subspan(1)) {
            std::ranges::transform(sum.values(), m_gradients[slot].values(), sum.values().begin(),
                                   std::plus<>());
        }
        for (const std::size_t slot : std::span(slots).subspan(1)) {
            std::ranges::copy(sum.values(), m_gradients[slot].values().begin());
        }
    }
}

} // namespace bitscape::graph
