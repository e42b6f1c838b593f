// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"

#include <cstdint>
#include <functional>
#include <memory>
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

/// An archive whose entries are read one by one, so that only those that are wanted cost time and
/// memory. Thread: one at a time.
class ZipReader {
public:
    struct Entry {
        std::string name;
        std::size_t size = 0; ///< unpacked
    };

    /// `bytes` outlive the reader. Errors as readZip(), for the directory alone.
    [[nodiscard]] static Result<ZipReader> openBytes(std::string_view bytes,
                                                     const std::string& where);
    [[nodiscard]] static Result<ZipReader> openFile(const std::string& path);
    ~ZipReader();
    ZipReader(const ZipReader&) = delete;
    ZipReader& operator=(const ZipReader&) = delete;
    ZipReader(ZipReader&&) noexcept;
    ZipReader& operator=(ZipReader&&) noexcept;

    [[nodiscard]] const std::vector<Entry>& entries() const { return m_entries; }
    /// A whole entry; its sum is checked. OutOfResources above `maxBytes`.
    [[nodiscard]] Result<std::string> read(std::size_t index,
                                           std::size_t maxBytes = std::size_t{4} << 30) const;
    /// The first bytes of an entry, fewer if it is shorter.
    [[nodiscard]] Result<std::string> readStart(std::size_t index, std::size_t count) const;

private:
    struct State;
    explicit ZipReader(std::unique_ptr<State> state);
    static Result<ZipReader> opened(Result<std::unique_ptr<State>> state);

    std::unique_ptr<State> m_state;
    std::vector<Entry> m_entries;
};

/// Stored (not deflated), without times: the same entries give the same bytes.
[[nodiscard]] Result<std::string>
writeZip(const std::vector<std::pair<std::string, std::string>>& entries, const std::string& where);

} // namespace bitscape::io
