// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/keras_architecture.h"
#include "core/io/model_file.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace bitscape::io; // NOLINT(google-build-using-namespace)
    auto network = readArchitecture({reinterpret_cast<const char*>(data), size}, {}, "fuzz.json");
    if (!network) {
        return 0;
    }
    const bitscape::graph::Configuration quantizers = network->quantizers;
    if (const auto graph = makeGraph(*network, "fuzz.json")) {
        // What was read can be written, and what was written can be read.
        const std::string text = toKerasJson(**graph, quantizers);
        const auto again = readArchitecture(text, {}, "again.json");
        if (!again && (*graph)->unsupported().empty()) {
            __builtin_trap();
        }
    }
    return 0;
}
