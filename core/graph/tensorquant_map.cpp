// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/tensorquant_map.h"

#include "core/base/text.h"
#include "core/graph/map_document.h"
#include "core/graph/map_entries.h"
#include "core/quant/word_forms.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace bitscape::graph {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, 7> kHookedClasses{
    "Conv2D", "Convolution2D", "Conv1D", "Dense", "MaxPooling2D", "MaxPooling1D", "MaxPool1D"};
constexpr std::array<std::string_view, 2> kMaps{"activations", "weights"};

Failure notAQuantizer(const Json& value)
{
    return fail(ErrorCode::InvalidArgument,
                fmt::format("{} is no quantizer of TensorQuant.", value.dump()), {},
                "Write a string such as \"nearest,8,4\", or null for float.");
}

/// Null for what leaves a tensor as it is.
Result<quant::QuantizerPtr> readQuantizer(const Json& value)
{
    if (value.is_null()) {
        return quant::QuantizerPtr{};
    }
    if (!value.is_string()) {
        return notAQuantizer(value);
    }
    const std::string text = value.get<std::string>();
    if (text.empty() || text == "none") {
        return quant::QuantizerPtr{};
    }
    // Here `binary` alone is TensorQuant's.
    return quant::parseWordForm(text);
}

Result<std::vector<NamePart>> readParts(const Json& value)
{
    const Json parts = value.is_object() ? value : Json{{"", value}}; // "" is found in every name
    std::vector<NamePart> out;
    for (const auto& [key, entry] : parts.items()) {
        auto quantizer = readQuantizer(entry);
        if (!quantizer) {
            Error error = std::move(quantizer).error();
            return fail(key.empty() ? std::move(error) : std::move(error).in(key));
        }
        out.push_back({key, std::move(*quantizer), false});
    }
    return out;
}

NamePart* firstIn(std::vector<NamePart>& parts, const std::string& name)
{
    const auto found = std::ranges::find_if(parts, [&name](const NamePart& entry) {
        return name.find(entry.part) != std::string::npos;
    });
    if (found == parts.end()) {
        return nullptr;
    }
    found->matched = true;
    return &*found;
}

void setWeights(const Layer& layer, const quant::QuantizerPtr& quantizer, MapResult& result)
{
    for (const Slot slot : {Slot::Kernel, Slot::Bias}) {
        if (hasSlot(layer, slot)) {
            result.configuration.set(layer.name, slot, quantizer);
        }
    }
}

void warnOfUnmatched(const std::vector<NamePart>& parts, std::string_view map, MapResult& result)
{
    for (const NamePart& entry : parts) {
        if (!entry.matched) {
            result.warnings.push_back(
                {"unmatched_map_entry",
                 fmt::format("No layer that TensorQuant quantizes (convolution, dense, maximum "
                             "pooling) has '{}' in its name and no earlier key.",
                             entry.part),
                 fmt::format("tensorquant/{}/{}", map, entry.part)});
        }
    }
}

} // namespace

Result<TensorQuantMap> readTensorQuantMap(const nlohmann::ordered_json& json)
{
    if (!json.is_object()) {
        return fail(ErrorCode::InvalidArgument, "The maps of TensorQuant are a JSON object.", {},
                    R"json(Write {"activations": {"conv": "nearest,8,4"}, "weights": {…}}.)json");
    }
    TensorQuantMap map;
    for (const auto& [key, value] : json.items()) {
        if (std::ranges::find(kMaps, key) == kMaps.end()) {
            return fail(
                ErrorCode::InvalidArgument,
                fmt::format("TensorQuant's maps are activations and weights, not '{}'.", key), {},
                didYouMean(nearest(key, std::span<const std::string_view>(kMaps))));
        }
        auto parts = readParts(value);
        if (!parts) {
            return fail(std::move(parts).error().in(key));
        }
        (key == "weights" ? map.weights : map.activations) = std::move(*parts);
    }
    return map;
}

void applyTensorQuantMap(const Graph& graph, TensorQuantMap& map, MapResult& result)
{
    for (const Layer& layer : graph.layers()) {
        if (std::ranges::find(kHookedClasses, layer.className) == kHookedClasses.end()) {
            continue;
        }
        if (const NamePart* entry = firstIn(map.weights, layer.name)) {
            setWeights(layer, entry->quantizer, result);
        }
        if (const NamePart* entry = firstIn(map.activations, layer.name)) {
            setOutputBehind(layer, entry->quantizer, "TensorQuant", result);
        }
    }
    warnOfUnmatched(map.activations, "activations", result);
    warnOfUnmatched(map.weights, "weights", result);
}

} // namespace bitscape::graph
