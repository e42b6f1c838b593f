// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/value.h"

#include "core/base/text.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace bitscape::quant {

namespace {

using Json = nlohmann::ordered_json;

/// Walks a list in order; axes are written as whole numbers, scales as floats.
struct ListWriter {
    const NestedList& list;
    bool whole = false;
    std::size_t next = 0;

    std::string text(std::size_t axis = 0)
    {
        if (axis == list.shape.size()) {
            const double value = list.values[next++];
            return whole ? std::to_string(static_cast<std::int64_t>(value)) : pythonRepr(value);
        }
        std::string out = "[";
        for (std::int64_t i = 0; i < list.shape[axis]; ++i) {
            out += (i == 0 ? "" : " ") + text(axis + 1);
        }
        return out + "]";
    }

    Json json(std::size_t axis = 0)
    {
        if (axis == list.shape.size()) {
            const double value = list.values[next++];
            return whole ? Json(static_cast<std::int64_t>(value)) : Json(value);
        }
        Json out = Json::array();
        for (std::int64_t i = 0; i < list.shape[axis]; ++i) {
            out.push_back(json(axis + 1));
        }
        return out;
    }
};

std::string writeText(const Value& value, bool wholeList)
{
    if (const auto* flag = std::get_if<bool>(&value)) {
        return *flag ? "True" : "False";
    }
    if (const auto* integer = std::get_if<std::int64_t>(&value)) {
        return std::to_string(*integer);
    }
    if (const auto* number = std::get_if<double>(&value)) {
        return pythonRepr(*number);
    }
    if (const std::string* text = textOf(value)) {
        return "'" + *text + "'";
    }
    if (const std::optional<NestedList> list = listOf(value)) {
        return ListWriter{*list, wholeList}.text();
    }
    return "None";
}

/// Appends the numbers of `json` to `list`; false if its parts differ in shape.
bool readList(const Json& json, NestedList& list, std::size_t axis)
{
    if (json.is_number()) {
        list.values.push_back(json.get<double>());
        return axis == list.shape.size();
    }
    if (!json.is_array()) {
        return false;
    }
    const auto size = static_cast<std::int64_t>(json.size());
    constexpr std::size_t kMaxDepth = Shape::kMaxRank;
    if (axis == list.shape.size() && axis < kMaxDepth && list.values.empty()) {
        list.shape.push_back(size);
    }
    if (axis >= list.shape.size() || list.shape[axis] != size) {
        return false;
    }
    for (const Json& part : json) {
        if (!readList(part, list, axis + 1)) {
            return false;
        }
    }
    return true;
}

/// Arrays as Keras writes them: {"class_name": "__numpy__", "config": {"value": list}}; and the
/// short
/// {"__ndarray__": list}.
std::optional<Value> fromArrayObject(const Json& json)
{
    if (json.size() == 1 && json.contains("__ndarray__")) {
        return fromJson(json.at("__ndarray__"));
    }
    const Json kind = json.value("class_name", Json());
    const Json config = json.value("config", Json());
    const bool isArray = kind == "__numpy__" || kind == "__tensor__";
    return isArray && config.is_object() && config.contains("value") ? fromJson(config.at("value"))
                                                                     : std::nullopt;
}

Value simplest(NestedList list)
{
    if (list.shape.size() == 1) {
        return std::move(list.values);
    }
    return list;
}

bool isWhole(double value)
{
    return std::isfinite(value) && value == std::floor(value) && std::abs(value) < 0x1p53;
}

struct Converted {
    bool ok = false;
    Value value;
};

Converted toInteger(const Value& value)
{
    const std::optional<double> number = numberOf(value);
    if (!number || !isWhole(*number)) {
        return {};
    }
    return {true, static_cast<std::int64_t>(*number)};
}

Converted toNumber(const Value& value)
{
    if (const auto* flag = std::get_if<bool>(&value)) {
        return {true, std::int64_t{*flag ? 1 : 0}};
    }
    return {numberOf(value).has_value(), value};
}

Converted toAxes(const Value& value)
{
    if (const auto* list = std::get_if<std::vector<double>>(&value)) {
        for (const double axis : *list) {
            if (!isWhole(axis)) {
                return {};
            }
        }
        return {true, value};
    }
    return toInteger(value);
}

Converted toChoice(const Value& value, const std::vector<std::string>& choices)
{
    const std::string* text = textOf(value);
    return {text != nullptr && std::ranges::find(choices, *text) != choices.end(), value};
}

/// The value as its parameter holds it: flags as bool, whole numbers as integer.
Converted convert(const ParameterInfo& parameter, const Value& value)
{
    const bool none = isNone(value);
    switch (parameter.type) {
    case ParameterType::Integer:
        return toInteger(value);
    case ParameterType::OptionalInteger:
        return none ? Converted{true, value} : toInteger(value);
    case ParameterType::Number:
        return toNumber(value);
    case ParameterType::OptionalNumber:
        return none ? Converted{true, value} : toNumber(value);
    case ParameterType::Boolean:
        return {numberOf(value).has_value(), isTruthy(value)};
    case ParameterType::Scale:
        if (const std::string* text = textOf(value)) {
            return {*text == "auto" || *text == "auto_po2", value};
        }
        return none || listOf(value) ? Converted{true, value} : Converted{};
    case ParameterType::Axes:
        return none ? Converted{true, value} : toAxes(value);
    case ParameterType::FrozenScale:
        return {none || listOf(value).has_value(), value};
    case ParameterType::Choice:
        return toChoice(value, parameter.choices);
    case ParameterType::OptionalText:
        return {none || textOf(value) != nullptr, value};
    }
    return {};
}

std::string_view expectation(ParameterType type)
{
    switch (type) {
    case ParameterType::Integer:
        return "a whole number";
    case ParameterType::OptionalInteger:
        return "a whole number or None";
    case ParameterType::Number:
        return "a number";
    case ParameterType::OptionalNumber:
        return "a number or None";
    case ParameterType::Boolean:
        return "True, False, 1 or 0";
    case ParameterType::Scale:
        return "None, a number, a list of numbers, 'auto' or 'auto_po2'";
    case ParameterType::Axes:
        return "None, an axis or a list of axes such as [0 1]";
    case ParameterType::FrozenScale:
        return "None, a number or a list of numbers";
    case ParameterType::Choice:
        return "one of its choices";
    case ParameterType::OptionalText:
        return "a text or None";
    }
    return "";
}

Failure wrongType(const QuantizerInfo& info, const ParameterInfo& parameter, const Value& value)
{
    std::vector<std::string> words = parameter.choices;
    if (parameter.type == ParameterType::Scale) {
        words = {"auto", "auto_po2"};
    }
    std::string hint;
    if (const std::string* text = textOf(value)) {
        const std::string near = nearest(*text, words);
        hint = near.empty() ? "" : fmt::format("Did you mean '{}'?", near);
    }
    std::string rule = fmt::format("it must be {}", expectation(parameter.type));
    if (!parameter.choices.empty()) {
        rule = fmt::format("it must be one of '{}'", join(parameter.choices, "', '"));
    }
    Failure failure = badParameter(info, parameter.name, value, rule);
    failure.value().hint = hint;
    return failure;
}

} // namespace

const std::string* textOf(const Value& value)
{
    return std::get_if<std::string>(&value);
}

std::optional<double> numberOf(const Value& value)
{
    if (const auto* flag = std::get_if<bool>(&value)) {
        return *flag ? 1.0 : 0.0;
    }
    if (const auto* integer = std::get_if<std::int64_t>(&value)) {
        return static_cast<double>(*integer);
    }
    if (const auto* number = std::get_if<double>(&value)) {
        return *number;
    }
    return std::nullopt;
}

std::optional<NestedList> listOf(const Value& value)
{
    if (const auto* nested = std::get_if<NestedList>(&value)) {
        return *nested;
    }
    if (const auto* list = std::get_if<std::vector<double>>(&value)) {
        return NestedList{*list, {static_cast<std::int64_t>(list->size())}};
    }
    if (const std::optional<double> number = numberOf(value)) {
        return NestedList{{*number}, {1}};
    }
    return std::nullopt;
}

bool isTruthy(const Value& value)
{
    if (const std::optional<double> number = numberOf(value)) {
        return *number != 0.0;
    }
    if (const std::string* text = textOf(value)) {
        return !text->empty();
    }
    return !isNone(value);
}

std::string toText(const ParameterInfo& parameter, const Value& value)
{
    return writeText(value, parameter.type == ParameterType::Axes);
}

bool sameValue(const Value& a, const Value& b)
{
    const std::optional<double> x = numberOf(a);
    const std::optional<double> y = numberOf(b);
    if (x && y) {
        return *x == *y;
    }
    return a == b;
}

nlohmann::ordered_json toJson(const ParameterInfo& parameter, const Value& value)
{
    if (const auto* flag = std::get_if<bool>(&value)) {
        return *flag;
    }
    if (const auto* integer = std::get_if<std::int64_t>(&value)) {
        return *integer;
    }
    if (const auto* number = std::get_if<double>(&value)) {
        return *number;
    }
    if (const std::string* text = textOf(value)) {
        return *text;
    }
    if (const std::optional<NestedList> list = listOf(value)) {
        return ListWriter{*list, parameter.type == ParameterType::Axes}.json();
    }
    return nullptr;
}

std::optional<Value> fromJson(const nlohmann::ordered_json& json)
{
    if (json.is_null()) {
        return Value{};
    }
    if (json.is_boolean()) {
        return Value{json.get<bool>()};
    }
    if (json.is_number_integer()) {
        return Value{json.get<std::int64_t>()};
    }
    if (json.is_number()) {
        return Value{json.get<double>()};
    }
    if (json.is_string()) {
        return Value{json.get<std::string>()};
    }
    if (json.is_object()) {
        return fromArrayObject(json);
    }
    NestedList list;
    if (json.is_array() && readList(json, list, 0)) {
        return simplest(std::move(list));
    }
    return std::nullopt;
}

const ParameterInfo* findParameter(const QuantizerInfo& info, std::string_view name)
{
    const auto found = std::ranges::find(info.parameters, name, &ParameterInfo::name);
    return found == info.parameters.end() ? nullptr : &*found;
}

std::size_t positionalCount(const QuantizerInfo& info)
{
    return static_cast<std::size_t>(
        std::ranges::count(info.parameters, false, &ParameterInfo::keywordOnly));
}

Failure badParameter(const QuantizerInfo& info, std::string_view parameter, const Value& value,
                     std::string_view rule)
{
    return fail(ErrorCode::InvalidArgument, fmt::format("{}: {} = {}, but {}.", info.name,
                                                        parameter, writeText(value, false), rule));
}

Result<Parameters> completeParameters(const QuantizerInfo& info, Parameters given)
{
    for (const auto& [name, value] : given) {
        if (findParameter(info, name) == nullptr) {
            std::vector<std::string> names;
            for (const ParameterInfo& parameter : info.parameters) {
                names.push_back(parameter.name);
            }
            const std::string near = nearest(name, names);
            return fail(ErrorCode::InvalidArgument,
                        fmt::format("{} has no parameter '{}'.", info.name, name), {},
                        near.empty() ? fmt::format("Its parameters are {}.", join(names, ", "))
                                     : fmt::format("Did you mean '{}'?", near));
        }
    }
    Parameters complete;
    for (const ParameterInfo& parameter : info.parameters) {
        const auto found = given.find(parameter.name);
        if (found == given.end()) {
            complete[parameter.name] = parameter.defaultValue;
            continue;
        }
        Converted converted = convert(parameter, found->second);
        if (!converted.ok) {
            return wrongType(info, parameter, found->second);
        }
        complete[parameter.name] = std::move(converted.value);
    }
    return complete;
}

} // namespace bitscape::quant
