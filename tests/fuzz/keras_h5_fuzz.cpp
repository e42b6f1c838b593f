// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/hdf5.h"
#include "core/io/keras_content.h"

#include <cstddef>
#include <cstdint>

// Runs libhdf5 in this process: what crashes inside it is the library's (programs of ours read
// foreign files in a child), what crashes in our code is ours.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace bitscape::io; // NOLINT(google-build-using-namespace)
    const auto file = hdf5::File::openBytes({reinterpret_cast<const char*>(data), size}, "fuzz.h5");
    if (file) {
        (void)readKerasContent(*file);
    }
    return 0;
}
