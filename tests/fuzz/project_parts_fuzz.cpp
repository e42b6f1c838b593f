// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/project/codec.h"
#include "core/project/seal.h"

#include <cstddef>
#include <cstdint>

// The parts of a project file that are read without libhdf5: the seal, and every JSON text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace bitscape::project; // NOLINT(google-build-using-namespace)
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    (void)checkSeal(bytes, 1, "fuzz.bitscape");
    if (const std::string file = makeSeal(bytes, 1) + std::string(bytes);
        !checkSeal(file, 1, "fuzz.bitscape")) {
        __builtin_trap(); // what was sealed just now must hold
    }
    auto json = parseJson(bytes, "fuzz");
    if (!json) {
        return 0;
    }
    (void)recipeFrom(*json);
    (void)descriptionFrom(*json);
    (void)historyFrom(*json);
    bitscape::search::Trial trial;
    (void)readTrialTexts(*json, trial);
    if (const auto configuration = configurationFrom(*json)) {
        // What was read is written and read again as the same.
        const auto again = configurationFrom(toJson(*configuration));
        if (!again || !bitscape::graph::sameContent(*again, *configuration)) {
            __builtin_trap();
        }
    }
    return 0;
}
