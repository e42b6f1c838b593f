// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/configuration.h"
#include "core/graph/tensorquant_map.h"

#include <nlohmann/json_fwd.hpp>

#include <map>
#include <optional>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

// The parts of a MAP, read and checked; quantizer_map.cpp applies them. Used inside core/graph
// only.
namespace bitscape::graph {

/// What stands for a quantizer in a map.
struct Choice {
    enum class Kind { None, Empty, Function, Quantizer };
    Kind kind = Kind::None;
    quant::QuantizerPtr quantizer;
    std::string function; ///< a Keras activation, which quantizes nothing
};

/// A layer name, class or pattern with what is said of it.
struct Entry {
    std::string key;
    std::optional<std::regex> pattern;
    bool isObject = false;
    std::map<std::string, Choice, std::less<>> parameters; ///< of an object
    Choice whole;                                          ///< otherwise
    bool matched = false;

    [[nodiscard]] const Choice* find(std::string_view parameter) const
    {
        const auto found = parameters.find(parameter);
        return found == parameters.end() ? nullptr : &found->second;
    }
};

/// Keys that start with '@'.
struct Settings {
    std::optional<bool> foldBatchNorm;
    std::optional<int> activationBits;
    bool preferAdaptive = false;
    std::optional<Choice> input;
};

struct MapEntries {
    std::vector<Entry> entries; ///< in the order of the file
    Settings settings;
    std::optional<TensorQuantMap> tensorquant; ///< key "tensorquant"; counts before the entries
};

/// Reads and checks a whole map, an object. InvalidArgument names the key and the nearest known
/// one.
[[nodiscard]] Result<MapEntries> readMap(const Graph& graph, const nlohmann::ordered_json& map);

/// "QDense", "QActivation", …: keys that stand for the layers of a class.
[[nodiscard]] bool isClassKey(std::string_view key);
[[nodiscard]] std::span<const std::string_view> classKeys();

/// "Did you mean 'x'?", or nothing without a word.
[[nodiscard]] std::string didYouMean(const std::string& near);

} // namespace bitscape::graph
