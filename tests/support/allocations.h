// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What the process takes from the heap, counted by standing in for malloc (allocations.cpp, which
// a test target must compile).

#include <cstddef>

namespace bitscape::allocations {

struct Count {
    std::size_t calls = 0;
    std::size_t bytes = 0;
};

/// False where the heap belongs to a sanitizer or another C library: then nothing is counted.
[[nodiscard]] bool areCounted();
/// Of all threads since the last begin().
void begin();
[[nodiscard]] Count end();

} // namespace bitscape::allocations
