// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/rng.h"
#include "core/graph/execution.h"
#include "core/graph/plan_weights.h"
#include "core/graph/training_program.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <numeric>

namespace bitscape::graph {

namespace {

constexpr int kItems = 8;                    // work items of a batch
constexpr Index kCacheFloats = 1 << 18;      // 1 MiB: what a chunk's tensors should fit in
constexpr Index kLargestChunk = 32;          // samples
constexpr std::int64_t kSmallMacs = 1 << 20; // a step of less is not worth waking threads for

struct Worker {
    FloatBuffer arena;
    std::vector<const float*> inputs;
    std::vector<float*> gradients;
};

/// Runs a TrainingProgram: memory, weights, threads.
class Plan final : public TrainingPlan {
public:
    Plan(GraphPtr graph, const Configuration& configuration, Index maxBatch, Parallel& parallel,
         const TrainingPlanOptions& options)
        : m_graph(std::move(graph)), m_maxBatch(maxBatch),
          m_parallel(parallel), m_call{.training = options.isTraining && options.draws,
                                       .sigmoid = options.sigmoid,
                                       .seed = 0},
          m_givesInputGradients(options.inputGradients), m_penalties(options.activityPenalties),
          m_penaltyParts(m_penalties.size() * kItems, 0.0)
    {
        for (int l = 0; l < layerCount(); ++l) {
            m_kernels.push_back(
                makeLayerKernel(*m_graph, l, quantizersOf(configuration, m_graph->layer(l)),
                                {.isTraining = options.isTraining, .sigmoid = options.sigmoid}));
            m_kernels.back()->prepareTraining(kItems, maxBatch);
        }
        m_program = makeTrainingProgram(
            *m_graph, configuration, m_kernels,
            {.inputGradients = options.inputGradients, .penalties = m_penalties});
        prepareWeights(configuration);
        findLearned();
        prepareMemory();
        m_isSmall = m_graph->macs() * maxBatch < kSmallMacs;
    }

    Result<std::vector<TensorView>> forward(std::span<const TensorView> inputs,
                                            std::span<const Tensor> weights,
                                            std::uint64_t seed) override
    {
        if (auto ok = takeInputs(inputs); !ok) {
            return fail(std::move(ok).error());
        }
        ensure(weights.size() == m_gradients.size(), "TrainingPlan: weights of another network");
        m_seed = seed;
        takeWeights(weights);
        for (int stage = 0; stage < m_program.forwardStages; ++stage) {
            runStage(stage);
        }
        std::vector<TensorView> outputs;
        for (const int layer : m_graph->outputs()) {
            const Node& node = nodeOf(layer);
            outputs.push_back({whole(node.y), node.shape.batchOf(m_samples)});
        }
        return outputs;
    }

    Result<void> backward(std::span<const TensorView> upstream) override
    {
        const auto outputs = m_graph->outputs();
        ensure(upstream.size() == outputs.size(), "TrainingPlan: one upstream gradient per output");
        for (std::size_t i = 0; i < outputs.size(); ++i) {
            const Shape wanted = nodeOf(outputs[i]).shape.batchOf(m_samples);
            if (!(upstream[i].shape == wanted)) {
                return fail(ErrorCode::ShapeMismatch,
                            fmt::format("The upstream gradient has the shape {}, wanted {}.",
                                        upstream[i].shape.toString(), wanted.toString()),
                            "output " + m_graph->layer(outputs[i]).name);
            }
        }
        m_upstream.assign(upstream.begin(), upstream.end());
        std::ranges::fill(m_penaltyParts, 0.0);
        const int stages = static_cast<int>(m_program.stages.size());
        for (int stage = m_program.forwardStages; stage < stages; ++stage) {
            runStage(stage);
        }
        finishGradients();
        return {};
    }

    std::span<const Tensor> gradients() const override { return m_gradients; }

    double activityPenalty() const override
    {
        const double sum = std::accumulate(m_penaltyParts.begin(), m_penaltyParts.end(), 0.0);
        return sum / static_cast<double>(std::max<Index>(m_samples, 1));
    }

    std::vector<TensorView> inputGradients() const override
    {
        std::vector<TensorView> views;
        for (const int layer : m_graph->inputs()) {
            const Node& node = nodeOf(layer);
            ensure(m_givesInputGradients, "TrainingPlan: input gradients were not asked for");
            const float* data =
                node.gradient < 0 ? m_zeros.get() : whole({.buffer = node.gradient});
            views.push_back({data, node.shape.batchOf(m_samples)});
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

    std::span<const float> clipLimits() const override { return m_clipLimits; }

    void setNoise(std::optional<float> noise) override { m_noise = noise; }

    std::span<const LearnedPlace> learnedPlaces() const override { return m_learned; }

    void setQuantizer(std::size_t place, quant::QuantizerPtr quantizer) override
    {
        quantizerAt(place) = std::move(quantizer);
    }

    std::span<const std::vector<Tensor>> learnedGradients() const override
    {
        return m_learnedGradients;
    }

private:
    [[nodiscard]] int layerCount() const { return static_cast<int>(m_graph->layers().size()); }
    [[nodiscard]] const Node& nodeOf(int layer) const
    {
        return m_program.nodes[static_cast<std::size_t>(layer)];
    }

    // ---- preparation

    void prepareWeights(const Configuration& configuration)
    {
        m_quantizers = weightQuantizers(*m_graph, configuration, m_kernels);
        m_clipLimits = weightClipLimits(*m_graph, configuration);
        m_shared = sharedWeights(*m_graph);
        std::size_t slot = 0;
        for (int l = 0; l < layerCount(); ++l) {
            const auto& weights = m_graph->layer(l).weights;
            m_firstSlot.push_back(slot);
            for (const Weight& weight : weights) {
                m_gradients.emplace_back(weight.value->shape());
                m_quantized.emplace_back(m_quantizers[slot] ? weight.value->shape() : Shape{0});
                ++slot;
            }
            if (!weights.empty()) {
                m_weighted.push_back(l);
            }
            for (int task = 0;
                 nodeOf(l).flows && task < m_kernels[static_cast<std::size_t>(l)]->gradientTasks();
                 ++task) {
                m_gradientTasks.push_back({l, task});
            }
        }
        m_views.resize(slot);
        for (Tensor& gradient : m_gradients) {
            m_gradientPointers.push_back(gradient.data());
        }
    }

    void findLearned()
    {
        const auto slots = m_graph->weightSlots();
        for (std::size_t s = 0; s < m_quantizers.size(); ++s) {
            m_placeOfWeight.push_back(-1);
            const Layer& layer = m_graph->layer(slots[s].layer);
            const Slot* slot = slotOfWeight(layer, slots[s].weight);
            if (m_quantizers[s] && slot != nullptr && !m_quantizers[s]->learned().empty()) {
                m_placeOfWeight.back() = static_cast<int>(m_learned.size());
                m_learnedSlots.push_back(static_cast<int>(s));
                m_learned.push_back({slots[s].layer, *slot});
            }
        }
        m_placeOfOutput.assign(m_program.nodes.size(), -1);
        for (int l = 0; l < layerCount(); ++l) {
            if (nodeOf(l).activation.isLearned() && nodeOf(l).flows) {
                m_placeOfOutput[static_cast<std::size_t>(l)] = static_cast<int>(m_learned.size());
                m_learnedSlots.push_back(-1);
                m_learned.push_back({l, Slot::Activation});
            }
        }
        m_learnedGradients.resize(m_learned.size());
    }

    quant::QuantizerPtr& quantizerAt(std::size_t place)
    {
        ensure(place < m_learned.size(), "TrainingPlan: no such learned place");
        const int slot = m_learnedSlots[place];
        return slot >= 0 ? m_quantizers[static_cast<std::size_t>(slot)]
                         : m_program.nodes[static_cast<std::size_t>(m_learned[place].layer)]
                               .activation.quantizer;
    }

    void prepareMemory()
    {
        Index scratch = 0;
        std::size_t mostInputs = 1;
        Index inputFloats = 0;
        for (int l = 0; l < layerCount(); ++l) {
            scratch = std::max(scratch, m_kernels[static_cast<std::size_t>(l)]->scratchFloats());
            mostInputs = std::max(mostInputs, m_graph->layer(l).inputs.size());
            if (m_givesInputGradients && m_graph->layer(l).inputs.empty()) {
                inputFloats = std::max(inputFloats, nodeOf(l).shape.elementCount());
            }
        }
        m_global = allocateFloats(m_program.globalFloats * m_maxBatch);
        m_zeros = allocateFloats(inputFloats * m_maxBatch);
        const Index perSample = m_program.localFloats + m_program.widestStage;
        m_chunk = std::clamp<Index>(kCacheFloats / std::max<Index>(perSample, 1), 1, kLargestChunk);
        m_workers.resize(static_cast<std::size_t>(m_parallel.threads()));
        for (Worker& worker : m_workers) {
            worker.arena = allocateFloats(m_program.localFloats * m_chunk + scratch);
            worker.inputs.resize(mostInputs);
            worker.gradients.resize(mostInputs);
        }
    }

    // ---- a call

    Result<void> takeInputs(std::span<const TensorView> inputs)
    {
        const auto wanted = m_graph->inputs();
        ensure(inputs.size() == wanted.size(), "TrainingPlan: one view per network input");
        m_samples = inputs.empty() ? 0 : inputs.front().shape[0];
        ensure(m_samples <= m_maxBatch, "TrainingPlan: a batch larger than planned");
        for (std::size_t i = 0; i < inputs.size(); ++i) {
            const Layer& layer = m_graph->layer(wanted[i]);
            if (!(inputs[i].shape == layer.outputShape.batchOf(m_samples))) {
                return fail(ErrorCode::ShapeMismatch,
                            fmt::format("The data have the shape {}, the network reads {}.",
                                        inputs[i].shape.toString(),
                                        layer.outputShape.batchOf(m_samples).toString()),
                            "input " + layer.name);
            }
        }
        m_inputs.assign(inputs.begin(), inputs.end());
        m_items = static_cast<int>(std::min<Index>(kItems, m_samples));
        return {};
    }

    template <class Body>
    void forEach(std::size_t count, const Body& body)
    {
        if (m_isSmall) {
            for (std::size_t item = 0; item < count; ++item) {
                body(item, 0);
            }
        } else {
            m_parallel.forEach(count, body);
        }
    }

    [[nodiscard]] quant::CallContext weightContext(std::size_t slot) const
    {
        quant::CallContext call = context("weight", slot);
        call.noise = m_noise;
        return call;
    }

    /// QKeras' scheduler knows the quantizers of activation layers, not those of other outputs.
    [[nodiscard]] std::optional<float> noiseOf(int layer) const
    {
        const bool isReached = std::holds_alternative<ActivationOp>(m_graph->layer(layer).op);
        return isReached ? m_noise : std::nullopt;
    }

    [[nodiscard]] quant::CallContext context(std::string_view purpose, std::size_t number) const
    {
        quant::CallContext call = m_call;
        if (call.training) {
            call.seed = Rng(m_seed).split(purpose).split(number).next();
        }
        return call;
    }

    void takeWeights(std::span<const Tensor> weights)
    {
        m_weights = weights;
        forEach(m_weighted.size(), [&](std::size_t item, int /*worker*/) {
            const auto layer = static_cast<std::size_t>(m_weighted[item]);
            const std::size_t first = m_firstSlot[layer];
            const std::size_t count = m_graph->layers()[layer].weights.size();
            for (std::size_t slot = first; slot < first + count; ++slot) {
                m_views[slot] = weights[slot].view();
                if (m_quantizers[slot]) {
                    m_quantizers[slot]->apply(weights[slot].view(), m_quantized[slot].mutableView(),
                                              weightContext(slot));
                    m_views[slot] = m_quantized[slot].view();
                }
            }
            quant::CallContext call = context("inside", layer);
            call.noise = m_noise;
            m_kernels[layer]->setCall(call);
            m_kernels[layer]->setWeights(std::span(m_views).subspan(first, count));
        });
    }

    void runStage(int number)
    {
        const Stage& stage = m_program.stages[static_cast<std::size_t>(number)];
        if (!stage.actions.empty()) {
            forEach(static_cast<std::size_t>(m_items), [&](std::size_t item, int worker) {
                runItem(stage, static_cast<int>(item), m_workers[static_cast<std::size_t>(worker)]);
            });
        }
        for (const Action& action : stage.after) {
            runAfter(action);
        }
    }

    void runItem(const Stage& stage, int item, Worker& worker)
    {
        const Index end = (item + 1) * m_samples / m_items;
        for (Index first = item * m_samples / m_items; first < end; first += m_chunk) {
            const SampleRange range{.first = first,
                                    .count = std::min(m_chunk, end - first),
                                    .item = item,
                                    .seed = m_seed,
                                    .scratch =
                                        worker.arena.get() + m_program.localFloats * m_chunk};
            for (const Action& action : stage.actions) {
                runAction(action, range, worker);
            }
        }
    }

    void runAction(const Action& action, const SampleRange& range, Worker& worker)
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
        case Work::LoadUpstream:
            loadUpstream(action, range, worker);
            return;
        case Work::Penalize:
            penalize(action, range, worker);
            return;
        case Work::Deactivate:
            deactivate(action.layer, at(valuesOf(nodeOf(action.layer)), range, worker),
                       at({.buffer = nodeOf(action.layer).gradient}, range, worker),
                       nodeOf(action.layer).shape.batchOf(range.count));
            return;
        case Work::Backward:
            runBackward(action, range, worker);
            return;
        }
    }

    /// What comes after all samples are through a stage; by one thread.
    void runAfter(const Action& action)
    {
        const Node& node = nodeOf(action.layer);
        LayerKernel& kernel = *m_kernels[static_cast<std::size_t>(action.layer)];
        const Shape shape = node.shape.batchOf(m_samples);
        const SampleRange all{.first = 0,
                              .count = m_samples,
                              .seed = m_seed,
                              .scratch =
                                  m_workers.front().arena.get() + m_program.localFloats * m_chunk};
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
            deactivate(action.layer, whole(valuesOf(node)), whole({.buffer = node.gradient}),
                       shape);
            return;
        case Work::Penalize:
        case Work::LoadUpstream:
            return;
        }
    }

    void runForward(const Action& action, const SampleRange& range, Worker& worker)
    {
        const Node& node = nodeOf(action.layer);
        LayerKernel& kernel = *m_kernels[static_cast<std::size_t>(action.layer)];
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
                                      .done = inBlocks ? BlockDone(follow) : BlockDone()});
        if (follows && !inBlocks) {
            follow(0, range.count * node.shape.elementCount());
        }
    }

    void activate(int layer, const float* z, float* y, const SampleRange& range, const Shape& shape,
                  Index offset)
    {
        const Node& node = nodeOf(layer);
        quant::CallContext call = context("activation", static_cast<std::size_t>(layer));
        call.noise = noiseOf(layer);
        call.seed += static_cast<std::uint64_t>(range.first * node.shape.elementCount() + offset);
        node.activation.apply(z, shape, y, call);
    }

    void deactivate(int layer, const float* values, float* gradient, const Shape& shape)
    {
        quant::CallContext call = m_call;
        call.noise = noiseOf(layer);
        const Activation& activation = nodeOf(layer).activation;
        if (const int place = m_placeOfOutput[static_cast<std::size_t>(layer)]; place >= 0) {
            m_learnedGradients[static_cast<std::size_t>(place)] =
                activation.quantizer->learnedGradient({values, shape}, {gradient, shape}, call);
        }
        activation.gradient(values, gradient, shape, gradient, call);
    }

    void loadUpstream(const Action& action, const SampleRange& range, Worker& worker)
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

    void penalize(const Action& action, const SampleRange& range, Worker& worker)
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

    void runBackward(const Action& action, const SampleRange& range, Worker& worker)
    {
        const Node& node = nodeOf(action.layer);
        for (std::size_t i = 0; i < node.inputGradients.size(); ++i) {
            worker.gradients[i] = at({.buffer = node.inputGradients[i]}, range, worker);
        }
        m_kernels[static_cast<std::size_t>(action.layer)]->backward(
            action.phase,
            {.samples = range,
             .inputs = inputsOf(node, range, worker),
             .output = node.readsOutput ? at(node.z, range, worker) : nullptr,
             .upstream = at({.buffer = node.gradient}, range, worker),
             .inputGradients = std::span(worker.gradients).first(node.inputGradients.size()),
             .adds = std::span(node.adds.get(), node.inputGradients.size()),
             .saved = at({.buffer = node.saved}, range, worker)});
    }

    void finishGradients()
    {
        forEach(m_gradientTasks.size(), [&](std::size_t item, int worker) {
            const auto& [layer, task] = m_gradientTasks[item];
            const Node& node = nodeOf(layer);
            LayerKernel& kernel = *m_kernels[static_cast<std::size_t>(layer)];
            const bool isLate = kernel.readsBatchLate();
            kernel.gradientTask(
                task, {.gradients = std::span(m_gradientPointers)
                                        .subspan(m_firstSlot[static_cast<std::size_t>(layer)],
                                                 m_graph->layer(layer).weights.size()),
                       .items = m_items,
                       .samples = m_samples,
                       .input = isLate ? whole(node.inputs[0]) : nullptr,
                       .upstream = isLate ? whole({.buffer = node.gradient}) : nullptr,
                       .scratch = m_workers[static_cast<std::size_t>(worker)].arena.get() +
                                  m_program.localFloats * m_chunk});
        });
        forEach(m_quantizers.size(), [&](std::size_t slot, int /*worker*/) {
            const auto layer = static_cast<std::size_t>(m_graph->weightSlots()[slot].layer);
            if (!m_quantizers[slot] || !m_program.nodes[layer].flows) {
                return;
            }
            const TensorView weight = m_weights[slot].view();
            const quant::CallContext call = weightContext(slot);
            if (const int place = m_placeOfWeight[slot]; place >= 0) {
                m_learnedGradients[static_cast<std::size_t>(place)] =
                    m_quantizers[slot]->learnedGradient(weight, m_gradients[slot].view(), call);
            }
            m_quantizers[slot]->gradient(weight, m_gradients[slot].view(),
                                         m_gradients[slot].mutableView(), call);
        });
        sumShared();
    }

    /// Weights that several calls of a layer have in common learn from all of them: each copy gets
    /// the sum, so that equal steps keep them equal.
    void sumShared()
    {
        for (const std::vector<std::size_t>& slots : m_shared) {
            Tensor& sum = m_gradients[slots.front()];
            for (const std::size_t slot : std::span(slots).subspan(1)) {
                std::ranges::transform(sum.values(), m_gradients[slot].values(),
                                       sum.values().begin(), std::plus<>());
            }
            for (const std::size_t slot : std::span(slots).subspan(1)) {
                std::ranges::copy(sum.values(), m_gradients[slot].values().begin());
            }
        }
    }

    // ---- where tensors lie

    [[nodiscard]] static Ref valuesOf(const Node& node)
    {
        return node.activation.reads() == GradientReads::Input ? node.z : node.y;
    }

    /// A chunk's part of a tensor; null for none. Inputs are not written to.
    [[nodiscard]] float* at(Ref ref, const SampleRange& range, Worker& worker) const
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
    /// The whole batch of a global tensor or an input.
    [[nodiscard]] float* whole(Ref ref) const
    {
        if (ref.input >= 0) {
            return const_cast<float*>(m_inputs[static_cast<std::size_t>(ref.input)].data);
        }
        const Buffer& buffer = m_program.buffers[static_cast<std::size_t>(ref.buffer)];
        ensure(buffer.isGlobal, "TrainingPlan: a chunk's tensor is read as a whole");
        return m_global.get() + buffer.offset * m_maxBatch;
    }
    std::span<const float* const> inputsOf(const Node& node, const SampleRange& range,
                                           Worker& worker) const
    {
        for (std::size_t i = 0; i < node.inputs.size(); ++i) {
            worker.inputs[i] = at(node.inputs[i], range, worker);
        }
        return std::span(worker.inputs).first(node.inputs.size());
    }

    GraphPtr m_graph;
    Index m_maxBatch;
    Parallel& m_parallel;
    quant::CallContext m_call;
    bool m_givesInputGradients;
    std::vector<std::unique_ptr<LayerKernel>> m_kernels;
    TrainingProgram m_program;
    bool m_isSmall = false;

    std::vector<std::size_t> m_firstSlot; ///< per layer
    std::vector<int> m_weighted;          ///< layers with weights
    std::vector<std::pair<int, int>> m_gradientTasks;
    std::vector<quant::QuantizerPtr> m_quantizers; ///< per slot
    std::vector<float> m_clipLimits;
    std::vector<LearnedPlace> m_learned;
    std::vector<int> m_learnedSlots;  ///< per place: weight slot; −1: the layer's output
    std::vector<int> m_placeOfWeight; ///< per slot; −1: none
    std::vector<int> m_placeOfOutput; ///< per layer; −1: none
    std::vector<std::vector<Tensor>> m_learnedGradients; ///< per place
    std::optional<float> m_noise;
    std::vector<ActivityPenalty> m_penalties;
    std::vector<double> m_penaltyParts; ///< sums per penalty and work item
    std::vector<Tensor> m_quantized, m_gradients;
    std::vector<std::vector<std::size_t>> m_shared; ///< slots, see sharedWeights()
    std::vector<float*> m_gradientPointers;
    std::vector<TensorView> m_views; ///< weights in use

    FloatBuffer m_global, m_zeros;
    Index m_chunk = 1;
    std::vector<Worker> m_workers;

    std::vector<TensorView> m_inputs, m_upstream;
    std::span<const Tensor> m_weights;
    Index m_samples = 0;
    int m_items = 0;
    std::uint64_t m_seed = 0;
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
