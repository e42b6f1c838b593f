// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/graph/configuration.h"
#include "core/graph/graph.h"

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bitscape::hw {

enum class LaneDimension { InputChannels, Flat, Taps, Row, None };
enum class TileObjective { Traffic, Time };
enum class BackingKind { Sram, Dram, Flash };

/// A Sum-Together accelerator: every parameter of spec B.2 with its default. A value.
struct Accelerator {
    std::string name = "ST array 16 PE, 28 nm";
    double clockMegahertz = 200.0;
    double nodeNanometer = 28.0;
    double supplyVolt = 0.9;
    int multiplierBits = 16;
    std::vector<int> modes{1, 2, 4}; ///< lanes per multiplier, ascending, first is 1
    struct ConvEngine {
        int outputChannels = 4, inputWords = 4, taps = 1, pixels = 1;
    } conv;
    struct DepthwiseEngine {
        bool present = true;
        int channels = 16, taps = 1, pixels = 1;
    } depthwise;
    struct DenseEngine {
        int outputChannels = 4, inputWords = 4;
    } dense;
    bool sharedMultipliers = true;
    LaneDimension convLanes = LaneDimension::InputChannels; ///< InputChannels or Flat
    LaneDimension depthwiseLanes = LaneDimension::Taps;     ///< Taps, Row or None
    int initiationInterval = 1, pipelineDepth = 8, setupCycles = 64;
    int requantizersPerCycle = 4;
    int accumulatorBits = 48;
    double inputBufferKib = 16, weightBufferKib = 16, outputBufferKib = 16;
    bool doubleBuffer = true;
    BackingKind backing = BackingKind::Sram;
    double backingKib = 512;
    int backingBitsPerCycle = 64, backingLatency = 16;
    bool splitChannels = false;
    TileObjective tileObjective = TileObjective::Traffic;
    bool signedOnly = true, offsetShift = false;
    double stArea = 1.10, stPower = 1.13;
    std::map<int, double> modePower{{1, 1.0}, {2, 0.56}, {4, 0.36}};
    double idleFraction = 0.1;
    double cpuPicojoulePerCycle = 10.0;
    std::map<std::string, double> cpuCyclesPerElement; ///< by kind; defaults of B.2

    [[nodiscard]] Result<void> validate() const;
};

/// Reads {"schema": "hwmodel/1", …}; unknown keys are refused with their path and the known ones.
[[nodiscard]] Result<Accelerator> parseAccelerator(std::string_view json);
[[nodiscard]] std::string toJson(const Accelerator& accelerator);
/// Built-in presets, the first is the default.
[[nodiscard]] std::span<const Accelerator> accelerators();
[[nodiscard]] const Accelerator* findAccelerator(std::string_view name);

/// A field of Accelerator as dialogs, tooltips and the report show it.
struct ParameterDoc {
    std::string key;                         ///< JSON key
    std::string unit, doc, defaultText, tag; ///< tag: [P], [R], [D], [C], [U] of its source
};
[[nodiscard]] std::span<const ParameterDoc> parameterDocs();

enum class EngineKind { Conv, Depthwise, Dense, Cpu, Free };
[[nodiscard]] std::string_view name(EngineKind kind);

/// Energy parts in picojoule, order of kEnergyParts.
inline constexpr std::array<std::string_view, 9> kEnergyParts{
    "multipliers",   "accumulate", "registers",  "input_buffer", "weight_buffer",
    "output_buffer", "backing",    "requantize", "cpu"};
/// Parts of the lane-slots offered (B.6), order of kSlotParts; they sum to P·N·T exactly.
inline constexpr std::array<std::string_view, 4> kSlotParts{"useful", "lane_padding",
                                                            "spatial_edge", "temporal"};

struct LayerCost {
    std::string layer;
    int index = -1; ///< in the graph
    EngineKind engine = EngineKind::Cpu;
    int lanes = 1; ///< N of the mode
    int weightBits = 0, inputBits = 0, outputBits = 0;
    std::int64_t macs = 0;
    std::int64_t issueSlots = 0;    ///< n_it
    std::int64_t computeCycles = 0; ///< T_comp
    std::int64_t cycles = 0;        ///< T
    double utilizationLane = 0, utilizationSpatial = 0, utilizationTemporal = 0, utilization = 0;
    std::array<std::int64_t, 4> slotParts{};
    std::int64_t stallFirstLoad = 0, stallLastStore = 0, stallSteady = 0;
    bool memoryBound = false;
    std::int64_t inputTrafficBits = 0, weightTrafficBits = 0,
                 outputTrafficBits = 0; ///< at the backing memory
    std::array<double, 9> energyPicojoule{};
    struct Tile {
        std::int64_t outputChannels = 0, inputChannels = 0, rows = 0, count = 0;
        char order = 'A';
    } tile;
    Warnings warnings;

    [[nodiscard]] double totalEnergyPicojoule() const;
};

struct NetworkCost {
    std::vector<LayerCost>
        layers; ///< layers with work, in graph order (CPU fallback included, free ones marked)
    std::int64_t macs = 0, cycles = 0;
    double seconds = 0, utilization = 0, energyPicojoule = 0, areaSquareMillimeter = 0;
    double acceleratedMacShare = 1, acceleratedCycleShare = 1;
};

/// Costs of one inference of `batch` samples; pure and fast (a network in < 5 ms). The input bits
/// of a layer are the output bits of its producers; floats count as 16 bits with a warning.
/// InvalidArgument (accelerator), Unsupported never: unknown layers run on the CPU with a warning.
[[nodiscard]] Result<NetworkCost> hardwareCost(const graph::Graph& graph,
                                               const graph::Configuration& configuration,
                                               const Accelerator& accelerator, Index batch = 1);

/// Bits of a layer's weights (kernel-type slot) and of its output under a configuration; 32 if
/// float.
struct LayerBits {
    int weights = 32, bias = 32, input = 32, output = 32;
    bool weightsSigned = true, inputSigned = true;
};
[[nodiscard]] std::vector<LayerBits> layerBits(const graph::Graph& graph,
                                               const graph::Configuration& configuration);
/// Bits of all weights stored with exact widths.
[[nodiscard]] std::int64_t packedWeightBits(const graph::Graph& graph,
                                            const graph::Configuration& configuration);

} // namespace bitscape::hw
