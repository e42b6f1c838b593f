// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace bitscape::io {

/// The fields of a protocol buffers message one after the other, without its schema.
class WireReader {
public:
    struct Field {
        std::uint64_t number = 0;
        std::uint64_t value = 0;     ///< of a varint
        std::string_view bytes = {}; ///< of a text, a message or a packed list
    };

    explicit WireReader(std::string_view bytes) : m_bytes(bytes) {}

    /// Nothing at the end and at damage.
    [[nodiscard]] std::optional<Field> next();
    /// Whether everything so far was well-formed.
    [[nodiscard]] bool isWhole() const { return m_isWhole; }

private:
    [[nodiscard]] std::optional<std::uint64_t> varint();
    [[nodiscard]] std::optional<std::string_view> take(std::uint64_t count);

    std::string_view m_bytes;
    bool m_isWhole = true;
};

} // namespace bitscape::io
