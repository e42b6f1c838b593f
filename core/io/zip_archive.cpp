// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/zip_archive.h"

#include <zip.h>

#include <algorithm>
#include <memory>
#include <set>

namespace bitscape::io {

namespace {

constexpr zip_uint64_t kMaxPacking = 1032;   // DEFLATE cannot pack tighter
constexpr zip_uint16_t kFirstDosDate = 0x21; // 1980-01-01, the earliest a zip can say

struct Discard {
    void operator()(zip_t* archive) const { zip_discard(archive); }
    void operator()(zip_source_t* source) const { zip_source_free(source); }
    void operator()(zip_file_t* file) const { zip_fclose(file); }
};
using Archive = std::unique_ptr<zip_t, Discard>;
using Source = std::unique_ptr<zip_source_t, Discard>;
using OpenEntry = std::unique_ptr<zip_file_t, Discard>;

struct ZipError {
    zip_error_t value{};
    ZipError() { zip_error_init(&value); }
    ~ZipError() { zip_error_fini(&value); }
    ZipError(const ZipError&) = delete;
    ZipError& operator=(const ZipError&) = delete;
    ZipError(ZipError&&) = delete;
    ZipError& operator=(ZipError&&) = delete;
};

Failure corrupt(std::string message, const std::string& where)
{
    return fail(ErrorCode::CorruptFile, std::move(message), where);
}

Result<std::string> readEntryStart(zip_t* archive, zip_uint64_t index, std::size_t size,
                                   const std::string& where, OpenEntry& entry)
{
    entry.reset(zip_fopen_index(archive, index, 0));
    if (!entry) {
        return corrupt("The entry cannot be opened: " + std::string(zip_strerror(archive)) + ".",
                       where);
    }
    std::string bytes(size, '\0');
    zip_uint64_t got = 0;
    while (got < size) {
        const zip_int64_t count = zip_fread(entry.get(), bytes.data() + got, size - got);
        if (count <= 0) {
            return corrupt("The entry is damaged at byte " + std::to_string(got) + ".", where);
        }
        got += static_cast<zip_uint64_t>(count);
    }
    return bytes;
}

Result<std::string> readEntry(zip_t* archive, zip_uint64_t index, std::size_t size,
                              const std::string& where)
{
    OpenEntry entry;
    auto bytes = readEntryStart(archive, index, size, where, entry);
    char beyond = 0; // the sum is checked when the end is seen
    if (bytes && zip_fread(entry.get(), &beyond, 1) != 0) {
        return corrupt("The entry is damaged: its sum does not fit.", where);
    }
    return bytes;
}

Result<std::vector<ZipReader::Entry>> listEntries(zip_t* archive, const std::string& where)
{
    std::vector<ZipReader::Entry> entries;
    std::set<std::string, std::less<>> names;
    const auto count =
        static_cast<zip_uint64_t>(std::max<zip_int64_t>(zip_get_num_entries(archive, 0), 0));
    for (zip_uint64_t i = 0; i < count; ++i) {
        zip_stat_t stat;
        constexpr zip_uint64_t kWanted = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE;
        if (zip_stat_index(archive, i, 0, &stat) < 0 || (stat.valid & kWanted) != kWanted) {
            return corrupt("Entry " + std::to_string(i) + " of the archive is damaged.", where);
        }
        const std::string place = where + ", " + stat.name;
        if (!names.insert(stat.name).second) {
            return corrupt("The archive holds the name twice.", place);
        }
        if (stat.size / kMaxPacking > stat.comp_size) {
            return corrupt("The entry promises " + std::to_string(stat.size) + " bytes.", place);
        }
        entries.push_back({stat.name, static_cast<std::size_t>(stat.size)});
    }
    return entries;
}

} // namespace

struct ZipReader::State {
    Archive archive;
    std::string where;

    static Result<std::unique_ptr<State>> open(Source source, zip_error_t& error,
                                               const std::string& where)
    {
        auto state = std::make_unique<State>();
        state->where = where;
        state->archive.reset(
            source ? zip_open_from_source(source.get(), ZIP_RDONLY | ZIP_CHECKCONS, &error)
                   : nullptr);
        if (!state->archive) {
            return corrupt(
                "It is no readable zip archive: " + std::string(zip_error_strerror(&error)) + ".",
                where);
        }
        (void)source.release(); // the archive owns it now
        return state;
    }
};

ZipReader::ZipReader(std::unique_ptr<State> state) : m_state(std::move(state)) {}
ZipReader::~ZipReader() = default;
ZipReader::ZipReader(ZipReader&&) noexcept = default;
ZipReader& ZipReader::operator=(ZipReader&&) noexcept = default;

Result<ZipReader> ZipReader::openBytes(std::string_view bytes, const std::string& where)
{
    if (!bytes.starts_with("PK")) { // libzip takes nothing for an empty archive
        return corrupt("It is no zip archive.", where);
    }
    ZipError error;
    return opened(
        State::open(Source(zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error.value)),
                    error.value, where));
}

Result<ZipReader> ZipReader::openFile(const std::string& path)
{
    constexpr zip_int64_t kToTheEnd = -1;
    ZipError error;
    return opened(
        State::open(Source(zip_source_file_create(path.c_str(), 0, kToTheEnd, &error.value)),
                    error.value, path));
}

Result<ZipReader> ZipReader::opened(Result<std::unique_ptr<State>> state)
{
    if (!state) {
        return fail(std::move(state).error());
    }
    ZipReader reader(std::move(*state));
    auto entries = listEntries(reader.m_state->archive.get(), reader.m_state->where);
    if (!entries) {
        return fail(std::move(entries).error());
    }
    reader.m_entries = std::move(*entries);
    return reader;
}

Result<std::string> ZipReader::read(std::size_t index, std::size_t maxBytes) const
{
    const Entry& entry = m_entries.at(index);
    const std::string place = m_state->where + ", " + entry.name;
    if (entry.size > maxBytes) {
        return fail(ErrorCode::OutOfResources,
                    "The entry unpacks to " + std::to_string(entry.size) +
                        " bytes, more than the " + std::to_string(maxBytes) + " that are read.",
                    place);
    }
    return readEntry(m_state->archive.get(), index, entry.size, place);
}

Result<std::string> ZipReader::readStart(std::size_t index, std::size_t count) const
{
    const Entry& entry = m_entries.at(index);
    OpenEntry unused;
    return readEntryStart(m_state->archive.get(), index, std::min(count, entry.size),
                          m_state->where + ", " + entry.name, unused);
}

Result<ZipEntries> readZip(std::string_view bytes, const std::string& where, std::int64_t maxBytes,
                           const ZipEntryLimit& limit)
{
    auto archive = ZipReader::openBytes(bytes, where);
    if (!archive) {
        return fail(std::move(archive).error());
    }
    ZipEntries entries;
    std::size_t total = 0;
    for (std::size_t i = 0; i < archive->entries().size(); ++i) {
        const ZipReader::Entry& entry = archive->entries()[i];
        const std::int64_t most = limit ? limit(entry.name) : maxBytes;
        if (entry.size > static_cast<std::size_t>(maxBytes) - total ||
            entry.size > static_cast<std::size_t>(most)) {
            return corrupt("The entry promises " + std::to_string(entry.size) + " bytes.",
                           where + ", " + entry.name);
        }
        total += entry.size;
        auto content = archive->read(i);
        if (!content) {
            return fail(std::move(content).error());
        }
        entries.emplace_back(entry.name, std::move(*content));
    }
    return entries;
}

Result<std::string> writeZip(const std::vector<std::pair<std::string, std::string>>& entries,
                             const std::string& where)
{
    zip_error_t error;
    zip_error_init(&error);
    Source source(zip_source_buffer_create(nullptr, 0, 0, &error));
    Archive archive(source ? zip_open_from_source(source.get(), ZIP_TRUNCATE, &error) : nullptr);
    const auto failed = [&] {
        zip_error_fini(&error);
        return fail(ErrorCode::OutOfResources, "The zip archive could not be made.", where);
    };
    if (!archive) {
        return failed();
    }
    zip_source_keep(source.get()); // one reference for the archive, one to read the bytes from
    for (const auto& [name, content] : entries) {
        zip_source_t* entry = zip_source_buffer(archive.get(), content.data(), content.size(), 0);
        const zip_int64_t index =
            entry == nullptr ? -1
                             : zip_file_add(archive.get(), name.c_str(), entry, ZIP_FL_ENC_UTF_8);
        if (index < 0) {
            zip_source_free(entry);
            return failed();
        }
        const auto at = static_cast<zip_uint64_t>(index);
        zip_set_file_compression(archive.get(), at, ZIP_CM_STORE, 0);
        zip_file_set_dostime(archive.get(), at, 0, kFirstDosDate, 0);
        zip_file_set_external_attributes(archive.get(), at, 0, ZIP_OPSYS_UNIX, 0100644U << 16U);
    }
    if (zip_close(archive.get()) < 0) {
        return failed();
    }
    (void)archive.release();
    zip_stat_t stat;
    if (zip_source_stat(source.get(), &stat) < 0 || zip_source_open(source.get()) < 0) {
        return failed();
    }
    std::string bytes(stat.size, '\0');
    const zip_int64_t got = zip_source_read(source.get(), bytes.data(), bytes.size());
    zip_source_close(source.get());
    if (got != static_cast<zip_int64_t>(bytes.size())) {
        return failed();
    }
    return bytes;
}

} // namespace bitscape::io
