// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/cli/command.h"
#include "core/tensor/float_memory.h"

#include <optional>

namespace bitscape::cli {

/// What a work of the engine takes of memory beside what is there when it begins.
class MemoryWatch {
public:
    MemoryWatch();

    /// {"planned_bytes": what the plan says it needs, null where it does not know, "peak_bytes":
    /// most that its tensors took at once, "process_peak_bytes": most of the whole program that
    /// was in memory}
    [[nodiscard]] Json json(std::optional<Index> planned) const;

private:
    Index m_before;
};

} // namespace bitscape::cli
