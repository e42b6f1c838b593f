// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/rng.h"
#include "core/graph/layers/partial_sums.h"
#include "core/graph/layers/recurrent.h"

#include <algorithm>
#include <array>

namespace bitscape::graph {

namespace {

constexpr Index kBlock = 64;             // samples that walk side by side
constexpr Index kRecordFloats = 1 << 20; // of two steps: fewer samples walk if states are large
constexpr Index kMostSteps = 64;         // of a tile
constexpr Index kTileFloats = 1 << 17;   // projections that stay in the cache: 512 KiB

using StepOffsets = std::array<Index, kMostSteps>;

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

/// Samples that walk through the sequence together.
struct Block {
    Index first = 0; ///< in the range of the call
    Index count = 0;
};

/// Steps first … first+count−1, in the order they are walked.
struct Tile {
    Index first = 0, count = 0;
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
          m_kernel(std::move(input)), m_stream(request.stream),
          m_drops(request.options.isTraining && setting.dropout > 0.0F),
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
        forEachBlock(call.samples.count, [&](const Block& block) { walk(call, block); });
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
        forEachBlock(call.samples.count, [&](const Block& block) { walkBack(call, block); });
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
    /// Where the input of a step lies in the sequence.
    [[nodiscard]] Index timeOf(Index step) const
    {
        return m_setting.goesBackwards ? steps() - 1 - step : step;
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
            visit(Block{first, std::min(m_block, samples - first)});
        }
    }

    // ---- scratch

    /// For the cell at work on samples, or either map.
    [[nodiscard]] Index mapFloats(Index samples) const
    {
        return std::max(m_cell->workFloats(samples), m_kernel->scratchFloats());
    }

    struct ForwardPieces {
        ForwardPieces(const RecurrentKernel& kernel, Carver& carver, Index samples)
            : projected(carver.take(kernel.m_tile * samples * kernel.m_width)),
              records(carver.take(kernel.m_isTrained ? 0 : 2 * samples * kernel.recordFloats())),
              mask(carver.take(kernel.m_drops ? samples * kernel.m_sizes.inputSize : 0)),
              stateMask(carver.take(kernel.m_dropsState ? samples * kernel.units() : 0)),
              dropped(carver.take(
                  kernel.m_drops ? kernel.m_tile * samples * kernel.m_sizes.inputSize : 0)),
              work(carver.take(kernel.mapFloats(0)))
        {
        }
        float *projected, *records, *mask, *stateMask, *dropped, *work;
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
              mask(carver.take(kernel.m_drops ? samples * kernel.m_sizes.inputSize : 0)),
              stateMask(carver.take(kernel.m_dropsState ? samples * kernel.units() : 0)),
              dropped(carver.take(
                  kernel.m_drops ? kernel.m_tile * samples * kernel.m_sizes.inputSize : 0))
        {
        }
        float *projected, *inner, *states, *kept, *shown, *work, *mask, *stateMask, *dropped;
    };

    // ---- what both ways share

    [[nodiscard]] std::uint64_t seedOf(const SampleRange& samples, std::string_view purpose) const
    {
        return Rng(samples.seed).split(m_stream).split(purpose).next();
    }
    [[nodiscard]] std::uint64_t seedOf(const SampleRange& samples, const Block& block,
                                       Index step) const
    {
        return Rng(samples.seed)
            .split(m_stream)
            .split(static_cast<std::uint64_t>(step))
            .split(static_cast<std::uint64_t>(samples.first + block.first))
            .next();
    }

    void drawMask(const SampleRange& samples, const Block& block, std::string_view purpose,
                  float rate, Index width, float* mask) const
    {
        const std::uint64_t seed = seedOf(samples, purpose);
        const float factor = rate < 1.0F ? 1.0F / (1.0F - rate) : 0.0F;
        const Index before = (samples.first + block.first) * width;
        for (Index i = 0; i < block.count * width; ++i) {
            const bool isKept = uniformAt(seed, static_cast<std::uint64_t>(before + i)) >= rate;
            mask[i] = isKept ? factor : 0.0F;
        }
    }
    template <class Pieces>
    void drawMasks(const SampleRange& samples, const Block& block, const Pieces& pieces) const
    {
        if (m_drops) {
            drawMask(samples, block, "input", m_setting.dropout, m_sizes.inputSize, pieces.mask);
        }
        if (m_dropsState) {
            drawMask(samples, block, "state", m_setting.stateDropout, units(), pieces.stateMask);
        }
    }

    /// Rows of the input that a tile reads; `offsets` holds where.
    [[nodiscard]] Index inputOffsets(const Tile& tile, StepOffsets& offsets) const
    {
        for (Index t = 0; t < tile.count; ++t) {
            offsets[static_cast<std::size_t>(t)] = timeOf(tile.first + t) * m_sizes.inputSize;
        }
        return steps() * m_sizes.inputSize;
    }
    static void evenOffsets(Index count, Index distance, StepOffsets& offsets)
    {
        for (Index t = 0; t < count; ++t) {
            offsets[static_cast<std::size_t>(t)] = t * distance;
        }
    }

    /// The tile's input, masked if a part of it is dropped. Offsets outlive the result.
    [[nodiscard]] Rows inputRows(const float* input, const Block& block, const Tile& tile,
                                 const float* mask, float* dropped, StepOffsets& offsets) const
    {
        const Index channels = m_sizes.inputSize;
        const Index pitch = inputOffsets(tile, offsets);
        const float* x = input + block.first * pitch;
        if (!m_drops) {
            return {x, block.count, pitch, offsets.data(), tile.count};
        }
        for (Index s = 0; s < block.count; ++s) {
            for (Index t = 0; t < tile.count; ++t) {
                const float* from = x + s * pitch + offsets[static_cast<std::size_t>(t)];
                float* to = dropped + (s * tile.count + t) * channels;
                for (Index c = 0; c < channels; ++c) {
                    to[c] = from[c] * mask[s * channels + c];
                }
            }
        }
        evenOffsets(tile.count, channels, offsets);
        return {dropped, block.count, tile.count * channels, offsets.data(), tile.count};
    }

    [[nodiscard]] bool isMasked(std::span<const float* const> inputs, const Block& block,
                                Index sample, Index step) const
    {
        return m_sizes.isMasked &&
               inputs.back()[(block.first + sample) * steps() + timeOf(step)] == 0.0F;
    }

    // ---- forward

    void walk(const ForwardCall& call, const Block& block)
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
        for (Tile tile{0, 0}; tile.first < steps(); tile.first += tile.count) {
            tile.count = std::min(m_tile, steps() - tile.first);
            evenOffsets(tile.count, block.count * m_width, projections);
            m_kernel->apply(
                inputRows(call.inputs[0], block, tile, pieces.mask, pieces.dropped, inputs),
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
    void begin(const ForwardCall& call, const Block& block, float* record) const
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
    void show(const ForwardCall& call, const Block& block, Index step, const CellStep& one) const
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

    void giveStates(const ForwardCall& call, const Block& block, const float* record) const
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

    void walkBack(const BackwardCall& call, const Block& block)
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
            const Tile tile{number * m_tile, std::min(m_tile, steps() - number * m_tile)};
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
            giveInputGradient(call, block, tile, pieces);
        }
        giveInitialGradients(call, block, pieces);
    }

    void takeStates(const BackwardCall& call, const Block& block, const BackwardPieces& p) const
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
    void takeUpstream(const BackwardCall& call, const Block& block, Index step,
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

    void passMasked(const BackwardCall& call, const Block& block, Index step,
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

    void addGradients(const BackwardCall& call, const Block& block, const Tile& tile,
                      const BackwardPieces& p, const float* records)
    {
        const int item = call.samples.item;
        const Index record = block.count * recordFloats();
        StepOffsets inputs;
        StepOffsets projections;
        StepOffsets inners;
        StepOffsets distances;
        evenOffsets(tile.count, block.count * m_width, projections);
        evenOffsets(tile.count, block.count * units(), inners);
        evenOffsets(tile.count, record, distances);
        m_kernel->gradient(inputRows(call.inputs[0], block, tile, p.mask, p.dropped, inputs),
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

    void giveInputGradient(const BackwardCall& call, const Block& block, const Tile& tile,
                           const BackwardPieces& p) const
    {
        if (call.inputGradients[0] == nullptr) {
            return;
        }
        const Index channels = m_sizes.inputSize;
        StepOffsets inputs;
        StepOffsets projections;
        evenOffsets(tile.count, block.count * m_width, projections);
        const Index pitch = inputOffsets(tile, inputs);
        const Rows dz{p.projected, block.count, m_width, projections.data(), tile.count};
        float* dx = call.inputGradients[0] + block.first * pitch;
        if (!m_drops) {
            m_kernel->applyBack(dz, {dx, block.count, pitch, inputs.data(), tile.count},
                                call.adds[0], p.work);
            return;
        }
        StepOffsets even;
        evenOffsets(tile.count, channels, even);
        m_kernel->applyBack(
            dz, {p.dropped, block.count, tile.count * channels, even.data(), tile.count}, false,
            p.work);
        for (Index s = 0; s < block.count; ++s) {
            for (Index t = 0; t < tile.count; ++t) {
                const float* from = p.dropped + (s * tile.count + t) * channels;
                float* to = dx + s * pitch + inputs[static_cast<std::size_t>(t)];
                for (Index c = 0; c < channels; ++c) {
                    const float value = from[c] * p.mask[s * channels + c];
                    to[c] = call.adds[0] ? to[c] + value : value;
                }
            }
        }
    }

    /// Of the initial states; a mask has none.
    void giveInitialGradients(const BackwardCall& call, const Block& block,
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
    std::uint64_t m_stream;
    bool m_drops, m_dropsState;
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
