// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <concepts>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

// Binary texts piece by piece, every step checked against what is left.
namespace bitscape::io {

/// Reads from the front; after a failed read everything fails.
class ByteReader {
public:
    explicit ByteReader(std::string_view bytes) : m_bytes(bytes) {}

    [[nodiscard]] std::size_t position() const { return m_position; }
    [[nodiscard]] std::size_t left() const { return m_bytes.size() - m_position; }

    [[nodiscard]] std::optional<std::string_view> take(std::size_t count)
    {
        if (count > left()) {
            m_position = m_bytes.size();
            return std::nullopt;
        }
        const std::string_view part = m_bytes.substr(m_position, count);
        m_position += count;
        return part;
    }

    /// A number in the machine's own byte order.
    template <class T>
    requires std::is_trivially_copyable_v<T>
    [[nodiscard]] std::optional<T> number()
    {
        const auto part = take(sizeof(T));
        if (!part) {
            return std::nullopt;
        }
        T value;
        std::memcpy(&value, part->data(), sizeof value);
        return value;
    }

    [[nodiscard]] std::optional<std::uint32_t> bigEndian32()
    {
        const auto part = take(4);
        if (!part) {
            return std::nullopt;
        }
        std::uint32_t value = 0;
        for (const char c : *part) {
            value = (value << 8U) | static_cast<unsigned char>(c);
        }
        return value;
    }

    /// A text behind its length, as ByteWriter writes it.
    [[nodiscard]] std::optional<std::string> text()
    {
        const auto size = number<std::uint64_t>();
        const auto part = size ? take(*size) : std::nullopt;
        return part ? std::optional<std::string>(*part) : std::nullopt;
    }

private:
    std::string_view m_bytes;
    std::size_t m_position = 0;
};

class ByteWriter {
public:
    template <class T>
    requires std::is_trivially_copyable_v<T>
    void number(T value) { m_bytes.append(reinterpret_cast<const char*>(&value), sizeof value); }

    void text(std::string_view value)
    {
        number<std::uint64_t>(value.size());
        m_bytes += value;
    }

    void raw(const void* data, std::size_t count)
    {
        m_bytes.append(static_cast<const char*>(data), count);
    }

    [[nodiscard]] std::string finish() { return std::move(m_bytes); }

private:
    std::string m_bytes;
};

} // namespace bitscape::io
