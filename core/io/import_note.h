// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace bitscape::io {

/// What became of a part of a foreign file: a line of the import report.
enum class ImportKind {
    Read,      ///< taken as it stands
    Converted, ///< says the same in another form ("kernels turned from Theano's order")
    Ignored,   ///< left out, with no effect on what the network computes ("optimizer state")
    Missing    ///< needed and not there, or not covered
};

/// "read", "converted", "ignored", "missing"
[[nodiscard]] inline std::string_view name(ImportKind kind)
{
    constexpr std::array<std::string_view, 4> kNames{"read", "converted", "ignored", "missing"};
    return kNames[static_cast<std::size_t>(kind)];
}

struct ImportNote {
    ImportKind kind = ImportKind::Read;
    std::string subject; ///< layer, tensor or part of the file: "conv_1", "optimizer_weights"
    std::string text;    ///< one sentence
};

using ImportNotes = std::vector<ImportNote>;

} // namespace bitscape::io
