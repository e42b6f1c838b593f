// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/hw/accelerator.h"

#include <cstdint>
#include <string>

namespace bitscape::hw {

/// Multiply-accumulate work as an engine sees it, whatever layer it came from. All counts ≥ 1.
struct EngineWork {
    EngineKind engine = EngineKind::Conv; ///< Conv, Depthwise or Dense
    std::int64_t samples = 1;             ///< batch (times rows for dense layers on sequences)
    std::int64_t groups = 1;
    std::int64_t inputChannels = 1, outputChannels = 1; ///< of one group
    std::int64_t kernelHeight = 1, kernelWidth = 1;
    std::int64_t strideHeight = 1;
    std::int64_t kernelRows = 1; ///< input rows under a kernel: (KH − 1)·dilation + 1
    std::int64_t height = 1, width = 1, outputHeight = 1, outputWidth = 1;
    bool hasBias = true;
    std::int64_t macs = 0; ///< of all samples

    [[nodiscard]] std::int64_t taps() const { return kernelHeight * kernelWidth; }
    [[nodiscard]] std::int64_t pixels() const { return outputHeight * outputWidth; }
};

/// Widths of a layer's operands.
struct OperandBits {
    int weights = 16, inputs = 16, outputs = 16;
    bool weightsSigned = true, inputsSigned = true;
};

/// Width at which the multiplier must take an operand: one bit more if it is unsigned and the
/// engine takes signed operands only.
[[nodiscard]] int engineBits(int bits, bool isSigned, const Accelerator& accelerator);

struct Mode {
    int lanes = 1;  ///< N
    int passes = 1; ///< > 1: operands wider than the multiplier
    int width = 16; ///< mult_bits / N
};
/// The most lanes whose operand width takes both operands.
[[nodiscard]] Mode chooseMode(const OperandBits& bits, const Accelerator& accelerator);

/// Issue slots of one layer on its engine.
struct Slots {
    std::int64_t multipliers = 1; ///< P
    std::int64_t issueSlots = 0;  ///< n_it
    std::int64_t dataWords = 0;   ///< Wd: multiplier words that carry data
    std::int64_t outputs = 0;     ///< of all samples
    std::int64_t reduction = 1;   ///< products summed per output
    std::int64_t computeCycles = 0;
    std::int64_t inputBanks = 1, weightBanks = 1, outputBanks = 1;
    std::int64_t inputReads = 0;  ///< words
    std::int64_t weightReads = 0; ///< words
};
/// InvalidArgument if a count leaves int64.
[[nodiscard]] Result<Slots> issueSlots(const EngineWork& work, const Mode& mode,
                                       const Accelerator& accelerator);

} // namespace bitscape::hw
