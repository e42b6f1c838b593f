// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/image_file.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace bitscape::io;
    constexpr bitscape::Index kSmall = 1 << 16; // larger pictures teach nothing and take long
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto info = readImageInfo(bytes, size, "fuzz-image");
    if (!info || (**info).height * (**info).width > kSmall) {
        return 0;
    }
    (void)decodeImage(bytes, 1, "fuzz-image");
    (void)decodeImage(bytes, 3, "fuzz-image");
    return 0;
}
