// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/hw/accelerator.h"

#include <algorithm>
#include <cctype>

namespace bitscape::hw {

namespace {

Accelerator flatLanes()
{
    Accelerator a;
    a.name = "ST array 16 PE, flat lanes";
    a.convLanes = LaneDimension::Flat;
    return a;
}

Accelerator fixed16()
{
    Accelerator a = fixedPrecision({});
    a.name = "Fixed 16-bit array 16 PE";
    return a;
}

/// side × side multipliers for all three engines, with buffers and bus that grow with them.
Accelerator square(const char* name, int side, double bufferKib, int busBits)
{
    Accelerator a;
    a.name = name;
    a.conv.outputChannels = a.conv.inputWords = side;
    a.dense.outputChannels = a.dense.inputWords = side;
    a.depthwise.channels = side * side;
    a.requantizersPerCycle = side;
    a.inputBufferKib = a.weightBufferKib = a.outputBufferKib = bufferKib;
    a.backingBitsPerCycle = busBits;
    return a;
}

Accelerator narrowBus()
{
    Accelerator a;
    a.name = "ST array 16 PE, 8-bit bus";
    a.backingBitsPerCycle = 8;
    return a;
}

Accelerator timeFirst()
{
    Accelerator a;
    a.name = "ST array 16 PE, fastest tiles";
    a.tileObjective = TileObjective::Time;
    return a;
}

Accelerator onDram()
{
    Accelerator a;
    a.name = "ST array 16 PE, DRAM";
    a.backing = BackingKind::Dram;
    a.backingLatency = 250;
    a.backingKib = 64 * 1024;
    return a;
}

Accelerator at45()
{
    Accelerator a;
    a.name = "ST array 16 PE, 45 nm";
    a.nodeNanometer = 45;
    return a;
}

} // namespace

std::span<const Accelerator> accelerators()
{
    static const std::vector<Accelerator> presets{
        Accelerator{},
        fixed16(),
        flatLanes(),
        square("ST array 64 PE", 8, 32, 128),
        square("ST array 256 PE", 16, 64, 256),
        timeFirst(),
        narrowBus(),
        onDram(),
        at45(),
    };
    return presets;
}

const Accelerator* findAccelerator(std::string_view name)
{
    const auto same = [](char a, char b) {
        return std::tolower(static_cast<unsigned char>(a)) ==
               std::tolower(static_cast<unsigned char>(b));
    };
    const auto presets = accelerators();
    const auto found = std::ranges::find_if(
        presets, [&](const Accelerator& a) { return std::ranges::equal(a.name, name, same); });
    return found == presets.end() ? nullptr : &*found;
}

std::string_view name(EngineKind kind)
{
    switch (kind) {
    case EngineKind::Conv:
        return "conv";
    case EngineKind::Depthwise:
        return "dw";
    case EngineKind::Dense:
        return "fc";
    case EngineKind::Cpu:
        return "cpu";
    case EngineKind::Free:
        return "free";
    }
    return "";
}

} // namespace bitscape::hw
