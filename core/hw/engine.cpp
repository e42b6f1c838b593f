// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/hw/engine.h"

#include "core/hw/checked.h"

#include <algorithm>

namespace bitscape::hw {

namespace {

/// How an engine is unrolled, in the terms that all three share.
struct Unrolling {
    std::int64_t outputs = 1; ///< output channels side by side
    std::int64_t words = 1;   ///< words of input channels side by side
    std::int64_t taps = 1, pixels = 1;
};

Unrolling unrollingOf(EngineKind engine, const Accelerator& a)
{
    switch (engine) {
    case EngineKind::Depthwise:
        return {a.depthwise.channels, 1, a.depthwise.taps, a.depthwise.pixels};
    case EngineKind::Dense:
        return {a.dense.outputChannels, a.dense.inputWords, 1, 1};
    case EngineKind::Conv:
    case EngineKind::Cpu:
    case EngineKind::Free:
        break;
    }
    return {a.conv.outputChannels, a.conv.inputWords, a.conv.taps, a.conv.pixels};
}

/// Words of N lanes that one output needs, and the slots that they take.
struct Reduction {
    Checked words = 1, slots = 1;
};

Reduction depthwiseReduction(const EngineWork& work, std::int64_t lanes, const Unrolling& u,
                             LaneDimension dimension)
{
    std::int64_t words = work.taps();
    if (dimension == LaneDimension::Taps) {
        words = ceilDivide(work.taps(), lanes);
    } else if (dimension == LaneDimension::Row) {
        words = work.kernelHeight * ceilDivide(work.kernelWidth, lanes);
    }
    return {words, ceilDivide(words, u.taps)};
}

Reduction channelReduction(const EngineWork& work, std::int64_t lanes, const Unrolling& u,
                           bool isFlat)
{
    const Checked taps = work.taps();
    if (isFlat) {
        const Checked products = taps * work.inputChannels;
        const std::int64_t words = ceilDivide(products.value(), lanes);
        return {products.isExact() ? Checked(words) : products,
                ceilDivide(words, u.words * u.taps)};
    }
    const std::int64_t channelWords = ceilDivide(work.inputChannels, lanes);
    return {taps * channelWords,
            Checked(ceilDivide(channelWords, u.words)) * ceilDivide(work.taps(), u.taps)};
}

Reduction reductionOf(const EngineWork& work, std::int64_t lanes, const Unrolling& u,
                      const Accelerator& a)
{
    if (work.engine == EngineKind::Depthwise) {
        return depthwiseReduction(work, lanes, u, a.depthwiseLanes);
    }
    const bool isFlat = work.engine == EngineKind::Conv && a.convLanes == LaneDimension::Flat;
    return channelReduction(work, lanes, u, isFlat);
}

std::int64_t banksOr(int given, std::int64_t wordsPerCycle)
{
    return given > 0 ? given : wordsPerCycle;
}

} // namespace

std::int64_t multipliers(EngineKind engine, const Accelerator& accelerator)
{
    if (engine == EngineKind::Cpu || engine == EngineKind::Free) {
        return 0;
    }
    const Unrolling u = unrollingOf(engine, accelerator);
    return u.outputs * u.words * u.taps * u.pixels;
}

int engineBits(int bits, bool isSigned, const Accelerator& accelerator)
{
    return bits + (!isSigned && accelerator.signedOnly && !accelerator.offsetShift ? 1 : 0);
}

Mode chooseMode(const OperandBits& bits, const Accelerator& accelerator)
{
    const int weights = engineBits(bits.weights, bits.weightsSigned, accelerator);
    const int inputs = engineBits(bits.inputs, bits.inputsSigned, accelerator);
    const int full = accelerator.multiplierBits;
    Mode mode{.width = full};
    for (const int lanes : accelerator.modes) {
        if (std::max(weights, inputs) <= full / lanes) {
            mode.lanes = lanes;
            mode.width = full / lanes;
        }
    }
    mode.passes = static_cast<int>(ceilDivide(weights, full) * ceilDivide(inputs, full));
    return mode;
}

Result<Slots> issueSlots(const EngineWork& work, const Mode& mode, const Accelerator& accelerator)
{
    const Unrolling u = unrollingOf(work.engine, accelerator);
    const Reduction reduction = reductionOf(work, mode.lanes, u, accelerator);
    const Checked passes = mode.passes;
    const Checked repeats = Checked(work.samples) * work.groups * passes;
    const Checked issue = repeats * ceilDivide(work.outputChannels, u.outputs) *
                          ceilDivide(work.pixels(), u.pixels) * reduction.slots;
    const Checked outputs =
        Checked(work.samples) * work.groups * work.outputChannels * work.pixels();
    const Checked words = outputs * reduction.words * passes;
    const Checked reads =
        repeats * ceilDivide(work.outputChannels, u.outputs) * work.pixels() * reduction.words;
    const Checked busy = issue * accelerator.initiationInterval + accelerator.pipelineDepth;
    // The largest figure that is made of these later on: lane-slots of the layer in bits.
    const Checked largest = busy * multipliers(work.engine, accelerator) * 64 * 128;
    if (!largest.isExact() || !words.isExact() || !reads.isExact() || !(words * 128).isExact()) {
        return fail(ErrorCode::InvalidArgument,
                    "The layer has more operations than can be counted in 63 bits.");
    }

    Slots slots;
    slots.multipliers = multipliers(work.engine, accelerator);
    slots.issueSlots = issue.value();
    slots.dataWords = words.value();
    slots.outputs = outputs.value();
    slots.computeCycles =
        std::max(busy.value(), ceilDivide(outputs.value(), accelerator.requantizersPerCycle));
    const bool isDepthwise = work.engine == EngineKind::Depthwise;
    slots.reduction = work.taps() * (isDepthwise ? 1 : work.inputChannels);
    // An input word is broadcast to all output channels of a slot; a depth-wise engine has nobody
    // to share with.
    slots.inputReads = isDepthwise ? words.value() : reads.value();
    slots.weightReads = ceilDivide(words.value(), u.pixels);
    slots.inputBanks =
        banksOr(accelerator.inputBanks, (isDepthwise ? u.outputs : u.words) * u.taps * u.pixels);
    slots.weightBanks = banksOr(accelerator.weightBanks, u.outputs * u.words * u.taps);
    slots.outputBanks = banksOr(accelerator.outputBanks, accelerator.requantizersPerCycle);
    return slots;
}

} // namespace bitscape::hw
