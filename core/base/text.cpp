// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/text.h"

#include <nettle/sha2.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <numeric>

namespace bitscape {

namespace {

std::size_t editDistance(std::string_view a, std::string_view b)
{
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t corner = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t above = row[j];
            const std::size_t swap = corner + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({above + 1, row[j - 1] + 1, swap});
            corner = above;
        }
    }
    return row.back();
}

template <class Text>
std::string nearestOf(std::string_view word, std::span<const Text> known)
{
    std::string_view best;
    std::size_t least = word.size() / 2 + 2; // further away is no help
    for (const Text& candidate : known) {
        const std::size_t distance = editDistance(word, candidate);
        if (distance < least) {
            least = distance;
            best = candidate;
        }
    }
    return std::string(best);
}

} // namespace

std::string nearest(std::string_view word, std::span<const std::string_view> known)
{
    return nearestOf(word, known);
}

std::string nearest(std::string_view word, std::span<const std::string> known)
{
    return nearestOf(word, known);
}

std::string join(std::span<const std::string> parts, std::string_view separator)
{
    std::string out;
    for (const std::string& part : parts) {
        if (!out.empty()) {
            out += separator;
        }
        out += part;
    }
    return out;
}

std::vector<std::string> split(std::string_view text, char separator)
{
    std::vector<std::string> parts;
    std::size_t start = 0;
    while (true) {
        const std::size_t end = text.find(separator, start);
        if (end == std::string_view::npos) {
            parts.emplace_back(text.substr(start));
            return parts;
        }
        parts.emplace_back(text.substr(start, end - start));
        start = end + 1;
    }
}

std::string_view trimmed(std::string_view text)
{
    constexpr std::string_view kBlank = " \t\r\n";
    const std::size_t first = text.find_first_not_of(kBlank);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::string pythonRepr(double value)
{
    if (std::isnan(value)) {
        return "nan";
    }
    if (std::isinf(value)) {
        return value < 0 ? "-inf" : "inf";
    }
    std::array<char, 40> buffer{};
    const double size = std::abs(value);
    const bool scientific = size != 0.0 && (size < 1e-4 || size >= 1e16);
    const auto end =
        std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                      scientific ? std::chars_format::scientific : std::chars_format::fixed)
            .ptr;
    std::string text(buffer.data(), end);
    if (!scientific && text.find('.') == std::string::npos) {
        text += ".0";
    }
    return text;
}

std::string sha256(std::string_view bytes)
{
    sha256_ctx context{};
    sha256_init(&context);
    sha256_update(&context, bytes.size(), reinterpret_cast<const std::uint8_t*>(bytes.data()));
    std::array<std::uint8_t, SHA256_DIGEST_SIZE> digest{};
    sha256_digest(&context, digest.size(), digest.data());
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : digest) {
        text += kDigits[byte >> 4U];
        text += kDigits[byte & 15U];
    }
    return text;
}

} // namespace bitscape
