// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/onnx/native_window.h"

#include "core/graph/shape_rules.h"

namespace bitscape::io {

namespace {

/// Zeros in front where auto_pad says so; nothing where sizes are open and matter.
bool padAutomatically(Window& window, const std::string& way, const std::vector<Index>& input)
{
    for (std::size_t axis = 0; axis < window.rank; ++axis) {
        if (input[axis] < 0 && window.stride[axis] != 1) {
            return false;
        }
        const Index outputs = input[axis] < 0 ? 0 : (input[axis] - 1) / window.stride[axis] + 1;
        const Index total = input[axis] < 0 ? window.reach(axis) - 1
                                            : std::max<Index>((outputs - 1) * window.stride[axis] +
                                                                  window.reach(axis) - input[axis],
                                                              0);
        const Index less = total / 2;
        window.before[axis] = way == "SAME_LOWER" ? total - less : less;
        window.after[axis] = total - window.before[axis];
    }
    return true;
}

} // namespace

bool arePositive(const Sizes64& sizes)
{
    constexpr std::int64_t kMost = 1 << 16;
    return std::ranges::all_of(sizes, [](auto size) { return size >= 1 && size <= kMost; });
}

std::vector<Index> spatialOf(const NativeNode& node, const OnnxKnown& known)
{
    const bool isLast = node.node.domain == kLastDomain;
    const auto first = known.sizes.begin() + (isLast ? 1 : 2);
    return {first, first + std::ssize(known.sizes) - 2};
}

std::optional<int> imageOf(NativeNode& node)
{
    return node.node.domain == kLastDomain ? node.plain(0) : node.channelsLast(0);
}

OnnxLayout layoutOf(const NativeNode& node)
{
    return node.node.domain == kLastDomain ? OnnxLayout::Plain : OnnxLayout::ChannelsLast;
}

std::optional<Window> windowOf(const NativeNode& node, const Sizes64& kernelSize,
                               const std::vector<Index>& input)
{
    Window window{.rank = input.size(), .size = node.integers("kernel_shape")};
    if (window.size.empty()) {
        window.size = kernelSize;
    }
    const auto orOnes = [&](Sizes64 sizes) {
        return sizes.empty() ? Sizes64(window.rank, 1) : std::move(sizes);
    };
    window.stride = orOnes(node.integers("strides"));
    window.dilation = orOnes(node.integers("dilations"));
    const Sizes64 pads = node.integers("pads");
    const bool fits = window.size.size() == window.rank && window.stride.size() == window.rank &&
                      window.dilation.size() == window.rank &&
                      (pads.empty() || pads.size() == 2 * window.rank);
    if (!fits || !arePositive(window.size) || !arePositive(window.stride) ||
        !arePositive(window.dilation)) {
        return std::nullopt;
    }
    window.before.assign(window.rank, 0);
    window.after = window.before;
    const std::string way = node.text("auto_pad", "NOTSET");
    if (way.starts_with("SAME_")) {
        return padAutomatically(window, way, input) ? std::optional(window) : std::nullopt;
    }
    if (way == "NOTSET" && !pads.empty()) {
        window.before.assign(pads.begin(), pads.begin() + static_cast<int>(window.rank));
        window.after.assign(pads.begin() + static_cast<int>(window.rank), pads.end());
    }
    const auto isNegative = [](auto pad) { return pad < 0; };
    if (std::ranges::any_of(window.before, isNegative) ||
        std::ranges::any_of(window.after, isNegative)) {
        return std::nullopt;
    }
    return window;
}

std::optional<graph::Padding> paddingOf(const Window& window, const std::vector<Index>& input)
{
    if (!window.hasPads()) {
        return graph::Padding::Valid;
    }
    for (std::size_t axis = 0; axis < window.rank; ++axis) {
        const auto size = static_cast<int>(window.size[axis]);
        const auto stride = static_cast<int>(window.stride[axis]);
        const auto dilation = static_cast<int>(window.dilation[axis]);
        const Index total = window.before[axis] + window.after[axis];
        Index before = (window.reach(axis) - 1) / 2;
        Index wanted = window.reach(axis) - 1;
        if (input[axis] >= 0) {
            const Index outputs =
                graph::outputSize(input[axis], size, stride, dilation, graph::Padding::Same);
            before =
                graph::paddingBefore(input[axis], size, stride, dilation, graph::Padding::Same);
            wanted = std::max<Index>((outputs - 1) * stride + window.reach(axis) - input[axis], 0);
        } else if (stride != 1) {
            return std::nullopt;
        }
        if (before != window.before[axis] || wanted != total) {
            return std::nullopt;
        }
    }
    return graph::Padding::Same;
}

std::optional<int> addZeros(NativeNode& node, int layer, const Sizes64& before,
                            const Sizes64& after)
{
    const auto pad = [](std::int64_t size) { return static_cast<int>(size); };
    if (before.size() == 3) {
        Json pairs = Json::array();
        for (std::size_t axis = 0; axis < 3; ++axis) {
            pairs.push_back({before[axis], after[axis]});
        }
        return node.step(
            "padded",
            {"ZeroPadding3D", kerasOp("ZeroPadding3D", {{"padding", std::move(pairs)}}), {layer}});
    }
    graph::ZeroPaddingOp op{.spatialRank = static_cast<int>(before.size())};
    if (before.size() == 2) {
        op.top = pad(before[0]);
        op.bottom = pad(after[0]);
    }
    op.left = pad(before.back());
    op.right = pad(after.back());
    return node.step("padded",
                     {before.size() == 2 ? "ZeroPadding2D" : "ZeroPadding1D", op, {layer}});
}

} // namespace bitscape::io
