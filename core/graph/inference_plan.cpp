// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/text.h"
#include "core/graph/inference_program.h"
#include "core/graph/plan_inputs.h"
#include "core/graph/tensor_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>

namespace bitscape::graph {

namespace {

using Place = InferenceProgram::Place;
using Value = InferenceProgram::Value;
using Step = InferenceProgram::Step;
using Follower = InferenceProgram::Follower;
using Copy = InferenceProgram::Copy;

// A tensor with less work in an element is computed again sooner than read.
constexpr std::int64_t kWorthKeeping = 8; // multiply-accumulates
constexpr Index kFloatBytes = sizeof(float);

/// What one thread works in.
struct Worker {
    FloatBuffer arena;
    std::vector<const float*> sources;
};

/// What one run works in.
struct Workspace {
    std::vector<Worker> workers;
    std::vector<float*> whole; ///< per value: where all samples lie; null: in the arenas
    std::vector<char> runs;    ///< per step
};

std::string textOf(const Activation& activation)
{
    const Function& f = activation.function;
    return activation.quantizer ? activation.quantizer->toString()
                                : fmt::format("{},{},{},{}", static_cast<int>(f.kind),
                                              f.negativeSlope, f.maxValue, f.threshold);
}

/// All that the step's output depends on but its inputs.
std::string textOf(const Step& step, quant::InternalSigmoid sigmoid)
{
    std::string text =
        fmt::format("{};{};{}", step.layer->id, static_cast<int>(sigmoid), step.shape.toString());
    if (step.affine != nullptr) {
        text += fmt::format(";affine {}", step.affine->id);
    }
    if (step.adds) {
        text += ";adds";
    }
    if (step.clamp) {
        text += fmt::format(";clamp {} {}", step.clamp->first, step.clamp->second);
    }
    for (const Follower& follower : step.followers) {
        text += follower.layer != nullptr ? fmt::format(";layer {}", follower.layer->id)
                                          : ";" + textOf(follower.activation);
    }
    for (const Activation& activation : step.wholeTensor) {
        text += ";whole " + textOf(activation);
    }
    return text;
}

class Plan final : public InferencePlan {
public:
    Plan(InferenceProgram program, quant::InternalSigmoid sigmoid)
        : m_program(std::move(program)), m_call{.training = false, .sigmoid = sigmoid, .seed = 0}
    {
    }

    const Graph& graph() const override { return *m_program.graph; }

    std::vector<Shape> resultShapes() const override
    {
        std::vector<Shape> shapes;
        for (const int layer : m_program.results) {
            shapes.push_back(m_program.graph->layer(layer).resultShape());
        }
        return shapes;
    }

    WeightSet quantizedWeights() const override
    {
        WeightSet weights;
        for (const auto& layer : m_program.layers) {
            weights.insert(weights.end(), layer->weights.begin(), layer->weights.end());
        }
        return weights;
    }

    std::optional<Index> bytes(Index samples, int threads) const override
    {
        Index floats = threads * m_program.arenaFloats();
        for (const int layer : m_program.results) {
            floats += samples * m_program.graph->layer(layer).outputShape.elementCount();
        }
        Index bytes = floats * kFloatBytes;
        for (const auto& layer : m_program.layers) {
            bytes += layer->bytes;
        }
        return bytes;
    }

    Result<std::vector<Tensor>> run(std::span<const TensorView> inputs, Parallel& parallel,
                                    const JobContext& job) const override
    {
        auto count = countSamples(*m_program.graph, inputs);
        if (!count) {
            return fail(std::move(count).error());
        }
        std::vector<Tensor> results = makeResults(*count);
        auto space = borrow(inputs, results, parallel);
        std::ranges::fill(space->runs, char{1});
        auto ok = runSteps(*space, results, *count, parallel, job);
        giveBack(std::move(space));
        if (!ok) {
            return fail(std::move(ok).error());
        }
        return results;
    }

    Result<std::vector<Tensor>> runFrom(TensorCache& cache, const std::string& inputsName,
                                        std::span<const TensorView> inputs, Parallel& parallel,
                                        const JobContext& job) const override
    {
        auto count = countSamples(*m_program.graph, inputs);
        if (!count) {
            return fail(std::move(count).error());
        }
        std::vector<Tensor> results = makeResults(*count);
        auto space = borrow(inputs, results, parallel);
        const std::vector<std::string> keys = valueKeys(inputsName);
        const std::vector<TensorPtr> found = findTensors(cache, keys, *count, *space);
        const std::vector<std::size_t> kept = worthKeeping(cache.limit(), *count, *space);
        std::vector<Shape> shapes;
        for (const std::size_t value : kept) {
            shapes.push_back({*count, m_program.values[value].floats});
        }
        auto tensors = cache.take(shapes);
        for (std::size_t i = 0; i < kept.size(); ++i) {
            space->whole[kept[i]] = tensors[i]->data();
        }
        auto ok = runSteps(*space, results, *count, parallel, job);
        if (!ok) {
            return fail(std::move(ok).error());
        }
        for (std::size_t i = 0; i < kept.size(); ++i) {
            cache.put(keys[kept[i]], std::move(tensors[i]));
        }
        for (std::size_t v = 0; v < m_program.values.size(); ++v) {
            if (m_program.values[v].place == Place::Result && !found[v]) {
                const Shape shape{*count, m_program.values[v].floats};
                cache.put(keys[v], std::make_shared<Tensor>(
                                       shape, results[m_program.values[v].index].values()));
            }
        }
        giveBack(std::move(space));
        return results;
    }

private:
    [[nodiscard]] std::vector<Tensor> makeResults(Index count) const
    {
        std::vector<Tensor> results;
        results.reserve(m_program.results.size());
        for (const int layer : m_program.results) {
            results.emplace_back(m_program.graph->layer(layer).resultShape().batchOf(count));
        }
        return results;
    }

    /// Memory for a run, of an earlier one if there was any.
    std::unique_ptr<Workspace> borrow(std::span<const TensorView> inputs,
                                      std::vector<Tensor>& results, Parallel& parallel) const
    {
        std::unique_ptr<Workspace> space;
        {
            const std::lock_guard lock(m_mutex);
            if (!m_idle.empty()) {
                space = std::move(m_idle.back());
                m_idle.pop_back();
            }
        }
        if (!space) {
            space = std::make_unique<Workspace>();
            space->whole.resize(m_program.values.size());
            space->runs.resize(m_program.steps.size());
        }
        while (std::ssize(space->workers) < parallel.threads()) {
            space->workers.push_back({allocateFloats(m_program.arenaFloats()),
                                      std::vector<const float*>(m_program.mostInputs)});
        }
        for (std::size_t v = 0; v < m_program.values.size(); ++v) {
            const Value& value = m_program.values[v];
            space->whole[v] =
                value.place == Place::Input // which nothing writes to
                    ? const_cast<float*>(inputs[value.index].data)
                    : value.place == Place::Result ? results[value.index].data() : nullptr;
        }
        return space;
    }

    void giveBack(std::unique_ptr<Workspace> space) const
    {
        const std::lock_guard lock(m_mutex);
        m_idle.push_back(std::move(space));
    }

    Result<void> runSteps(Workspace& space, std::vector<Tensor>& results, Index count,
                          Parallel& parallel, const JobContext& job) const
    {
        return forEachChunk(count, chunkOf(count, parallel.threads()), parallel, job,
                            [&](Index first, Index here, int worker) {
                                runChunk(space, results, first, here,
                                         space.workers[static_cast<std::size_t>(worker)]);
                            });
    }

    /// Samples of a chunk: fewer than there is room for if a thread had none otherwise.
    [[nodiscard]] Index chunkOf(Index count, int threads) const
    {
        return m_program.seesBatches
                   ? m_program.chunk
                   : std::clamp<Index>((count + threads - 1) / threads, 1, m_program.chunk);
    }

    // ---- tensors of earlier runs

    /// Hash per value of all that it is made from.
    [[nodiscard]] std::vector<std::string> valueKeys(const std::string& inputsName) const
    {
        std::vector<std::string> keys(m_program.values.size());
        for (std::size_t v = 0; v < m_program.values.size(); ++v) {
            if (m_program.values[v].place == Place::Input) {
                keys[v] =
                    sha256(fmt::format("input {} of {}", m_program.values[v].index, inputsName));
            }
        }
        for (const Step& step : m_program.steps) {
            std::string text = textOf(step, m_call.sigmoid);
            for (const std::size_t input : step.inputs) {
                text += ";" + keys[input];
            }
            keys[step.output] = sha256(text);
        }
        return keys;
    }

    /// Looks for what the results need, from their end: a step runs if its output is needed and
    /// not there. Gives the tensors that were, which the run only reads.
    std::vector<TensorPtr> findTensors(TensorCache& cache, const std::vector<std::string>& keys,
                                       Index count, Workspace& space) const
    {
        std::vector<TensorPtr> found(m_program.values.size());
        std::vector<char> wanted(m_program.values.size(), 0);
        for (std::size_t v = 0; v < m_program.values.size(); ++v) {
            wanted[v] = m_program.values[v].place == Place::Result ? 1 : 0;
        }
        for (const Copy& copy : m_program.copies) {
            wanted[copy.value] = 1;
        }
        for (std::size_t s = m_program.steps.size(); s-- > 0;) {
            const Step& step = m_program.steps[s];
            const std::size_t v = step.output;
            found[v] = wanted[v] != 0 ? cache.find(keys[v]) : nullptr;
            ensure(!found[v] || found[v]->size() == count * m_program.values[v].floats,
                   "InferencePlan: inputs of one name and several sizes");
            space.runs[s] = wanted[v] != 0 && !found[v] ? 1 : 0;
            for (std::size_t i = 0; space.runs[s] != 0 && i < step.inputs.size(); ++i) {
                wanted[step.inputs[i]] = 1;
            }
            if (found[v] && m_program.values[v].place == Place::Result) {
                std::ranges::copy(found[v]->values(), space.whole[v]);
            } else if (found[v]) {
                space.whole[v] = const_cast<float*>(found[v]->data());
            }
        }
        return found;
    }

    /// Values to keep of those that a run computes. Half of the limit is for one configuration, so
    /// that the next does not push it out.
    [[nodiscard]] std::vector<std::size_t> worthKeeping(Index limit, Index count,
                                                        const Workspace& space) const
    {
        std::vector<std::size_t> kept;
        Index bytes = 0;
        for (std::size_t s = m_program.steps.size(); s-- > 0;) {
            const Value& value = m_program.values[m_program.steps[s].output];
            const Index more = count * value.floats * kFloatBytes;
            if (value.place != Place::Arena ||
                m_program.steps[s].macs < kWorthKeeping * value.floats ||
                bytes + more > limit / 2) {
                continue;
            }
            bytes += more;
            if (space.runs[s] != 0) {
                kept.push_back(m_program.steps[s].output);
            }
        }
        return kept;
    }

    // ---- a chunk

    void runChunk(const Workspace& space, std::vector<Tensor>& results, Index first, Index count,
                  Worker& worker) const
    {
        float* arena = worker.arena.get();
        const auto place = [&](std::size_t v) {
            return space.whole[v] != nullptr ? space.whole[v] + first * m_program.values[v].floats
                                             : arena + m_program.values[v].offset * m_program.chunk;
        };
        float* scratch = arena + m_program.chunkFloats * m_program.chunk;
        for (std::size_t s = 0; s < m_program.steps.size(); ++s) {
            const Step& step = m_program.steps[s];
            if (space.runs[s] == 0) {
                continue;
            }
            const std::span<const float*> sources(worker.sources.data(), step.inputs.size());
            for (std::size_t i = 0; i < step.inputs.size(); ++i) {
                sources[i] = place(step.inputs[i]);
            }
            runStep(step, sources, place(step.output), first, count, scratch);
        }
        for (const Copy& copy : m_program.copies) {
            const Index floats = m_program.values[copy.value].floats;
            std::copy_n(place(copy.value), count * floats,
                        results[copy.result].data() + first * floats);
        }
    }

    void runStep(const Step& step, std::span<const float* const> inputs, float* output, Index first,
                 Index count, float* scratch) const
    {
        const Index channels = step.shape.channels();
        const auto follow = [&](Index from, Index elements) {
            for (const Follower& follower : step.followers) {
                const Shape block{elements / channels, channels};
                if (follower.layer != nullptr) {
                    follower.layer->kernel->forwardPixels(output + from, block[0], output + from);
                } else {
                    follower.activation.apply(output + from, block, output + from, m_call);
                }
            }
        };
        LayerKernel& kernel = *step.layer->kernel;
        const bool inBlocks = kernel.callsBlockDone() && !step.followers.empty();
        kernel.forward(
            0, {.samples = {.first = first, .count = count, .scratch = scratch},
                .inputs = inputs.first(inputs.size() - (step.adds ? 1 : 0)),
                .output = output,
                .done = inBlocks ? BlockDone(follow) : BlockDone(),
                .affine = step.affine != nullptr ? step.affine->kernel->affine() : std::nullopt,
                .addend = step.adds ? inputs.back() : nullptr,
                .clamp = step.clamp});
        if (!inBlocks && !step.followers.empty()) {
            follow(0, count * step.shape.elementCount());
        }
        for (const Activation& activation : step.wholeTensor) {
            activation.apply(output, step.shape.batchOf(count), output, m_call);
        }
    }

    InferenceProgram m_program;
    quant::CallContext m_call;
    mutable std::mutex m_mutex;
    mutable std::vector<std::unique_ptr<Workspace>> m_idle; ///< what runs worked in
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
    auto prepared = prepareGraph(std::move(graph), configuration, weights, options.taps);
    if (!prepared) {
        return fail(std::move(prepared).error());
    }
    options.taps = prepared->taps;
    return std::make_shared<const Plan>(
        makeInferenceProgram(prepared->graph, configuration, options), options.sigmoid);
}

Result<std::vector<Tensor>> InferencePlan::runFrom(TensorCache& /*cache*/,
                                                   const std::string& /*inputsName*/,
                                                   std::span<const TensorView> inputs,
                                                   Parallel& parallel, const JobContext& job) const
{
    return run(inputs, parallel, job);
}

std::optional<Index> InferencePlan::bytes(Index /*samples*/, int /*threads*/) const
{
    return std::nullopt;
}

} // namespace bitscape::graph
