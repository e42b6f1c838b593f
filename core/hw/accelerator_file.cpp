// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/text.h"
#include "core/hw/accelerator.h"
#include "core/hw/parameter_table.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>

// Accelerators as JSON: {"schema": "hwmodel/1", "clock_mhz": 200, "engines": {"conv": {"Poc": 4}}}.
namespace bitscape::hw {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kSchema = "hwmodel/1";

// Keys that choose an engine of another kind.
constexpr std::array<std::string_view, 6> kOtherEngines{"systolic", "fusion",   "bit_serial",
                                                        "compute",  "memories", "loops"};

Failure refuse(std::string_view key, std::string message, std::string hint = {})
{
    return fail(ErrorCode::InvalidArgument,
                "The accelerator's key \"" + std::string(key) + "\" " + std::move(message),
                std::string(key), std::move(hint));
}

std::string rangeText(double low, double high)
{
    return "a number from " + pythonRepr(low) + " to " + pythonRepr(high);
}

std::string namesText(std::span<const std::string_view> names)
{
    std::vector<std::string> quoted;
    for (const std::string_view name : names) {
        quoted.push_back("\"" + std::string(name) + "\"");
    }
    return join(quoted, ", ");
}

/// Puts a JSON value into the field; the overloads are one per kind of field.
struct Assign {
    Accelerator& accelerator;
    std::string_view key;
    const Json& value;

    Result<void> operator()(const RealField& field) const
    {
        if (!value.is_number() || !std::isfinite(value.get<double>()) ||
            value.get<double>() < field.low || value.get<double>() > field.high) {
            return expected(rangeText(field.low, field.high));
        }
        field.at(accelerator) = value.get<double>();
        return {};
    }
    Result<void> operator()(const WholeField& field) const
    {
        const double number = value.is_number() ? value.get<double>() : std::nan("");
        if (!(number >= field.low && number <= field.high) || number != std::floor(number)) {
            return expected("a whole number from " + std::to_string(field.low) + " to " +
                            std::to_string(field.high));
        }
        field.at(accelerator) = static_cast<int>(number);
        return {};
    }
    Result<void> operator()(const FlagField& field) const
    {
        if (!value.is_boolean()) {
            return expected("true or false");
        }
        field.at(accelerator) = value.get<bool>();
        return {};
    }
    Result<void> operator()(const ChoiceField& field) const
    {
        const auto found = value.is_string()
                               ? std::ranges::find(field.names, value.get<std::string>())
                               : field.names.end();
        if (found == field.names.end()) {
            return expected("one of " + namesText(field.names));
        }
        field.set(accelerator, static_cast<int>(found - field.names.begin()));
        return {};
    }
    Result<void> operator()(const NameField&) const
    {
        if (!value.is_string() || value.get<std::string>().empty()) {
            return expected("a text that is not empty");
        }
        accelerator.name = value.get<std::string>();
        return {};
    }
    Result<void> operator()(const ModesField&) const
    {
        std::vector<int> modes;
        for (const Json& mode : value) {
            if (!mode.is_number_integer() || mode.get<double>() < 1 || mode.get<double>() > 64) {
                return expected("a list of whole numbers from 1 to 64");
            }
            modes.push_back(mode.get<int>());
        }
        if (!value.is_array() || modes.empty()) {
            return expected("a list of lanes, as [1, 2, 4]");
        }
        std::ranges::sort(modes);
        accelerator.modes = std::move(modes);
        return {};
    }
    Result<void> operator()(const ModePowerField&) const
    {
        if (!value.is_object()) {
            return expected("an object of lanes and factors, as {\"1\": 1, \"2\": 0.56}");
        }
        for (const auto& [lanes, factor] : value.items()) {
            int mode = 0;
            const auto read = std::from_chars(lanes.data(), lanes.data() + lanes.size(), mode);
            if (read.ec != std::errc{} || read.ptr != lanes.data() + lanes.size() || mode < 1 ||
                !factor.is_number() || !(factor.get<double>() >= 0 && factor.get<double>() <= 10)) {
                return expected("an object of lanes and factors from 0 to 10");
            }
            accelerator.modePower[mode] = factor.get<double>();
        }
        return {};
    }

    [[nodiscard]] Result<void> expected(const std::string& what) const
    {
        return refuse(key, "holds " + value.dump() + "; it takes " + what + ".");
    }
};

struct Read {
    const Accelerator& accelerator;

    Json operator()(const RealField& field) const
    {
        Accelerator copy = accelerator;
        return field.at(copy);
    }
    Json operator()(const WholeField& field) const
    {
        Accelerator copy = accelerator;
        return field.at(copy);
    }
    Json operator()(const FlagField& field) const
    {
        Accelerator copy = accelerator;
        return field.at(copy);
    }
    Json operator()(const ChoiceField& field) const
    {
        return field.names[static_cast<std::size_t>(field.get(accelerator))];
    }
    Json operator()(const NameField&) const { return accelerator.name; }
    Json operator()(const ModesField&) const { return accelerator.modes; }
    Json operator()(const ModePowerField&) const
    {
        Json object = Json::object();
        for (const auto& [lanes, factor] : accelerator.modePower) {
            object[std::to_string(lanes)] = factor;
        }
        return object;
    }
};

Json valueOf(const Accelerator& accelerator, const Parameter& parameter)
{
    return std::visit(Read{accelerator}, parameter.field);
}

/// Keys one level below `place` ("" is the top).
std::vector<std::string> keysBelow(const std::string& place)
{
    std::vector<std::string> keys;
    const std::string prefix = place.empty() ? "" : place + ".";
    for (const Parameter& parameter : parameters()) {
        if (!parameter.key.starts_with(prefix)) {
            continue;
        }
        std::string key(parameter.key.substr(prefix.size()));
        key = key.substr(0, key.find('.'));
        if (std::ranges::find(keys, key) == keys.end()) {
            keys.push_back(std::move(key));
        }
    }
    return keys;
}

Failure unknownKey(const std::string& place, const std::string& key)
{
    const std::string path = place.empty() ? key : place + "." + key;
    if (place.empty() && std::ranges::find(kOtherEngines, key) != kOtherEngines.end()) {
        return refuse(path,
                      "chooses another kind of engine; this version models the Sum-Together "
                      "engines (conv, dw, fc) only.",
                      "Leave the key out, or describe the accelerator by the keys below "
                      "\"engines\".");
    }
    const std::vector<std::string> known = keysBelow(place);
    const std::string near = nearest(key, known);
    return refuse(path, "is unknown; known here: " + join(known, ", ") + ".",
                  near.empty() ? "" : "Did you mean \"" + near + "\"?");
}

Result<void> assignAll(Accelerator& accelerator, const std::string& place, const Json& object)
{
    for (const auto& [key, value] : object.items()) {
        const std::string path = place.empty() ? key : place + "." + key;
        if (path == "schema") {
            continue;
        }
        if (const Parameter* parameter = findParameter(path)) {
            if (auto ok = std::visit(Assign{accelerator, path, value}, parameter->field); !ok) {
                return ok;
            }
        } else if (keysBelow(path).empty()) {
            return unknownKey(place, key);
        } else if (!value.is_object()) {
            return refuse(path, "holds " + value.dump() + "; it takes an object with the keys " +
                                    join(keysBelow(path), ", ") + ".");
        } else if (auto ok = assignAll(accelerator, path, value); !ok) {
            return ok;
        }
    }
    return {};
}

Json& place(Json& root, std::string_view key)
{
    Json* at = &root;
    for (const std::string& part : split(key, '.')) {
        at = &(*at)[part];
    }
    return *at;
}

} // namespace

Result<Accelerator> parseAccelerator(std::string_view text)
{
    const Json json = Json::parse(text, nullptr, false);
    if (!json.is_object()) {
        return fail(ErrorCode::InvalidArgument, "The accelerator is not a JSON object.", "",
                    R"(It starts like {"schema": "hwmodel/1", "clock_mhz": 200}.)");
    }
    const auto schema = json.find("schema");
    if (schema == json.end() || *schema != kSchema) {
        return refuse("schema",
                      schema == json.end() ? std::string("is missing.")
                                           : "holds " + schema->dump() + ".",
                      R"(This version reads "schema": "hwmodel/1".)");
    }
    Accelerator accelerator;
    if (auto ok = assignAll(accelerator, "", json); !ok) {
        return fail(std::move(ok).error());
    }
    if (auto ok = accelerator.validate(); !ok) {
        return fail(std::move(ok).error());
    }
    return accelerator;
}

std::string toJson(const Accelerator& accelerator)
{
    Json json{{"schema", kSchema}};
    for (const Parameter& parameter : parameters()) {
        place(json, parameter.key) = valueOf(accelerator, parameter);
    }
    return json.dump(2);
}

std::span<const ParameterDoc> parameterDocs()
{
    static const std::vector<ParameterDoc> docs = [] {
        const Accelerator defaults;
        std::vector<ParameterDoc> rows;
        for (const Parameter& parameter : parameters()) {
            rows.push_back({.key = std::string(parameter.key),
                            .unit = std::string(parameter.unit),
                            .doc = std::string(parameter.doc),
                            .defaultText = parameterText(defaults, parameter.key),
                            .tag = std::string(parameter.tag)});
        }
        return rows;
    }();
    return docs;
}

std::string parameterText(const Accelerator& accelerator, std::string_view key)
{
    const Parameter* parameter = findParameter(key);
    ensure(parameter != nullptr, "parameterText: the key is in the table");
    const Json value = valueOf(accelerator, *parameter);
    return value.is_string() ? value.get<std::string>() : value.dump();
}

Result<Accelerator> withParameter(const Accelerator& accelerator, std::string_view key,
                                  std::string_view text)
{
    const Parameter* parameter = findParameter(key);
    if (parameter == nullptr) {
        return unknownKey("", std::string(key));
    }
    const bool isWord = std::holds_alternative<NameField>(parameter->field) ||
                        std::holds_alternative<ChoiceField>(parameter->field);
    const Json value = isWord ? Json(text) : Json::parse(text, nullptr, false);
    if (value.is_discarded()) {
        return refuse(key, "cannot read \"" + std::string(text) + "\".");
    }
    Accelerator changed = accelerator;
    if (auto ok = std::visit(Assign{changed, key, value}, parameter->field); !ok) {
        return fail(std::move(ok).error());
    }
    if (auto ok = changed.validate(); !ok) {
        return fail(std::move(ok).error());
    }
    return changed;
}

Result<void> Accelerator::validate() const
{
    Accelerator copy = *this;
    for (const Parameter& parameter : parameters()) {
        const Json value = valueOf(*this, parameter);
        if (auto ok = std::visit(Assign{copy, parameter.key, value}, parameter.field); !ok) {
            return ok;
        }
    }
    if (modes.front() != 1 || std::ranges::adjacent_find(modes) != modes.end()) {
        return refuse("modes", "holds " + Json(modes).dump() +
                                   "; it takes 1 and larger numbers, each once.");
    }
    for (const int mode : modes) {
        if (multiplierBits % mode != 0) {
            return refuse("modes", "holds " + std::to_string(mode) + ", which does not divide " +
                                       "mult_bits = " + std::to_string(multiplierBits) + ".");
        }
        if (!modePower.contains(mode)) {
            return refuse("f_mode",
                          "has no factor for the mode of " + std::to_string(mode) + " lanes.");
        }
    }
    return {};
}

} // namespace bitscape::hw
