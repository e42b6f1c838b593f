// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/hdf5.h"
#include "core/io/keras_content.h"

#include <cstddef>
#include <cstdint>

// libFuzzer sees libhdf5 in this process: what crashes inside it is the library's, what crashes in
// our code is ours. The replay reads as the programs do, in a child, and must never crash.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace bitscape::io; // NOLINT(google-build-using-namespace)
#ifdef BITSCAPE_REPLAY
    (void)readForeignKeras({reinterpret_cast<const char*>(data), size}, "fuzz.h5");
#else
    const auto file = hdf5::File::openBytes({reinterpret_cast<const char*>(data), size}, "fuzz.h5");
    if (file) {
        (void)readKerasContent(*file);
    }
#endif
    return 0;
}
