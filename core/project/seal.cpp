// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/project/seal.h"

#include "core/base/text.h"
#include "core/base/version.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>

namespace bitscape::project {

namespace {

constexpr std::string_view kMagic = "bitscape project\n";
constexpr std::string_view kHdf5Signature = "\x89HDF\r\n\x1a\n";
constexpr std::size_t kDigestDigits = 64;
constexpr auto kSealSize = static_cast<std::size_t>(kSealBytes);

/// The value of the line "key value\n"; empty if there is none.
std::string_view lineOf(std::string_view seal, std::string_view key)
{
    const std::string start = "\n" + std::string(key) + " ";
    const std::size_t found = seal.find(start);
    if (found == std::string_view::npos) {
        return {};
    }
    const std::string_view rest = seal.substr(found + start.size());
    return rest.substr(0, rest.find('\n'));
}

std::optional<std::uint64_t> numberOf(std::string_view text)
{
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return value;
}

/// SHA-256 of the file with its digest's place filled with zeros.
std::string digestOf(std::string_view seal, std::string_view content)
{
    std::string bytes;
    bytes.reserve(seal.size() + content.size());
    bytes.append(seal);
    const std::string_view digest = lineOf(seal, "sha256");
    if (digest.size() == kDigestDigits) {
        bytes.replace(static_cast<std::size_t>(digest.data() - seal.data()), kDigestDigits,
                      kDigestDigits, '0');
    }
    bytes.append(content);
    return sha256(bytes);
}

/// The largest value that an attribute message `format_version` of the HDF5 content holds. A plain
/// scan: the file is known to be other than it was written, so the library must not read it.
/// Attribute messages of version 3: name, datatype (12 bytes, size at 4), scalar dataspace (4 or 8
/// bytes), value.
std::optional<std::uint64_t> scanVersion(std::string_view content)
{
    const std::string needle = std::string(kVersionAttribute) + '\0';
    constexpr std::size_t kDatatype = 12;
    std::optional<std::uint64_t> largest;
    const auto byteAt = [&](std::size_t at) { return static_cast<unsigned char>(content[at]); };
    for (std::size_t at = content.find(needle); at != std::string_view::npos;
         at = content.find(needle, at + 1)) {
        const std::size_t type = at + needle.size();
        if (type + kDatatype + 16 > content.size()) {
            break;
        }
        constexpr unsigned char kFixedPoint = 0;
        const std::size_t size = byteAt(type + 4);
        const std::size_t space = type + kDatatype;
        // Version 2 of a dataspace message, rank 0; version 1 has 4 reserved bytes more.
        const std::size_t value = space + (byteAt(space) == 1 ? 8 : 4);
        if ((byteAt(type) & 0x0fU) != kFixedPoint || (size != 4 && size != 8) ||
            value + size > content.size()) {
            continue;
        }
        std::uint64_t number = 0;
        for (std::size_t i = size; i-- > 0;) {
            number = number << 8U | byteAt(value + i);
        }
        largest = std::max(largest.value_or(0), number);
    }
    return largest;
}

Failure tooNew(std::uint64_t version, int known, std::string_view writer, const std::string& where)
{
    return fail(
        ErrorCode::VersionTooNew,
        fmt::format("This file was written by a newer Bitscape (format {}, known up to {}).",
                    version, known),
        where,
        writer.empty() ? "Open it with a newer version."
                       : fmt::format("Open it with version {} or later.", writer));
}

} // namespace

std::string makeSeal(std::string_view content, int formatVersion)
{
    std::string seal(kMagic);
    seal += fmt::format("format {}\n", formatVersion);
    seal += fmt::format("writer {}\n", version());
    seal += fmt::format("bytes {}\n", kSealSize + content.size());
    seal += "sha256 " + std::string(kDigestDigits, '0') + "\n";
    seal += "HDF5 follows at byte 512; the sum is of this file with zeros in place of the sum.\n";
    seal.resize(kSealSize, '\0');
    const std::string digest = digestOf(seal, content);
    const std::string_view place = lineOf(seal, "sha256");
    return seal.replace(static_cast<std::size_t>(place.data() - seal.data()), kDigestDigits,
                        digest);
}

Result<void> checkSeal(std::string_view file, int knownVersion, const std::string& where)
{
    const auto known = static_cast<std::uint64_t>(knownVersion);
    if (file.size() < kSealSize || !file.starts_with(kMagic)) {
        const bool otherHdf5 = file.starts_with(kHdf5Signature);
        return fail(ErrorCode::CorruptFile,
                    otherHdf5 ? "This is an HDF5 file, but no Bitscape project."
                              : "This is no Bitscape project.",
                    where,
                    otherHdf5 ? "If it is a Keras model, open it as a model."
                              : "Choose a file that Bitscape saved.");
    }
    const std::string_view seal = file.substr(0, kSealSize);
    const std::string_view content = file.substr(kSealSize);
    const auto version = numberOf(lineOf(seal, "format"));
    if (version && *version > known) {
        return tooNew(*version, knownVersion, lineOf(seal, "writer"), where);
    }
    const std::string remedy = "Take a copy of it from before the damage.";
    const auto length = numberOf(lineOf(seal, "bytes"));
    if (length && file.size() < *length) {
        return fail(
            ErrorCode::CorruptFile,
            fmt::format("The project is cut off: {} of {} bytes are there.", file.size(), *length),
            where, remedy);
    }
    if (!version || lineOf(seal, "sha256") != digestOf(seal, content)) {
        if (const auto inside = scanVersion(content); inside && *inside > known) {
            return tooNew(*inside, knownVersion, {}, where);
        }
        return fail(ErrorCode::CorruptFile,
                    "The project is damaged: its bytes do not match its checksum.", where, remedy);
    }
    return {};
}

} // namespace bitscape::project
