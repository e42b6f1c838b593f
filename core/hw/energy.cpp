// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/hw/energy.h"

#include <algorithm>
#include <cmath>

namespace bitscape::hw {

namespace {

struct Node {
    double nanometer;
    double a, b, c; ///< E ∝ a·V² + b·V + c
    double area;    ///< over 45 nm
};
// Fits of Stillmaker & Baas 2017, ascending.
constexpr std::array<Node, 6> kNodes{{{7, 0.1776, -0.09097, 0.02447, 0.059},
                                      {16, 0.2958, -0.1241, 0.03024, 0.19},
                                      {20, 0.373, -0.1582, 0.04104, 0.21},
                                      {32, 0.9559, -0.7823, 0.471, 0.46},
                                      {45, 1.103, -0.362, 0.2767, 1.0},
                                      {65, 3.755, -4.398, 1.975, 1.5}}};
constexpr const Node& kReference = kNodes[4];
constexpr double kReferenceVolt = 0.9;

constexpr double kAddPerBit = 0.003125;       // pJ, 45 nm (Horowitz, QKeras' fit)
constexpr double kRegisterPerBit = 0.009;     // pJ, 45 nm (Aladdin)
constexpr double kRequantize = 3.1 + 2 * 0.1; // pJ: a 32-bit multiply and two 32-bit adds
constexpr double kGatesPerProduct = 7.7047;   // per bit², gates of a MAC (QKeras' fit)
constexpr double kGatesPerSum = 13.762;       // per accumulator bit
constexpr double kGatesConstant = -92.158;
constexpr double kControlShare = 0.15; // of everything else

double nodeEnergy(const Node& node, double volt)
{
    return node.a * volt * volt + node.b * volt + node.c;
}

template <class Figure>
double interpolated(double nanometer, Figure figure)
{
    const auto* upper = std::ranges::lower_bound(kNodes, nanometer, {}, &Node::nanometer);
    upper = std::clamp(upper, kNodes.begin() + 1, kNodes.end() - 1);
    const Node& low = *(upper - 1);
    const double share = (nanometer - low.nanometer) / (upper->nanometer - low.nanometer);
    return figure(low) + share * (figure(*upper) - figure(low));
}

double backingPicojoulePerBit(const Accelerator& a)
{
    switch (a.backing) {
    case BackingKind::Dram:
        return a.dramPicojoulePerBit;
    case BackingKind::Flash:
        return a.flashPicojoulePerBit;
    case BackingKind::Sram:
        break;
    }
    return sramPicojoulePerBit(a.backingKib * 1024);
}

double bankBytes(double kib, std::int64_t banks)
{
    return kib * 1024 / static_cast<double>(banks);
}

double bankedArea(double kib, double banks)
{
    return banks * 0.00847 * std::pow(kib / banks, 0.917);
}

double macGates(const Accelerator& a)
{
    const double bits = a.multiplierBits;
    const double multiplier = kGatesPerProduct * bits * bits;
    const bool isSumTogether = a.modes.size() > 1;
    return multiplier * (isSumTogether ? a.stArea : 1.0) + kGatesPerSum * a.accumulatorBits +
           kGatesConstant;
}

double multiplierCount(const Accelerator& a)
{
    std::array<double, 3> counts{
        static_cast<double>(multipliers(EngineKind::Conv, a)),
        a.depthwise.present ? static_cast<double>(multipliers(EngineKind::Depthwise, a)) : 0.0,
        static_cast<double>(multipliers(EngineKind::Dense, a))};
    return a.sharedMultipliers ? *std::ranges::max_element(counts)
                               : counts[0] + counts[1] + counts[2];
}

/// Banks of a buffer that all engines share: given, or what the greediest engine reads per cycle.
double banksOr(int given, std::initializer_list<double> needs)
{
    return given > 0 ? given : std::max(needs);
}

double bufferArea(const Accelerator& a)
{
    const auto product = [](std::initializer_list<int> factors) {
        double value = 1;
        for (const int factor : factors) {
            value *= factor;
        }
        return value;
    };
    const auto& c = a.conv;
    const auto& d = a.depthwise;
    const double inputs =
        banksOr(a.inputBanks, {product({c.inputWords, c.taps, c.pixels}),
                               d.present ? product({d.channels, d.taps, d.pixels}) : 1.0,
                               product({a.dense.inputWords})});
    const double weights =
        banksOr(a.weightBanks, {product({c.outputChannels, c.inputWords, c.taps}),
                                d.present ? product({d.channels, d.taps}) : 1.0,
                                product({a.dense.outputChannels, a.dense.inputWords})});
    const double outputs = banksOr(a.outputBanks, {product({a.requantizersPerCycle})});
    return bankedArea(a.inputBufferKib, inputs) + bankedArea(a.weightBufferKib, weights) +
           bankedArea(a.outputBufferKib, outputs);
}

} // namespace

double energyScale(double nodeNanometer, double supplyVolt)
{
    return interpolated(nodeNanometer,
                        [supplyVolt](const Node& node) { return nodeEnergy(node, supplyVolt); }) /
           nodeEnergy(kReference, kReferenceVolt);
}

double areaScale(double nodeNanometer)
{
    return interpolated(nodeNanometer, [](const Node& node) { return node.area; });
}

double sramPicojoulePerBit(double bankBytes)
{
    const double perWord = bankBytes <= 32768 ? 10 * std::sqrt(bankBytes / 8192)
                                              : 20 * std::pow(bankBytes / 32768, 0.4644);
    return perWord / 64;
}

double multiplyPicojoule(double bits)
{
    return 0.002994792 * bits * bits + 0.001041667 * bits;
}

std::array<double, 9> engineEnergy(const Mode& mode, const Slots& slots, const Tiling& tiling,
                                   const Accelerator& a)
{
    const auto real = [](std::int64_t value) { return static_cast<double>(value); };
    const bool isSumTogether = a.modes.size() > 1;
    const double words = real(slots.dataWords);
    const double idle = real(slots.multipliers) * real(slots.issueSlots) - words;
    const double multiply = multiplyPicojoule(a.multiplierBits) * (isSumTogether ? a.stPower : 1.0);
    const double modePower = isSumTogether ? a.modePower.at(mode.lanes) : 1.0;
    const double wordBits = a.multiplierBits;
    const double accumulator = a.accumulatorBits;

    std::array<double, 9> parts{};
    parts[0] = multiply * (modePower * words + a.idleFraction * idle);
    parts[1] = kAddPerBit * accumulator * words;
    parts[2] = kRegisterPerBit * (2 * wordBits + accumulator) * words;
    parts[3] = (real(slots.inputReads) * wordBits + real(tiling.inputBits)) *
               sramPicojoulePerBit(bankBytes(a.inputBufferKib, slots.inputBanks));
    parts[4] = (real(slots.weightReads) * wordBits + real(tiling.weightBits)) *
               sramPicojoulePerBit(bankBytes(a.weightBufferKib, slots.weightBanks));
    parts[5] = 2 * real(slots.outputs) * accumulator *
               sramPicojoulePerBit(bankBytes(a.outputBufferKib, slots.outputBanks));
    parts[6] =
        real(tiling.inputBits + tiling.weightBits + tiling.outputBits) * backingPicojoulePerBit(a);
    parts[7] = kRequantize * real(slots.outputs);
    const double scale = energyScale(a.nodeNanometer, a.supplyVolt);
    for (double& part : parts) {
        part *= scale;
    }
    return parts;
}

double areaSquareMillimeter(const Accelerator& a)
{
    const double gate = a.nand2SquareMicrometer * 1e-6;
    const double requantizer = kGatesPerProduct * 32 * 32 + 2 * kGatesPerSum * 32;
    const double logic =
        (multiplierCount(a) * macGates(a) + a.requantizersPerCycle * requantizer) * gate;
    return (logic + bufferArea(a)) * (1 + kControlShare) * areaScale(a.nodeNanometer);
}

} // namespace bitscape::hw
