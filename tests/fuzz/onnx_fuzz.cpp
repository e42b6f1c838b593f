// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/onnx/onnx_import.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace bitscape::io; // NOLINT(google-build-using-namespace)
    if (const auto model = readOnnx({reinterpret_cast<const char*>(data), size}, "fuzz.onnx")) {
        static_cast<void>(importOnnx(*model, "fuzz.onnx"));
    }
    return 0;
}
