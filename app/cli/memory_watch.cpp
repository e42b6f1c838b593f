// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/memory_watch.h"

#include <sys/resource.h>

namespace bitscape::cli {

namespace {

std::int64_t processPeakBytes()
{
    constexpr std::int64_t kUnit = 1024; // of ru_maxrss on Linux
    rusage usage{};
    return ::getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_maxrss * kUnit : 0;
}

} // namespace

MemoryWatch::MemoryWatch() : m_before(FloatMemory::inUse())
{
    FloatMemory::restartPeak();
}

Json MemoryWatch::json(std::optional<Index> planned) const
{
    return {{"planned_bytes", planned ? Json(*planned) : Json(nullptr)},
            {"peak_bytes", FloatMemory::peak() - m_before},
            {"process_peak_bytes", processPeakBytes()}};
}

} // namespace bitscape::cli
