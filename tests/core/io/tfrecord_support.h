// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/io/bytes.h"
#include "core/io/tf_example.h"

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bitscape::io::tests {

inline std::string varint(std::uint64_t value)
{
    std::string out;
    while (value >= 128) {
        out += static_cast<char>((value & 127U) | 128U);
        value >>= 7U;
    }
    return out + static_cast<char>(value);
}

/// A field of wire type 2.
inline std::string field(std::uint64_t number, const std::string& bytes)
{
    return varint(number << 3U | 2U) + varint(bytes.size()) + bytes;
}

inline std::string bytesFeature(const std::vector<std::string>& values)
{
    std::string list;
    for (const std::string& value : values) {
        list += field(1, value);
    }
    return field(1, list);
}

inline std::string floatFeature(const std::vector<float>& values, bool packed = true)
{
    std::string list;
    for (const float value : values) {
        const auto bits = std::bit_cast<std::uint32_t>(value);
        list += packed ? "" : varint(1U << 3U | 5U);
        for (unsigned shift = 0; shift < 32; shift += 8) {
            list += static_cast<char>(bits >> shift);
        }
    }
    return field(2, packed ? field(1, list) : list);
}

inline std::string integerFeature(const std::vector<std::int64_t>& values, bool packed = true)
{
    std::string list;
    for (const std::int64_t value : values) {
        list += packed ? "" : varint(1U << 3U);
        list += varint(static_cast<std::uint64_t>(value));
    }
    return field(3, packed ? field(1, list) : list);
}

inline std::string example(const std::vector<std::pair<std::string, std::string>>& features)
{
    std::string entries;
    for (const auto& [name, feature] : features) {
        entries += field(1, field(1, name) + field(2, feature));
    }
    return field(1, entries);
}

inline std::string record(const std::string& data)
{
    ByteWriter length;
    length.number<std::uint64_t>(data.size());
    const std::string size = length.finish();
    ByteWriter out;
    out.raw(size.data(), size.size());
    out.number(maskedCrc32c(size));
    out.raw(data.data(), data.size());
    out.number(maskedCrc32c(data));
    return out.finish();
}

} // namespace bitscape::io::tests
