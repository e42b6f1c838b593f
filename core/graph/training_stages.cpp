// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/training_stages.h"

#include "core/base/error.h"
#include "core/base/rng.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace bitscape::graph {

namespace {

constexpr Index kCacheFloats = 1 << 18; // 1 MiB: what a chunk's tensors should fit in
constexpr Index kLargestChunk = 128;    // samples

} // namespace

quant::CallContext StepCalls::ofWeight(std::size_t slot) const
{
    quant::CallContext call = streamOf("weight", slot);
    call.noise = noise;
    return call;
}

quant::CallContext StepCalls::insideOf(std::size_t layer) const
{
    quant::CallContext call = streamOf("inside", layer);
    call.noise = noise;
    return call;
}

quant::CallContext StepCalls::ofOutput(const Layer& layer, int number, Index first,
                                       bool draws) const
{
    quant::CallContext call =
        draws ? streamOf("activation", static_cast<std::size_t>(number)) : base;
    call.seed += static_cast<std::uint64_t>(first);
    call.noise = noiseOf(layer);
    return call;
}

std::optional<float> StepCalls::noiseOf(const Layer& layer) const
{
    return std::holds_alternative<ActivationOp>(layer.op) ? noise : std::nullopt;
}

quant::CallContext StepCalls::streamOf(std::string_view purpose, std::size_t number) const
{
    quant::CallContext call = base;
    if (call.training) {
        call.seed = Rng(seed).split(purpose).split(number).next();
    }
    return call;
}

LearnedPlaces findLearned(const Graph& graph, std::span<const quant::QuantizerPtr> quantizers,
                          const TrainingProgram& program)
{
    LearnedPlaces found;
    const auto slots = graph.weightSlots();
    const auto add = [&found](int layer, Slot slot, int weightSlot) {
        found.places.push_back({layer, slot});
        found.slots.push_back(weightSlot);
        return static_cast<int>(found.places.size()) - 1;
    };
    for (std::size_t s = 0; s < quantizers.size(); ++s) {
        const Layer& layer = graph.layer(slots[s].layer);
        const Slot* slot = slotOfWeight(layer, slots[s].weight);
        const bool isLearned =
            quantizers[s] && slot != nullptr && !quantizers[s]->learned().empty();
        found.ofWeight.push_back(isLearned ? add(slots[s].layer, *slot, static_cast<int>(s)) : -1);
    }
    for (std::size_t l = 0; l < program.nodes.size(); ++l) {
        const Node& node = program.nodes[l];
        const bool isLearned = node.activation.isLearned() && node.flows;
        found.ofOutput.push_back(isLearned ? add(static_cast<int>(l), Slot::Activation, -1) : -1);
    }
    found.gradients.resize(found.places.size());
    return found;
}

TrainingStages::TrainingStages(const Graph& graph, const TrainingProgram& program,
                               const LayerKernels& kernels, Index maxBatch,
                               std::span<const ActivityPenalty> penalties, StageThreads& threads)
    : m_graph(graph), m_program(program), m_kernels(kernels), m_maxBatch(maxBatch),
      m_penalties(penalties), m_threads(threads), m_penaltyParts(penalties.size() * kItems, 0.0)
{
    Index scratch = 0;
    std::size_t mostInputs = 1;
    for (std::size_t l = 0; l < kernels.size(); ++l) {
        scratch = std::max(scratch, kernels[l]->scratchFloats());
        mostInputs = std::max(mostInputs, graph.layers()[l].inputs.size());
    }
    m_global = allocateFloats(program.globalFloats * maxBatch);
    const Index perSample = program.localFloats + program.widestStage;
    m_chunk = std::clamp<Index>(kCacheFloats / std::max<Index>(perSample, 1), 1, kLargestChunk);
    m_scratchOffset = program.localFloats * m_chunk;
    m_workers.resize(static_cast<std::size_t>(threads.count()));
    for (Worker& worker : m_workers) {
        worker.arena = allocateFloats(m_scratchOffset + scratch);
        worker.inputs.resize(mostInputs);
        worker.gradients.resize(mostInputs);
    }
}

float* TrainingStages::scratch(int worker) const
{
    return m_workers[static_cast<std::size_t>(worker)].arena.get() + m_scratchOffset;
}

void TrainingStages::begin(std::span<const TensorView> inputs, Index samples)
{
    m_inputs.assign(inputs.begin(), inputs.end());
    m_samples = samples;
    m_items = m_threads.isSmall() ? 1 : static_cast<int>(std::min<Index>(kItems, samples));
}

void TrainingStages::forward(const StepCalls& calls, LearnedPlaces& learned)
{
    run(0, m_program.forwardStages, calls, learned);
}

void TrainingStages::backward(std::span<const TensorView> upstream, const StepCalls& calls,
                              LearnedPlaces& learned)
{
    m_upstream.assign(upstream.begin(), upstream.end());
    std::ranges::fill(m_penaltyParts, 0.0);
    run(m_program.forwardStages, static_cast<int>(m_program.stages.size()), calls, learned);
}

double TrainingStages::penalty() const
{
    const double sum = std::accumulate(m_penaltyParts.begin(), m_penaltyParts.end(), 0.0);
    return sum / static_cast<double>(std::max<Index>(m_samples, 1));
}

void TrainingStages::run(int firstStage, int pastStage, const StepCalls& calls,
                         LearnedPlaces& learned)
{
    m_calls = &calls;
    m_learned = &learned;
    for (int stage = firstStage; stage < pastStage; ++stage) {
        runStage(m_program.stages[static_cast<std::size_t>(stage)]);
    }
}

void TrainingStages::runStage(const Stage& stage)
{
    if (!stage.actions.empty()) {
        m_threads.forEach(static_cast<std::size_t>(m_items), [&](std::size_t item, int worker) {
            runItem(stage, static_cast<int>(item), m_workers[static_cast<std::size_t>(worker)]);
        });
    }
    for (const Action& action : stage.after) {
        runAfter(action);
    }
}

void TrainingStages::runItem(const Stage& stage, int item, Worker& worker)
{
    const Index end = (item + 1) * m_samples / m_items;
    for (Index first = item * m_samples / m_items; first < end; first += m_chunk) {
        const SampleRange range{.first = first,
                                .count = std::min(m_chunk, end - first),
                                .item = item,
                                .seed = m_calls->seed,
                                .scratch = worker.arena.get() + m_scratchOffset};
        for (const Action& action : stage.actions) {
            runAction(action, range, worker);
        }
    }
}

void TrainingStages::runAction(const Action& action, const SampleRange& range, Worker& worker)
{
    switch (action.work) {
    case Work::Forward:
        runForward(action, range, worker);
        return;
    case Work::Activate:
        activate(action.layer, at(nodeOf(action.layer).z, range, worker),
                 at(nodeOf(action.layer).y, range, worker), range,
                 nodeOf(action.layer).shape.batchOf(range.count), 0);
        return;
    case Work::Repeat:
        kernelOf(action.layer)
            .forward(action.phase, {.samples = range,
                                    .inputs = inputsOf(nodeOf(action.layer), range, worker),
                                    .output = at(nodeOf(action.layer).again, range, worker)});
        return;
    case Work::LoadUpstream:
        loadUpstream(action, range, worker);
        return;
    case Work::Penalize:
        penalize(action, range, worker);
        return;
    case Work::Deactivate:
        deactivate(action.layer, at(nodeOf(action.layer).values, range, worker),
                   at({.buffer = nodeOf(action.layer).gradient}, range, worker),
                   nodeOf(action.layer).shape.batchOf(range.count));
        return;
    case Work::Backward:
        runBackward(action, range, worker);
        return;
    }
}

/// What comes after all samples are through a stage; by one thread.
void TrainingStages::runAfter(const Action& action)
{
    const Node& node = nodeOf(action.layer);
    LayerKernel& kernel = kernelOf(action.layer);
    const Shape shape = node.shape.batchOf(m_samples);
    const SampleRange all{
        .first = 0, .count = m_samples, .seed = m_calls->seed, .scratch = scratch(0)};
    switch (action.work) {
    case Work::Forward:
        if (kernel.wantsBatch()) {
            runForward(action, all, m_workers.front());
        }
        kernel.finishForward(action.phase, m_items, m_samples);
        return;
    case Work::Backward:
        if (kernel.wantsBatch()) {
            runBackward(action, all, m_workers.front());
        }
        kernel.finishBackward(action.phase, m_items, m_samples);
        return;
    case Work::Activate:
        activate(action.layer, whole(node.z), whole(node.y), all, shape, 0);
        return;
    case Work::Deactivate:
        deactivate(action.layer, whole(node.values), whole({.buffer = node.gradient}), shape);
        return;
    case Work::Repeat:
    case Work::Penalize:
    case Work::LoadUpstream:
        return;
    }
}

void TrainingStages::runForward(const Action& action, const SampleRange& range, Worker& worker)
{
    const Node& node = nodeOf(action.layer);
    LayerKernel& kernel = kernelOf(action.layer);
    float* z = at(node.z, range, worker);
    const auto follow = [&](Index first, Index count) {
        const Index channels = node.shape.channels();
        activate(action.layer, z + first, at(node.y, range, worker) + first, range,
                 {count / channels, channels}, first);
    };
    const bool isLast = action.phase + 1 == kernel.forwardPhases();
    const bool follows = isLast && node.activatesInForward;
    const bool inBlocks = follows && kernel.callsBlockDone();
    kernel.forward(action.phase, {.samples = range,
                                  .inputs = inputsOf(node, range, worker),
                                  .output = z,
                                  .saved = at({.buffer = node.saved}, range, worker),
                                  .done = inBlocks ? BlockDone(follow) : BlockDone(),
                                  .clamp = node.clamp});
    if (follows && !inBlocks) {
        follow(0, range.count * node.shape.elementCount());
    }
}

void TrainingStages::activate(int layer, const float* z, float* y, const SampleRange& range,
                              const Shape& shape, Index offset)
{
    const Node& node = nodeOf(layer);
    node.activation.apply(z, shape, y,
                          m_calls->ofOutput(m_graph.layer(layer), layer,
                                            range.first * node.shape.elementCount() + offset,
                                            !node.activation.worksInBlocks()));
}

void TrainingStages::deactivate(int layer, const float* values, float* gradient, const Shape& shape)
{
    quant::CallContext call = m_calls->base;
    call.noise = m_calls->noiseOf(m_graph.layer(layer));
    const Activation& activation = nodeOf(layer).activation;
    if (const int place = m_learned->ofOutput[static_cast<std::size_t>(layer)]; place >= 0) {
        m_learned->gradients[static_cast<std::size_t>(place)] =
            activation.quantizer->learnedGradient({values, shape}, {gradient, shape}, call);
    }
    activation.gradient(values, gradient, shape, gradient, call);
}

void TrainingStages::loadUpstream(const Action& action, const SampleRange& range, Worker& worker)
{
    const Node& node = nodeOf(action.layer);
    const Index floats = node.shape.elementCount();
    const float* from =
        m_upstream[static_cast<std::size_t>(action.phase)].data + range.first * floats;
    float* to = at({.buffer = node.gradient}, range, worker);
    if (action.adds) {
        kernels::add(from, range.count * floats, to);
    } else {
        std::copy_n(from, range.count * floats, to);
    }
}

void TrainingStages::penalize(const Action& action, const SampleRange& range, Worker& worker)
{
    const auto number = static_cast<std::size_t>(action.phase);
    const ActivityPenalty& penalty = m_penalties[number];
    const Node& node = nodeOf(action.layer);
    const Index floats = range.count * node.shape.elementCount();
    const float* y = at(node.y, range, worker);
    float* to = at({.buffer = node.gradient}, range, worker);
    double sum = 0;
    for (Index i = 0; i < floats; ++i) {
        const double value = y[i];
        const double sign = value > 0 ? 1.0 : (value < 0 ? -1.0 : 0.0);
        const double slope =
            (penalty.l1 * sign + 2.0 * penalty.l2 * value) / static_cast<double>(m_samples);
        sum += penalty.l1 * std::abs(value) + penalty.l2 * value * value;
        to[i] = static_cast<float>(action.adds ? to[i] + slope : slope);
    }
    m_penaltyParts[number * kItems + static_cast<std::size_t>(range.item)] += sum;
}

void TrainingStages::runBackward(const Action& action, const SampleRange& range, Worker& worker)
{
    const Node& node = nodeOf(action.layer);
    for (std::size_t i = 0; i < node.inputGradients.size(); ++i) {
        worker.gradients[i] = at({.buffer = node.inputGradients[i]}, range, worker);
    }
    kernelOf(action.layer)
        .backward(action.phase,
                  {.samples = range,
                   .inputs = inputsOf(node, range, worker),
                   .output = node.readsOutput ? at(node.z, range, worker) : nullptr,
                   .upstream = at({.buffer = node.gradient}, range, worker),
                   .inputGradients = std::span(worker.gradients).first(node.inputGradients.size()),
                   .adds = std::span(node.adds.get(), node.inputGradients.size()),
                   .saved = at({.buffer = node.saved}, range, worker)});
}

float* TrainingStages::at(Ref ref, const SampleRange& range, const Worker& worker) const
{
    if (ref.input >= 0) {
        const TensorView& input = m_inputs[static_cast<std::size_t>(ref.input)];
        const Index floats = input.size() / std::max<Index>(m_samples, 1);
        return const_cast<float*>(input.data) + range.first * floats;
    }
    if (ref.buffer < 0) {
        return nullptr;
    }
    const Buffer& buffer = m_program.buffers[static_cast<std::size_t>(ref.buffer)];
    return buffer.isGlobal
               ? m_global.get() + buffer.offset * m_maxBatch + range.first * buffer.floats
               : worker.arena.get() + buffer.offset * m_chunk;
}

float* TrainingStages::whole(Ref ref) const
{
    if (ref.input >= 0) {
        return const_cast<float*>(m_inputs[static_cast<std::size_t>(ref.input)].data);
    }
    const Buffer& buffer = m_program.buffers[static_cast<std::size_t>(ref.buffer)];
    ensure(buffer.isGlobal, "TrainingPlan: a chunk's tensor is read as a whole");
    return m_global.get() + buffer.offset * m_maxBatch;
}

std::span<const float* const> TrainingStages::inputsOf(const Node& node, const SampleRange& range,
                                                       Worker& worker) const
{
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
        worker.inputs[i] = at(node.inputs[i], range, worker);
    }
    return std::span(worker.inputs).first(node.inputs.size());
}

} // namespace bitscape::graph
