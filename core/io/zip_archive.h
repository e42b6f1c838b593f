// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bitscape::io {

/// Names and contents, in the order of the archive.
using ZipEntries = std::vector<std::pair<std::string, std::string>>;

/// Largest unpacked size of an entry.
using ZipEntryLimit = std::function<std::int64_t(std::string_view name)>;

/// Unpacks a whole zip archive in memory; nothing is written anywhere, whatever the names say.
/// CorruptFile: no zip, damaged (sums are checked), encrypted, the same name twice, or more than
/// `maxBytes` inside, or than `limit` in an entry.
[[nodiscard]] Result<ZipEntries> readZip(std::string_view bytes, const std::string& where,
                                         std::int64_t maxBytes = std::int64_t{4} << 30,
                                         const ZipEntryLimit& limit = {});

/// Stored (not deflated), without times: the same entries give the same bytes.
[[nodiscard]] Result<std::string>
writeZip(const std::vector<std::pair<std::string, std::string>>& entries, const std::string& where);

} // namespace bitscape::io
