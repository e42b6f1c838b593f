// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/inference_program.h"

#include "core/graph/plan_weights.h"

#include <algorithm>

namespace bitscape::graph {

namespace {

using Place = InferenceProgram::Place;
using Value = InferenceProgram::Value;
using Step = InferenceProgram::Step;

constexpr Index kCacheFloats = 1 << 18; // 1 MiB: what a chunk's tensors should fit in
constexpr Index kLargestChunk = 64;     // samples
constexpr Index kKerasBatch = 32;       // samples that a whole-tensor quantizer sees

/// Clamps to the range, after a clamp that may be there already.
void narrow(std::optional<std::pair<float, float>>& clamp, std::pair<float, float> range)
{
    const auto [low, high] = range;
    clamp =
        clamp ? std::pair{std::clamp(clamp->first, low, high), std::clamp(clamp->second, low, high)}
              : range;
}

class Builder {
public:
    Builder(GraphPtr graph, const Configuration& configuration, const PlanOptions& options)
    {
        m_program.graph = std::move(graph);
        m_program.results.assign(m_program.graph->outputs().begin(),
                                 m_program.graph->outputs().end());
        m_program.results.insert(m_program.results.end(), options.taps.begin(), options.taps.end());
        for (int l = 0; l < layerCount(); ++l) {
            const LayerQuantizers& quantizers =
                quantizersOf(configuration, m_program.graph->layer(l));
            const ExpectedLevels levels = levelsOfInput(configuration, l);
            m_program.layers.push_back(
                options.layers
                    ? options.layers->get(*m_program.graph, l, quantizers, options.sigmoid, levels)
                    : makeReadyLayer(*m_program.graph, l, quantizers, options.sigmoid, levels));
        }
        findNeeded();
        for (int l = 0; l < layerCount(); ++l) {
            if (isNeeded(l)) {
                addLayer(l, activationOf(configuration, m_program.graph->layer(l)));
            }
        }
        placeResults();
        planArena();
    }

    InferenceProgram take() { return std::move(m_program); }

private:
    [[nodiscard]] int layerCount() const
    {
        return static_cast<int>(m_program.graph->layers().size());
    }
    [[nodiscard]] bool isNeeded(int layer) const
    {
        return m_needed[static_cast<std::size_t>(layer)] != 0;
    }
    [[nodiscard]] bool isResult(int layer) const
    {
        return std::ranges::find(m_program.results, layer) != m_program.results.end();
    }
    [[nodiscard]] std::size_t valueOf(int layer) const
    {
        return m_valueOfLayer[static_cast<std::size_t>(layer)];
    }

    [[nodiscard]] const ReadyLayer& layerOf(int layer) const
    {
        return *m_program.layers[static_cast<std::size_t>(layer)];
    }

    /// The grid of the quantizer that the layer's first input comes from, if nothing but copying
    /// lies between. The layers before are ready.
    [[nodiscard]] ExpectedLevels levelsOfInput(const Configuration& configuration, int l) const
    {
        while (!m_program.graph->layer(l).inputs.empty()) {
            l = m_program.graph->layer(l).inputs[0];
            const Activation activation = activationOf(configuration, m_program.graph->layer(l));
            if (activation.quantizer) {
                return byteLevels(*activation.quantizer);
            }
            if (!activation.isNothing() || !layerOf(l).kernel->isIdentity()) {
                break;
            }
        }
        return std::nullopt;
    }

    /// Marks the layers that results depend on.
    void findNeeded()
    {
        m_needed.assign(static_cast<std::size_t>(layerCount()), 0);
        for (const int layer : m_program.results) {
            m_needed[static_cast<std::size_t>(layer)] = 1;
        }
        for (int l = layerCount() - 1; l >= 0; --l) {
            for (const int input : m_program.graph->layer(l).inputs) {
                m_needed[static_cast<std::size_t>(input)] |= m_needed[static_cast<std::size_t>(l)];
            }
        }
    }

    void addLayer(int l, Activation activation)
    {
        const Layer& layer = m_program.graph->layer(l);
        LayerKernel* kernel = layerOf(l).kernel.get();
        m_valueOfLayer.resize(static_cast<std::size_t>(layerCount()));
        std::size_t& value = m_valueOfLayer[static_cast<std::size_t>(l)];
        const bool isInput = std::holds_alternative<InputOp>(layer.op);
        if (isInput) {
            const auto number =
                std::ranges::find(m_program.graph->inputs(), l) - m_program.graph->inputs().begin();
            value = m_program.values.size();
            m_program.values.push_back({.floats = layer.outputShape.elementCount(),
                                        .place = Place::Input,
                                        .index = static_cast<std::size_t>(number)});
            if (activation.isNothing()) {
                return;
            }
        } else if (kernel->isIdentity() && activation.isNothing()) {
            value = valueOf(layer.inputs[0]);
            return;
        } else if (kernel->worksOnPixels() && joinProducer(l, activation)) {
            value = valueOf(layer.inputs[0]);
            return;
        } else if (kernel->isSumOfTwo() &&
                   (joinSum(l, 0, activation) || joinSum(l, 1, activation))) {
            return;
        }
        Step step{.layer = &layerOf(l), .macs = layer.macs, .shape = layer.outputShape};
        if (isInput) {
            step.inputs = {value};
        }
        for (const int input : layer.inputs) {
            step.inputs.push_back(valueOf(input));
        }
        value = step.output = m_program.values.size();
        m_program.values.push_back({.floats = layer.outputShape.elementCount()});
        addActivation(step, *kernel, std::move(activation));
        m_program.steps.push_back(std::move(step));
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
    bool joinProducer(int l, const Activation& activation)
    {
        LayerKernel& kernel = *layerOf(l).kernel;
        const int input = m_program.graph->layer(l).inputs[0];
        const auto producer = std::ranges::find(m_program.steps, valueOf(input), &Step::output);
        if (producer == m_program.steps.end() || !isReadOnce(input)) {
            return false;
        }
        // Blocks are whole pixels of the producer: a layer behind a change of shape sees others.
        if (m_program.graph->layer(l).outputShape.channels() != producer->shape.channels()) {
            return false;
        }
        if (!kernel.isIdentity()) {
            if (!producer->wholeTensor.empty()) {
                return false;
            }
            if (scalesInKernel(*producer, kernel)) {
                producer->affine = &layerOf(l);
            } else {
                producer->followers.push_back({&layerOf(l), {}});
            }
        }
        if (!activation.isNothing()) {
            if (!activation.worksInBlocks() || !producer->wholeTensor.empty()) {
                producer->wholeTensor.push_back(activation);
            } else if (producer->followers.empty()) {
                addActivation(*producer, *producer->layer->kernel, activation);
            } else {
                producer->followers.push_back({nullptr, activation});
            }
        }
        producer->shape = m_program.graph->layer(l).outputShape;
        return true;
    }

    [[nodiscard]] static bool scalesInKernel(const Step& producer, const LayerKernel& kernel)
    {
        const auto affine = kernel.affine();
        return affine && std::ssize(affine->scale) == producer.shape.channels() &&
               producer.layer->kernel->finishes() && producer.affine == nullptr && !producer.adds &&
               !producer.clamp && producer.followers.empty();
    }

    /// Lets the step that makes one of the two inputs of layer l add the other one, if that is
    /// there before and nobody else reads its own.
    bool joinSum(int l, std::size_t which, const Activation& activation)
    {
        const Layer& layer = m_program.graph->layer(l);
        const int own = layer.inputs[which];
        const std::size_t other = valueOf(layer.inputs[1 - which]);
        const auto producer = std::ranges::find(m_program.steps, valueOf(own), &Step::output);
        const bool isLater = std::none_of(producer, m_program.steps.end(),
                                          [&](const Step& s) { return s.output == other; });
        if (producer == m_program.steps.end() || !isLater || !isReadOnce(own) ||
            !producer->layer->kernel->finishes() || producer->adds || producer->clamp ||
            !producer->followers.empty() || !producer->wholeTensor.empty() ||
            producer->shape.channels() != layer.outputShape.channels()) {
            return false;
        }
        producer->inputs.push_back(other);
        producer->adds = true;
        producer->shape = layer.outputShape;
        m_valueOfLayer[static_cast<std::size_t>(l)] = producer->output;
        addActivation(*producer, *producer->layer->kernel, activation);
        return true;
    }

    /// Whether the layer's tensor has one reader and is no result.
    [[nodiscard]] bool isReadOnce(int layer) const
    {
        const std::size_t value = valueOf(layer);
        while (true) {
            const auto readers = m_program.graph->consumers(layer);
            const auto needed =
                std::ranges::count_if(readers, [this](int one) { return isNeeded(one); });
            if (needed != 1 || isResult(layer)) {
                return false;
            }
            const auto& inputs = m_program.graph->layer(layer).inputs;
            if (inputs.empty() || valueOf(inputs[0]) != value) {
                return true;
            }
            layer = inputs[0];
        }
    }

    void placeResults()
    {
        for (std::size_t r = 0; r < m_program.results.size(); ++r) {
            const std::size_t value = valueOf(m_program.results[r]);
            if (m_program.values[value].place == Place::Arena) {
                m_program.values[value].place = Place::Result;
                m_program.values[value].index = r;
            } else {
                m_program.copies.push_back({value, r});
            }
        }
    }

    void planArena()
    {
        bool& seesBatches = m_program.seesBatches;
        for (std::size_t s = 0; s < m_program.steps.size(); ++s) {
            const Step& step = m_program.steps[s];
            const int now = static_cast<int>(s);
            m_program.values[step.output].lifetime = {m_program.values[step.output].floats, now,
                                                      now};
            for (const std::size_t input : step.inputs) {
                m_program.values[input].lifetime.last = now;
            }
            m_program.scratchFloats =
                std::max(m_program.scratchFloats, step.layer->kernel->scratchFloats());
            m_program.mostInputs = std::max(m_program.mostInputs, step.inputs.size());
            seesBatches =
                seesBatches || !step.wholeTensor.empty() || step.layer->kernel->wantsBatch();
        }
        std::vector<Lifetime> pieces;
        std::vector<Value*> owners;
        for (Value& value : m_program.values) {
            if (value.place == Place::Arena) {
                pieces.push_back(value.lifetime);
                owners.push_back(&value);
            }
        }
        const MemoryPlan plan = planMemory(pieces);
        for (std::size_t i = 0; i < owners.size(); ++i) {
            owners[i]->offset = plan.offsets[i];
        }
        m_program.chunkFloats = plan.floats;
        m_program.chunk = seesBatches
                              ? kKerasBatch
                              : std::clamp<Index>(kCacheFloats / std::max<Index>(plan.floats, 1), 1,
                                                  kLargestChunk);
    }

    InferenceProgram m_program;
    std::vector<char> m_needed; ///< per layer
    std::vector<std::size_t> m_valueOfLayer;
};

} // namespace

InferenceProgram makeInferenceProgram(GraphPtr graph, const Configuration& configuration,
                                      const PlanOptions& options)
{
    return Builder(std::move(graph), configuration, options).take();
}

} // namespace bitscape::graph
