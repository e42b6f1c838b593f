// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/json_text.h"

#include <array>
#include <optional>

namespace bitscape {

namespace {

// Copies and destruction of nlohmann's values recurse; real models nest about ten levels.
constexpr int kMaxDepth = 200;

/// Calls onCode(position) for every character outside of strings, until it returns false.
template <class OnCode>
void scan(std::string_view text, OnCode onCode)
{
    bool inString = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (inString) {
            i += c == '\\' ? 1 : 0;
            inString = c != '"';
        } else if (c == '"') {
            inString = true;
        } else if (!onCode(i)) {
            return;
        }
    }
}

/// Where the text nests too deep, if it does.
std::optional<std::size_t> tooDeepAt(std::string_view text)
{
    int depth = 0;
    std::optional<std::size_t> found;
    scan(text, [&](std::size_t i) {
        depth += text[i] == '[' || text[i] == '{' ? 1 : 0;
        depth -= text[i] == ']' || text[i] == '}' ? 1 : 0;
        if (depth > kMaxDepth) {
            found = i;
        }
        return !found;
    });
    return found;
}

/// Python writes NaN and Infinity, which are no JSON.
std::string withoutPythonNumbers(std::string_view text)
{
    constexpr std::array<std::string_view, 3> kWords{"-Infinity", "Infinity", "NaN"};
    std::string out;
    std::size_t copied = 0;
    scan(text, [&](std::size_t i) {
        for (const std::string_view word : kWords) {
            if (i >= copied && text.substr(i).starts_with(word)) {
                out.append(text.substr(copied, i - copied)).append("null");
                copied = i + word.size();
            }
        }
        return true;
    });
    return out.append(text.substr(copied));
}

} // namespace

Result<Json> parseJson(std::string_view text, const std::string& where)
{
    if (const auto deep = tooDeepAt(text)) {
        return fail(ErrorCode::CorruptFile,
                    "The JSON text nests deeper than " + std::to_string(kMaxDepth) + " levels.",
                    where + ", byte " + std::to_string(*deep));
    }
    try {
        const bool python = text.find("NaN") != std::string_view::npos ||
                            text.find("Infinity") != std::string_view::npos;
        return python ? Json::parse(withoutPythonNumbers(text)) : Json::parse(text);
    } catch (const Json::parse_error& error) {
        return fail(ErrorCode::CorruptFile, "The JSON text is damaged.",
                    where + ", byte " + std::to_string(error.byte));
    }
}

const Json& member(const Json& object, const char* key)
{
    static const Json kNull;
    if (!object.is_object()) {
        return kNull;
    }
    const auto found = object.find(key);
    return found == object.end() ? kNull : *found;
}

} // namespace bitscape
