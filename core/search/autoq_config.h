// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/search/forgiving_factor.h"

#include <optional>
#include <regex>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace bitscape::search {

/// A quantizer string of the configuration and the bits it counts against limits.
struct Candidate {
    std::string quantizer;
    int bits = 0;
};

/// An element of a limit: a largest number of bits, or the candidates by name.
using LimitElement = std::variant<int, std::vector<std::string>>;

/// An entry of `limit`: a class of layer, or a regular expression on names of layers.
struct Limit {
    std::string key;
    std::regex pattern;                 ///< the key as an expression; anchored at the name's begin
    std::vector<LimitElement> elements; ///< kernel, bias, activation; or activation alone
};

/// The arguments of AutoQKeras that say what is searched.
struct AutoqConfig {
    ForgivingFactor factor;
    /// "kernel", "bias", "activation", "linear" → candidates in the order of choices.
    std::vector<std::pair<std::string, std::vector<Candidate>>> families;
    std::vector<Limit> limits; ///< in the order of the file, entries of classes padded
    std::optional<std::vector<int>> layerIndexes; ///< of model.layers; absent: all
    int activationBits = 4;                       ///< of activations inside layers
    bool transferWeights = false;
    Warnings warnings;

    [[nodiscard]] const std::vector<Candidate>& family(std::string_view name) const;
};

/// Reads AutoQKeras' arguments as one JSON object. InvalidArgument names the key, with the nearest
/// known one, or says which argument this release does not cover.
[[nodiscard]] Result<AutoqConfig> parseAutoqConfig(const std::string& json);

/// AutoQKeras' default quantization_config.
[[nodiscard]] const std::vector<std::pair<std::string, std::vector<Candidate>>>& defaultFamilies();

/// Classes of layers that AutoQKeras quantizes by their weights.
[[nodiscard]] bool isRegisteredClass(std::string_view className);

} // namespace bitscape::search
