// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/map_entries.h"

#include "core/base/text.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace bitscape::graph {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, 20> kClassKeys{"QDense",
                                                      "QConv1D",
                                                      "QConv2D",
                                                      "QConv2DTranspose",
                                                      "QDepthwiseConv2D",
                                                      "QSeparableConv1D",
                                                      "QSeparableConv2D",
                                                      "QConv2DBatchnorm",
                                                      "QDepthwiseConv2DBatchnorm",
                                                      "QDenseBatchnorm",
                                                      "QBatchNormalization",
                                                      "QActivation",
                                                      "QAdaptiveActivation",
                                                      "QAveragePooling2D",
                                                      "QGlobalAveragePooling2D",
                                                      "QSimpleRNN",
                                                      "QLSTM",
                                                      "QGRU",
                                                      "QBidirectional",
                                                      "QScaleShift"};

/// Parameters of an entry that are no quantizers.
constexpr std::array<std::string_view, 2> kModes{"folding_mode", "ema_freeze_delay"};

constexpr std::array<std::string_view, 20> kFunctions{
    "linear", "relu",        "relu6",        "leakyrelu", "leaky_relu",     "softmax",    "sigmoid",
    "tanh",   "elu",         "selu",         "softplus",  "softsign",       "swish",      "silu",
    "gelu",   "exponential", "hard_sigmoid", "hard_tanh", "smooth_sigmoid", "smooth_tanh"};

constexpr std::array<std::string_view, 4> kSettings{"@fold_batchnorm", "@activation_bits",
                                                    "@prefer_adaptive", "@input"};

template <class Range>
bool contains(const Range& words, std::string_view word)
{
    return std::ranges::find(words, word) != words.end();
}

Result<Choice> readChoice(const Json& value)
{
    if (value.is_null() || (value.is_string() && value.get<std::string>() == "None")) {
        return Choice{};
    }
    if (!value.is_string() && !value.is_object()) {
        return fail(ErrorCode::InvalidArgument, fmt::format("{} is no quantizer.", value.dump()),
                    {}, "Write a string such as \"quantized_bits(4,0,1)\", a dictionary or null.");
    }
    const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    if (text.empty()) {
        return Choice{Choice::Kind::Empty, nullptr, {}};
    }
    if (contains(kFunctions, text)) {
        return Choice{Choice::Kind::Function, nullptr, text};
    }
    auto quantizer = quant::parseQuantizer(text);
    if (!quantizer) {
        return fail(std::move(quantizer).error());
    }
    return Choice{Choice::Kind::Quantizer, std::move(*quantizer), {}};
}

/// Reads and checks a whole map before anything is applied.
class MapReader {
public:
    Result<void> read(const Graph& graph, const Json& json)
    {
        for (const auto& [key, value] : json.items()) {
            auto ok = readKey(graph, key, value);
            if (!ok) {
                return fail(std::move(ok).error().in(key));
            }
        }
        return {};
    }

    [[nodiscard]] MapEntries take() { return std::move(m_map); }

private:
    Result<void> readKey(const Graph& graph, const std::string& key, const Json& value)
    {
        if (key.starts_with('@')) {
            return readSetting(key, value);
        }
        if (key != "tensorquant" || graph.find(key) >= 0) {
            return readEntry(graph, key, value);
        }
        auto map = readTensorQuantMap(value);
        if (!map) {
            return fail(std::move(map).error());
        }
        m_map.tensorquant = std::move(*map);
        return {};
    }

    Result<void> readFlag(const std::string& key, const Json& value)
    {
        if (!value.is_boolean()) {
            return mustBe(key, value, "true or false");
        }
        if (key == "@fold_batchnorm") {
            m_map.settings.foldBatchNorm = value.get<bool>();
        } else {
            m_map.settings.preferAdaptive = value.get<bool>();
        }
        return {};
    }

    Result<void> readSetting(const std::string& key, const Json& value)
    {
        if (key == "@fold_batchnorm" || key == "@prefer_adaptive") {
            return readFlag(key, value);
        }
        if (key == "@activation_bits") {
            constexpr std::int64_t kMostBits = 32;
            if (!value.is_number_integer() || value.get<std::int64_t>() < 1 ||
                value.get<std::int64_t>() > kMostBits) {
                return mustBe(key, value, "a whole number between 1 and 32");
            }
            m_map.settings.activationBits = value.get<int>();
            return {};
        }
        if (key == "@input") {
            auto choice = readChoice(value);
            if (!choice) {
                return fail(std::move(choice).error());
            }
            m_map.settings.input = std::move(*choice);
            return {};
        }
        return fail(ErrorCode::InvalidArgument, fmt::format("The map knows no '{}'.", key), {},
                    didYouMean(nearest(key, std::span<const std::string_view>(kSettings))));
    }

    static Failure mustBe(const std::string& key, const Json& value, const char* what)
    {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("{} is {}, but it must be {}.", key, value.dump(), what));
    }

    Result<void> readEntry(const Graph& graph, const std::string& key, const Json& value)
    {
        Entry entry;
        entry.key = key;
        if (auto ok = readPattern(entry); !ok) {
            return ok;
        }
        entry.isObject = value.is_object() && !value.contains("class_name");
        if (!entry.isObject) {
            auto whole = readChoice(value);
            if (!whole) {
                return fail(std::move(whole).error());
            }
            entry.whole = std::move(*whole);
        } else if (auto ok = readParameters(graph, entry, value); !ok) {
            return ok;
        }
        m_map.entries.push_back(std::move(entry));
        return {};
    }

    static Result<void> readPattern(Entry& entry)
    {
        constexpr std::string_view kPattern = "re:";
        if (!entry.key.starts_with(kPattern)) {
            return {};
        }
        const std::string text = entry.key.substr(kPattern.size());
        try {
            entry.pattern = std::regex(text);
        } catch (const std::regex_error&) {
            return fail(ErrorCode::InvalidArgument, fmt::format("'{}' is no valid pattern.", text),
                        {}, "Patterns are written as in JavaScript: re:^conv[0-9]+$.");
        }
        return {};
    }

    static Result<void> readParameters(const Graph& graph, Entry& entry, const Json& object)
    {
        for (const auto& [parameter, value] : object.items()) {
            if (auto known = checkParameter(graph, entry, parameter); !known) {
                return known;
            }
            if (contains(kModes, parameter)) {
                continue;
            }
            auto read = readChoice(value);
            if (!read) {
                return fail(std::move(read).error().in(parameter));
            }
            entry.parameters[parameter] = std::move(*read);
        }
        return {};
    }

    /// Parameters are slots; those of activation layers are also names of functions.
    static Result<void> checkParameter(const Graph& graph, const Entry& entry,
                                       const std::string& parameter)
    {
        const int index = graph.find(entry.key);
        const bool isActivation =
            index >= 0 ? std::holds_alternative<ActivationOp>(graph.layer(index).op)
                       : entry.key == "QActivation" || entry.key == "QAdaptiveActivation";
        const bool isOpen = index < 0 && !contains(kClassKeys, entry.key);
        std::vector<std::string> known;
        if (isActivation || isOpen) {
            known.assign(kFunctions.begin(), kFunctions.end());
        }
        if (!isActivation || index >= 0) {
            for (const Slot slot : allSlots()) {
                known.push_back(std::string(name(slot)) + "_quantizer");
            }
            known.emplace_back(name(Slot::Activation));
            known.insert(known.end(), kModes.begin(), kModes.end());
        }
        if (contains(known, parameter)) {
            return {};
        }
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("There is no parameter '{}'.", parameter), {},
                    didYouMean(nearest(parameter, known)));
    }

    MapEntries m_map;
};

// layers

} // namespace

Result<MapEntries> readMap(const Graph& graph, const Json& map)
{
    MapReader reader;
    if (auto ok = reader.read(graph, map); !ok) {
        return fail(std::move(ok).error());
    }
    return reader.take();
}

bool isClassKey(std::string_view key)
{
    return contains(kClassKeys, key);
}

std::span<const std::string_view> classKeys()
{
    return kClassKeys;
}

std::string didYouMean(const std::string& near)
{
    return near.empty() ? std::string() : fmt::format("Did you mean '{}'?", near);
}

} // namespace bitscape::graph
