// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/wire.h"

namespace bitscape::io {

std::optional<std::uint64_t> WireReader::varint()
{
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !m_bytes.empty(); shift += 7) {
        const auto byte = static_cast<unsigned char>(m_bytes.front());
        m_bytes.remove_prefix(1);
        value |= std::uint64_t{byte & 127U} << shift;
        if ((byte & 128U) == 0) {
            return value;
        }
    }
    return std::nullopt;
}

std::optional<std::string_view> WireReader::take(std::uint64_t count)
{
    if (count > m_bytes.size()) {
        return std::nullopt;
    }
    const std::string_view part = m_bytes.substr(0, static_cast<std::size_t>(count));
    m_bytes.remove_prefix(part.size());
    return part;
}

std::optional<WireReader::Field> WireReader::next()
{
    if (m_bytes.empty() || !m_isWhole) {
        return std::nullopt;
    }
    enum WireType : std::uint64_t { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 };
    m_isWhole = false;
    const auto key = varint();
    if (!key) {
        return std::nullopt;
    }
    Field field{.number = *key >> 3U};
    const std::uint64_t type = *key & 7U;
    if (type == Varint) {
        const auto value = varint();
        m_isWhole = value.has_value();
        field.value = value.value_or(0);
    } else if (type == Bytes || type == Fixed64 || type == Fixed32) {
        const auto size =
            type == Bytes ? varint() : std::optional<std::uint64_t>(type == Fixed64 ? 8 : 4);
        const auto bytes = size ? take(*size) : std::nullopt;
        m_isWhole = bytes.has_value();
        field.bytes = bytes.value_or(std::string_view());
    }
    return m_isWhole ? std::optional(field) : std::nullopt;
}

} // namespace bitscape::io
