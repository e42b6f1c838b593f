// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/data_sources.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const bitscape::io::DataRecipe recipe{.source = "fuzz-idx", .limit = 3, .skip = 1};
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    (void)bitscape::io::parseIdx(bytes, "fuzz-idx");
    (void)bitscape::io::parseIdx(bytes, "fuzz-idx", &recipe);
    return 0;
}
