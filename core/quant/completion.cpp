// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/completion.h"

#include "core/base/text.h"
#include "core/quant/value.h"
#include "core/quant/word_forms.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>

namespace bitscape::quant {

namespace {

/// What the text up to the cursor looks like: a name being written, or a call with arguments.
struct Context {
    std::string_view name;
    bool insideCall = false;
    std::vector<std::string_view> finished; ///< arguments before the current one, trimmed
    std::string_view current;               ///< argument at the cursor, leading blanks removed
    int currentFrom = 0;                    ///< byte where it starts
};

/// Position of the first character of `part` inside `text`.
int offsetIn(std::string_view text, std::string_view part)
{
    return static_cast<int>(part.data() - text.data());
}

std::string_view withoutLeadingBlanks(std::string_view text)
{
    const std::size_t first = text.find_first_not_of(" \t");
    return first == std::string_view::npos ? text.substr(text.size()) : text.substr(first);
}

/// End of the argument that starts at `from`: the next comma outside quotes and brackets.
std::size_t argumentEnd(std::string_view text, std::size_t from)
{
    int depth = 0;
    char quote = '\0';
    for (std::size_t i = from; i < text.size(); ++i) {
        const char c = text[i];
        if (quote != '\0') {
            quote = c == quote ? '\0' : quote;
        } else if (c == '\'' || c == '"') {
            quote = c;
        } else if (c == '[') {
            ++depth;
        } else if (c == ']') {
            --depth;
        } else if ((c == ',' && depth <= 0) || c == ')') {
            return i;
        }
    }
    return text.size();
}

Context contextAt(std::string_view text, int cursor)
{
    const auto end = static_cast<std::size_t>(
        std::clamp<std::ptrdiff_t>(cursor, 0, static_cast<std::ptrdiff_t>(text.size())));
    const std::string_view before = text.substr(0, end);
    Context context;
    const std::size_t open = before.find('(');
    context.name = trimmed(before.substr(0, open));
    if (open == std::string_view::npos) {
        context.current = withoutLeadingBlanks(before);
        context.currentFrom = offsetIn(text, context.current);
        return context;
    }
    std::size_t from = open + 1;
    while (true) {
        const std::size_t stop = argumentEnd(before, from);
        if (stop < before.size() && before[stop] == ')') {
            return context; // behind the call
        }
        if (stop == before.size()) {
            break;
        }
        context.finished.push_back(trimmed(before.substr(from, stop - from)));
        from = stop + 1;
    }
    context.insideCall = true;
    context.current = withoutLeadingBlanks(before.substr(from));
    context.currentFrom = offsetIn(text, context.current);
    return context;
}

/// The key of `key=value`; empty for a value by position.
std::string_view keyOf(std::string_view argument)
{
    const std::size_t equals = argument.find('=');
    return equals == std::string_view::npos ? std::string_view()
                                            : trimmed(argument.substr(0, equals));
}

/// Row of the parameter the cursor stands at; −1 if a key is being written or is unknown.
int activeParameter(const Context& context, const QuantizerInfo& info)
{
    const std::string_view key = keyOf(context.current);
    if (context.current.find('=') != std::string_view::npos) {
        const auto found = std::ranges::find(info.parameters, key, &ParameterInfo::name);
        return found == info.parameters.end()
                   ? -1
                   : static_cast<int>(std::distance(info.parameters.begin(), found));
    }
    const bool keysBegan = std::ranges::any_of(
        context.finished, [](std::string_view argument) { return !keyOf(argument).empty(); });
    return keysBegan || context.finished.size() >= positionalCount(info)
               ? -1
               : static_cast<int>(context.finished.size());
}

std::vector<std::string> valuesOf(const ParameterInfo& parameter)
{
    switch (parameter.type) {
    case ParameterType::Boolean:
        return {"True", "False"};
    case ParameterType::Scale:
        return {"'auto_po2'", "'auto'", "1.0", "None"};
    case ParameterType::Choice: {
        std::vector<std::string> quoted;
        for (const std::string& choice : parameter.choices) {
            quoted.push_back("'" + choice + "'");
        }
        return quoted;
    }
    case ParameterType::Integer:
    case ParameterType::Number:
        return {toText(parameter, parameter.defaultValue)};
    case ParameterType::OptionalInteger:
    case ParameterType::OptionalNumber:
    case ParameterType::Axes:
    case ParameterType::FrozenScale:
    case ParameterType::OptionalText:
        return {"None"};
    }
    return {};
}

/// Typed quotes may be missing: auto completes to 'auto_po2'.
bool continues(std::string_view candidate, std::string_view typed)
{
    const auto bare = [](std::string_view text) {
        return text.starts_with('\'') || text.starts_with('"') ? text.substr(1) : text;
    };
    return candidate.starts_with(typed) || bare(candidate).starts_with(bare(typed));
}

struct ShortForm {
    const char* text;
    const char* doc;
};

constexpr std::array kShortForms{
    ShortForm{"int8", "Symmetric integers of 8 bits, the range from the values"},
    ShortForm{"uint8", "Integers of 8 bits with a zero point, the range from calibration"},
    ShortForm{"po2:4", "Signed powers of two with 4 bits"},
    ShortForm{"ap_fixed<8,1>",
              "Fixed point as hls4ml writes it: width, integer bits with the sign"},
    ShortForm{"float", "No quantizer"}};

std::string signatureOf(const QuantizerInfo& info)
{
    std::vector<std::string> parameters;
    for (const ParameterInfo& parameter : info.parameters) {
        parameters.push_back(
            fmt::format("{}={}", parameter.name, toText(parameter, parameter.defaultValue)));
    }
    return fmt::format("{}({})", info.name, join(parameters, ", "));
}

std::vector<Completion> completeName(const Context& context)
{
    std::vector<Completion> out;
    std::vector<Completion> inside;
    for (const QuantizerInfo& info : quantizers()) {
        const char* open = info.isFunction ? "" : "(";
        Completion completion{info.name + open, info.name, info.doc, context.currentFrom};
        if (info.name.starts_with(context.current)) {
            out.push_back(std::move(completion));
        } else if (info.name.find(context.current) != std::string::npos) {
            inside.push_back(std::move(completion));
        }
    }
    for (const WordForm& form : wordForms()) {
        const bool isNew = findQuantizer(form.word) == nullptr;
        if (isNew && form.word.starts_with(context.current)) {
            const std::string insert = std::string(form.word) + (form.required > 0 ? "," : "");
            out.push_back(
                {insert, std::string(form.word), std::string(form.doc), context.currentFrom});
        }
    }
    out.insert(out.end(), inside.begin(), inside.end());
    for (const ShortForm& form : kShortForms) {
        if (std::string_view(form.text).starts_with(context.current)) {
            out.push_back({form.text, form.text, form.doc, context.currentFrom});
        }
    }
    return out;
}

/// Names of the parameters that were given already, by key or position.
std::set<std::string> givenParameters(const Context& context, const QuantizerInfo& info)
{
    std::set<std::string> given;
    for (std::size_t i = 0; i < context.finished.size(); ++i) {
        const std::string_view key = keyOf(context.finished[i]);
        if (!key.empty()) {
            given.emplace(key);
        } else if (i < info.parameters.size()) {
            given.insert(info.parameters[i].name);
        }
    }
    return given;
}

void addValues(const ParameterInfo& parameter, std::string_view typed, int from,
               std::vector<Completion>& out)
{
    for (const std::string& value : valuesOf(parameter)) {
        if (continues(value, typed) && value != typed) {
            out.push_back({value, value, parameter.doc, from});
        }
    }
}

} // namespace

std::vector<Completion> complete(std::string_view text, int cursor)
{
    const Context context = contextAt(text, cursor);
    if (!context.insideCall) {
        return text.substr(0, static_cast<std::size_t>(std::max(cursor, 0))).find('(') ==
                       std::string_view::npos
                   ? completeName(context)
                   : std::vector<Completion>{};
    }
    const QuantizerInfo* info = findQuantizer(context.name);
    if (info == nullptr) {
        return {};
    }
    std::vector<Completion> out;
    const int active = activeParameter(context, *info);
    const std::size_t equals = context.current.find('=');
    if (equals != std::string_view::npos) {
        if (active >= 0) {
            const std::string_view typed = withoutLeadingBlanks(context.current.substr(equals + 1));
            addValues(info->parameters[static_cast<std::size_t>(active)], typed,
                      offsetIn(text, typed), out);
        }
        return out;
    }
    if (active >= 0) {
        addValues(info->parameters[static_cast<std::size_t>(active)], context.current,
                  context.currentFrom, out);
    }
    const std::set<std::string> given = givenParameters(context, *info);
    for (const ParameterInfo& parameter : info->parameters) {
        if (!given.contains(parameter.name) && parameter.name.starts_with(context.current)) {
            const std::string key = parameter.name + "=";
            out.push_back({key, key, parameter.doc, context.currentFrom});
        }
    }
    return out;
}

SignatureHelp signatureHelp(std::string_view text, int cursor)
{
    const Context context = contextAt(text, cursor);
    const QuantizerInfo* info = findQuantizer(context.name);
    if (!context.insideCall || info == nullptr) {
        return {};
    }
    const int active = activeParameter(context, *info);
    return {signatureOf(*info), active,
            active < 0 ? info->doc : info->parameters[static_cast<std::size_t>(active)].doc};
}

} // namespace bitscape::quant
