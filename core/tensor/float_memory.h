// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/tensor/tensor.h"

namespace bitscape {

/// Bytes of allocateFloats() that are in use: weights, packed weights, arenas, tensors. What else
/// the engine holds is small beside them. Thread: any.
class FloatMemory {
public:
    /// Allocated less freed by this thread. Where one thread makes an object, the difference is
    /// what the object holds.
    [[nodiscard]] static Index ofThisThread();
    [[nodiscard]] static Index inUse();
    /// Most in use at once since restartPeak(), or since the program began.
    [[nodiscard]] static Index peak();
    static void restartPeak();
};

} // namespace bitscape
