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
/// Bits that an element occupies: its own, its own rounded up to bytes, or the mode's 16/N.
enum class StorageRule { Exact, Byte, Mode };
/// What happens to a layer that no engine runs.
enum class Fallback {
    Cpu,   ///< runs serially on the processor, time and energy count
    Host,  ///< runs elsewhere: listed, not counted
    Free,  ///< counted as nothing, and marked so
    Error, ///< the network is refused
};
/// Kinds of work for the processor, order of kCpuKinds.
enum class CpuKind { Add, MaxPool, AveragePool, Softmax, Sigmoid, Tanh, Copy, Other };
inline constexpr std::array<std::string_view, 8> kCpuKinds{
    "add", "maxpool", "avgpool", "softmax", "sigmoid", "tanh", "copy", "other"};

/// A Sum-Together accelerator: one multiplier of multiplierBits operands does N products of
/// multiplierBits/N operands and adds them. Units and ranges: parameterDocs(). A value.
struct Accelerator {
    std::string name = "ST array 16 PE, 28 nm";
    double clockMegahertz = 200.0;
    double nodeNanometer = 28.0;
    double supplyVolt = 0.9;
    int multiplierBits = 16;
    std::vector<int> modes{1, 2, 4}; ///< lanes per multiplier, ascending, first is 1
    struct ConvEngine {
        int outputChannels = 4, inputWords = 4, taps = 1, pixels = 1;
        bool operator==(const ConvEngine&) const = default;
    } conv;
    struct DepthwiseEngine {
        bool present = true;
        int channels = 16, taps = 1, pixels = 1;
        bool operator==(const DepthwiseEngine&) const = default;
    } depthwise;
    struct DenseEngine {
        int outputChannels = 4, inputWords = 4;
        bool operator==(const DenseEngine&) const = default;
    } dense;
    bool sharedMultipliers = true;
    LaneDimension convLanes = LaneDimension::InputChannels; ///< InputChannels or Flat
    LaneDimension depthwiseLanes = LaneDimension::Taps;     ///< Taps, Row or None
    int initiationInterval = 1, pipelineDepth = 8, setupCycles = 64;
    int requantizersPerCycle = 4;
    int accumulatorBits = 48;
    double inputBufferKib = 16, weightBufferKib = 16, outputBufferKib = 16;
    int inputBanks = 0, weightBanks = 0, outputBanks = 0; ///< 0: as many as words read per cycle
    bool doubleBuffer = true;
    BackingKind backing = BackingKind::Sram;
    double backingKib = 512;
    int backingBitsPerCycle = 64, backingLatency = 16;
    double dramPicojoulePerBit = 20.3, flashPicojoulePerBit = 20.3;
    bool splitChannels = false;
    TileObjective tileObjective = TileObjective::Traffic;
    StorageRule backingStorage = StorageRule::Exact, bufferStorage = StorageRule::Mode;
    bool keepOnChip = false;
    double keepOnChipKib = 64;
    bool signedOnly = true, offsetShift = false;
    double stArea = 1.10, stPower = 1.13;
    std::map<int, double> modePower{{1, 1.0}, {2, 0.56}, {4, 0.36}};
    double idleFraction = 0.1;
    double nand2SquareMicrometer = 0.798; ///< at 45 nm
    double cpuClockMegahertz = 0.0;       ///< 0: the accelerator's clock
    double cpuPicojoulePerCycle = 10.0;
    std::array<double, 8> cpuCyclesPerElement{4, 2, 2, 60, 40, 40, 1, 8};
    std::array<Fallback, 8> fallback{}; ///< all Fallback::Cpu

    /// InvalidArgument naming the JSON key, the value and the rule.
    [[nodiscard]] Result<void> validate() const;
    bool operator==(const Accelerator&) const = default;
};

/// Reads {"schema": "hwmodel/1", …}; keys that are left out keep their defaults. InvalidArgument
/// names the path of the key; unknown keys with the known ones of the same place.
[[nodiscard]] Result<Accelerator> parseAccelerator(std::string_view json);
/// Every parameter, so that a later change of a default changes nothing stored.
[[nodiscard]] std::string toJson(const Accelerator& accelerator);
/// Built-in presets, the first is the default.
[[nodiscard]] std::span<const Accelerator> accelerators();
/// By name, upper and lower case alike; null if there is none.
[[nodiscard]] const Accelerator* findAccelerator(std::string_view name);

/// A field of Accelerator as dialogs, tooltips and the report show it.
struct ParameterDoc {
    std::string key; ///< path of the JSON key: "engines.conv.Poc"
    std::string unit, doc, defaultText;
    std::string tag; ///< source of the default: P published, R reference run, D derived, C chosen,
                     ///< U quoted
};
[[nodiscard]] std::span<const ParameterDoc> parameterDocs();
/// Value of a field as text, and the accelerator with the field set from text (JSON, or a bare word
/// for names); InvalidArgument names the key and the rule.
[[nodiscard]] std::string parameterText(const Accelerator& accelerator, std::string_view key);
[[nodiscard]] Result<Accelerator> withParameter(const Accelerator& accelerator,
                                                std::string_view key, std::string_view text);

enum class EngineKind { Conv, Depthwise, Dense, Cpu, Free };
[[nodiscard]] std::string_view name(EngineKind kind);

/// Energy parts in picojoule, order of kEnergyParts.
inline constexpr std::array<std::string_view, 9> kEnergyParts{
    "multipliers",   "accumulate", "registers",  "input_buffer", "weight_buffer",
    "output_buffer", "backing",    "requantize", "cpu"};
/// Parts of the lane-slots offered (B.6), order of kSlotParts; they sum to P·N·T exactly.
inline constexpr std::array<std::string_view, 4> kSlotParts{"useful", "lane_padding",
                                                            "spatial_edge", "temporal"};

/// Costs of one row: a layer, or a stage of a separable layer ("sep/depthwise", "sep/pointwise").
struct LayerCost {
    std::string layer;
    int index = -1; ///< of the layer in the graph
    EngineKind engine = EngineKind::Cpu;
    int lanes = 1;                ///< N of the mode
    int passes = 1;               ///< > 1: operands wider than the multiplier
    std::int64_t multipliers = 0; ///< P of the engine
    int weightBits = 0, inputBits = 0, outputBits = 0;
    std::int64_t macs = 0;
    std::int64_t issueSlots = 0;    ///< n_it
    std::int64_t computeCycles = 0; ///< T_comp
    std::int64_t cycles = 0;        ///< T
    double utilizationLane = 0, utilizationSpatial = 0, utilizationTemporal = 0, utilization = 0;
    std::array<std::int64_t, 4> slotParts{};
    /// T − t_cfg − T_comp in parts; steady may be a little below zero, as tiles round up.
    std::int64_t stallFirstLoad = 0, stallLastStore = 0, stallSteady = 0;
    bool memoryBound = false;
    bool doubleBuffered = true;
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
/// Layers without multiplications run on the CPU; those that vanish in their producer's
/// requantization, or move no data, are listed as Free. Layers that are known by name only run on
/// the CPU with a warning.
/// InvalidArgument (accelerator, batch < 1, counts beyond 63 bits), Unsupported (only by the
/// fallback rule "error").
[[nodiscard]] Result<NetworkCost> hardwareCost(const graph::Graph& graph,
                                               const graph::Configuration& configuration,
                                               const Accelerator& accelerator, Index batch = 1);

/// The same network with every operand at `bits`, whatever its quantizers: a baseline.
[[nodiscard]] Result<NetworkCost> uniformCost(const graph::Graph& graph, int bits,
                                              const Accelerator& accelerator, Index batch = 1);
/// The accelerator without Sum-Together: modes [1].
[[nodiscard]] Accelerator fixedPrecision(Accelerator accelerator);

/// Time of the network on the baselines over its time here.
struct Speedup {
    double fixed16 = 1;  ///< the accelerator with modes [1], all operands at its full width
    double uniform8 = 1; ///< the same accelerator, all operands at half the full width
    double fixed16Energy = 1, uniform8Energy = 1; ///< energies likewise
};
[[nodiscard]] Result<Speedup> speedup(const graph::Graph& graph, const NetworkCost& cost,
                                      const Accelerator& accelerator, Index batch = 1);

/// A layer at other widths than its own; its output keeps its width.
struct SweepPoint {
    std::string layer; ///< row name
    int weightBits = 0, inputBits = 0;
    std::int64_t cycles = 0;
    double energyPicojoule = 0;
};
/// Every engine row at every pair of `widths` (1 … 64): the precision staircase.
[[nodiscard]] Result<std::vector<SweepPoint>>
sweepBits(const graph::Graph& graph, const graph::Configuration& configuration,
          const Accelerator& accelerator, std::span<const int> widths, Index batch = 1);

/// What it takes to run a row in the next mode with more lanes.
struct Hint {
    std::string layer;                     ///< row name
    int index = -1;                        ///< of the layer in the graph
    int lanes = 1;                         ///< of that mode
    int weightBits = 0, newWeightBits = 0; ///< equal: the weights need no change
    int inputBits = 0, newInputBits = 0;   ///< equal: the inputs need no change
    std::int64_t cyclesSaved = 0;
    double energySavedPicojoule = 0;

    /// "activations 5 → 4 bits would unlock the 4-lane mode: −1,234 cycles".
    [[nodiscard]] std::string sentence() const;
};
/// One hint per engine row that has a next mode, largest saving of cycles first.
[[nodiscard]] Result<std::vector<Hint>> nextCheaperModes(const graph::Graph& graph,
                                                         const graph::Configuration& configuration,
                                                         const Accelerator& accelerator,
                                                         Index batch = 1);

/// Multipliers of an engine (0 for Cpu and Free): roofs of the roofline are multipliers · lanes.
[[nodiscard]] std::int64_t multipliers(EngineKind engine, const Accelerator& accelerator);
/// mm² at the accelerator's node: multipliers, buffers, requantizers, control.
[[nodiscard]] double areaSquareMillimeter(const Accelerator& accelerator);

/// Bits of a layer's weights (kernel-type slot), of what it reads and of its output under a
/// configuration; 32 if float.
struct LayerBits {
    int weights = 32, bias = 32, input = 32, output = 32;
    bool weightsSigned = true, inputSigned = true, outputSigned = true;
    bool weightsFloat = true, inputFloat = true, outputFloat = true;
    /// Weights and inputs have a range that is the same above and below zero.
    bool weightsSymmetric = false, inputSymmetric = false, outputSymmetric = false;
};
[[nodiscard]] std::vector<LayerBits> layerBits(const graph::Graph& graph,
                                               const graph::Configuration& configuration);
/// Bits of all weights stored with exact widths (float: 32).
[[nodiscard]] std::int64_t packedWeightBits(const graph::Graph& graph,
                                            const graph::Configuration& configuration);

} // namespace bitscape::hw
