// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/call_syntax.h"

#include "core/base/text.h"

#include <fmt/core.h>

#include <charconv>
#include <cmath>
#include <optional>

namespace bitscape::quant {

namespace {

bool isBlank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool isWordCharacter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::string_view withoutPlus(std::string_view word)
{
    return word.starts_with('+') ? word.substr(1) : word;
}

template <class Number>
std::optional<Number> numberIn(std::string_view word)
{
    const std::string_view digits = withoutPlus(word);
    Number number{};
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc{} || end != digits.data() + digits.size()) {
        return std::nullopt;
    }
    return number;
}

/// Numbers and Python's constants; nullopt for other words and for NaN.
std::optional<Value> constantIn(std::string_view word)
{
    if (word == "True") {
        return Value{true};
    }
    if (word == "False") {
        return Value{false};
    }
    if (word == "None") {
        return Value{};
    }
    return numberFrom(word);
}

class Reader {
public:
    explicit Reader(std::string_view text) : m_text(text) {}

    Result<ParsedCall> call()
    {
        skipBlanks();
        ParsedCall out;
        out.name = std::string(word());
        if (out.name.empty()) {
            return complain(m_text.empty() || atEnd() ? "The quantizer is empty"
                                                      : "A quantizer starts with its name");
        }
        skipBlanks();
        if (atEnd()) {
            return out;
        }
        if (!take('(')) {
            return complain(fmt::format("Expected '(' after '{}'", out.name));
        }
        if (auto ok = arguments(out.arguments); !ok) {
            return fail(std::move(ok).error());
        }
        skipBlanks();
        if (!atEnd()) {
            return complain("Nothing may follow the closing ')'");
        }
        return out;
    }

private:
    [[nodiscard]] Failure complain(std::string what) const
    {
        return fail(ErrorCode::InvalidArgument, std::move(what) + ".", placeIn(m_text, m_at),
                    "Write name(value, …, key=value), for example quantized_bits(4,0,1).");
    }

    [[nodiscard]] bool atEnd() const { return m_at >= m_text.size(); }
    [[nodiscard]] char next() const { return atEnd() ? '\0' : m_text[m_at]; }
    bool take(char c)
    {
        if (next() != c || atEnd()) {
            return false;
        }
        ++m_at;
        return true;
    }
    void skipBlanks()
    {
        while (!atEnd() && isBlank(next())) {
            ++m_at;
        }
    }
    std::string_view word()
    {
        const std::size_t start = m_at;
        while (!atEnd() && isWordCharacter(next())) {
            ++m_at;
        }
        return m_text.substr(start, m_at - start);
    }

    /// The part after '(' up to and with ')'.
    Result<void> arguments(std::vector<ParsedArgument>& out)
    {
        skipBlanks();
        if (take(')')) {
            return {};
        }
        while (true) {
            if (auto ok = argument(out); !ok) {
                return ok;
            }
            skipBlanks();
            if (take(')')) {
                return {};
            }
            if (!take(',')) {
                return complain(atEnd() ? "The closing ')' is missing" : "Expected ',' or ')'");
            }
        }
    }

    Result<void> argument(std::vector<ParsedArgument>& out)
    {
        skipBlanks();
        ParsedArgument argument;
        argument.position = m_at;
        argument.key = key();
        if (argument.key.empty() && !out.empty() && !out.back().key.empty()) {
            return complain("A value by position may not follow one by name");
        }
        auto read = value(0);
        if (!read) {
            return fail(std::move(read).error());
        }
        argument.value = std::move(*read);
        out.push_back(std::move(argument));
        return {};
    }

    /// `key=`, or nothing.
    std::string key()
    {
        const std::size_t start = m_at;
        const std::string_view name = word();
        skipBlanks();
        if (!name.empty() && take('=')) {
            skipBlanks();
            return std::string(name);
        }
        m_at = start;
        return {};
    }

    Result<Value> value(std::size_t depth)
    {
        const char first = next();
        if (first == '\'' || first == '"') {
            return quoted();
        }
        if (first == '[') {
            return list(depth);
        }
        const std::size_t start = m_at;
        while (!atEnd() &&
               (isWordCharacter(next()) || next() == '.' || next() == '-' || next() == '+')) {
            ++m_at;
        }
        const std::string_view text = m_text.substr(start, m_at - start);
        if (text.empty()) {
            return complain(atEnd() ? "The closing ')' is missing" : "A value is missing");
        }
        if (auto constant = constantIn(text)) {
            return std::move(*constant);
        }
        m_at = start;
        return complain(fmt::format("'{}' is no number; texts are written in quotes", text));
    }

    Result<Value> quoted()
    {
        const char quote = next();
        const std::size_t start = ++m_at;
        while (!atEnd() && next() != quote) {
            ++m_at;
        }
        if (atEnd()) {
            m_at = start - 1;
            return complain("The closing quote is missing");
        }
        std::string text(m_text.substr(start, m_at - start));
        ++m_at;
        return Value{std::move(text)};
    }

    Result<Value> list(std::size_t depth)
    {
        constexpr std::size_t kMaxDepth = Shape::kMaxRank;
        const std::size_t start = m_at++;
        std::vector<NestedList> parts;
        while (true) {
            skipBlanks();
            if (take(']')) {
                break;
            }
            if (next() == ',') {
                return complain("The numbers of a list are separated by blanks, as in [0 1]");
            }
            if (atEnd() || depth + 1 >= kMaxDepth) {
                m_at = start;
                return complain("The closing ']' is missing");
            }
            const std::size_t at = m_at;
            auto part = value(depth + 1);
            if (!part) {
                return part;
            }
            auto numbers = partOf(*part);
            if (!numbers || (!parts.empty() && parts.front().shape != numbers->shape)) {
                m_at = at;
                return complain("A list holds numbers, or lists of equal length");
            }
            parts.push_back(std::move(*numbers));
        }
        return joined(parts);
    }

    static std::optional<NestedList> partOf(const Value& value)
    {
        if (const auto* list = std::get_if<std::vector<double>>(&value)) {
            return NestedList{*list, {static_cast<std::int64_t>(list->size())}};
        }
        if (const auto* nested = std::get_if<NestedList>(&value)) {
            return *nested;
        }
        if (const auto* integer = std::get_if<std::int64_t>(&value)) {
            return NestedList{{static_cast<double>(*integer)}, {}};
        }
        if (const auto* number = std::get_if<double>(&value)) {
            return NestedList{{*number}, {}};
        }
        return std::nullopt;
    }

    static Value joined(const std::vector<NestedList>& parts)
    {
        NestedList out;
        out.shape.push_back(static_cast<std::int64_t>(parts.size()));
        for (const NestedList& part : parts) {
            out.values.insert(out.values.end(), part.values.begin(), part.values.end());
        }
        if (!parts.empty()) {
            out.shape.insert(out.shape.end(), parts.front().shape.begin(),
                             parts.front().shape.end());
        }
        if (out.shape.size() == 1) {
            return std::move(out.values);
        }
        return out;
    }

    std::string_view m_text;
    std::size_t m_at = 0;
};

} // namespace

std::string placeIn(std::string_view text, std::size_t position)
{
    return fmt::format("{}, position {}", text, position + 1);
}

std::optional<Value> numberFrom(std::string_view word)
{
    if (const auto integer = numberIn<std::int64_t>(word)) {
        return Value{*integer};
    }
    if (const auto number = numberIn<double>(word); number && !std::isnan(*number)) {
        return Value{*number};
    }
    return std::nullopt;
}

Result<ParsedCall> parseCall(std::string_view text)
{
    return Reader(text).call();
}

} // namespace bitscape::quant
