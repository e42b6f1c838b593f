// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/execution.h"
#include "core/graph/memory_plan.h"
#include "core/graph/plan_inputs.h"
#include "core/graph/plan_weights.h"

#include <algorithm>

namespace bitscape::graph {

namespace {

constexpr Index kCacheFloats = 1 << 18; // 1 MiB: what a chunk's tensors should fit in
constexpr Index kLargestChunk = 64;     // samples
constexpr Index kKerasBatch = 32;       // samples that a whole-tensor quantizer sees

/// Where a tensor lies.
enum class Place { Arena, Input, Result };

/// A tensor that steps write and read; several layers may share one.
struct Value {
    Index floats = 0; ///< per sample
    Place place = Place::Arena;
    std::size_t index = 0; ///< of the input or result
    Lifetime lifetime;
    Index offset = 0; ///< in the arena, per sample
};

/// What follows a kernel on its finished blocks: a layer that works on pixels, or an activation.
struct Follower {
    LayerKernel* kernel = nullptr;
    Activation activation;
};

struct Step {
    LayerKernel* kernel = nullptr;
    std::vector<std::size_t> inputs; ///< values
    std::size_t output = 0;
    Shape shape;                                  ///< of the output, without batch
    std::optional<std::pair<float, float>> clamp; ///< that the kernel does
    std::vector<Follower> followers;
    std::vector<Activation> wholeTensor; ///< after the followers, on the whole chunk
};

/// Clamps to the range, after a clamp that may be there already.
void narrow(std::optional<std::pair<float, float>>& clamp, std::pair<float, float> range)
{
    const auto [low, high] = range;
    clamp =
        clamp ? std::pair{std::clamp(clamp->first, low, high), std::clamp(clamp->second, low, high)}
              : range;
}

/// A result that is another result's or an input's tensor.
struct Copy {
    std::size_t value = 0;
    std::size_t result = 0;
};

/// What one thread works in; made before the work starts.
struct Worker {
    FloatBuffer arena;
    std::vector<const float*> sources;
};

class Plan final : public InferencePlan {
public:
    Plan(GraphPtr graph, const Configuration& configuration, const WeightSet& weights,
         const std::vector<int>& taps, quant::InternalSigmoid sigmoid)
        : m_graph(std::move(graph)), m_call{.training = false, .sigmoid = sigmoid, .seed = 0}
    {
        m_results.assign(m_graph->outputs().begin(), m_graph->outputs().end());
        m_results.insert(m_results.end(), taps.begin(), taps.end());
        for (int l = 0; l < layerCount(); ++l) {
            m_kernels.push_back(makeLayerKernel(
                *m_graph, l, quantizersOf(configuration, m_graph->layer(l)), {.sigmoid = sigmoid}));
        }
        takeWeights(configuration, weights);
        findNeeded();
        for (int l = 0; l < layerCount(); ++l) {
            if (isNeeded(l)) {
                addLayer(l, activationOf(configuration, m_graph->layer(l)));
            }
        }
        placeResults();
        planArena();
    }

    const Graph& graph() const override { return *m_graph; }

    std::vector<Shape> resultShapes() const override
    {
        std::vector<Shape> shapes;
        for (const int layer : m_results) {
            shapes.push_back(m_graph->layer(layer).resultShape());
        }
        return shapes;
    }

    WeightSet quantizedWeights() const override { return m_weights; }

    Result<std::vector<Tensor>> run(std::span<const TensorView> inputs, Parallel& parallel,
                                    const JobContext& job) const override
    {
        auto count = countSamples(*m_graph, inputs);
        if (!count) {
            return fail(std::move(count).error());
        }
        std::vector<Worker> workers(static_cast<std::size_t>(parallel.threads()));
        for (Worker& worker : workers) {
            worker.arena = allocateFloats(m_arenaFloats * m_chunk + m_scratchFloats);
            worker.sources.resize(m_mostInputs);
        }
        return runInChunks(*count, m_chunk, resultShapes(), parallel, job,
                           [&](std::vector<Tensor>& results, Index first, Index here, int worker) {
                               runChunk(inputs, results, first, here,
                                        workers[static_cast<std::size_t>(worker)]);
                           });
    }

private:
    [[nodiscard]] int layerCount() const { return static_cast<int>(m_graph->layers().size()); }
    [[nodiscard]] bool isNeeded(int layer) const
    {
        return m_needed[static_cast<std::size_t>(layer)] != 0;
    }
    [[nodiscard]] bool isResult(int layer) const
    {
        return std::ranges::find(m_results, layer) != m_results.end();
    }
    [[nodiscard]] std::size_t valueOf(int layer) const
    {
        return m_valueOfLayer[static_cast<std::size_t>(layer)];
    }

    void takeWeights(const Configuration& configuration, const WeightSet& weights)
    {
        m_weights = weights;
        const auto quantizers = weightQuantizers(*m_graph, configuration, m_kernels);
        for (std::size_t slot = 0; slot < m_weights.size(); ++slot) {
            if (quantizers[slot]) {
                auto quantized = std::make_shared<Tensor>(m_weights[slot]->shape());
                quantizers[slot]->apply(m_weights[slot]->view(), quantized->mutableView(), m_call);
                m_weights[slot] = std::move(quantized);
            }
        }
        std::size_t slot = 0;
        for (int l = 0; l < layerCount(); ++l) {
            std::vector<TensorView> views;
            for (std::size_t w = 0; w < m_graph->layer(l).weights.size(); ++w) {
                views.push_back(m_weights[slot++]->view());
            }
            m_kernels[static_cast<std::size_t>(l)]->setWeights(views);
        }
    }

    /// Marks the layers that results depend on.
    void findNeeded()
    {
        m_needed.assign(static_cast<std::size_t>(layerCount()), 0);
        for (const int layer : m_results) {
            m_needed[static_cast<std::size_t>(layer)] = 1;
        }
        for (int l = layerCount() - 1; l >= 0; --l) {
            for (const int input : m_graph->layer(l).inputs) {
                m_needed[static_cast<std::size_t>(input)] |= m_needed[static_cast<std::size_t>(l)];
            }
        }
    }

    void addLayer(int l, Activation activation)
    {
        const Layer& layer = m_graph->layer(l);
        LayerKernel* kernel = m_kernels[static_cast<std::size_t>(l)].get();
        m_valueOfLayer.resize(static_cast<std::size_t>(layerCount()));
        std::size_t& value = m_valueOfLayer[static_cast<std::size_t>(l)];
        const bool isInput = std::holds_alternative<InputOp>(layer.op);
        if (isInput) {
            const auto number = std::ranges::find(m_graph->inputs(), l) - m_graph->inputs().begin();
            value = m_values.size();
            m_values.push_back({.floats = layer.outputShape.elementCount(),
                                .place = Place::Input,
                                .index = static_cast<std::size_t>(number)});
            if (activation.isNothing()) {
                return;
            }
        } else if (kernel->isIdentity() && activation.isNothing()) {
            value = valueOf(layer.inputs[0]);
            return;
        } else if (kernel->worksOnPixels() && joinProducer(l, *kernel, activation)) {
            value = valueOf(layer.inputs[0]);
            return;
        }
        Step step{.kernel = kernel, .shape = layer.outputShape};
        if (isInput) {
            step.inputs = {value};
        }
        for (const int input : layer.inputs) {
            step.inputs.push_back(valueOf(input));
        }
        value = step.output = m_values.size();
        m_values.push_back({.floats = layer.outputShape.elementCount()});
        addActivation(step, *kernel, std::move(activation));
        m_steps.push_back(std::move(step));
    }

    static void addActivation(Step& step, LayerKernel& kernel, Activation activation)
    {
        if (activation.isNothing()) {
            return;
        }
        const auto clamp = activation.quantizer ? std::nullopt : clampOf(activation.function);
        if (clamp && kernel.clamps()) {
            narrow(step.clamp, *clamp);
            return;
        }
        if (activation.worksInBlocks() && step.wholeTensor.empty()) {
            step.followers.push_back({nullptr, std::move(activation)});
        } else {
            step.wholeTensor.push_back(std::move(activation));
        }
    }

    /// Lets the layer work on the blocks of the step that makes its input, if nobody else reads
    /// that tensor.
    bool joinProducer(int l, LayerKernel& kernel, const Activation& activation)
    {
        const std::size_t value = valueOf(m_graph->layer(l).inputs[0]);
        const auto producer = std::ranges::find(m_steps, value, &Step::output);
        if (producer == m_steps.end() || !isSoleReader(l)) {
            return false;
        }
        // Blocks are whole pixels of the producer: a layer behind a change of shape sees others.
        if (m_graph->layer(l).outputShape.channels() != producer->shape.channels()) {
            return false;
        }
        if (!kernel.isIdentity()) {
            if (!producer->wholeTensor.empty()) {
                return false;
            }
            producer->followers.push_back({&kernel, {}});
        }
        if (!activation.isNothing()) {
            if (!activation.worksInBlocks() || !producer->wholeTensor.empty()) {
                producer->wholeTensor.push_back(activation);
            } else if (kernel.isIdentity() && producer->followers.empty()) {
                addActivation(*producer, *producer->kernel, activation);
            } else {
                producer->followers.push_back({nullptr, activation});
            }
        }
        producer->shape = m_graph->layer(l).outputShape;
        return true;
    }

    /// Whether the tensor that layer l reads is read by it alone and is no result.
    [[nodiscard]] bool isSoleReader(int l) const
    {
        int reader = l;
        const std::size_t value = valueOf(m_graph->layer(l).inputs[0]);
        while (true) {
            const int source = m_graph->layer(reader).inputs[0];
            const auto readers = m_graph->consumers(source);
            const auto needed =
                std::ranges::count_if(readers, [this](int one) { return isNeeded(one); });
            if (needed != 1 || isResult(source)) {
                return false;
            }
            const Layer& layer = m_graph->layer(source);
            if (layer.inputs.empty() || valueOf(layer.inputs[0]) != value) {
                return true;
            }
            reader = source;
        }
    }

    void placeResults()
    {
        for (std::size_t r = 0; r < m_results.size(); ++r) {
            const std::size_t value = valueOf(m_results[r]);
            if (m_values[value].place == Place::Arena) {
                m_values[value].place = Place::Result;
                m_values[value].index = r;
            } else {
                m_copies.push_back({value, r});
            }
        }
    }

    void planArena()
    {
        bool seesBatches = false;
        for (std::size_t s = 0; s < m_steps.size(); ++s) {
            const Step& step = m_steps[s];
            const int now = static_cast<int>(s);
            m_values[step.output].lifetime = {m_values[step.output].floats, now, now};
            for (const std::size_t input : step.inputs) {
                m_values[input].lifetime.last = now;
            }
            m_scratchFloats = std::max(m_scratchFloats, step.kernel->scratchFloats());
            m_mostInputs = std::max(m_mostInputs, step.inputs.size());
            seesBatches = seesBatches || !step.wholeTensor.empty() || step.kernel->wantsBatch();
        }
        std::vector<Lifetime> pieces;
        std::vector<Value*> owners;
        for (Value& value : m_values) {
            if (value.place == Place::Arena) {
                pieces.push_back(value.lifetime);
                owners.push_back(&value);
            }
        }
        const MemoryPlan plan = planMemory(pieces);
        for (std::size_t i = 0; i < owners.size(); ++i) {
            owners[i]->offset = plan.offsets[i];
        }
        m_arenaFloats = plan.floats;
        m_chunk = seesBatches ? kKerasBatch
                              : std::clamp<Index>(kCacheFloats / std::max<Index>(plan.floats, 1), 1,
                                                  kLargestChunk);
    }

    void runChunk(std::span<const TensorView> inputs, std::vector<Tensor>& results, Index first,
                  Index count, Worker& worker) const
    {
        float* arena = worker.arena.get();
        const auto read = [&](const Value& value) -> const float* {
            switch (value.place) {
            case Place::Arena:
                return arena + value.offset * m_chunk;
            case Place::Result:
                return results[value.index].data() + first * value.floats;
            case Place::Input:
                break;
            }
            return inputs[value.index].data + first * value.floats;
        };
        const auto write = [&](const Value& value) {
            return value.place == Place::Arena ? arena + value.offset * m_chunk
                                               : results[value.index].data() + first * value.floats;
        };
        float* scratch = arena + m_arenaFloats * m_chunk;
        for (const Step& step : m_steps) {
            const std::span<const float*> sources(worker.sources.data(), step.inputs.size());
            for (std::size_t i = 0; i < step.inputs.size(); ++i) {
                sources[i] = read(m_values[step.inputs[i]]);
            }
            runStep(step, sources, write(m_values[step.output]), first, count, scratch);
        }
        for (const Copy& copy : m_copies) {
            const Value& value = m_values[copy.value];
            std::copy_n(read(value), count * value.floats,
                        results[copy.result].data() + first * value.floats);
        }
    }

    void runStep(const Step& step, std::span<const float* const> inputs, float* output, Index first,
                 Index count, float* scratch) const
    {
        const Index channels = step.shape.channels();
        const auto follow = [&](Index from, Index elements) {
            for (const Follower& follower : step.followers) {
                const Shape block{elements / channels, channels};
                if (follower.kernel != nullptr) {
                    follower.kernel->forwardPixels(output + from, block[0], output + from);
                } else {
                    follower.activation.apply(output + from, block, output + from, m_call);
                }
            }
        };
        const bool inBlocks = step.kernel->callsBlockDone() && !step.followers.empty();
        step.kernel->forward(0, {.samples = {.first = first, .count = count, .scratch = scratch},
                                 .inputs = inputs,
                                 .output = output,
                                 .done = inBlocks ? BlockDone(follow) : BlockDone(),
                                 .clamp = step.clamp});
        if (!inBlocks && !step.followers.empty()) {
            follow(0, count * step.shape.elementCount());
        }
        for (const Activation& activation : step.wholeTensor) {
            activation.apply(output, step.shape.batchOf(count), output, m_call);
        }
    }

    GraphPtr m_graph;
    quant::CallContext m_call;
    std::vector<int> m_results; ///< layers: outputs, then taps
    std::vector<std::unique_ptr<LayerKernel>> m_kernels;
    WeightSet m_weights;
    std::vector<char> m_needed;
    std::vector<Value> m_values;
    std::vector<std::size_t> m_valueOfLayer;
    std::vector<Step> m_steps;
    std::vector<Copy> m_copies;
    Index m_arenaFloats = 0; ///< per sample of a chunk
    Index m_scratchFloats = 0;
    std::size_t m_mostInputs = 0;
    Index m_chunk = 1;
};

} // namespace

const char* engineVariant()
{
    return kernels::variant();
}

Result<std::shared_ptr<const InferencePlan>> InferencePlan::make(GraphPtr graph,
                                                                 const Configuration& configuration,
                                                                 const WeightSet& weights,
                                                                 PlanOptions options)
{
    auto prepared = prepareGraph(std::move(graph), configuration, weights, std::move(options.taps));
    if (!prepared) {
        return fail(std::move(prepared).error());
    }
    return std::make_shared<const Plan>(prepared->graph, configuration, prepared->graph->weights(),
                                        prepared->taps, options.sigmoid);
}

} // namespace bitscape::graph
