// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/hw/accelerator.h"
#include "core/hw/energy.h"
#include "core/hw/network_rows.h"
#include "core/hw/tiling.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace bitscape::hw {

namespace {

using graph::Configuration;
using graph::Graph;

/// A tensor that fits the room on chip is neither written nor read back.
bool isKept(std::int64_t tensorBits, const Accelerator& a)
{
    return a.keepOnChip && tensorBits > 0 &&
           static_cast<double>(tensorBits) <= a.keepOnChipKib * 8192;
}

void setUtilization(LayerCost& cost, const Slots& slots)
{
    const std::int64_t lanes = cost.lanes;
    const std::int64_t words = slots.dataWords;
    const std::int64_t issued = slots.multipliers * slots.issueSlots;
    cost.slotParts = {cost.macs, lanes * words - cost.macs, lanes * (issued - words),
                      slots.multipliers * lanes * (cost.cycles - slots.issueSlots)};
    const auto ratio = [](std::int64_t part, std::int64_t whole) {
        return static_cast<double>(part) / static_cast<double>(whole);
    };
    cost.utilizationLane = ratio(cost.macs, lanes * words);
    cost.utilizationSpatial = ratio(words, issued);
    cost.utilizationTemporal = ratio(slots.issueSlots, cost.cycles);
    cost.utilization = cost.utilizationLane * cost.utilizationSpatial * cost.utilizationTemporal;
}

void warnOfMode(LayerCost& cost, const Mode& mode, const Tiling& tiling)
{
    if (mode.passes > 1) {
        cost.warnings.push_back({"multi_pass",
                                 "Operands are wider than a multiplier; every product takes " +
                                     std::to_string(mode.passes) + " passes.",
                                 cost.layer});
    }
    if (tiling.missingBytes > 0) {
        cost.warnings.push_back(
            {"does_not_fit",
             "Not even the smallest tile fits the buffers: " +
                 std::to_string(static_cast<std::int64_t>(tiling.missingBytes)) +
                 " bytes are missing. The figures are those of that tile.",
             cost.layer});
    }
}

Result<LayerCost> engineCost(const RowWork& row, const OperandBits& bits, const Accelerator& a)
{
    const EngineWork& work = *row.engine;
    const Mode mode = chooseMode(bits, a);
    const auto slots = issueSlots(work, mode, a);
    if (!slots) {
        return fail(Error(slots.error()).in("layer " + row.name));
    }
    const Kept kept{isKept(row.inputTensorBits, a), isKept(row.outputTensorBits, a)};
    const auto tiling = chooseTiling(work, bits, mode, *slots, kept, a);
    if (!tiling) {
        return fail(Error(tiling.error()).in("layer " + row.name));
    }

    LayerCost cost;
    cost.layer = row.name;
    cost.index = row.index;
    cost.engine = work.engine;
    cost.lanes = mode.lanes;
    cost.passes = mode.passes;
    cost.multipliers = slots->multipliers;
    cost.weightBits = bits.weights;
    cost.inputBits = bits.inputs;
    cost.outputBits = bits.outputs;
    cost.macs = work.macs;
    cost.issueSlots = slots->issueSlots;
    cost.computeCycles = slots->computeCycles;
    cost.cycles = tiling->cycles;
    cost.stallFirstLoad = tiling->firstLoad;
    cost.stallLastStore = tiling->lastStore;
    cost.stallSteady = tiling->steady;
    cost.memoryBound = tiling->isMemoryBound;
    cost.doubleBuffered = tiling->isDoubleBuffered;
    cost.inputTrafficBits = tiling->inputBits;
    cost.weightTrafficBits = tiling->weightBits;
    cost.outputTrafficBits = tiling->outputBits;
    cost.energyPicojoule = engineEnergy(mode, *slots, *tiling, a);
    cost.tile = tiling->tile;
    cost.warnings = row.warnings;
    setUtilization(cost, *slots);
    warnOfMode(cost, mode, *tiling);
    return cost;
}

/// Serial work of the processor, in cycles of the engines' clock.
Result<LayerCost> processorCost(const RowWork& row, const Accelerator& a)
{
    LayerCost cost;
    cost.layer = row.name;
    cost.index = row.index;
    cost.engine = EngineKind::Cpu;
    cost.warnings = row.warnings;
    const auto kind = static_cast<std::size_t>(row.cpuKind);
    const std::string kindName(kCpuKinds[kind]);
    switch (a.fallback[kind]) {
    case Fallback::Cpu:
        break;
    case Fallback::Host:
        cost.engine = EngineKind::Free;
        cost.warnings.push_back({"on_host", "Runs on the host and is not counted.", row.name});
        return cost;
    case Fallback::Free:
        cost.engine = EngineKind::Free;
        cost.warnings.push_back(
            {"counted_as_free", "No engine runs this layer; it is counted as free.", row.name});
        return cost;
    case Fallback::Error:
        return fail(ErrorCode::Unsupported, "No engine of the accelerator runs this layer.",
                    "layer " + row.name,
                    "The accelerator's key \"fallback." + kindName + "\" is \"error\"; \"cpu\" " +
                        "runs such layers on the processor.");
    }
    const double own = std::ceil(row.cpuElements * a.cpuCyclesPerElement[kind]);
    const double ratio = a.cpuClockMegahertz > 0 ? a.clockMegahertz / a.cpuClockMegahertz : 1.0;
    const double cycles = std::ceil(own * ratio);
    if (!(cycles < 9e18)) {
        return fail(ErrorCode::InvalidArgument,
                    "The layer takes more processor cycles than can be counted in 63 bits.",
                    "layer " + row.name);
    }
    cost.cycles = static_cast<std::int64_t>(cycles);
    cost.energyPicojoule.back() =
        own * a.cpuPicojoulePerCycle * energyScale(a.nodeNanometer, a.supplyVolt);
    return cost;
}

Result<LayerCost> rowCost(const RowWork& row, const OperandBits& bits, const Accelerator& a)
{
    if (row.engine) {
        return engineCost(row, bits, a);
    }
    if (row.isFree) {
        LayerCost cost;
        cost.layer = row.name;
        cost.index = row.index;
        cost.engine = EngineKind::Free;
        cost.warnings = row.warnings;
        return cost;
    }
    return processorCost(row, a);
}

NetworkCost summed(std::vector<LayerCost> layers, const Accelerator& a)
{
    NetworkCost network;
    double offered = 0;
    std::int64_t engineCycles = 0;
    std::int64_t engineMacs = 0;
    for (const LayerCost& layer : layers) {
        network.macs += layer.macs;
        network.cycles += layer.cycles;
        network.energyPicojoule += layer.totalEnergyPicojoule();
        if (layer.multipliers > 0) {
            engineMacs += layer.macs;
            engineCycles += layer.cycles;
            offered += static_cast<double>(layer.multipliers * layer.lanes) *
                       static_cast<double>(layer.cycles);
        }
    }
    const auto share = [](std::int64_t part, std::int64_t whole) {
        return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 1.0;
    };
    network.seconds = static_cast<double>(network.cycles) / (a.clockMegahertz * 1e6);
    network.utilization = offered > 0 ? static_cast<double>(engineMacs) / offered : 0.0;
    network.acceleratedMacShare = share(engineMacs, network.macs);
    network.acceleratedCycleShare = share(engineCycles, network.cycles);
    network.areaSquareMillimeter = areaSquareMillimeter(a);
    network.layers = std::move(layers);
    return network;
}

/// Behind a layer that is known by name only, or an input whose size the file leaves open, nothing
/// can be counted.
Result<void> requireShapes(const Graph& graph)
{
    for (const graph::Layer& layer : graph.layers()) {
        if (layer.isSupported() && layer.outputShape.rank() == 0) {
            if (auto ok = requireSupported(graph); !ok) {
                return ok;
            }
            return fail(ErrorCode::InvalidArgument, "The size of the layer is left open.",
                        "layer " + layer.name, "Costs need a network whose input size is fixed.");
        }
    }
    return {};
}

Result<std::vector<RowWork>> checkedRows(const Graph& graph, const Configuration& configuration,
                                         const Accelerator& accelerator, Index batch)
{
    if (auto ok = accelerator.validate(); !ok) {
        return fail(std::move(ok).error());
    }
    constexpr Index kMaxBatch = 1'000'000;
    if (batch < 1 || batch > kMaxBatch) {
        return fail(ErrorCode::InvalidArgument,
                    "The batch is " + std::to_string(batch) + "; it takes 1 to " +
                        std::to_string(kMaxBatch) + ".",
                    "--batch");
    }
    if (auto ok = requireShapes(graph); !ok) {
        return fail(std::move(ok).error());
    }
    return networkRows(graph, configuration, accelerator, batch);
}

Result<NetworkCost> costOf(const std::vector<RowWork>& rows, const Accelerator& accelerator)
{
    std::vector<LayerCost> layers;
    layers.reserve(rows.size());
    for (const RowWork& row : rows) {
        auto cost = rowCost(row, row.bits, accelerator);
        if (!cost) {
            return fail(std::move(cost).error());
        }
        layers.push_back(std::move(*cost));
    }
    return summed(std::move(layers), accelerator);
}

/// The next mode with more lanes than the bits have now; 0 if there is none.
int nextLanes(int lanes, const Accelerator& a)
{
    const auto next = std::ranges::upper_bound(a.modes, lanes);
    return next == a.modes.end() ? 0 : *next;
}

/// The widest operand of at most `bits` that an engine takes at `width`.
int loweredTo(int width, int bits, bool isSigned, const Accelerator& a)
{
    const int extra = engineBits(bits, isSigned, a) - bits;
    return std::min(bits, width - extra);
}

std::string withThousands(std::int64_t value)
{
    std::string digits = std::to_string(value);
    for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
        digits.insert(static_cast<std::size_t>(at), ",");
    }
    return digits;
}

} // namespace

double LayerCost::totalEnergyPicojoule() const
{
    return std::accumulate(energyPicojoule.begin(), energyPicojoule.end(), 0.0);
}

Result<NetworkCost> hardwareCost(const Graph& graph, const Configuration& configuration,
                                 const Accelerator& accelerator, Index batch)
{
    auto rows = checkedRows(graph, configuration, accelerator, batch);
    if (!rows) {
        return fail(std::move(rows).error());
    }
    return costOf(*rows, accelerator);
}

Result<NetworkCost> uniformCost(const Graph& graph, int bits, const Accelerator& accelerator,
                                Index batch)
{
    auto rows = checkedRows(graph, {}, accelerator, batch);
    if (!rows) {
        return fail(std::move(rows).error());
    }
    for (RowWork& row : *rows) {
        row.bits = {.weights = bits, .inputs = bits, .outputs = bits};
        std::erase_if(row.warnings, [](const Warning& w) { return w.code == "float_operand"; });
    }
    return costOf(*rows, accelerator);
}

Accelerator fixedPrecision(Accelerator accelerator)
{
    accelerator.modes = {1};
    return accelerator;
}

Result<Speedup> speedup(const Graph& graph, const NetworkCost& cost, const Accelerator& accelerator,
                        Index batch)
{
    const auto fixed =
        uniformCost(graph, accelerator.multiplierBits, fixedPrecision(accelerator), batch);
    if (!fixed) {
        return fail(fixed.error());
    }
    const auto half =
        uniformCost(graph, std::max(1, accelerator.multiplierBits / 2), accelerator, batch);
    if (!half) {
        return fail(half.error());
    }
    const auto ratio = [](double other, double own) { return own > 0 ? other / own : 1.0; };
    const auto cycles = static_cast<double>(cost.cycles);
    return Speedup{.fixed16 = ratio(static_cast<double>(fixed->cycles), cycles),
                   .uniform8 = ratio(static_cast<double>(half->cycles), cycles),
                   .fixed16Energy = ratio(fixed->energyPicojoule, cost.energyPicojoule),
                   .uniform8Energy = ratio(half->energyPicojoule, cost.energyPicojoule)};
}

Result<std::vector<SweepPoint>> sweepBits(const Graph& graph, const Configuration& configuration,
                                          const Accelerator& accelerator,
                                          std::span<const int> widths, Index batch)
{
    auto rows = checkedRows(graph, configuration, accelerator, batch);
    if (!rows) {
        return fail(std::move(rows).error());
    }
    std::vector<SweepPoint> points;
    for (const RowWork& row : *rows) {
        if (!row.engine) {
            continue;
        }
        for (const int weights : widths) {
            for (const int inputs : widths) {
                OperandBits bits = row.bits;
                bits.weights = weights;
                bits.inputs = inputs;
                const auto cost = engineCost(row, bits, accelerator);
                if (!cost) {
                    return fail(cost.error());
                }
                points.push_back(
                    {row.name, weights, inputs, cost->cycles, cost->totalEnergyPicojoule()});
            }
        }
    }
    return points;
}

Result<std::vector<Hint>> nextCheaperModes(const Graph& graph, const Configuration& configuration,
                                           const Accelerator& accelerator, Index batch)
{
    auto rows = checkedRows(graph, configuration, accelerator, batch);
    if (!rows) {
        return fail(std::move(rows).error());
    }
    std::vector<Hint> hints;
    for (const RowWork& row : *rows) {
        const int lanes =
            row.engine ? nextLanes(chooseMode(row.bits, accelerator).lanes, accelerator) : 0;
        if (lanes == 0) {
            continue;
        }
        const int width = accelerator.multiplierBits / lanes;
        OperandBits bits = row.bits;
        bits.weights = loweredTo(width, bits.weights, bits.weightsSigned, accelerator);
        bits.inputs = loweredTo(width, bits.inputs, bits.inputsSigned, accelerator);
        if (bits.weights < 1 || bits.inputs < 1) {
            continue; // a 1-bit unsigned operand needs two bits and cannot be narrowed
        }
        const auto now = engineCost(row, row.bits, accelerator);
        const auto then = engineCost(row, bits, accelerator);
        if (!now || !then) {
            return fail(now ? then.error() : now.error());
        }
        hints.push_back(
            {.layer = row.name,
             .index = row.index,
             .lanes = lanes,
             .weightBits = row.bits.weights,
             .newWeightBits = bits.weights,
             .inputBits = row.bits.inputs,
             .newInputBits = bits.inputs,
             .cyclesSaved = now->cycles - then->cycles,
             .energySavedPicojoule = now->totalEnergyPicojoule() - then->totalEnergyPicojoule()});
    }
    std::ranges::stable_sort(hints, std::ranges::greater{}, &Hint::cyclesSaved);
    return hints;
}

std::string Hint::sentence() const
{
    std::vector<std::string> changes;
    const auto change = [&](const char* what, int from, int to) {
        if (from != to) {
            changes.push_back(std::string(what) + " " + std::to_string(from) + " → " +
                              std::to_string(to));
        }
    };
    change("weights", weightBits, newWeightBits);
    change("activations", inputBits, newInputBits);
    std::string text;
    for (const std::string& part : changes) {
        text += (text.empty() ? "" : " and ") + part;
    }
    const std::string saved = (cyclesSaved < 0 ? "+" : "−") + withThousands(std::abs(cyclesSaved));
    return text + " bits would unlock the " + std::to_string(lanes) + "-lane mode: " + saved +
           " cycles";
}

} // namespace bitscape::hw
