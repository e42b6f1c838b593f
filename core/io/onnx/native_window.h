// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/io/onnx/native_node.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

// What operators with windows share.
namespace bitscape::io {

using Sizes64 = std::vector<std::int64_t>;

inline constexpr std::string_view kLastDomain = "qonnx.custom_op.channels_last";

/// The spatial sizes of a tensor whose channels lie where the domain says.
[[nodiscard]] std::vector<Index> spatialOf(const NativeNode& node, const OnnxKnown& known);
/// The first input with its channels last, and how the outputs lie.
[[nodiscard]] std::optional<int> imageOf(NativeNode& node);
[[nodiscard]] OnnxLayout layoutOf(const NativeNode& node);

/// How a window moves, and the zeros around its input.
struct Window {
    std::size_t rank = 2;
    Sizes64 size, stride, dilation, before, after;

    [[nodiscard]] Index reach(std::size_t axis) const
    {
        return (size[axis] - 1) * dilation[axis] + 1;
    }
    [[nodiscard]] bool hasPads() const
    {
        return std::ranges::any_of(before, [](auto pad) { return pad != 0; }) ||
               std::ranges::any_of(after, [](auto pad) { return pad != 0; });
    }
    [[nodiscard]] graph::Extent extent(const Sizes64& sizes) const
    {
        return rank == 1 ? graph::Extent{1, static_cast<int>(sizes[0])}
                         : graph::Extent{static_cast<int>(sizes[0]), static_cast<int>(sizes[1])};
    }
};

/// All within 1 … 2^16.
[[nodiscard]] bool arePositive(const Sizes64& sizes);
/// From the node's attributes; nothing where they do not fit the sizes `input`, or these are open
/// and matter. `kernelSize`: where the attribute is missing.
[[nodiscard]] std::optional<Window> windowOf(const NativeNode& node, const Sizes64& kernelSize,
                                             const std::vector<Index>& input);
/// Keras' word for the zeros; nothing: they must be a layer of their own.
[[nodiscard]] std::optional<graph::Padding> paddingOf(const Window& window,
                                                      const std::vector<Index>& input);
/// A layer of zeros around an image.
[[nodiscard]] std::optional<int> addZeros(NativeNode& node, int layer, const Sizes64& before,
                                          const Sizes64& after);

} // namespace bitscape::io
