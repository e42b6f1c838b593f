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
    double number = 0;
    const char* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, number);
    if (text.empty() || read.ec != std::errc{} || read.ptr != end || !std::isfinite(number)) {
        return fail(ErrorCode::InvalidArgument, fmt::format("'{}' is no value.", text),
                    std::string(where), "Values are numbers, True, False, None or quoted words.");
    }
    return CallValue{number};
}

std::string valueText(const CallValue& value)
{
    if (const bool* flag = std::get_if<bool>(&value)) {
        return *flag ? "True" : "False";
    }
    if (const double* number = std::get_if<double>(&value)) {
        return pythonRepr(*number);
    }
    const std::string* text = std::get_if<std::string>(&value);
    return text != nullptr ? "'" + *text + "'" : "None";
}

std::string lowerCase(std::string_view text)
{
    std::string lower(text);
    for (char& c : lower) {
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return lower;
}

} // namespace

std::string toString(const KerasCall& call)
{
    std::vector<std::string> parts;
    for (const CallValue& value : call.positional) {
        parts.push_back(valueText(value));
    }
    for (const auto& [name, value] : call.keywords) {
        parts.push_back(name + "=" + valueText(value));
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
    for (const std::string& part : split(inside, ',')) {
        const std::size_t equals = part.find('=');
        const bool named = equals != std::string::npos;
        auto value = parseValue(
            trimmed(named ? std::string_view(part).substr(equals + 1) : std::string_view(part)),
            where);
        if (!value) {
            return fail(std::move(value).error());
        }
        if (named) {
            call.keywords.emplace_back(trimmed(std::string_view(part).substr(0, equals)),
                                       std::move(*value));
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
    for (const auto& [name, value] : arguments.m_values) {
        if (std::holds_alternative<std::string>(value)) {
            return fail(ErrorCode::InvalidArgument,
                        fmt::format("Argument '{}' of {} must be a number.", name, call.name),
                        std::string(where));
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

} // namespace bitscape::train
