// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/hw/engine.h"

#include <optional>
#include <string>
#include <vector>

namespace bitscape::hw {

/// A row of the cost table before it is priced.
struct RowWork {
    std::string name;
    int index = -1;
    std::optional<EngineWork> engine; ///< absent: the processor, or nothing
    OperandBits bits;
    std::int64_t inputTensorBits = 0, outputTensorBits = 0; ///< for keep_on_chip; 0: never kept
    bool isFree = false;
    CpuKind cpuKind = CpuKind::Other;
    double cpuElements = 0; ///< of the whole batch
    Warnings warnings;
};

/// The network in the terms of the accelerator, in graph order: what each engine multiplies, what
/// runs on the processor, what vanishes in another layer's requantization.
[[nodiscard]] std::vector<RowWork> networkRows(const graph::Graph& graph,
                                               const graph::Configuration& configuration,
                                               const Accelerator& accelerator, Index batch);

} // namespace bitscape::hw
