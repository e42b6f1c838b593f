// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"

#include <cstdint>
#include <string>
#include <string_view>

// The seal of a project file: its first 512 bytes, which HDF5 leaves free (user block). Text that
// `head -5` shows: magic, format version, writer, length and SHA-256 of the file. It is judged with
// plain bytes before the HDF5 library sees the file. Layout in core/io/FORMAT.md.
namespace bitscape::project {

inline constexpr std::int64_t kSealBytes = 512;
inline constexpr std::string_view kVersionAttribute = "format_version";

/// The seal for a file whose bytes after the first 512 are `content`; 512 bytes.
[[nodiscard]] std::string makeSeal(std::string_view content, int formatVersion);

/// Judges a whole file. CorruptFile: no project, cut off, or other bytes than were written.
/// VersionTooNew: format above `knownVersion`, also if only the attribute inside says so. `where`
/// names the file.
[[nodiscard]] Result<void> checkSeal(std::string_view file, int knownVersion,
                                     const std::string& where);

} // namespace bitscape::project
