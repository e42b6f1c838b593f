// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

namespace bitscape::hw {

/// A count that remembers whether it ever left int64. Counts are exact, so one that wrapped round
/// would be a wrong answer instead of a refusal.
class Checked {
public:
    Checked(std::int64_t value) : m_value(value) {} // NOLINT(google-explicit-constructor)

    [[nodiscard]] std::int64_t value() const { return m_value; }
    [[nodiscard]] bool isExact() const { return m_exact; }

    Checked& operator*=(const Checked& other)
    {
        m_exact =
            !__builtin_mul_overflow(m_value, other.m_value, &m_value) && m_exact && other.m_exact;
        return *this;
    }
    Checked& operator+=(const Checked& other)
    {
        m_exact =
            !__builtin_add_overflow(m_value, other.m_value, &m_value) && m_exact && other.m_exact;
        return *this;
    }
    friend Checked operator*(Checked a, const Checked& b) { return a *= b; }
    friend Checked operator+(Checked a, const Checked& b) { return a += b; }

private:
    std::int64_t m_value;
    bool m_exact = true;
};

/// ⌈a / b⌉ for a ≥ 0, b > 0.
[[nodiscard]] constexpr std::int64_t ceilDivide(std::int64_t a, std::int64_t b)
{
    return a / b + (a % b != 0 ? 1 : 0);
}

} // namespace bitscape::hw
