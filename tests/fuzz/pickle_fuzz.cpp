// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/pickle.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    (void)bitscape::io::readPickle({reinterpret_cast<const char*>(data), size}, "fuzz.npz");
    return 0;
}
