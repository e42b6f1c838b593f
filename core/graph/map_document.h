// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/json_text.h"
#include "core/graph/configuration.h"

#include <string_view>

// Which tool's map a text is. Used inside core/graph only.
namespace bitscape::graph {

enum class MapFormat {
    Native,    ///< model_quantize's dictionary with our keys; TensorQuant's maps under a key of it
    Aimet,     ///< encodings
    Hls4ml,    ///< configuration with precisions
    AutoQKeras ///< says what to search, not what to use
};

struct MapDocument {
    MapFormat format = MapFormat::Native;
    Json content = Json::object(); ///< an object
};

/// Reads a map in JSON or YAML and finds by its keys whose it is. InvalidArgument: neither, or no
/// object.
[[nodiscard]] Result<MapDocument> readMapDocument(std::string_view text);

/// Puts a quantizer behind the function of a layer, as other tools do: ours takes the function's
/// place, which is the same where the function is linear, or clips what the quantizer clips anyway.
/// Elsewhere the output stays float, with a warning that names the tool.
void setOutputBehind(const Layer& layer, const quant::QuantizerPtr& quantizer,
                     std::string_view tool, MapResult& result);

/// Whether the layer has this slot.
[[nodiscard]] bool hasSlot(const Layer& layer, Slot slot);

} // namespace bitscape::graph
