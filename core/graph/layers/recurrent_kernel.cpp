// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/rng.h"
#include "core/graph/layers/partial_sums.h"
#include "core/graph/layers/recurrent.h"
#include "core/graph/layers/step_input.h"

#include <algorithm>

namespace bitscape::graph {

namespace {

constexpr Index kBlock = 64;             // samples that walk side by side
constexpr Index kRecordFloats = 1 << 20; // of two steps: fewer samples walk if states are large
constexpr Index kTileFloats = 1 << 17;   // projections that stay in the cache: 512 KiB

/// Gives out pieces of scratch; without memory it only counts.
class Carver {
public:
    explicit Carver(float* memory) : m_memory(memory) {}
    float* take(Index floats)
    {
        float* piece = m_memory == nullptr ? nullptr : m_memory + m_used;
        m_used += floats;
        return piece;
    }
    [[nodiscard]] Index used() const { return m_used; }

private:
    float* m_memory;
    Index m_used = 0;
};

/// The input of all steps of a tile is projected in one product; then cells walk step by step.
/// Training keeps a record per step and walks back tile by tile.
class RecurrentKernel final : public LayerKernel {
public:
    RecurrentKernel(const RecurrentSetting& setting, const RecurrentSizes& sizes,
                    std::unique_ptr<RecurrentCell> cell, std::unique_ptr<StepMap> input,
                    const KernelRequest& request)
        : m_setting(setting), m_sizes(sizes), m_cell(std::move(cell)),
          m_columns(m_cell->gates() * setting.units), m_width(m_columns * sizes.pixels),
          m_kernel(std::move(input)), m_input(sizes.steps, sizes.inputSize, setting.goesBackwards,
                                              request.options.isTraining ? setting.dropout : 0.0F),
          m_stream(request.stream),
          m_dropsState(request.options.isTraining && setting.stateDropout > 0.0F),
          m_bias(Shape{m_columns})
    {
        setBlock(usualBlock());
    }

    bool wantsBatch() const override { return !m_cell->worksOnSamples(); }
    Index scratchFloats() const override
    {
        Carver forward(nullptr);
        ForwardPieces one(*this, forward, m_block);
        Carver backward(nullptr);
        if (m_isTrained) {
            BackwardPieces other(*this, backward, m_block);
        }
        return std::max(forward.used(), backward.used());
    }

    void setWeights(LayerWeights weights) override
    {
        m_kernel->pack(weights[0].data);
        const float* bias = m_setting.useBias ? weights[2].data : nullptr;
        const float* inner = nullptr;
        if (bias != nullptr) {
            std::copy_n(bias, m_columns, m_bias.data());
            if (m_cell->hasInner()) {
                // The gates see the sum of both rows; the candidate keeps them apart.
                const Index gates = m_columns - units();
                kernels::add(bias + m_columns, gates, m_bias.data());
                inner = bias + m_columns + gates;
            }
        }
        m_cell->setKernel(weights[1].data, inner);
    }

    void forward(int /*phase*/, const ForwardCall& call) override
    {
        forEachBlock(call.samples.count, [&](const SampleBlock& block) { walk(call, block); });
    }

    void prepareTraining(int items, Index samples) override
    {
        m_isTrained = true;
        setBlock(wantsBatch() ? samples : usualBlock());
        m_kernel->prepareTraining();
        m_cell->prepareTraining();
        m_kernelSums = PartialSums(items, m_kernel->kernelSize());
        m_recurrentSums = PartialSums(items, m_cell->kernelSize());
        m_biasSums = ChannelSums(items, m_columns);
        m_innerSums = ChannelSums(items, m_cell->hasInner() ? units() : 0);
    }
    bool readsInput() const override { return true; }
    Index savedFloats() const override { return (m_sizes.steps + 1) * recordFloats(); }

    void finishForward(int /*phase*/, int /*items*/, Index /*samples*/) override
    {
        m_kernelSums.clear();
        m_recurrentSums.clear();
        m_biasSums.clear();
        m_innerSums.clear();
    }

    void backward(int /*phase*/, const BackwardCall& call) override
    {
        forEachBlock(call.samples.count, [&](const SampleBlock& block) { walkBack(call, block); });
    }

    int gradientTasks() const override
    {
        return m_kernelSums.tasks() + m_recurrentSums.tasks() + (m_setting.useBias ? 1 : 0);
    }
    void gradientTask(int task, const GradientCall& call) override
    {
        if (task < m_kernelSums.tasks()) {
            m_kernelSums.total(task, call.items, call.gradients[0]);
            return;
        }
        task -= m_kernelSums.tasks();
        if (task < m_recurrentSums.tasks()) {
            m_recurrentSums.total(task, call.items, call.gradients[1]);
            return;
        }
        float* bias = call.gradients[2];
        m_biasSums.total(call.items, bias);
        if (m_cell->hasInner()) {
            const Index gates = m_columns - units();
            std::copy_n(bias, gates, bias + m_columns);
            m_innerSums.total(call.items, bias + m_columns + gates);
        }
    }

private:
    // ---- sizes

    /// Floats of a state of one sample.
    [[nodiscard]] Index units() const { return m_cell->stateSize(); }
    [[nodiscard]] Index steps() const { return m_sizes.steps; }
    [[nodiscard]] Index states() const { return m_cell->states(); }
    /// Per sample.
    [[nodiscard]] Index recordFloats() const { return m_cell->fields() * units(); }
    [[nodiscard]] Index sequenceFloats() const
    {
        return m_setting.returnsSequences ? steps() * units() : units();
    }
    [[nodiscard]] Index outputFloats() const
    {
        return sequenceFloats() + (m_setting.returnsState ? states() * units() : 0);
    }
    [[nodiscard]] Index usualBlock() const
    {
        constexpr Index kKerasBatch = 32; // what inference shows at once to those that want it
        return std::clamp(kRecordFloats / (2 * recordFloats()), wantsBatch() ? kKerasBatch : 1,
                          kBlock);
    }
    void setBlock(Index samples)
    {
        m_block = samples;
        const Index wanted = kTileFloats / std::max<Index>(samples * m_width, 1);
        m_tile = std::clamp<Index>(wanted, 1, std::min(steps(), kMostSteps));
    }

    template <class Visit>
    void forEachBlock(Index samples, const Visit& visit) const
    {
        for (Index first = 0; first < samples; first += m_block) {
            visit(SampleBlock{first, std::min(m_block, samples - first)});
        }
    }

    // ---- scratch

    /// For the cell at work on samples, or either map.
    [[nodiscard]] Index mapFloats(Index samples) const
    {
        return std::max(m_cell->workFloats(samples), m_kernel->scratchFloats());
    }

    StepInput::Dropped takeDropped(Carver& carver, Index samples) const
    {
        const Index floats = samples * m_input.maskFloats();
        float* mask = carver.take(floats);
        return {mask, carver.take(m_tile * floats)};
    }

    struct ForwardPieces {
        ForwardPieces(const RecurrentKernel& kernel, Carver& carver, Index samples)
            : projected(carver.take(kernel.m_tile * samples * kernel.m_width)),
              records(carver.take(kernel.m_isTrained ? 0 : 2 * samples * kernel.recordFloats())),
              stateMask(carver.take(kernel.m_dropsState ? samples * kernel.units() : 0)),
              dropped(kernel.takeDropped(carver, samples)), work(carver.take(kernel.mapFloats(0)))
        {
        }
        float *projected, *records, *stateMask;
        StepInput::Dropped dropped;
        float* work;
    };

    struct BackwardPieces {
        BackwardPieces(const RecurrentKernel& kernel, Carver& carver, Index samples)
            : projected(carver.take(kernel.m_tile * samples * kernel.m_width)),
              inner(carver.take(kernel.m_cell->hasInner() ? kernel.m_tile * samples * kernel.units()
                                                          : 0)),
              states(carver.take(samples * kernel.states() * kernel.units())),
              kept(carver.take(kernel.m_sizes.isMasked ? samples * kernel.states() * kernel.units()
                                                       : 0)),
              shown(carver.take(kernel.m_sizes.isMasked ? samples * kernel.units() : 0)),
              work(carver.take(kernel.mapFloats(samples))),
              stateMask(carver.take(kernel.m_dropsState ? samples * kernel.units() : 0)),
              dropped(kernel.takeDropped(carver, samples))
        {
        }
        float *projected, *inner, *states, *kept, *shown, *work, *stateMask;
        StepInput::Dropped dropped;
    };

    // ---- what both ways share

    [[nodiscard]] std::uint64_t seedOf(const SampleRange& samples, std::string_view purpose) const
    {
        return Rng(samples.seed).split(m_stream).split(purpose).next();
    }
    [[nodiscard]] std::uint64_t seedOf(const SampleRange& samples, const SampleBlock& block,
                                       Index step) const
    {
        return Rng(samples.seed)
            .split(m_stream)
            .split(static_cast<std::uint64_t>(step))
            .split(static_cast<std::uint64_t>(samples.first + block.first))
            .next();
    }

    template <class Pieces>
    void drawMasks(const SampleRange& samples, const SampleBlock& block, const Pieces& pieces) const
    {
        const Index first = samples.first + block.first;
        m_input.draw(seedOf(samples, "input"), first, block.count, pieces.dropped);
        if (m_dropsState) {
            drawDropout(seedOf(samples, "state"), m_setting.stateDropout, first * units(),
                        block.count * units(), pieces.stateMask);
        }
    }

    [[nodiscard]] bool isMasked(std::span<const float* const> inputs, const SampleBlock& block,
                                Index sample, Index step) const
    {
        return m_sizes.isMasked &&
               inputs.back()[(block.first + sample) * steps() + m_input.timeOf(step)] == 0.0F;
    }

    // ---- forward

    void walk(const ForwardCall& call, const SampleBlock& block)
    {
        Carver carver(call.samples.scratch);
        const ForwardPieces pieces(*this, carver, block.count);
        drawMasks(call.samples, block, pieces);
        const Index record = block.count * recordFloats();
        float* records = m_isTrained ? call.saved + block.first * savedFloats() : pieces.records;
        const auto recordOf = [&](Index step) { // −1: before the first
            return records + (m_isTrained ? step + 1 : (step + 1) % 2) * record;
        };
        begin(call, block, recordOf(-1));
        StepOffsets inputs;
        StepOffsets projections;
        for (StepTile tile{0, 0}; tile.first < steps(); tile.first += tile.count) {
            tile.count = std::min(m_tile, steps() - tile.first);
            setEvenOffsets(tile.count, block.count * m_width, projections);
            m_kernel->apply(
                m_input.rows(call.inputs[0], block, tile, pieces.dropped, inputs),
                {pieces.projected, block.count, m_width, projections.data(), tile.count},
                m_setting.useBias ? m_bias.data() : nullptr, false, pieces.work);
            for (Index t = 0; t < tile.count; ++t) {
                const Index step = tile.first + t;
                const CellStep one{.samples = block.count,
                                   .projected = pieces.projected + t * block.count * m_width,
                                   .previous = recordOf(step - 1),
                                   .record = recordOf(step),
                                   .mask = pieces.stateMask,
                                   .seed = seedOf(call.samples, block, step),
                                   .work = pieces.work};
                m_cell->forward(one);
                show(call, block, step, one);
            }
        }
        if (m_setting.returnsState) {
            giveStates(call, block, recordOf(steps() - 1));
        }
    }

    /// The states before the first step.
    void begin(const ForwardCall& call, const SampleBlock& block, float* record) const
    {
        const Index floats = block.count * units();
        for (Index state = 0; state < states(); ++state) {
            float* target = record + state * floats;
            if (m_sizes.hasInitialStates) {
                const float* given = call.inputs[static_cast<std::size_t>(1 + state)];
                std::copy_n(given + block.first * units(), floats, target);
            } else {
                std::fill_n(target, floats, 0.0F);
            }
        }
    }

    /// Masked samples keep their states; the others, and the step's output, are written.
    void show(const ForwardCall& call, const SampleBlock& block, Index step,
              const CellStep& one) const
    {
        const Index size = block.count * units();
        for (Index s = 0; s < block.count; ++s) {
            float* output = call.output + (block.first + s) * outputFloats();
            float* target = m_setting.returnsSequences ? output + step * units() : output;
            if (!isMasked(call.inputs, block, s, step)) {
                std::copy_n(one.record + s * units(), units(), target);
                continue;
            }
            for (Index state = 0; state < states(); ++state) {
                const Index at = state * size + s * units();
                std::copy_n(one.previous + at, units(), one.record + at);
            }
            if (m_setting.zeroesMasked || step == 0) {
                std::fill_n(target, units(), 0.0F);
            } else if (m_setting.returnsSequences) {
                std::copy_n(target - units(), units(), target);
            }
        }
    }

    void giveStates(const ForwardCall& call, const SampleBlock& block, const float* record) const
    {
        for (Index state = 0; state < states(); ++state) {
            for (Index s = 0; s < block.count; ++s) {
                std::copy_n(record + (state * block.count + s) * units(), units(),
                            call.output + (block.first + s) * outputFloats() + sequenceFloats() +
                                state * units());
            }
        }
    }

    // ---- backward

    void walkBack(const BackwardCall& call, const SampleBlock& block)
    {
        Carver carver(call.samples.scratch);
        const BackwardPieces pieces(*this, carver, block.count);
        drawMasks(call.samples, block, pieces);
        takeStates(call, block, pieces);
        const Index record = block.count * recordFloats();
        // What the cells read stays as it is.
        float* records = const_cast<float*>(call.saved) + block.first * savedFloats() + record;
        const Index tiles = (steps() + m_tile - 1) / m_tile;
        for (Index number = tiles - 1; number >= 0; --number) {
            const StepTile tile{number * m_tile, std::min(m_tile, steps() - number * m_tile)};
            for (Index t = tile.count - 1; t >= 0; --t) {
                const Index step = tile.first + t;
                float* here = records + step * record;
                const CellBackStep back{.step = {.samples = block.count,
                                                 .previous = here - record,
                                                 .record = here,
                                                 .mask = pieces.stateMask,
                                                 .seed = seedOf(call.samples, block, step),
                                                 .work = pieces.work},
                                        .states = pieces.states,
                                        .projected = pieces.projected + t * block.count * m_width,
                                        .inner = pieces.inner + t * block.count * units()};
                takeUpstream(call, block, step, pieces);
                m_cell->backward(back);
                passMasked(call, block, step, pieces);
            }
            addGradients(call, block, tile, pieces, records + tile.first * record);
            if (call.inputGradients[0] != nullptr) {
                StepOffsets offsets;
                setEvenOffsets(tile.count, block.count * m_width, offsets);
                m_input.giveGradient(
                    *m_kernel, {pieces.projected, block.count, m_width, offsets.data(), tile.count},
                    block, tile, pieces.dropped, call.inputGradients[0], call.adds[0], pieces.work);
            }
        }
        giveInitialGradients(call, block, pieces);
    }

    void takeStates(const BackwardCall& call, const SampleBlock& block,
                    const BackwardPieces& p) const
    {
        std::fill_n(p.states, block.count * states() * units(), 0.0F);
        if (m_sizes.isMasked) {
            std::fill_n(p.shown, block.count * units(), 0.0F);
        }
        for (Index state = 0; m_setting.returnsState && state < states(); ++state) {
            for (Index s = 0; s < block.count; ++s) {
                std::copy_n(call.upstream + (block.first + s) * outputFloats() + sequenceFloats() +
                                state * units(),
                            units(), p.states + (state * block.count + s) * units());
            }
        }
    }

    /// Adds the gradient of the step's output to that of its state. For masked samples the output
    /// is the one shown before, and the states pass by the cell.
    void takeUpstream(const BackwardCall& call, const SampleBlock& block, Index step,
                      const BackwardPieces& p) const
    {
        const bool isShown = m_setting.returnsSequences || step == steps() - 1;
        const Index size = block.count * units();
        for (Index s = 0; s < block.count; ++s) {
            const float* output = call.upstream + (block.first + s) * outputFloats();
            const float* dy = m_setting.returnsSequences ? output + step * units() : output;
            float* dh = p.states + s * units();
            if (!m_sizes.isMasked) {
                if (isShown) {
                    kernels::add(dy, units(), dh);
                }
                continue;
            }
            float* shown = p.shown + s * units();
            const bool masked = isMasked(call.inputs, block, s, step);
            if (isShown && !(masked && m_setting.zeroesMasked)) {
                kernels::add(dy, units(), shown);
            }
            if (masked) {
                for (Index state = 0; state < states(); ++state) {
                    const Index at = state * size + s * units();
                    std::copy_n(p.states + at, units(), p.kept + at);
                    std::fill_n(p.states + at, units(), 0.0F);
                }
            } else {
                kernels::add(shown, units(), dh);
                std::fill_n(shown, units(), 0.0F);
            }
        }
    }

    void passMasked(const BackwardCall& call, const SampleBlock& block, Index step,
                    const BackwardPieces& p) const
    {
        const Index size = block.count * units();
        for (Index s = 0; m_sizes.isMasked && s < block.count; ++s) {
            for (Index state = 0; isMasked(call.inputs, block, s, step) && state < states();
                 ++state) {
                const Index at = state * size + s * units();
                std::copy_n(p.kept + at, units(), p.states + at);
            }
        }
    }

    void addGradients(const BackwardCall& call, const SampleBlock& block, const StepTile& tile,
                      const BackwardPieces& p, const float* records)
    {
        const int item = call.samples.item;
        const Index record = block.count * recordFloats();
        StepOffsets inputs;
        StepOffsets projections;
        StepOffsets inners;
        StepOffsets distances;
        setEvenOffsets(tile.count, block.count * m_width, projections);
        setEvenOffsets(tile.count, block.count * units(), inners);
        setEvenOffsets(tile.count, record, distances);
        m_kernel->gradient(m_input.rows(call.inputs[0], block, tile, p.dropped, inputs),
                           {p.projected, block.count, m_width, projections.data(), tile.count},
                           m_kernelSums.part(item), m_kernelSums.adds(item), p.work);
        m_cell->gradient({.samples = block.count,
                          .steps = tile.count,
                          .previous = records - record,
                          .record = records,
                          .records = distances.data(),
                          .projected = p.projected,
                          .projections = projections.data(),
                          .inner = p.inner,
                          .inners = inners.data()},
                         m_recurrentSums.part(item), m_recurrentSums.adds(item), p.work);
        if (m_setting.useBias) {
            m_biasSums.add(item, p.projected, tile.count * block.count * m_sizes.pixels);
            if (m_cell->hasInner()) {
                m_innerSums.add(item, p.inner, tile.count * block.count);
            }
        }
    }

    /// Of the initial states; a mask has none.
    void giveInitialGradients(const BackwardCall& call, const SampleBlock& block,
                              const BackwardPieces& p) const
    {
        const auto give = [&](std::size_t input, Index floats, const float* gradient) {
            float* target = call.inputGradients[input];
            if (target == nullptr) {
                return;
            }
            target += block.first * floats;
            if (!call.adds[input]) {
                std::fill_n(target, block.count * floats, 0.0F);
            }
            if (gradient != nullptr) {
                kernels::add(gradient, block.count * floats, target);
            }
        };
        for (Index state = 0; m_sizes.hasInitialStates && state < states(); ++state) {
            give(static_cast<std::size_t>(1 + state), units(),
                 p.states + state * block.count * units());
        }
        if (m_sizes.isMasked) {
            give(call.inputGradients.size() - 1, steps(), nullptr);
        }
    }

    RecurrentSetting m_setting;
    RecurrentSizes m_sizes;
    std::unique_ptr<RecurrentCell> m_cell;
    Index m_columns; ///< of the kernels
    Index m_width;   ///< floats of a step's projection
    std::unique_ptr<StepMap> m_kernel;
    StepInput m_input;
    std::uint64_t m_stream;
    bool m_dropsState;
    bool m_isTrained = false;
    Index m_block = kBlock; ///< samples at most
    Index m_tile = 1;       ///< steps at most
    Tensor m_bias;
    PartialSums m_kernelSums, m_recurrentSums;
    ChannelSums m_biasSums, m_innerSums;
};

} // namespace

std::unique_ptr<LayerKernel> makeRecurrentKernel(const RecurrentSetting& setting,
                                                 const RecurrentSizes& sizes,
                                                 const KernelRequest& request, RecurrentMaps maps)
{
    const auto activation = [&](const Function& function, Slot slot) {
        return Activation{function, effectiveQuantizer(request.quantizers, slot)};
    };
    const bool drops = request.options.isTraining && setting.stateDropout > 0.0F;
    auto cell = makeCell(
        {.kind = setting.cell,
         .units = setting.units,
         .pixels = sizes.pixels,
         .resetAfter = setting.resetAfter,
         .activation = activation(setting.activation, Slot::Activation),
         .gateActivation = activation(setting.gateActivation, Slot::RecurrentActivation),
         .state = effectiveQuantizer(request.quantizers, Slot::State),
         .dropsState = drops,
         .call = {.training = request.options.isTraining, .sigmoid = request.options.sigmoid}},
        std::move(maps.state));
    if (maps.input == nullptr) {
        maps.input = makeDenseMap(sizes.inputSize, cell->gates() * setting.units);
    }
    return std::make_unique<RecurrentKernel>(setting, sizes, std::move(cell), std::move(maps.input),
                                             request);
}

} // namespace bitscape::graph
