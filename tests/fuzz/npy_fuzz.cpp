// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/array_file.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const auto array =
        bitscape::io::readNpy({reinterpret_cast<const char*>(data), size}, "fuzz.npy");
    if (array) {
        (void)array->toTensor();
        (void)array->toIntegers();
    }
    return 0;
}
