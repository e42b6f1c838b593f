// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/yaml_text.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace bitscape {

namespace {

constexpr int kMaxDepth = 64;
constexpr std::size_t kMaxBytes = std::size_t{16} << 20U;
constexpr std::int64_t kMaxValues = 1 << 20;

/// yaml-cpp's own parser recurses; what could nest deeper than it should is refused before.
bool mayNestTooDeep(std::string_view text)
{
    int flow = 0;
    int deepest = 0;
    std::size_t indent = 0;
    bool atLineStart = true;
    std::size_t deepestIndent = 0;
    for (const char c : text) {
        if (c == '\n') {
            atLineStart = true;
            indent = 0;
            continue;
        }
        if (atLineStart && (c == ' ' || c == '-' || c == '?' || c == ':')) {
            ++indent;
            deepestIndent = std::max(deepestIndent, indent);
            continue;
        }
        atLineStart = false;
        flow += c == '[' || c == '{' ? 1 : 0;
        flow -= c == ']' || c == '}' ? 1 : 0;
        flow = std::max(flow, 0);
        deepest = std::max(deepest, flow);
    }
    return deepest > kMaxDepth || deepestIndent > std::size_t{8} * kMaxDepth;
}

template <class T>
bool reads(std::string_view text, T& value)
{
    const std::string_view digits = text.starts_with("+") ? text.substr(1) : text;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc{} && end == digits.data() + digits.size();
}

Json scalarOf(const YAML::Node& node)
{
    const std::string& text = node.Scalar();
    if (node.Tag() == "!") { // quoted
        return text;
    }
    if (text == "true" || text == "True" || text == "TRUE") {
        return true;
    }
    if (text == "false" || text == "False" || text == "FALSE") {
        return false;
    }
    std::int64_t integer = 0;
    if (reads(text, integer)) {
        return integer;
    }
    double number = 0;
    const bool isWord = std::ranges::any_of(text, [](char c) {
        return (c >= 'a' && c <= 'z' && c != 'e') || (c >= 'A' && c <= 'Z' && c != 'E');
    });
    return !isWord && reads(text, number) ? Json(number) : Json(text);
}

class Converter {
public:
    explicit Converter(const std::string& where) : m_where(where) {}

    Result<Json> convert(const YAML::Node& node, int depth)
    {
        if (depth > kMaxDepth || ++m_values > kMaxValues) {
            return refuse(node, depth > kMaxDepth ? "The YAML text nests too deep."
                                                  : "The YAML text holds too many values.");
        }
        switch (node.Type()) {
        case YAML::NodeType::Scalar:
            return scalarOf(node);
        case YAML::NodeType::Sequence:
            return list(node, depth);
        case YAML::NodeType::Map:
            return object(node, depth);
        case YAML::NodeType::Null:
        case YAML::NodeType::Undefined:
            break;
        }
        return Json(nullptr);
    }

private:
    Failure refuse(const YAML::Node& node, std::string message) const
    {
        const int line = node.Mark().line;
        return fail(ErrorCode::CorruptFile, std::move(message),
                    m_where + (line < 0 ? "" : ", line " + std::to_string(line + 1)));
    }

    Result<Json> list(const YAML::Node& node, int depth)
    {
        Json out = Json::array();
        for (const YAML::Node& item : node) {
            auto value = convert(item, depth + 1);
            if (!value) {
                return value;
            }
            out.push_back(std::move(*value));
        }
        return out;
    }

    Result<Json> object(const YAML::Node& node, int depth)
    {
        Json out = Json::object();
        for (const auto& entry : node) {
            if (!entry.first.IsScalar()) {
                return refuse(node, "A key of the YAML text is no text.");
            }
            auto value = convert(entry.second, depth + 1);
            if (!value) {
                return value;
            }
            out[entry.first.Scalar()] = std::move(*value);
        }
        return out;
    }

    const std::string& m_where;
    std::int64_t m_values = 0;
};

void emit(YAML::Emitter& out, const Json& value)
{
    if (value.is_object()) {
        out << YAML::BeginMap;
        for (const auto& [key, item] : value.items()) {
            out << YAML::Key << key << YAML::Value;
            emit(out, item);
        }
        out << YAML::EndMap;
    } else if (value.is_array()) {
        const bool isPlain = std::all_of(value.begin(), value.end(),
                                         [](const Json& item) { return !item.is_object(); });
        out << (isPlain ? YAML::Flow : YAML::Block) << YAML::BeginSeq;
        for (const Json& item : value) {
            emit(out, item);
        }
        out << YAML::EndSeq;
    } else if (value.is_string()) {
        const auto& text = value.get_ref<const std::string&>();
        const YAML::Node plain = YAML::Node(text);
        out << (scalarOf(plain).is_string() ? YAML::Auto : YAML::SingleQuoted) << text;
    } else if (value.is_null()) {
        out << YAML::Null;
    } else {
        out << YAML::Auto << value.dump();
    }
}

} // namespace

Result<Json> parseYaml(std::string_view text, const std::string& where)
{
    if (text.size() > kMaxBytes || mayNestTooDeep(text)) {
        return fail(ErrorCode::CorruptFile,
                    "The YAML text is too large or nests too deep for a configuration.", where);
    }
    try {
        return Converter(where).convert(YAML::Load(std::string(text)), 0);
    } catch (const YAML::Exception& error) {
        const int line = error.mark.line;
        return fail(ErrorCode::CorruptFile, "The YAML text is damaged.",
                    where + (line < 0 ? "" : ", line " + std::to_string(line + 1)));
    }
}

std::string toYaml(const Json& value)
{
    YAML::Emitter out;
    emit(out, value);
    return std::string(out.c_str()) + "\n";
}

} // namespace bitscape
