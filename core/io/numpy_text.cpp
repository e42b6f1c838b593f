// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/numpy_text.h"

#include "core/base/error.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <vector>

namespace bitscape::io {

namespace {

constexpr double kExponentFrom = 1e8; // numpy's bound for suppressed output
constexpr std::size_t kLineWidth = 75;

/// Shortest digits that read back as the same number, always with a point.
std::string plainDigits(double value, std::chars_format format)
{
    std::array<char, 512> buffer{};
    const auto [end, error] =
        std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, format);
    ensure(error == std::errc{}, "numpyText: a number with too many digits");
    std::string text(buffer.data(), end);
    if (text.find('.') == std::string::npos) {
        text.insert(std::min(text.find('e'), text.size()), ".");
    }
    return text;
}

/// All numbers with their points below each other.
std::vector<std::string> aligned(std::span<const double> values)
{
    const bool inPowers =
        std::ranges::any_of(values, [](double value) { return std::abs(value) >= kExponentFrom; });
    std::vector<std::string> words;
    std::size_t before = 0;
    std::size_t behind = 0;
    for (const double value : values) {
        words.push_back(plainDigits(value, inPowers ? std::chars_format::scientific
                                                    : std::chars_format::fixed));
        const std::string& word = words.back();
        const std::size_t point = word.find('.');
        before = std::max(before, point);
        behind = std::max(behind, std::min(word.find('e'), word.size()) - point - 1);
    }
    for (std::string& word : words) {
        const std::size_t point = word.find('.');
        const std::size_t digitsEnd = std::min(word.find('e'), word.size());
        word.insert(digitsEnd, behind - (digitsEnd - point - 1), inPowers ? '0' : ' ');
        word.insert(0, before - point, ' ');
    }
    return words;
}

class Printer {
public:
    Printer(std::vector<std::string> words, const Shape& shape)
        : m_words(std::move(words)), m_shape(shape)
    {
    }

    std::string print(int axis, const std::string& indent, std::size_t width)
    {
        if (axis == m_shape.rank()) {
            return m_words[m_next++];
        }
        const bool isRow = axis + 1 == m_shape.rank();
        const std::string inside = isRow ? row(indent, width) : rows(axis, indent, width);
        return "[" + inside.substr(std::min(indent.size(), inside.size())) + "]";
    }

private:
    std::string row(const std::string& indent, std::size_t width)
    {
        std::string text;
        std::string line = indent;
        const Index count = m_shape[m_shape.rank() - 1];
        for (Index i = 0; i < count; ++i) {
            const std::string& word = m_words[m_next++];
            if (line.size() + word.size() > width - 1 && line.size() > indent.size()) {
                line.erase(line.find_last_not_of(' ') + 1);
                text += line + "\n";
                line = indent;
            }
            line += word;
            line += i + 1 < count ? " " : "";
        }
        return text + line;
    }

    std::string rows(int axis, const std::string& indent, std::size_t width)
    {
        std::string text;
        for (Index i = 0; i < m_shape[axis]; ++i) {
            text += indent + print(axis + 1, indent + " ", width - 1);
            if (i + 1 < m_shape[axis]) {
                text.append(static_cast<std::size_t>(m_shape.rank() - axis - 1), '\n');
            }
        }
        return text;
    }

    std::vector<std::string> m_words;
    Shape m_shape;
    std::size_t m_next = 0;
};

} // namespace

std::string numpyText(std::span<const double> values, const Shape& shape)
{
    ensure(static_cast<Index>(values.size()) == shape.elementCount(),
           "numpyText: values do not fill the shape");
    if (values.empty()) {
        return "[]";
    }
    return Printer(aligned(values), shape).print(0, " ", kLineWidth);
}

} // namespace bitscape::io
