// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/io/hdf5.h"

#include <hdf5.h>

#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// What the files of the wrapper share; nobody else includes it.
namespace bitscape::io::hdf5 {

inline constexpr std::size_t kMaxTextBytes = std::size_t{256} << 20U;
inline constexpr std::int64_t kMaxListEntries = 1 << 20;

[[nodiscard]] inline Failure corrupt(std::string message, std::string where)
{
    return fail(ErrorCode::CorruptFile, std::move(message), std::move(where));
}

[[nodiscard]] inline Failure unwritten(std::string where)
{
    return fail(ErrorCode::Io, "HDF5 could not write it.", std::move(where),
                "See whether the disk is full.");
}

/// Number of elements; saturates instead of overflowing.
[[nodiscard]] inline std::int64_t countOf(std::span<const Index> shape)
{
    std::int64_t count = 1;
    for (const Index size : shape) {
        if (size == 0) {
            return 0;
        }
        if (count > std::numeric_limits<std::int64_t>::max() / size) {
            count = std::numeric_limits<std::int64_t>::max();
        } else {
            count *= size;
        }
    }
    return count;
}

/// Sizes of a simple or scalar data space; fails for null spaces and absurd ranks.
[[nodiscard]] Result<std::vector<Index>> sizesOf(hid_t space, const std::string& where);
/// Up to the first zero.
[[nodiscard]] inline std::string trimmedText(const char* data, std::size_t size)
{
    const std::string_view text(data, size);
    return std::string(text.substr(0, text.find('\0')));
}

} // namespace bitscape::io::hdf5
