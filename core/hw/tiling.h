// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/hw/engine.h"

namespace bitscape::hw {

/// How a layer is cut in pieces that fit the buffers, and what that costs.
struct Tiling {
    LayerCost::Tile tile;
    std::int64_t inputBits = 0, weightBits = 0, outputBits = 0; ///< moved at the backing memory
    std::int64_t cycles = 0;                                    ///< T
    std::int64_t firstLoad = 0, lastStore = 0, steady = 0;      ///< T − t_cfg − T_comp in parts
    bool isMemoryBound = false;
    bool isDoubleBuffered = true;
    double missingBytes = 0; ///< > 0: not even the smallest tile fits, the figures are for that one
};

/// Which transfers fall away since the tensor stays on chip.
struct Kept {
    bool inputs = false, outputs = false;
};

/// Looks at every candidate tile and keeps the best by the accelerator's objective: deterministic,
/// a few hundred candidates. InvalidArgument if a count leaves int64.
[[nodiscard]] Result<Tiling> chooseTiling(const EngineWork& work, const OperandBits& bits,
                                          const Mode& mode, const Slots& slots, const Kept& kept,
                                          const Accelerator& accelerator);

} // namespace bitscape::hw
