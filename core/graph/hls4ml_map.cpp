// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/hls4ml_map.h"

#include "core/base/text.h"
#include "core/graph/activation.h"
#include "core/graph/map_document.h"
#include "core/graph/map_entries.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <utility>

namespace bitscape::graph {

namespace {

constexpr std::string_view kTool = "hls4ml";

/// A word of Vivado's types and ours for the same.
struct Word {
    std::string_view theirs, ours;
    bool isExact = true; ///< false: the nearest that there is, apart on ties
};

constexpr std::array kRoundings{Word{"TRN", "floor"},
                                Word{"TRN_ZERO", "zero"},
                                Word{"RND", "half_away", false},
                                Word{"RND_ZERO", "half_even", false},
                                Word{"RND_INF", "half_away"},
                                Word{"RND_MIN_INF", "half_even", false},
                                Word{"RND_CONV", "half_even"}};
constexpr std::array kOverflows{Word{"WRAP", "wrap"}, Word{"SAT", "saturate"},
                                Word{"SAT_SYM", "saturate_symmetric"}};

/// A fixed-point type: width, integer bits with the sign, what is done with the rest.
struct FixedType {
    std::int64_t width = 16, integer = 6;
    bool isSigned = true;
    Word rounding = kRoundings[0], overflow = kOverflows[0];
};

Failure wrongType(const std::string& text, const std::string& why)
{
    return fail(ErrorCode::InvalidArgument, fmt::format("'{}' is no type: {}.", text, why), {},
                "Write ap_fixed<16,6>, ufixed<8,0,RND,SAT> or auto.");
}

std::optional<std::int64_t> integerOf(std::string_view text)
{
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size() ? std::optional(value)
                                                                    : std::nullopt;
}

/// "AP_RND_CONV" or "RND_CONV".
template <std::size_t count>
const Word* findWord(const std::array<Word, count>& words, std::string_view text)
{
    constexpr std::string_view kPrefix = "AP_";
    const std::string_view plain = text.starts_with(kPrefix) ? text.substr(kPrefix.size()) : text;
    const auto found = std::ranges::find(words, plain, &Word::theirs);
    return found == words.end() ? nullptr : &*found;
}

/// The parts between the brackets, in order: width, integer, rounding, overflow, saturation bits.
Result<FixedType> withArguments(const std::string& text, FixedType type, bool isInteger,
                                const std::vector<std::string>& arguments)
{
    const std::size_t most = isInteger ? 1 : 5;
    if (arguments.empty() || arguments.size() > most || (!isInteger && arguments.size() < 2)) {
        return wrongType(text, "it has the wrong number of arguments");
    }
    const auto width = integerOf(trimmed(arguments[0]));
    const auto integer = isInteger ? width : integerOf(trimmed(arguments[1]));
    constexpr std::int64_t kMost = 64;
    if (!width || !integer || *width < 1 || *width > kMost || std::abs(*integer) > kMost) {
        return wrongType(text, "its width or integer bits are no numbers in range");
    }
    type.width = *width;
    type.integer = *integer;
    if (arguments.size() > 2) {
        const Word* rounding = findWord(kRoundings, trimmed(arguments[2]));
        if (rounding == nullptr) {
            return wrongType(text, "it has no such rounding");
        }
        type.rounding = *rounding;
    }
    if (arguments.size() > 3) {
        const Word* overflow = findWord(kOverflows, trimmed(arguments[3]));
        if (overflow == nullptr) {
            return wrongType(text, "it has no such overflow");
        }
        type.overflow = *overflow;
    }
    return type;
}

/// Nothing for 'auto' and for floats.
Result<std::optional<FixedType>> readType(const std::string& given)
{
    const std::string text(trimmed(given));
    if (text == "auto" || text == "float" || text == "double" || text == "half") {
        return std::optional<FixedType>();
    }
    std::string_view rest = text;
    rest = rest.starts_with("ac_") || rest.starts_with("ap_") ? rest.substr(3) : rest;
    FixedType type;
    type.isSigned = !rest.starts_with("u");
    rest = type.isSigned ? rest : rest.substr(1);
    const bool isInteger = rest.starts_with("int<");
    if ((!isInteger && !rest.starts_with("fixed<")) || !rest.ends_with(">")) {
        return wrongType(text, "it is neither fixed nor int");
    }
    rest = rest.substr(rest.find('<') + 1);
    rest.remove_suffix(1);
    auto read = withArguments(text, type, isInteger, split(rest, ','));
    if (!read) {
        return fail(std::move(read).error());
    }
    return std::optional(*read);
}

/// The quantizer with the values of a type.
Result<quant::QuantizerPtr> quantizerOf(const FixedType& type)
{
    const std::int64_t sign = type.isSigned ? 1 : 0;
    return quant::makeQuantizer("quantized_bits", {{"bits", type.width},
                                                   {"integer", type.integer - sign},
                                                   {"symmetric", std::int64_t{0}},
                                                   {"keep_negative", type.isSigned},
                                                   {"alpha", 1.0},
                                                   {"rounding", std::string(type.rounding.ours)},
                                                   {"overflow", std::string(type.overflow.ours)}});
}

/// The precision that an entry gives for a part: "weight", "bias", "result"; empty: none.
Result<std::string> precisionIn(const Json& entry, std::string_view part)
{
    const Json& precision = member(entry, "Precision");
    if (precision.is_string()) {
        return precision.get<std::string>();
    }
    for (const std::string& key : {std::string(part), std::string("default")}) {
        const Json& value = member(precision, key.c_str());
        if (value.is_string()) {
            return value.get<std::string>();
        }
        if (!value.is_null()) {
            return fail(ErrorCode::InvalidArgument, "A precision is a text.", key);
        }
    }
    return std::string();
}

class ConfigApplier {
public:
    ConfigApplier(const Graph& graph, const Json& config, MapResult& result)
        : m_graph(graph), m_config(config), m_result(result)
    {
    }

    Result<void> apply()
    {
        for (const Layer& layer : m_graph.layers()) {
            if (auto ok = applyTo(layer); !ok) {
                return ok;
            }
        }
        warnOfUnmatched();
        return {};
    }

private:
    Result<void> applyTo(const Layer& layer)
    {
        for (int i = 0; i < static_cast<int>(layer.weights.size()); ++i) {
            const Slot* slot = slotOfWeight(layer, i);
            const std::string& name = layer.weights[static_cast<std::size_t>(i)].name;
            const bool isKernel = name == "kernel" || name == "depthwise_kernel";
            if (slot == nullptr || name.starts_with("moving_")) {
                continue;
            }
            const std::string part = isKernel                     ? "weight"
                                     : name == "pointwise_kernel" ? "pointwise"
                                     : name == "gamma"            ? "scale"
                                     : name == "beta"             ? "bias"
                                                                  : name;
            auto quantizer = find(layer, part);
            if (!quantizer) {
                return fail(std::move(quantizer).error());
            }
            if (*quantizer) {
                m_result.configuration.set(layer.name, *slot, *quantizer);
            }
        }
        return applyToOutput(layer);
    }

    Result<void> applyToOutput(const Layer& layer)
    {
        auto type = findType(layer, "result");
        if (!type) {
            return fail(std::move(type).error());
        }
        if (!*type) {
            return {};
        }
        auto quantizer = quantizerOf(withoutSign(layer, **type));
        if (!quantizer) {
            return fail(std::move(quantizer).error().in(layer.name));
        }
        note(layer, **type);
        if (std::holds_alternative<InputOp>(layer.op) && m_graph.inputs().size() == 1) {
            m_result.configuration.input = std::move(*quantizer);
        } else if (hasSlot(layer, Slot::Activation)) {
            setOutputBehind(layer, *quantizer, kTool, m_result);
        }
        return {};
    }

    /// Behind relu only the values without sign are left; beyond the range they would wrap to
    /// negative ones, which no place before the function can do.
    FixedType withoutSign(const Layer& layer, FixedType type)
    {
        const Function function = functionOf(layer.op);
        if (!type.isSigned || type.width < 2 || function != Function{FunctionKind::Relu}) {
            return type;
        }
        type.isSigned = false;
        --type.width;
        --type.integer;
        if (type.overflow.theirs == "WRAP") {
            type.overflow = kOverflows[1];
            m_result.warnings.push_back({"map_note",
                                         "Values beyond the range wrap in hls4ml; here they "
                                         "saturate.",
                                         layer.name + "/activation"});
        }
        return type;
    }

    /// The first entry that says something of this part.
    Result<std::optional<FixedType>> findType(const Layer& layer, const std::string& part)
    {
        const std::string plainClass =
            layer.className.starts_with("Q") ? layer.className.substr(1) : layer.className;
        const Json& byName = member(m_config, "LayerName");
        const Json& byType = member(m_config, "LayerType");
        for (const Json* entry :
             {&member(byName, layer.name.c_str()), &member(byType, layer.className.c_str()),
              &member(byType, plainClass.c_str()), &member(m_config, "Model")}) {
            auto text = precisionIn(*entry, part);
            if (!text) {
                return fail(std::move(text).error().in(layer.name));
            }
            if (text->empty()) {
                continue;
            }
            auto type = readType(*text);
            if (!type) {
                return fail(std::move(type).error().in(layer.name + ", " + part));
            }
            return type;
        }
        return std::optional<FixedType>();
    }

    Result<quant::QuantizerPtr> find(const Layer& layer, const std::string& part)
    {
        auto type = findType(layer, part);
        if (!type) {
            return fail(std::move(type).error());
        }
        if (!*type) {
            return quant::QuantizerPtr{};
        }
        note(layer, **type);
        auto quantizer = quantizerOf(**type);
        return quantizer ? std::move(quantizer)
                         : fail(std::move(quantizer).error().in(layer.name + ", " + part));
    }

    void note(const Layer& layer, const FixedType& type)
    {
        if (!type.rounding.isExact) {
            Warning warning{"map_note",
                            fmt::format("Ties of {} are rounded as '{}' here.",
                                        type.rounding.theirs, type.rounding.ours),
                            layer.name};
            if (std::ranges::find(m_result.warnings, warning) == m_result.warnings.end()) {
                m_result.warnings.push_back(std::move(warning));
            }
        }
    }

    /// Names that stand for no layer; a function inside a layer has one of its own in hls4ml.
    void warnOfUnmatched()
    {
        const Json& byName = member(m_config, "LayerName");
        std::vector<std::string> known;
        for (const Layer& layer : m_graph.layers()) {
            known.push_back(layer.name);
        }
        for (const auto& [name, entry] : byName.items()) {
            const bool isInside =
                std::ranges::any_of(known, [&name = name](const std::string& own) {
                    return name == own || name.starts_with(own + "_");
                });
            if (!isInside) {
                std::string message =
                    fmt::format("The network has no layer '{}' of the map.", name);
                if (const std::string near = nearest(name, known); !near.empty()) {
                    message += " " + didYouMean(near);
                }
                m_result.warnings.push_back({"unmatched_map_entry", std::move(message), name});
            }
        }
    }

    const Graph& m_graph;
    const Json& m_config;
    MapResult& m_result;
};

} // namespace

Result<void> applyHls4mlConfig(const Graph& graph, const Json& config, MapResult& result)
{
    const Json& inner = member(config, "HLSConfig");
    return ConfigApplier(graph, inner.is_object() ? inner : config, result).apply();
}

} // namespace bitscape::graph
