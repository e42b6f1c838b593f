// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/json_text.h"
#include "core/io/onnx/onnx_builder.h"

#include <optional>
#include <string>

// Our layers work channels last, ONNX' operators channels first. A tensor may be there in either
// order; the other is made of it where a node wants it, once.
namespace bitscape::io {

enum class OnnxLayout {
    Plain,        ///< as ONNX has it
    ChannelsLast, ///< axis 1 at the end
    Mixed         ///< a row in the order of an array with its channels last
};

/// N×C×…: the sizes of one sample with the channels last, and back.
[[nodiscard]] Shape channelsLastShape(const graph::Sizes& sizes);

/// The layer that gives a tensor in a layout; nothing if it cannot be had.
[[nodiscard]] std::optional<int> plainLayer(OnnxBuilder& builder, const std::string& tensor);
[[nodiscard]] std::optional<int> channelsLastLayer(OnnxBuilder& builder, const std::string& tensor);

/// Makes OnnxKnown::layer of a tensor that is no constant: what functions read and networks give.
void makePlain(OnnxBuilder& builder, const std::string& tensor);

/// Says that `layer` gives a float tensor of one sample in a layout.
void defineIn(OnnxBuilder& builder, const std::string& tensor, int layer, OnnxLayout layout,
              const Shape& mixedShape = {});
/// A layer by Keras' class and config; nothing if it does not fit its inputs. No weights: none.
[[nodiscard]] std::optional<int> addNative(OnnxBuilder& builder, graph::Layer layer);
/// What a Keras config of a major version says.
[[nodiscard]] graph::Op kerasOp(const std::string& className, const Json& config, int major = 3);

} // namespace bitscape::io
