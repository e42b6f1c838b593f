// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/tf_example.h"

#include <cstddef>
#include <cstdint>

namespace {

void readExample(std::string_view data)
{
    using namespace bitscape::io;
    const auto features = parseExample(data, "fuzz-tfrecord");
    if (!features) {
        return;
    }
    for (const auto& [name, bytes] : *features) {
        (void)parseFeature(bytes, "fuzz-tfrecord");
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace bitscape::io;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    readExample(bytes); // without the sums, which chance does not meet
    for (const bool mayEnd : {false, true}) {
        const auto records = findRecords(bytes, "fuzz-tfrecord", mayEnd);
        for (std::size_t i = 0; records && i < records->size(); ++i) {
            if (const auto record = recordData(bytes, (*records)[i], "fuzz-tfrecord")) {
                readExample(*record);
            }
        }
    }
    return 0;
}
