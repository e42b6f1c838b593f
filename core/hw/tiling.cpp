// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/hw/tiling.h"

#include "core/hw/checked.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <tuple>
#include <vector>

namespace bitscape::hw {

namespace {

constexpr double kBitsPerKib = 8192.0;
constexpr std::int64_t kBiasBits = 32;

std::int64_t storedBits(int bits, StorageRule rule, const Mode& mode)
{
    switch (rule) {
    case StorageRule::Byte:
        return ceilDivide(bits, 8) * 8;
    case StorageRule::Mode:
        return ceilDivide(bits, mode.width) * mode.width; // more than one word only in multi-pass
    case StorageRule::Exact:
        break;
    }
    return bits;
}

/// step, 2·step, 4·step … below `full`, then `full`.
std::vector<std::int64_t> candidates(std::int64_t step, std::int64_t full)
{
    std::vector<std::int64_t> sizes;
    for (std::int64_t size = step; size < full; size *= 2) {
        sizes.push_back(size);
    }
    sizes.push_back(full);
    return sizes;
}

struct TileSize {
    std::int64_t outputChannels = 1, inputChannels = 1, rows = 1;
};

/// Bits that a tile needs in each buffer.
struct Footprint {
    double inputs = 0, weights = 0, outputs = 0;
};

class Tiler {
public:
    Tiler(const EngineWork& work, const OperandBits& bits, const Mode& mode, const Slots& slots,
          const Kept& kept, const Accelerator& accelerator)
        : m_work(work), m_slots(slots), m_kept(kept), m_accelerator(accelerator),
          m_isDepthwise(work.engine == EngineKind::Depthwise),
          m_inputWidth(storedBits(bits.inputs, accelerator.bufferStorage, mode)),
          m_weightWidth(storedBits(bits.weights, accelerator.bufferStorage, mode)),
          m_lanes(mode.lanes)
    {
        const std::int64_t inputs = storedBits(bits.inputs, accelerator.backingStorage, mode);
        const std::int64_t weights = storedBits(bits.weights, accelerator.backingStorage, mode);
        const std::int64_t outputs = storedBits(bits.outputs, accelerator.backingStorage, mode);
        const Checked channels =
            Checked(m_isDepthwise ? 1 : work.inputChannels) * work.outputChannels;
        const Checked weight = channels * work.taps() * weights;
        const Checked row = Checked(work.inputChannels) * work.width * inputs;
        const Checked output = Checked(slots.outputs) * outputs;
        const Checked steps = Checked(work.samples) * work.groups * work.outputHeight;
        const Checked worst =
            (weight * steps + row * work.height * steps * work.outputChannels + output) * 2;
        m_isExact = worst.isExact();
        m_weightBits = weight.value();
        m_rowBits = row.value();
        m_outputBits = kept.outputs ? 0 : output.value();
        m_biasBits = work.hasBias ? kBiasBits * work.outputChannels * work.groups : 0;
    }

    [[nodiscard]] bool isExact() const { return m_isExact; }

    Tiling choose()
    {
        for (const bool isDouble : {true, false}) {
            if (isDouble && !m_accelerator.doubleBuffer) {
                continue;
            }
            m_isDouble = isDouble;
            visitAll();
            if (m_best) {
                return *m_best;
            }
        }
        const TileSize smallest{outputChannelSizes().front(),
                                inputChannelSizes(outputChannelSizes().front()).front(), 1};
        consider(smallest);
        m_best->missingBytes = missingBytes(footprint(smallest));
        return *m_best;
    }

private:
    // (time first if wanted, bits moved, tiles, order, larger output tiles first)
    using Key = std::tuple<std::int64_t, std::int64_t, std::int64_t, char, std::int64_t>;

    [[nodiscard]] std::vector<std::int64_t> outputChannelSizes() const
    {
        const std::int64_t step = m_isDepthwise ? m_accelerator.depthwise.channels
                                  : m_work.engine == EngineKind::Dense
                                      ? m_accelerator.dense.outputChannels
                                      : m_accelerator.conv.outputChannels;
        return candidates(step, m_work.outputChannels);
    }

    [[nodiscard]] std::vector<std::int64_t> inputChannelSizes(std::int64_t outputChannels) const
    {
        if (m_isDepthwise) {
            // A tile of output channels needs just their own inputs.
            return {ceilDivide(outputChannels * m_work.inputChannels, m_work.outputChannels)};
        }
        const std::int64_t words = m_work.engine == EngineKind::Dense
                                       ? m_accelerator.dense.inputWords
                                       : m_accelerator.conv.inputWords;
        return candidates(words * m_lanes, m_work.inputChannels);
    }

    void visitAll()
    {
        for (const std::int64_t outputChannels : outputChannelSizes()) {
            for (const std::int64_t inputChannels : inputChannelSizes(outputChannels)) {
                for (const std::int64_t rows : candidates(1, m_work.outputHeight)) {
                    const TileSize size{outputChannels, inputChannels, rows};
                    if (missingBytes(footprint(size)) <= 0) {
                        consider(size);
                    }
                }
            }
        }
    }

    [[nodiscard]] Footprint footprint(const TileSize& size) const
    {
        const auto real = [](std::int64_t value) { return static_cast<double>(value); };
        const double inputRows =
            std::min(real(m_work.height),
                     real(size.rows - 1) * real(m_work.strideHeight) + real(m_work.kernelRows));
        const double copies = m_isDouble ? 2 : 1;
        const double reduced = m_isDepthwise ? 1 : real(size.inputChannels);
        return {.inputs = copies * real(size.inputChannels) * inputRows * real(m_work.width) *
                          real(m_inputWidth),
                .weights = copies * real(size.outputChannels) * reduced * real(m_work.taps()) *
                           real(m_weightWidth),
                .outputs = copies * real(size.outputChannels) * real(size.rows) *
                           real(m_work.outputWidth) * real(m_accelerator.accumulatorBits)};
    }

    [[nodiscard]] double missingBytes(const Footprint& bits) const
    {
        const auto beyond = [](double need, double kib) {
            return std::max(0.0, need - kib * kBitsPerKib) / 8;
        };
        return std::ceil(beyond(bits.inputs, m_accelerator.inputBufferKib)) +
               std::ceil(beyond(bits.weights, m_accelerator.weightBufferKib)) +
               std::ceil(beyond(bits.outputs, m_accelerator.outputBufferKib));
    }

    void consider(const TileSize& size)
    {
        const std::int64_t outer = ceilDivide(m_work.outputChannels, size.outputChannels);
        const std::int64_t bands = ceilDivide(m_work.outputHeight, size.rows);
        const std::int64_t inner =
            m_isDepthwise ? 1 : ceilDivide(m_work.inputChannels, size.inputChannels);
        const std::int64_t steps = bands * m_work.samples; // samples follow one another as rows do
        const std::int64_t overlap =
            std::max<std::int64_t>(0, m_work.kernelRows - m_work.strideHeight);
        const std::int64_t rows =
            std::min(m_work.height + (bands - 1) * overlap, bands * m_work.height);
        const std::int64_t inputs = m_kept.inputs ? 0 : m_rowBits * rows * m_work.samples;
        const std::int64_t tiles = outer * inner * steps * m_work.groups;

        const auto offer = [&](char order, std::int64_t weightTimes, std::int64_t inputTimes) {
            keepBetter(size, order, tiles, m_weightBits * weightTimes * m_work.groups,
                       inputs * inputTimes * m_work.groups);
        };
        if (m_isDepthwise) {
            offer('A', 1, 1);
            return;
        }
        // A: output channels outside, rows inside. B: the other way round.
        offer('A', inner == 1 ? 1 : steps, steps == 1 && inner == 1 ? 1 : outer);
        offer('B', outer == 1 && inner == 1 ? 1 : steps, inner == 1 ? 1 : outer);
    }

    void keepBetter(const TileSize& size, char order, std::int64_t tiles, std::int64_t weightBits,
                    std::int64_t inputBits)
    {
        Tiling tiling;
        tiling.tile = {size.outputChannels, size.inputChannels, size.rows, tiles, order};
        tiling.inputBits = inputBits;
        tiling.weightBits = weightBits + m_biasBits;
        tiling.outputBits = m_outputBits;
        tiling.isDoubleBuffered = m_isDouble;
        setTime(tiling);
        const bool isTimeFirst = m_accelerator.tileObjective == TileObjective::Time;
        const Key key{isTimeFirst ? tiling.cycles : 0, weightBits + inputBits, tiles, order,
                      -size.outputChannels};
        if (!m_best || key < m_bestKey) {
            m_best = tiling;
            m_bestKey = key;
        }
    }

    void setTime(Tiling& tiling) const
    {
        const std::int64_t tiles = tiling.tile.count;
        const std::int64_t bandwidth = m_accelerator.backingBitsPerCycle;
        const std::int64_t load =
            ceilDivide(ceilDivide(tiling.inputBits + tiling.weightBits, tiles), bandwidth) +
            m_accelerator.backingLatency;
        const std::int64_t store = ceilDivide(ceilDivide(tiling.outputBits, tiles), bandwidth);
        const std::int64_t compute = ceilDivide(m_slots.computeCycles, tiles);
        const std::int64_t transfer =
            m_accelerator.splitChannels ? std::max(load, store) : load + store;
        const std::int64_t rest = m_isDouble ? (tiles - 1) * std::max(compute, transfer)
                                             : (tiles - 1) * (load + compute + store);
        tiling.cycles = m_accelerator.setupCycles + load + compute + store + rest;
        tiling.firstLoad = load;
        tiling.lastStore = store;
        tiling.steady =
            tiling.cycles - m_accelerator.setupCycles - m_slots.computeCycles - load - store;
        tiling.isMemoryBound = load + store > compute;
    }

    const EngineWork& m_work;
    const Slots& m_slots;
    const Kept m_kept;
    const Accelerator& m_accelerator;
    const bool m_isDepthwise;
    const std::int64_t m_inputWidth, m_weightWidth;
    const std::int64_t m_lanes;
    std::int64_t m_weightBits = 0, m_rowBits = 0, m_outputBits = 0, m_biasBits = 0;
    bool m_isExact = true;
    bool m_isDouble = true;
    std::optional<Tiling> m_best;
    Key m_bestKey;
};

} // namespace

Result<Tiling> chooseTiling(const EngineWork& work, const OperandBits& bits, const Mode& mode,
                            const Slots& slots, const Kept& kept, const Accelerator& accelerator)
{
    Tiler tiler(work, bits, mode, slots, kept, accelerator);
    if (!tiler.isExact()) {
        return fail(ErrorCode::InvalidArgument,
                    "The layer moves more bits than can be counted in 63 bits.");
    }
    return tiler.choose();
}

} // namespace bitscape::hw
