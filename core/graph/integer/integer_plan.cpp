// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/integer/integer_plan.h"

#include "core/graph/integer/code_work.h"
#include "core/graph/memory_plan.h"
#include "core/graph/plan_inputs.h"

#include <algorithm>

namespace bitscape::graph {

namespace {

constexpr Index kCacheBytes = 1 << 19; // what a chunk's tensors should fit in
constexpr Index kLargestChunk = 64;    // samples
constexpr Index kKerasBatch = 32;      // samples that a whole-tensor quantizer sees
constexpr Index kLineFloats = 16;

/// What one thread works in.
struct Worker {
    FloatBuffer memory; ///< the arena, then what steps use
    CodeScratch scratch;
    std::vector<const std::byte*> sources;
};

class Plan final : public IntegerPlan {
public:
    explicit Plan(IntegerProgram program)
        : m_program(std::move(program)), m_call{.training = false, .sigmoid = m_program.sigmoid}
    {
        for (const IntegerStep& step : m_program.steps) {
            m_steps.push_back(makeCodeStep(m_program, step));
        }
        planArena();
    }

    const IntegerProgram& program() const override { return m_program; }
    const Graph& graph() const override { return *m_program.graph; }
    WeightSet quantizedWeights() const override { return m_program.weights; }

    std::vector<Shape> resultShapes() const override
    {
        std::vector<Shape> shapes;
        for (const int layer : m_program.resultLayers) {
            shapes.push_back(graph().layer(layer).resultShape());
        }
        return shapes;
    }

    Result<std::vector<Tensor>> run(std::span<const TensorView> inputs, Parallel& parallel,
                                    const JobContext& job) const override
    {
        auto count = countSamples(graph(), inputs);
        if (!count) {
            return fail(std::move(count).error());
        }
        const Index chunk = std::clamp<Index>(*count, 1, m_chunk);
        std::vector<Worker> workers(static_cast<std::size_t>(parallel.threads()));
        for (Worker& worker : workers) {
            prepare(worker, chunk);
        }
        return runInChunks(*count, chunk, resultShapes(), parallel, job,
                           [&](std::vector<Tensor>& results, Index first, Index here, int worker) {
                               runChunk(inputs, results, {first, here, chunk},
                                        workers[static_cast<std::size_t>(worker)]);
                           });
    }

private:
    [[nodiscard]] const CodeTensor& tensor(int t) const
    {
        return m_program.tensors[static_cast<std::size_t>(t)];
    }

    void prepare(Worker& worker, Index chunk) const
    {
        const Index arena = m_arenaFloats * chunk;
        worker.memory = allocateFloats(arena + m_scratchFloats + m_stepFloats);
        worker.scratch.floats = worker.memory.get() + arena;
        worker.scratch.bytes =
            reinterpret_cast<std::byte*>(worker.scratch.floats + m_scratchFloats);
        worker.scratch.sources.reserve(m_mostInputs);
        worker.sources.resize(m_mostInputs);
    }

    void planArena()
    {
        std::vector<Lifetime> pieces(
            m_program.tensors.size()); // inputs lie where the caller has them
        const auto touch = [&](int t, int now, bool writes) {
            Lifetime& piece = pieces[static_cast<std::size_t>(t)];
            if (writes) {
                const Index bytes =
                    tensor(t).shape.elementCount() * sizeOf(layoutOf(tensor(t)).kept);
                piece.floats = (bytes + 3) / 4;
                piece.first = now;
            }
            piece.last = now;
        };
        bool seesBatches = false;
        const int end = static_cast<int>(m_program.steps.size());
        for (int s = 0; s < end; ++s) {
            const IntegerStep& step = m_program.steps[static_cast<std::size_t>(s)];
            for (const int t : step.inputs) {
                touch(t, s + 1, false);
            }
            touch(step.output, s + 1, true);
            m_mostInputs = std::max(m_mostInputs, step.inputs.size());
            if (const auto* work = std::get_if<FloatWork>(&step.work)) {
                const bool wants = work->kernel && work->kernel->wantsBatch();
                seesBatches = seesBatches || wants || !work->activation.worksInBlocks();
                m_scratchFloats =
                    std::max(m_scratchFloats, work->kernel ? work->kernel->scratchFloats() : 0);
            }
        }
        for (const int t : m_program.results) {
            touch(t, end + 1, false);
        }
        const MemoryPlan plan = planMemory(pieces);
        m_offsets = plan.offsets;
        m_arenaFloats = plan.floats;
        const Index fits = kCacheBytes / 4 / std::max<Index>(plan.floats, 1);
        m_chunk = seesBatches ? kKerasBatch : std::clamp<Index>(fits, 1, kLargestChunk);
        m_scratchFloats = wholeLines(m_scratchFloats);
        for (const auto& step : m_steps) {
            m_stepFloats = std::max(m_stepFloats, step->scratchBytes() / Index{sizeof(float)} + 1);
        }
        m_stepFloats = wholeLines(m_stepFloats) + kLineFloats; // kernels read a little beyond
    }

    static Index wholeLines(Index floats)
    {
        return (floats + kLineFloats - 1) / kLineFloats * kLineFloats;
    }

    /// Some samples of all.
    struct Range {
        Index first = 0, count = 0;
        Index chunk = 1; ///< samples that the arena has room for
    };

    void runChunk(std::span<const TensorView> inputs, std::vector<Tensor>& results,
                  const Range& range, Worker& worker) const
    {
        const auto place = [&](int t) -> std::byte* {
            return reinterpret_cast<std::byte*>(
                worker.memory.get() + m_offsets[static_cast<std::size_t>(t)] * range.chunk);
        };
        const auto read = [&](int t) -> const std::byte* {
            const auto input = std::ranges::find(m_program.inputs, t) - m_program.inputs.begin();
            if (input == std::ssize(m_program.inputs)) {
                return place(t);
            }
            const Index size = tensor(t).shape.elementCount();
            return reinterpret_cast<const std::byte*>(inputs[static_cast<std::size_t>(input)].data +
                                                      range.first * size);
        };
        for (std::size_t s = 0; s < m_steps.size(); ++s) {
            const IntegerStep& step = m_program.steps[s];
            std::ranges::transform(step.inputs, worker.sources.begin(), read);
            m_steps[s]->run({.inputs = {worker.sources.data(), step.inputs.size()},
                             .output = place(step.output),
                             .first = range.first,
                             .count = range.count,
                             .scratch = &worker.scratch});
        }
        for (std::size_t r = 0; r < results.size(); ++r) {
            const int t = m_program.results[r];
            const Index size = tensor(t).shape.elementCount();
            readReal(tensor(t), read(t), size * range.count,
                     results[r].data() + range.first * size);
        }
    }

    IntegerProgram m_program;
    quant::CallContext m_call;
    std::vector<std::unique_ptr<CodeStep>> m_steps;
    std::vector<Index> m_offsets; ///< floats per sample of a chunk
    Index m_arenaFloats = 0, m_scratchFloats = 0, m_stepFloats = 0;
    std::size_t m_mostInputs = 0;
    Index m_chunk = 1;
};

} // namespace

Result<std::shared_ptr<const IntegerPlan>> IntegerPlan::make(GraphPtr graph,
                                                             const Configuration& configuration,
                                                             const WeightSet& weights,
                                                             const IntegerOptions& options)
{
    auto program = makeIntegerProgram(std::move(graph), configuration, weights, options);
    if (!program) {
        return fail(std::move(program).error());
    }
    return of(std::move(*program));
}

std::shared_ptr<const IntegerPlan> IntegerPlan::of(IntegerProgram program)
{
    return std::make_shared<const Plan>(std::move(program));
}

} // namespace bitscape::graph
