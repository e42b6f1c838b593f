// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/keras_architecture.h"
#include "core/io/keras_content.h"
#include "core/io/keras_weights.h"

#include <cstddef>
#include <cstdint>

// What a child may send when a file has confused it, and what is made of it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace bitscape::io; // NOLINT(google-build-using-namespace)
    auto content = decodeKerasContent({reinterpret_cast<const char*>(data), size});
    if (!content || !content->modelConfig) {
        return 0;
    }
    const std::string config = *content->modelConfig;
    auto network = readArchitecture(config, content->kerasVersion, "fuzz.h5");
    if (network && attachWeights(*network, std::move(*content))) {
        (void)makeGraph(*network, "fuzz.h5");
    }
    return 0;
}
