// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/hw/accelerator.h"
#include "networks.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <numeric>

namespace bitscape::hw {
namespace {

using namespace test;

/// Rounding of energies summed in another order.
constexpr double kSumRounding = 1e-12;

Geometry anyLayer()
{
    const Kind kind = *rc::gen::element(Kind::Conv, Kind::Depthwise, Kind::Dense);
    Geometry g{.name = "l", .kind = kind};
    g.inputs = *rc::gen::inRange(1, 71);
    g.outputs = kind == Kind::Depthwise ? g.inputs : *rc::gen::inRange(1, 71);
    if (kind != Kind::Dense) {
        g.kernelHeight = g.kernelWidth = *rc::gen::element(1, 3, 5);
        g.height = *rc::gen::inRange(g.kernelHeight, 40);
        g.width = *rc::gen::inRange(g.kernelWidth, 40);
        g.stride = *rc::gen::element(1, 2);
        g.isValid = *rc::gen::arbitrary<bool>();
    }
    return g;
}

Accelerator anyAccelerator()
{
    Accelerator a;
    a.convLanes = *rc::gen::element(LaneDimension::InputChannels, LaneDimension::Flat);
    a.depthwiseLanes =
        *rc::gen::element(LaneDimension::Taps, LaneDimension::Row, LaneDimension::None);
    a.backingBitsPerCycle = *rc::gen::element(8, 16, 32, 64, 128);
    a.inputBufferKib = a.weightBufferKib = a.outputBufferKib = *rc::gen::element(8, 16, 32, 64);
    return a;
}

LayerCost costAt(const graph::Graph& graph, int weightBits, int inputBits, const Accelerator& a)
{
    auto cost = hardwareCost(graph, uniformBits(graph, weightBits, inputBits), a);
    RC_ASSERT(cost.has_value());
    return cost->layers.at(0);
}

std::int64_t trafficOf(const LayerCost& cost)
{
    return cost.inputTrafficBits + cost.weightTrafficBits + cost.outputTrafficBits;
}

RC_GTEST_PROP(HardwareProperties, SlotPartsSumToTheSlotsOffered, ())
{
    const auto graph = independentLayers({anyLayer()});
    const LayerCost cost =
        costAt(*graph, *rc::gen::inRange(1, 20), *rc::gen::inRange(1, 20), anyAccelerator());
    const std::int64_t offered = cost.multipliers * cost.lanes * cost.cycles;
    RC_ASSERT(std::accumulate(cost.slotParts.begin(), cost.slotParts.end(), std::int64_t{0}) ==
              offered);
    for (const std::int64_t part : cost.slotParts) {
        RC_ASSERT(part >= 0);
    }
    for (const double share : {cost.utilizationLane, cost.utilizationSpatial,
                               cost.utilizationTemporal, cost.utilization}) {
        RC_ASSERT(share > 0.0);
        RC_ASSERT(share <= 1.0);
    }
}

RC_GTEST_PROP(HardwareProperties, FewerBitsNeverCostMoreSlotsTrafficOrEnergy, ())
{
    const auto graph = independentLayers({anyLayer()});
    const Accelerator a = anyAccelerator();
    const int weights = *rc::gen::inRange(2, 17);
    const int inputs = *rc::gen::inRange(2, 17);
    const LayerCost many = costAt(*graph, weights, inputs, a);
    const LayerCost few =
        costAt(*graph, *rc::gen::inRange(1, weights), *rc::gen::inRange(1, inputs), a);
    RC_ASSERT(few.issueSlots <= many.issueSlots);
    RC_ASSERT(trafficOf(few) <= trafficOf(many));
    RC_ASSERT(few.totalEnergyPicojoule() <= many.totalEnergyPicojoule() * (1 + kSumRounding));
}

RC_GTEST_PROP(HardwareProperties, TimeFirstTilesNeverGetSlowerWithFewerBits, ())
{
    const auto graph = independentLayers({anyLayer()});
    Accelerator a = anyAccelerator();
    a.tileObjective = TileObjective::Time;
    const int bits = *rc::gen::inRange(2, 17);
    RC_ASSERT(costAt(*graph, bits - 1, bits - 1, a).cycles <= costAt(*graph, bits, bits, a).cycles);
}

RC_GTEST_PROP(HardwareProperties, SpeedupIsBetweenOneAndTheLanes, ())
{
    const auto graph = independentLayers({anyLayer()});
    const Accelerator a = anyAccelerator();
    const std::int64_t full = costAt(*graph, 16, 16, a).issueSlots;
    const LayerCost cost = costAt(*graph, *rc::gen::inRange(1, 17), *rc::gen::inRange(1, 17), a);
    RC_ASSERT(cost.issueSlots <= full);
    RC_ASSERT(full <= cost.lanes * cost.issueSlots);
}

RC_GTEST_PROP(HardwareProperties, OneNarrowOperandGainsNoSlots, ())
{
    const auto graph = independentLayers({anyLayer()});
    const Accelerator a = anyAccelerator();
    RC_ASSERT(costAt(*graph, 4, 8, a).issueSlots == costAt(*graph, 8, 8, a).issueSlots);
}

RC_GTEST_PROP(HardwareProperties, TwiceTheBandwidthIsNeverSlower, ())
{
    const auto graph = independentLayers({anyLayer()});
    Accelerator a = anyAccelerator();
    const int bits = *rc::gen::element(4, 8, 16);
    const std::int64_t before = costAt(*graph, bits, bits, a).cycles;
    a.backingBitsPerCycle *= 2;
    RC_ASSERT(costAt(*graph, bits, bits, a).cycles <= before);
}

RC_GTEST_PROP(HardwareProperties, TimeCoversComputeAndTransfer, ())
{
    const auto graph = independentLayers({anyLayer()});
    const Accelerator a = anyAccelerator();
    const LayerCost cost = costAt(*graph, 8, 8, a);
    RC_ASSERT(cost.cycles >= cost.computeCycles);
    RC_ASSERT(cost.cycles * a.backingBitsPerCycle >= trafficOf(cost));
}

RC_GTEST_PROP(HardwareProperties, SplitChannelsAndSmallerSetupAreNeverSlower, ())
{
    const auto graph = independentLayers({anyLayer()});
    Accelerator a = anyAccelerator();
    const std::int64_t shared = costAt(*graph, 8, 8, a).cycles;
    a.splitChannels = true;
    RC_ASSERT(costAt(*graph, 8, 8, a).cycles <= shared);
}

} // namespace
} // namespace bitscape::hw
