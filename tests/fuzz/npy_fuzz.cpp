// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/array_file.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    (void)bitscape::io::readNpyTexts(bytes, "fuzz.npy");
    (void)bitscape::io::readNpyRows(bytes, size, {1, 2}, "fuzz.npy");
    const auto array = bitscape::io::readNpy(bytes, "fuzz.npy");
    if (array) {
        (void)array->toTensor();
        (void)array->toIntegers();
    }
    return 0;
}
