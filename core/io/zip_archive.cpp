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
using Entry = std::unique_ptr<zip_file_t, Discard>;

Failure corrupt(std::string message, const std::string& where)
{
    return fail(ErrorCode::CorruptFile, std::move(message), where);
}

Result<std::string> readEntry(zip_t* archive, zip_uint64_t index, const zip_stat_t& stat,
                              const std::string& where)
{
    const Entry entry(zip_fopen_index(archive, index, 0));
    if (!entry) {
        return corrupt("The entry cannot be opened: " + std::string(zip_strerror(archive)) + ".",
                       where);
    }
    std::string bytes(stat.size, '\0');
    zip_uint64_t got = 0;
    while (got < stat.size) {
        const zip_int64_t count = zip_fread(entry.get(), bytes.data() + got, stat.size - got);
        if (count <= 0) {
            return corrupt("The entry is damaged at byte " + std::to_string(got) + ".", where);
        }
        got += static_cast<zip_uint64_t>(count);
    }
    char beyond = 0; // the sum is checked when the end is seen
    if (zip_fread(entry.get(), &beyond, 1) != 0) {
        return corrupt("The entry is damaged: its sum does not fit.", where);
    }
    return bytes;
}

} // namespace

Result<ZipEntries> readZip(std::string_view bytes, const std::string& where, std::int64_t maxBytes,
                           const ZipEntryLimit& limit)
{
    if (!bytes.starts_with("PK")) { // libzip takes nothing for an empty archive
        return corrupt("It is no zip archive.", where);
    }
    zip_error_t error;
    zip_error_init(&error);
    Source source(zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error));
    Archive archive(source ? zip_open_from_source(source.get(), ZIP_RDONLY | ZIP_CHECKCONS, &error)
                           : nullptr);
    if (!archive) {
        const std::string why = zip_error_strerror(&error);
        zip_error_fini(&error);
        return corrupt("It is no readable zip archive: " + why + ".", where);
    }
    (void)source.release(); // the archive owns it now
    const zip_int64_t count = zip_get_num_entries(archive.get(), 0);
    ZipEntries entries;
    std::set<std::string, std::less<>> names;
    zip_uint64_t total = 0;
    for (zip_uint64_t i = 0; i < static_cast<zip_uint64_t>(std::max<zip_int64_t>(count, 0)); ++i) {
        zip_stat_t stat;
        constexpr zip_uint64_t kWanted = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE;
        if (zip_stat_index(archive.get(), i, 0, &stat) < 0 || (stat.valid & kWanted) != kWanted) {
            return corrupt("Entry " + std::to_string(i) + " of the archive is damaged.", where);
        }
        const std::string name = stat.name;
        const std::string place = where + ", " + name;
        if (!names.insert(name).second) {
            return corrupt("The archive holds the name twice.", place);
        }
        const std::int64_t most = limit ? limit(name) : maxBytes;
        if (stat.size > static_cast<zip_uint64_t>(maxBytes) - total ||
            stat.size > static_cast<zip_uint64_t>(most) ||
            stat.size / kMaxPacking > stat.comp_size) {
            return corrupt("The entry promises " + std::to_string(stat.size) + " bytes.", place);
        }
        total += stat.size;
        auto content = readEntry(archive.get(), i, stat, place);
        if (!content) {
            return fail(std::move(content).error());
        }
        entries.emplace_back(name, std::move(*content));
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
