// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/map_document.h"

#include "core/base/text.h"
#include "core/base/yaml_text.h"
#include "core/graph/activation.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace bitscape::graph {

namespace {

/// Keys that tell a format; one of them is enough.
struct FormatRow {
    MapFormat format;
    std::array<const char*, 2> keys;
};

constexpr std::array kFormats{
    FormatRow{MapFormat::Aimet, {"activation_encodings", "param_encodings"}},
    FormatRow{MapFormat::Hls4ml, {"HLSConfig", "LayerName"}},
    FormatRow{MapFormat::Hls4ml, {"LayerType", "Model"}},
    FormatRow{MapFormat::AutoQKeras, {"quantization_config", "limit"}}};

Failure unreadable(Error error, const char* language)
{
    return fail(ErrorCode::InvalidArgument, fmt::format("The map is no valid {}.", language),
                error.where, "A map is JSON, or the YAML of hls4ml.");
}

/// The largest value a function lets through; nothing unless it is a plain or capped relu.
std::optional<float> reluTop(const Layer& layer)
{
    const Function function = functionOf(layer.op);
    const auto clamp = clampOf(function);
    return clamp && clamp->first == 0.0F ? std::optional(clamp->second) : std::nullopt;
}

/// Q(f(x)) = Q(x): the quantizer saturates below where f does, and no higher.
bool clipsAlike(const Layer& layer, const quant::Quantizer& quantizer)
{
    if (functionOf(layer.op).isLinear()) {
        return true;
    }
    const auto top = reluTop(layer);
    if (!top || !quantizer.isElementwise()) {
        return false;
    }
    constexpr float kHuge = 1e30F;
    const Tensor ends(Shape{2}, std::vector{-kHuge, kHuge});
    Tensor levels(Shape{2});
    quantizer.apply(ends.view(), levels.mutableView(), {});
    return levels.values()[0] == 0.0F && levels.values()[1] <= *top;
}

} // namespace

bool hasSlot(const Layer& layer, Slot slot)
{
    const std::vector<Slot> slots = slotsOf(layer);
    return std::ranges::find(slots, slot) != slots.end();
}

void setOutputBehind(const Layer& layer, const quant::QuantizerPtr& quantizer,
                     std::string_view tool, MapResult& result)
{
    const bool hasPlace = hasSlot(layer, Slot::Activation);
    if (!quantizer || (hasPlace && clipsAlike(layer, *quantizer))) {
        result.configuration.set(layer.name, Slot::Activation, quantizer);
        return;
    }
    result.warnings.push_back(
        {"not_covered",
         hasPlace ? fmt::format("{} quantizes after the layer's function, which is not covered "
                                "inside one layer; the output stays float. Make the function a "
                                "layer of its own.",
                                tool)
                  : "Quantizing the output of this layer is not covered; it stays float.",
         layer.name + "/activation"});
}

Result<MapDocument> readMapDocument(std::string_view text)
{
    const std::string_view start = trimmed(text.substr(0, 4096));
    const bool isJson = start.starts_with("{") || start.starts_with("[");
    auto content = isJson ? parseJson(text, "map") : parseYaml(text, "map");
    if (!content) {
        return unreadable(std::move(content).error(), isJson ? "JSON" : "YAML");
    }
    if (!content->is_object()) {
        return fail(ErrorCode::InvalidArgument, "The map must be a JSON object.", {},
                    R"json(Write {"LAYER": {"kernel_quantizer": "quantized_bits(4)"}}.)json");
    }
    MapDocument document{MapFormat::Native, std::move(*content)};
    for (const FormatRow& row : kFormats) {
        if (std::ranges::any_of(row.keys, [&](const char* key) {
                return member(document.content, key).is_object() ||
                       member(document.content, key).is_array();
            })) {
            document.format = row.format;
            break;
        }
    }
    return document;
}

} // namespace bitscape::graph
