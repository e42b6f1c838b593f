// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/base/job.h"

#include <cstdint>
#include <functional>
#include <string>

namespace bitscape::io {

struct IsolationOptions {
    double seconds = 8;                               ///< wall clock; then the child is killed
    std::int64_t memoryBytes = std::int64_t{1} << 30; ///< on top of what the process has mapped
    JobContext job;                                   ///< Canceled within 50 ms of a stop request
};

/// Runs `work` in a forked child and returns its answer, so that a crash, an endless loop or a
/// memory bomb inside a foreign library is a CorruptFile error naming `where` and not the end of
/// this program. The child may not use threads, print, or touch anything but files and memory.
/// Cost: about a millisecond plus the copy of the answer. Thread: any.
[[nodiscard]] Result<std::string> isolated(const std::string& where,
                                           const std::function<Result<std::string>()>& work,
                                           const IsolationOptions& options = {});

} // namespace bitscape::io
