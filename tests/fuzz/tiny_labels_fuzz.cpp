// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/data_sources.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    (void)bitscape::io::parseTinyLabels({reinterpret_cast<const char*>(data), size}, "fuzz-labels");
    return 0;
}
