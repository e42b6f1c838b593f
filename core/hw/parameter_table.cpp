// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/hw/parameter_table.h"

#include <algorithm>
#include <array>
#include <type_traits>

namespace bitscape::hw {

namespace {

constexpr std::array<std::string_view, 2> kConvLanes{"cin", "flat"};
constexpr std::array<std::string_view, 3> kDepthwiseLanes{"taps", "row", "none"};
constexpr std::array<std::string_view, 3> kBackings{"sram", "dram", "flash"};
constexpr std::array<std::string_view, 2> kObjectives{"traffic", "time"};
constexpr std::array<std::string_view, 3> kStorageRules{"exact", "byte", "mode"};
constexpr std::array<std::string_view, 4> kFallbacks{"cpu", "host", "free", "error"};

// Beyond these a size is a typing error.
constexpr int kMaxUnroll = 4096;
constexpr int kMaxCycles = 1'000'000;
constexpr double kMaxKib = 1024.0 * 1024.0;

template <auto Member>
auto& member(Accelerator& a)
{
    return a.*Member;
}
template <auto Part, auto Member>
auto& memberOf(Accelerator& a)
{
    return (a.*Part).*Member;
}
template <CpuKind Kind>
double& cyclesPerElement(Accelerator& a)
{
    return a.cpuCyclesPerElement[static_cast<std::size_t>(Kind)];
}

/// `First` is the value of the enum that the first name stands for.
template <auto Member, int First = 0>
ChoiceField choice(std::span<const std::string_view> names)
{
    using Choice = std::remove_cvref_t<decltype(std::declval<Accelerator&>().*Member)>;
    return {
        .names = names,
        .get = [](const Accelerator& a) { return static_cast<int>(a.*Member) - First; },
        .set = [](Accelerator& a, int value) { a.*Member = static_cast<Choice>(value + First); }};
}
template <CpuKind Kind>
ChoiceField fallback()
{
    constexpr auto kAt = static_cast<std::size_t>(Kind);
    return {
        .names = kFallbacks,
        .get = [](const Accelerator& a) { return static_cast<int>(a.fallback[kAt]); },
        .set = [](Accelerator& a, int value) { a.fallback[kAt] = static_cast<Fallback>(value); }};
}

WholeField unroll(int& (*at)(Accelerator&))
{
    return {at, 1, kMaxUnroll};
}
RealField kib(double& (*at)(Accelerator&))
{
    return {at, 1.0 / 64.0, kMaxKib};
}
WholeField banks(int& (*at)(Accelerator&))
{
    return {at, 0, kMaxUnroll};
}
RealField cycles(double& (*at)(Accelerator&))
{
    return {at, 0.0, kMaxCycles};
}

using A = Accelerator;
using Conv = A::ConvEngine;
using Depthwise = A::DepthwiseEngine;
using Dense = A::DenseEngine;

constexpr std::string_view kCpuCyclesDoc =
    "Processor cycles per element of a layer that no engine runs.";
constexpr std::string_view kFallbackDoc =
    "A layer of this kind that no engine runs: cpu counts time and energy, host lists it only, "
    "free counts nothing and marks the row, error refuses the network.";

std::vector<Parameter> makeParameters()
{
    return {
        {"name", "", "Name in lists and reports.", "C", NameField{}},
        {"clock_mhz", "MHz", "Clock of the engines; turns cycles into seconds.", "C",
         RealField{member<&A::clockMegahertz>, 0.001, 100'000}},
        {"node_nm", "nm", "Process node. Energies and areas are computed at 45 nm and scaled.", "C",
         RealField{member<&A::nodeNanometer>, 7, 65}},
        {"vdd", "V", "Supply voltage; energy follows the node's quadratic in it.", "C",
         RealField{member<&A::supplyVolt>, 0.5, 1.3}},
        {"mult_bits", "bit", "Operand width of one multiplier at full precision.", "P",
         WholeField{member<&A::multiplierBits>, 2, 64}},
        {"modes", "lanes",
         "Products per multiplier and cycle that can be chosen; N lanes take operands of "
         "mult_bits/N. [1] alone is the fixed-precision baseline.",
         "P", ModesField{}},
        {"engines.conv.Poc", "", "Output channels computed side by side.", "C",
         unroll(memberOf<&A::conv, &Conv::outputChannels>)},
        {"engines.conv.Pic", "", "Words of input channels (N channels each) side by side.", "C",
         unroll(memberOf<&A::conv, &Conv::inputWords>)},
        {"engines.conv.Ptap", "", "Kernel taps side by side.", "C",
         unroll(memberOf<&A::conv, &Conv::taps>)},
        {"engines.conv.Ppx", "", "Output pixels side by side.", "C",
         unroll(memberOf<&A::conv, &Conv::pixels>)},
        {"engines.dw.present", "",
         "Without a depth-wise engine such layers run on the convolution engine, a channel at a "
         "time.",
         "C", FlagField{memberOf<&A::depthwise, &Depthwise::present>}},
        {"engines.dw.Pch", "", "Channels computed side by side.", "C",
         unroll(memberOf<&A::depthwise, &Depthwise::channels>)},
        {"engines.dw.Ptap", "", "Words of kernel taps side by side.", "C",
         unroll(memberOf<&A::depthwise, &Depthwise::taps>)},
        {"engines.dw.Ppx", "", "Output pixels side by side.", "C",
         unroll(memberOf<&A::depthwise, &Depthwise::pixels>)},
        {"engines.fc.Poc", "", "Outputs computed side by side.", "C",
         unroll(memberOf<&A::dense, &Dense::outputChannels>)},
        {"engines.fc.Pic", "", "Words of inputs (N inputs each) side by side.", "C",
         unroll(memberOf<&A::dense, &Dense::inputWords>)},
        {"engines.shared_multipliers", "",
         "One pool of multipliers serves all engines, so that its area counts once.", "C",
         FlagField{member<&A::sharedMultipliers>}},
        {"lane_dim.conv", "",
         "Reduction along which a convolution's lanes lie: cin (input channels) or flat (channels "
         "and taps as one).",
         "C", choice<&A::convLanes, static_cast<int>(LaneDimension::InputChannels)>(kConvLanes)},
        {"lane_dim.dw", "",
         "Reduction along which a depth-wise layer's lanes lie: taps, row (of the kernel) or none.",
         "C", choice<&A::depthwiseLanes, static_cast<int>(LaneDimension::Taps)>(kDepthwiseLanes)},
        {"II", "cycle", "Initiation interval: cycles between two issue slots.", "C",
         WholeField{member<&A::initiationInterval>, 1, 1024}},
        {"pipe_depth", "cycle", "Fill of the pipeline, once per layer.", "C",
         WholeField{member<&A::pipelineDepth>, 0, kMaxCycles}},
        {"t_cfg", "cycle", "Programming of the engine, once per layer.", "C",
         WholeField{member<&A::setupCycles>, 0, kMaxCycles}},
        {"Pq", "1/cycle", "Outputs requantized per cycle, overlapped with compute.", "C",
         unroll(member<&A::requantizersPerCycle>)},
        {"acc_bits", "bit", "Width of an accumulator.", "C",
         WholeField{member<&A::accumulatorBits>, 8, 128}},
        {"IB", "KiB", "Buffer of inputs beside the engine.", "C", kib(member<&A::inputBufferKib>)},
        {"WB", "KiB", "Buffer of weights beside the engine.", "C",
         kib(member<&A::weightBufferKib>)},
        {"OB", "KiB", "Buffer of outputs beside the engine, at accumulator width.", "C",
         kib(member<&A::outputBufferKib>)},
        {"banks.IB", "", "Banks of the input buffer; 0: as many as words read per cycle.", "D",
         banks(member<&A::inputBanks>)},
        {"banks.WB", "", "Banks of the weight buffer; 0: as many as words read per cycle.", "D",
         banks(member<&A::weightBanks>)},
        {"banks.OB", "", "Banks of the output buffer; 0: Pq.", "D", banks(member<&A::outputBanks>)},
        {"double_buffer", "", "Loads the next tile while the present one is computed.", "C",
         FlagField{member<&A::doubleBuffer>}},
        {"backing.kind", "", "Memory in which tensors live between layers.", "C",
         choice<&A::backing>(kBackings)},
        {"backing.size", "KiB", "Its size; decides the energy of an sram access.", "C",
         kib(member<&A::backingKib>)},
        {"backing.bw", "bit/cycle", "Bits moved per cycle between it and the buffers.", "C",
         WholeField{member<&A::backingBitsPerCycle>, 1, 65536}},
        {"backing.latency", "cycle", "Waiting time before a tile's load starts.", "C",
         WholeField{member<&A::backingLatency>, 0, kMaxCycles}},
        {"backing.dram_pj_per_bit", "pJ/bit",
         "Energy of a dram bit at 45 nm; 20.3 is Horowitz' figure, LPDDR4 needs about 8.", "P",
         RealField{member<&A::dramPicojoulePerBit>, 0, 1e6}},
        {"backing.flash_pj_per_bit", "pJ/bit",
         "Energy of a flash bit; no published figure stands behind the default, so set your own.",
         "C", RealField{member<&A::flashPicojoulePerBit>, 0, 1e6}},
        {"split_channels", "", "Reads and writes of the backing memory do not share its bandwidth.",
         "C", FlagField{member<&A::splitChannels>}},
        {"tile_objective", "", "What the tiler makes small first: traffic or time.", "C",
         choice<&A::tileObjective>(kObjectives)},
        {"storage.dram", "",
         "Width of an element in the backing memory: exact bits, whole bytes, or the mode's lanes.",
         "C", choice<&A::backingStorage>(kStorageRules)},
        {"storage.buffer", "",
         "Width of an element in the buffers: exact bits, whole bytes, or the mode's lanes.", "C",
         choice<&A::bufferStorage>(kStorageRules)},
        {"keep_on_chip", "",
         "Tensors between two layers that fit backing_local are neither written nor read back.",
         "C", FlagField{member<&A::keepOnChip>}},
        {"backing_local", "KiB", "Room for tensors kept on chip.", "C",
         kib(member<&A::keepOnChipKib>)},
        {"signed_only", "",
         "Multipliers take signed operands only: an unsigned operand of b bits needs b + 1.", "C",
         FlagField{member<&A::signedOnly>}},
        {"offset_shift", "",
         "Unsigned operands are shifted by half their range, so they need no extra bit.", "C",
         FlagField{member<&A::offsetShift>}},
        {"k_st_area", "", "Area of a Sum-Together multiplier over a plain one.", "P",
         RealField{member<&A::stArea>, 0.1, 10}},
        {"k_st_power", "", "Power of a Sum-Together multiplier over a plain one.", "P",
         RealField{member<&A::stPower>, 0.1, 10}},
        {"f_mode", "", "Power of a multiplier in mode N over mode 1.", "D", ModePowerField{}},
        {"idle_frac", "", "Energy of a multiplier cycle without data over one with data.", "C",
         RealField{member<&A::idleFraction>, 0, 1}},
        {"nand2_um2", "µm²", "Area of a gate at 45 nm.", "U",
         RealField{member<&A::nand2SquareMicrometer>, 0.001, 100}},
        {"cpu.clock_mhz", "MHz", "Clock of the processor; 0: the clock of the engines.", "C",
         RealField{member<&A::cpuClockMegahertz>, 0, 100'000}},
        {"cpu.pj_per_cycle", "pJ", "Energy of a processor cycle at 45 nm.", "C",
         RealField{member<&A::cpuPicojoulePerCycle>, 0, 1e6}},
        {"cpu.cycles_per_elem.add", "cycle", kCpuCyclesDoc, "C",
         cycles(cyclesPerElement<CpuKind::Add>)},
        {"cpu.cycles_per_elem.maxpool", "cycle", kCpuCyclesDoc, "C",
         cycles(cyclesPerElement<CpuKind::MaxPool>)},
        {"cpu.cycles_per_elem.avgpool", "cycle", kCpuCyclesDoc, "C",
         cycles(cyclesPerElement<CpuKind::AveragePool>)},
        {"cpu.cycles_per_elem.softmax", "cycle", kCpuCyclesDoc, "C",
         cycles(cyclesPerElement<CpuKind::Softmax>)},
        {"cpu.cycles_per_elem.sigmoid", "cycle", kCpuCyclesDoc, "C",
         cycles(cyclesPerElement<CpuKind::Sigmoid>)},
        {"cpu.cycles_per_elem.tanh", "cycle", kCpuCyclesDoc, "C",
         cycles(cyclesPerElement<CpuKind::Tanh>)},
        {"cpu.cycles_per_elem.copy", "cycle", kCpuCyclesDoc, "C",
         cycles(cyclesPerElement<CpuKind::Copy>)},
        {"cpu.cycles_per_elem.other", "cycle", kCpuCyclesDoc, "C",
         cycles(cyclesPerElement<CpuKind::Other>)},
        {"fallback.add", "", kFallbackDoc, "C", fallback<CpuKind::Add>()},
        {"fallback.maxpool", "", kFallbackDoc, "C", fallback<CpuKind::MaxPool>()},
        {"fallback.avgpool", "", kFallbackDoc, "C", fallback<CpuKind::AveragePool>()},
        {"fallback.softmax", "", kFallbackDoc, "C", fallback<CpuKind::Softmax>()},
        {"fallback.sigmoid", "", kFallbackDoc, "C", fallback<CpuKind::Sigmoid>()},
        {"fallback.tanh", "", kFallbackDoc, "C", fallback<CpuKind::Tanh>()},
        {"fallback.copy", "", kFallbackDoc, "C", fallback<CpuKind::Copy>()},
        {"fallback.other", "", kFallbackDoc, "C", fallback<CpuKind::Other>()},
    };
}

} // namespace

std::span<const Parameter> parameters()
{
    static const std::vector<Parameter> table = makeParameters();
    return table;
}

const Parameter* findParameter(std::string_view key)
{
    const auto rows = parameters();
    const auto found = std::ranges::find(rows, key, &Parameter::key);
    return found == rows.end() ? nullptr : &*found;
}

} // namespace bitscape::hw
