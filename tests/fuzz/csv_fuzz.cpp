// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/data_sources.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (const char* label : {"", "label", "1"}) {
        (void)bitscape::io::parseCsv(text, label, "fuzz.csv");
    }
    return 0;
}
