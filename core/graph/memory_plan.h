// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/tensor/tensor.h"

#include <span>
#include <vector>

namespace bitscape::graph {

/// A piece of memory and when it is in use (both ends included).
struct Lifetime {
    Index floats = 0;
    int first = 0;
    int last = 0;
};

/// Where the pieces lie in one block: pieces that are in use at the same time never overlap.
struct MemoryPlan {
    std::vector<Index> offsets; ///< multiples of 16 floats, in the order given
    Index floats = 0;           ///< size of the block
};

/// Largest piece first, each at the lowest place that is free while it lives.
[[nodiscard]] MemoryPlan planMemory(std::span<const Lifetime> pieces);

} // namespace bitscape::graph
