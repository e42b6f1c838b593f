// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/tflite/tflite_import.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const auto bytes =
        std::make_shared<const std::string>(reinterpret_cast<const char*>(data), size);
    (void)bitscape::io::importTflite("fuzz.tflite", bytes);
    return 0;
}
