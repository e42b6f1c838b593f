// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/text.h"
#include "core/quant/call_syntax.h"
#include "core/quant/value.h"
#include "core/quant/word_forms.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace bitscape::quant {

namespace {

using Json = nlohmann::ordered_json;
using Rows = std::span<const QuantizerInfo>;

/// Class under which Keras writes a plain function, whose name is then the config.
const std::string kFunctionClass = "function";

/// Position of the argument that a message of completeParameters() or badParameter() names.
std::optional<std::size_t> placeOf(const std::string& message,
                                   const std::map<std::string, std::size_t>& positions)
{
    for (const auto& [name, position] : positions) {
        if (message.find(fmt::format(": {} = ", name)) != std::string::npos ||
            message.find(fmt::format("'{}'", name)) != std::string::npos) {
            return position;
        }
    }
    return std::nullopt;
}

Result<QuantizerPtr> fromCall(std::string_view text, Rows rows)
{
    auto call = parseCall(text);
    if (!call) {
        return fail(std::move(call).error());
    }
    const QuantizerInfo* info = findQuantizer(call->name, rows);
    Parameters given;
    std::map<std::string, std::size_t> positions;
    for (std::size_t i = 0; i < call->arguments.size() && info != nullptr; ++i) {
        ParsedArgument& argument = call->arguments[i];
        std::string name = argument.key;
        if (name.empty()) {
            const std::size_t most = positionalCount(*info);
            if (i >= most) {
                return fail(
                    ErrorCode::InvalidArgument,
                    fmt::format("{} takes at most {} values without a name.", info->name, most),
                    placeIn(text, argument.position));
            }
            name = info->parameters[i].name;
        }
        if (!positions.emplace(name, argument.position).second) {
            return fail(ErrorCode::InvalidArgument,
                        fmt::format("{}: '{}' is given twice.", info->name, name),
                        placeIn(text, argument.position));
        }
        given[name] = std::move(argument.value);
    }
    auto made = makeQuantizer(call->name, std::move(given), rows);
    if (made) {
        return made;
    }
    Error error = std::move(made).error();
    error.where = placeIn(text, placeOf(error.message, positions).value_or(text.find(call->name)));
    return fail(std::move(error));
}

/// What Keras adds to the config of quantizers that are layers, and what those derive from the
/// rest.
constexpr std::array<std::string_view, 6> kBookkeeping{"name", "trainable", "dtype",
                                                       "qn",   "qp",        "scaled_axes"};

bool isBookkeeping(const QuantizerInfo* info, std::string_view key)
{
    return info != nullptr && findParameter(*info, key) == nullptr &&
           std::ranges::find(kBookkeeping, key) != kBookkeeping.end();
}

Failure badDictionary(std::string_view text, std::string what)
{
    constexpr std::size_t kShown = 120;
    return fail(ErrorCode::InvalidArgument, std::move(what), std::string(text.substr(0, kShown)),
                R"(Write {"class_name": "quantized_bits", "config": {"bits": 4}}.)");
}

/// The parameters of a dictionary's config.
Result<Parameters> readConfig(std::string_view text, const QuantizerInfo* info, const Json& config)
{
    Parameters given;
    if (config.is_null()) {
        return given;
    }
    if (!config.is_object()) {
        return badDictionary(text, "The config of a quantizer must be an object.");
    }
    for (const auto& [key, value] : config.items()) {
        if (isBookkeeping(info, key)) {
            continue;
        }
        auto read = fromJson(value);
        if (!read) {
            return badDictionary(text, fmt::format("The value of '{}' cannot be understood.", key));
        }
        given[key] = std::move(*read);
    }
    return given;
}

Result<QuantizerPtr> fromDictionary(std::string_view text, Rows rows)
{
    const Json json = Json::parse(text, nullptr, false);
    if (!json.is_object()) {
        return badDictionary(text, "The dictionary of a quantizer is no valid JSON.");
    }
    const auto className = json.find("class_name");
    if (className == json.end() || !className->is_string()) {
        return badDictionary(text, "The dictionary of a quantizer needs a class_name.");
    }
    const Json config = json.value("config", Json());
    std::string name = className->get<std::string>();
    Result<Parameters> given = Parameters();
    if (name == kFunctionClass && config.is_string()) {
        name = config.get<std::string>();
    } else {
        given = readConfig(text, findQuantizer(name, rows), config);
    }
    if (!given) {
        return fail(std::move(given).error());
    }
    auto made = makeQuantizer(name, std::move(*given), rows);
    if (!made) {
        Error error = std::move(made).error();
        error.where = name;
        return fail(std::move(error));
    }
    return made;
}

/// Keys of the tool of origin, then whatever else differs from the default.
Json configOf(const Quantizer& quantizer)
{
    const QuantizerInfo& info = quantizer.info();
    Json config = Json::object();
    const auto add = [&](const ParameterInfo& parameter) {
        config[parameter.name] = toJson(parameter, quantizer.parameter(parameter.name));
    };
    for (const std::string& key : info.dictionaryKeys) {
        add(*findParameter(info, key));
    }
    for (const ParameterInfo& parameter : info.parameters) {
        if (!config.contains(parameter.name) &&
            !sameValue(quantizer.parameter(parameter.name), parameter.defaultValue)) {
            add(parameter);
        }
    }
    return config;
}

/// The Python module that Keras 3 looks the class up in.
std::string moduleOf(const QuantizerInfo& info)
{
    if (info.isFunction) {
        return "builtins";
    }
    const bool isQKeras = info.origin == "QKeras" || info.origin == "qkeras-mod";
    return isQKeras ? "qkeras.quantizers" : "bitscape";
}

} // namespace

Result<QuantizerPtr> parseQuantizer(std::string_view text, std::span<const QuantizerInfo> rows)
{
    const std::string_view inner = trimmed(text);
    if (inner.starts_with('"')) { // a function in the form of toDictionary()
        const Json json = Json::parse(inner, nullptr, false);
        return fromCall(json.is_string() ? json.get<std::string>() : std::string(text), rows);
    }
    if (inner.starts_with('{')) {
        return fromDictionary(inner, rows);
    }
    return isWordForm(text) ? parseWordForm(text) : fromCall(text, rows);
}

std::string toDictionary(const Quantizer& quantizer, DictionaryForm form)
{
    const QuantizerInfo& info = quantizer.info();
    const Json config = info.isFunction ? Json(info.name) : configOf(quantizer);
    const std::string className = info.isFunction ? kFunctionClass : info.name;
    if (form == DictionaryForm::Keras3) {
        return Json{{"module", moduleOf(info)},
                    {"class_name", className},
                    {"config", config},
                    {"registered_name", className}}
            .dump();
    }
    return info.isFunction ? config.dump()
                           : Json{{"class_name", className}, {"config", config}}.dump();
}

} // namespace bitscape::quant
