// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/train/keras_call.h"

#include "core/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace bitscape::train {

namespace {

bool isIdentifier(std::string_view text)
{
    const auto isWord = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_';
    };
    return !text.empty() && std::ranges::all_of(text, isWord) &&
           !(text.front() >= '0' && text.front() <= '9');
}

/// The parts between commas that lie outside brackets and quotes.
std::vector<std::string_view> splitArguments(std::string_view text)
{
    std::vector<std::string_view> parts;
    std::size_t first = 0;
    int depth = 0;
    char quote = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quote != 0) {
            quote = c == quote ? '\0' : quote;
        } else if (c == '\'' || c == '"') {
            quote = c;
        } else if (c == '[' || c == ']') {
            depth += c == '[' ? 1 : -1;
        } else if (c == ',' && depth == 0) {
            parts.push_back(text.substr(first, i - first));
            first = i + 1;
        }
    }
    parts.push_back(text.substr(first));
    return parts;
}

Result<CallValue> parseValue(std::string_view text, std::string_view where);

Result<CallValue> parseList(std::string_view inside, std::string_view where)
{
    std::vector<double> list;
    for (const std::string& part : split(inside, ',')) {
        if (trimmed(part).empty() && trimmed(inside).empty()) {
            break;
        }
        auto value = parseValue(trimmed(part), where);
        if (!value) {
            return value;
        }
        const double* number = std::get_if<double>(&*value);
        if (number == nullptr) {
            return fail(ErrorCode::InvalidArgument, fmt::format("'{}' is no number.", part),
                        std::string(where), "Lists hold numbers.");
        }
        list.push_back(*number);
    }
    return CallValue{std::move(list)};
}

Result<CallValue> parseValue(std::string_view text, std::string_view where)
{
    if (text == "None") {
        return CallValue{};
    }
    if (text == "True" || text == "true") {
        return CallValue{true};
    }
    if (text == "False" || text == "false") {
        return CallValue{false};
    }
    if (text.size() >= 2 && (text.front() == '\'' || text.front() == '"') &&
        text.back() == text.front()) {
        return CallValue{std::string(text.substr(1, text.size() - 2))};
    }
    if (text.size() >= 2 && text.front() == '[' && text.back() == ']') {
        return parseList(text.substr(1, text.size() - 2), where);
    }
    double number = 0;
    const char* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, number);
    if (text.empty() || read.ec != std::errc{} || read.ptr != end || !std::isfinite(number)) {
        return fail(ErrorCode::InvalidArgument, fmt::format("'{}' is no value.", text),
                    std::string(where),
                    "Values are numbers, True, False, None, quoted words or lists of numbers.");
    }
    return CallValue{number};
}

std::string lowerCase(std::string_view text)
{
    std::string lower(text);
    for (char& c : lower) {
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return lower;
}

/// A name as it is compared: lower case, without underscores.
std::string plainName(std::string_view name)
{
    std::string plain = lowerCase(name);
    std::erase(plain, '_');
    return plain;
}

Result<void> checkRange(const CallParameter& parameter, double value, const std::string& call,
                        std::string_view where)
{
    if (value >= parameter.low && value < parameter.below) {
        return {};
    }
    std::string rule =
        std::isinf(parameter.low) ? "" : "at least " + fmt::format("{}", parameter.low);
    if (!std::isinf(parameter.below)) {
        rule += (rule.empty() ? "below " : " and below ") + fmt::format("{}", parameter.below);
    }
    return fail(
        ErrorCode::InvalidArgument,
        fmt::format("{} of {} is {}, but it must be {}.", parameter.name, call, value, rule),
        std::string(where));
}

/// Whether the value is of the kind that the parameter takes, and within its range.
Result<void> checkValue(const CallParameter& parameter, const CallValue& value,
                        const std::string& call, std::string_view where)
{
    const bool wantsText = std::holds_alternative<std::string>(parameter.defaultValue);
    const bool wantsList = std::holds_alternative<std::vector<double>>(parameter.defaultValue);
    const char* wanted = wantsText ? "a quoted word" : (wantsList ? "a list" : "a number");
    const bool isText = std::holds_alternative<std::string>(value);
    const bool isList = std::holds_alternative<std::vector<double>>(value);
    const bool isMissing = std::holds_alternative<std::monostate>(value) &&
                           !std::holds_alternative<std::monostate>(parameter.defaultValue);
    if (isText != wantsText || isList != wantsList || isMissing) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("Argument '{}' of {} must be {}.", parameter.name, call, wanted),
                    std::string(where));
    }
    if (const bool* flag = std::get_if<bool>(&value)) {
        return checkRange(parameter, *flag ? 1.0 : 0.0, call, where);
    }
    if (const double* number = std::get_if<double>(&value)) {
        return checkRange(parameter, *number, call, where);
    }
    return {};
}

} // namespace

bool isNamed(std::string_view row, std::string_view called)
{
    return !row.empty() && plainName(row) == plainName(called);
}

Failure unknownName(std::string_view what, std::string_view called,
                    const std::vector<std::string>& known, std::string_view where)
{
    const std::string near = nearest(std::string(called), known);
    return fail(ErrorCode::InvalidArgument, fmt::format("There is no {} '{}'.", what, called),
                std::string(where),
                near.empty() ? "Known are " + join(known, ", ") + "."
                             : "Did you mean '" + near + "'?");
}

std::string toString(const CallValue& value)
{
    if (const bool* flag = std::get_if<bool>(&value)) {
        return *flag ? "True" : "False";
    }
    if (const double* number = std::get_if<double>(&value)) {
        return pythonRepr(*number);
    }
    if (const auto* list = std::get_if<std::vector<double>>(&value)) {
        std::vector<std::string> parts;
        for (const double number : *list) {
            parts.push_back(pythonRepr(number));
        }
        return "[" + join(parts, ",") + "]";
    }
    const std::string* text = std::get_if<std::string>(&value);
    return text != nullptr ? "'" + *text + "'" : "None";
}

std::string toString(const KerasCall& call)
{
    std::vector<std::string> parts;
    for (const CallValue& value : call.positional) {
        parts.push_back(toString(value));
    }
    for (const auto& [name, value] : call.keywords) {
        parts.push_back(name + "=" + toString(value));
    }
    return call.name + (parts.empty() ? "" : "(" + join(parts, ",") + ")");
}

Result<KerasCall> parseKerasCall(std::string_view text, std::string_view where)
{
    const std::string_view all = trimmed(text);
    const std::size_t open = all.find('(');
    KerasCall call;
    call.name = lowerCase(trimmed(all.substr(0, open)));
    if (!isIdentifier(call.name) || (open != std::string_view::npos && all.back() != ')')) {
        return fail(ErrorCode::InvalidArgument, fmt::format("'{}' cannot be read.", text),
                    std::string(where), "Write it as name or name(0.01,option=value).");
    }
    if (open == std::string_view::npos) {
        return call;
    }
    const std::string_view inside = trimmed(all.substr(open + 1, all.size() - open - 2));
    if (inside.empty()) {
        return call;
    }
    for (const std::string_view part : splitArguments(inside)) {
        const std::size_t equals = part.find('=');
        const bool named = equals != std::string_view::npos;
        auto value = parseValue(trimmed(named ? part.substr(equals + 1) : part), where);
        if (!value) {
            return fail(std::move(value).error());
        }
        if (named) {
            call.keywords.emplace_back(trimmed(part.substr(0, equals)), std::move(*value));
        } else if (call.keywords.empty()) {
            call.positional.push_back(std::move(*value));
        } else {
            return fail(ErrorCode::InvalidArgument,
                        fmt::format("In '{}' an argument without a name follows named ones.", text),
                        std::string(where));
        }
    }
    return call;
}

Result<CallArguments> CallArguments::bind(const KerasCall& call,
                                          std::span<const CallParameter> parameters,
                                          std::string_view where)
{
    CallArguments arguments;
    for (const CallParameter& parameter : parameters) {
        arguments.m_values.emplace_back(parameter.name, parameter.defaultValue);
    }
    if (call.positional.size() > parameters.size()) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("{} takes at most {} arguments, got {}.", call.name,
                                parameters.size(), call.positional.size()),
                    std::string(where));
    }
    for (std::size_t i = 0; i < call.positional.size(); ++i) {
        arguments.m_values[i].second = call.positional[i];
    }
    for (const auto& [name, value] : call.keywords) {
        const auto found =
            std::ranges::find(arguments.m_values, name, &std::pair<std::string, CallValue>::first);
        if (found == arguments.m_values.end()) {
            std::vector<std::string> known;
            for (const CallParameter& parameter : parameters) {
                known.emplace_back(parameter.name);
            }
            const std::string near = nearest(name, known);
            return fail(ErrorCode::InvalidArgument,
                        fmt::format("{} has no argument '{}'.", call.name, name),
                        std::string(where),
                        near.empty() ? "It has " + join(known, ", ") + "."
                                     : "Did you mean '" + near + "'?");
        }
        if (found - arguments.m_values.begin() <
            static_cast<std::ptrdiff_t>(call.positional.size())) {
            return fail(ErrorCode::InvalidArgument,
                        fmt::format("{} got '{}' twice.", call.name, name), std::string(where));
        }
        found->second = value;
    }
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        if (auto ok = checkValue(parameters[i], arguments.m_values[i].second, call.name, where);
            !ok) {
            return fail(std::move(ok).error());
        }
    }
    return arguments;
}

const CallValue& CallArguments::value(std::string_view name) const
{
    const auto found = std::ranges::find(m_values, name, &std::pair<std::string, CallValue>::first);
    ensure(found != m_values.end(), "CallArguments: not a parameter of the row");
    return found->second;
}

double CallArguments::number(std::string_view name) const
{
    return optionalNumber(name).value_or(0.0);
}

std::optional<double> CallArguments::optionalNumber(std::string_view name) const
{
    const CallValue& held = value(name);
    if (const bool* flag = std::get_if<bool>(&held)) {
        return *flag ? 1.0 : 0.0;
    }
    if (const double* number = std::get_if<double>(&held)) {
        return *number;
    }
    return std::nullopt;
}

const std::string& CallArguments::text(std::string_view name) const
{
    const std::string* held = std::get_if<std::string>(&value(name));
    ensure(held != nullptr, "CallArguments: not a text");
    return *held;
}

const std::vector<double>& CallArguments::list(std::string_view name) const
{
    const auto* held = std::get_if<std::vector<double>>(&value(name));
    ensure(held != nullptr, "CallArguments: not a list");
    return *held;
}

} // namespace bitscape::train
