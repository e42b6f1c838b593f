// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/onnx/native_window.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

// Windows over images, sequences and volumes: convolutions, pools, padding, resizing.
namespace bitscape::io {

namespace {

using graph::Padding;
using graph::Slot;

/// (out, in, spatial…) → (spatial…, in, out); of channels_last: (out, spatial…, in).
std::vector<int> kernelOrder(int spatialRank, bool isLast)
{
    std::vector<int> order;
    for (int axis = 0; axis < spatialRank; ++axis) {
        order.push_back(axis + (isLast ? 1 : 2));
    }
    order.push_back(isLast ? spatialRank + 1 : 1);
    order.push_back(0);
    return order;
}

struct Convolution {
    Window window;
    Padding padding = Padding::Valid;
    int layer = -1;      ///< that it reads
    NativeWeight kernel; ///< (spatial…, in, out)
    std::optional<NativeWeight> bias;
    Index channels = 0, filters = 0, groups = 1;
};

NativeNode::Part depthwisePart(const Convolution& c)
{
    graph::DepthwiseOp op;
    const int rank = static_cast<int>(c.window.rank);
    op.spatialRank = rank;
    op.kernel = c.window.extent(c.window.size);
    op.stride = c.window.extent(c.window.stride);
    op.dilation = c.window.extent(c.window.dilation);
    op.padding = c.padding;
    op.multiplier = static_cast<int>(c.filters / c.groups);
    op.useBias = c.bias.has_value();
    return {rank == 1 ? "DepthwiseConv1D" : "DepthwiseConv2D", op, {c.layer}};
}

NativeNode::Part convolutionPart(const Convolution& c)
{
    if (c.window.rank == 3) {
        return {"Conv3D",
                kerasOp("Conv3D", {{"filters", c.filters},
                                   {"kernel_size", c.window.size},
                                   {"strides", c.window.stride},
                                   {"dilation_rate", c.window.dilation},
                                   {"padding", c.padding == Padding::Same ? "same" : "valid"},
                                   {"groups", c.groups},
                                   {"use_bias", c.bias.has_value()}}),
                {c.layer}};
    }
    graph::ConvOp op;
    op.spatialRank = static_cast<int>(c.window.rank);
    op.filters = c.filters;
    op.kernel = c.window.extent(c.window.size);
    op.stride = c.window.extent(c.window.stride);
    op.dilation = c.window.extent(c.window.dilation);
    op.padding = c.padding;
    op.groups = static_cast<int>(c.groups);
    op.useBias = c.bias.has_value();
    return {op.spatialRank == 1 ? "Conv1D" : "Conv2D", op, {c.layer}};
}

std::optional<Convolution> readConvolution(NativeNode& node)
{
    const OnnxKnown* known = node.tensor(0);
    auto kernel = node.weight(1);
    const auto rank = known == nullptr ? 0 : std::ssize(known->sizes) - 2;
    if (!kernel || rank < 1 || rank > 3 || kernel->value.shape().rank() != rank + 2) {
        return std::nullopt;
    }
    Convolution c;
    if (node.has(2)) {
        c.bias = node.weight(2);
        if (!c.bias) {
            return std::nullopt;
        }
    }
    const bool isLast = node.node.domain == kLastDomain;
    c.kernel = kernel->inOrder(kernelOrder(static_cast<int>(rank), isLast));
    const Shape& shape = c.kernel.value.shape();
    Sizes64 sizes;
    for (int axis = 0; axis < rank; ++axis) {
        sizes.push_back(shape[axis]);
    }
    c.filters = shape[static_cast<int>(rank) + 1];
    c.groups = node.integer("group", 1);
    c.channels = isLast ? known->sizes.back() : known->sizes[1];
    const std::vector<Index> input = spatialOf(node, *known);
    const auto window = windowOf(node, sizes, input);
    const bool fits = window && window->size == sizes && c.groups >= 1 &&
                      shape[static_cast<int>(rank)] * c.groups == c.channels &&
                      c.filters % c.groups == 0 &&
                      (!c.bias || c.bias->value.shape() == Shape{c.filters});
    const auto image = fits ? imageOf(node) : std::nullopt;
    if (!image) {
        return std::nullopt;
    }
    c.window = *window;
    c.layer = *image;
    if (const auto padding = paddingOf(*window, input)) {
        c.padding = *padding;
        return c;
    }
    const auto padded = addZeros(node, *image, window->before, window->after);
    if (!padded) {
        return std::nullopt;
    }
    c.layer = *padded;
    return c;
}

bool mapConv(NativeNode& node)
{
    auto c = readConvolution(node);
    if (!c) {
        return false;
    }
    const bool isDepthwise = c->groups == c->channels && c->groups > 1 && c->window.rank < 3;
    NativeNode::Part part = isDepthwise ? depthwisePart(*c) : convolutionPart(*c);
    if (isDepthwise) {
        // (spatial…, 1, in·multiplier) → (spatial…, in, multiplier)
        std::vector<Index> sizes(c->kernel.value.shape().sizes().begin(),
                                 c->kernel.value.shape().sizes().end());
        sizes[sizes.size() - 2] = c->channels;
        sizes.back() = c->filters / c->groups;
        c->kernel = c->kernel.reshaped(Shape(sizes));
    }
    addQuantizer(c->kernel, isDepthwise ? Slot::Depthwise : Slot::Kernel, part.quantizers);
    part.weights.push_back(
        weightOf(isDepthwise ? "depthwise_kernel" : "kernel", node, 1, std::move(c->kernel.value)));
    if (c->bias) {
        addQuantizer(*c->bias, Slot::Bias, part.quantizers);
        part.weights.push_back(weightOf("bias", node, 2, std::move(c->bias->value)));
    }
    return node.give(std::move(part), layoutOf(node));
}

bool mapConvTranspose(NativeNode& node)
{
    const OnnxKnown* known = node.tensor(0);
    const auto kernel = node.weight(1);
    const auto rank = known == nullptr ? 0 : std::ssize(known->sizes) - 2;
    if (!kernel || rank < 1 || rank > 2 || kernel->value.shape().rank() != rank + 2 ||
        node.integer("group", 1) != 1 || !node.integers("output_shape").empty() ||
        node.text("auto_pad", "NOTSET") != "NOTSET") {
        return false;
    }
    const auto bias = node.has(2) ? node.weight(2) : std::nullopt;
    std::vector<int> order; // (in, out, spatial…) → (spatial…, out, in)
    Sizes64 sizes;
    for (int axis = 0; axis < rank; ++axis) {
        order.push_back(axis + 2);
        sizes.push_back(kernel->value.shape()[axis + 2]);
    }
    order.insert(order.end(), {1, 0});
    const auto window = windowOf(node, sizes, spatialOf(node, *known));
    Sizes64 extra = node.integers("output_padding");
    extra.resize(static_cast<std::size_t>(rank), 0);
    const auto image = window && (!node.has(2) || bias) ? node.channelsLast(0) : std::nullopt;
    if (!image) {
        return false;
    }
    NativeWeight turned = kernel->inOrder(order);
    const char* className = rank == 1 ? "Conv1DTranspose" : "Conv2DTranspose";
    NativeNode::Part part{className,
                          kerasOp(className, {{"filters", kernel->value.shape()[1]},
                                              {"kernel_size", window->size},
                                              {"strides", window->stride},
                                              {"dilation_rate", window->dilation},
                                              {"padding", "valid"},
                                              {"output_padding", extra},
                                              {"use_bias", bias.has_value()}}),
                          {*image}};
    addQuantizer(turned, Slot::Kernel, part.quantizers);
    part.weights.push_back(weightOf("kernel", node, 1, std::move(turned.value)));
    if (bias) {
        addQuantizer(*bias, Slot::Bias, part.quantizers);
        part.weights.push_back(weightOf("bias", node, 2, bias->value));
    }
    if (rank == 1) {
        part.quantizers.clear(); // it has no place for them
    }
    if (!window->hasPads()) {
        return node.give(std::move(part), OnnxLayout::ChannelsLast);
    }
    const auto whole = node.step("whole", std::move(part));
    Json borders = Json::array();
    for (std::size_t axis = 0; axis < window->rank; ++axis) {
        borders.push_back({window->before[axis], window->after[axis]});
    }
    const char* crop = rank == 1 ? "Cropping1D" : "Cropping2D";
    return whole &&
           node.give(
               {crop, kerasOp(crop, {{"cropping", rank == 1 ? borders[0] : borders}}), {*whole}},
               OnnxLayout::ChannelsLast);
}

/// Rounding up makes windows that reach over the end; whether there are any.
bool roundsUp(const Window& window, const std::vector<Index>& input)
{
    for (std::size_t axis = 0; axis < window.rank; ++axis) {
        const Index room =
            input[axis] + window.before[axis] + window.after[axis] - window.reach(axis);
        if (input[axis] < 0 || room % window.stride[axis] != 0) {
            return true;
        }
    }
    return false;
}

/// The layer gives nothing below 0, so that zeros around it are never the largest.
bool isNeverNegative(const OnnxBuilder& builder, int index)
{
    const graph::Layer& layer = builder.layer(index);
    const auto quantizer = builder.quantizers.find(layer.name, Slot::Activation);
    if (quantizer) {
        return quantizer->min() >= 0.0;
    }
    const auto* activation = std::get_if<graph::ActivationOp>(&layer.op);
    if (activation == nullptr) {
        return false;
    }
    const graph::Function& f = activation->function;
    using Kind = graph::FunctionKind;
    const bool isIdentity = f.isLinear() && !layer.inputs.empty();
    return (f.kind == Kind::Relu && f.negativeSlope == 0.0F) || f.kind == Kind::Sigmoid ||
           f.kind == Kind::Softmax || f.kind == Kind::Softplus ||
           (isIdentity && isNeverNegative(builder, layer.inputs.front()));
}

bool mapPool(NativeNode& node)
{
    const bool isMax = node.node.opType == "MaxPool";
    const OnnxKnown* known = node.tensor(0);
    const auto rank = known == nullptr ? 0 : std::ssize(known->sizes) - 2;
    if (rank < 1 || rank > 3 || node.usesMoreOutputs()) {
        return false;
    }
    const std::vector<Index> input = spatialOf(node, *known);
    const auto window = windowOf(node, {}, input);
    if (!window || std::ranges::any_of(window->dilation, [](auto d) { return d != 1; }) ||
        (node.integer("ceil_mode", 0) != 0 && roundsUp(*window, input))) {
        return false;
    }
    const auto padding = paddingOf(*window, input);
    auto image = imageOf(node);
    if (!image) {
        return false;
    }
    // A mean that counts zeros, or the largest of what is never below them, is one of an image with
    // zeros around it.
    const bool countsZeros =
        window->hasPads() && (isMax ? !padding && isNeverNegative(node.builder, *image)
                                    : node.integer("count_include_pad", 0) != 0);
    if (!padding && !countsZeros) {
        return false;
    }
    if (countsZeros) {
        image = addZeros(node, *image, window->before, window->after);
    }
    if (!image) {
        return false;
    }
    const Padding used = countsZeros ? Padding::Valid : *padding;
    const std::string className =
        (isMax ? "MaxPooling" : "AveragePooling") + std::to_string(rank) + "D";
    if (rank == 3) {
        return node.give(
            {className,
             kerasOp(className, {{"pool_size", window->size},
                                 {"strides", window->stride},
                                 {"padding", used == Padding::Same ? "same" : "valid"}}),
             {*image}},
            OnnxLayout::ChannelsLast);
    }
    graph::PoolOp op;
    op.kind = isMax ? graph::PoolKind::Max : graph::PoolKind::Average;
    op.spatialRank = static_cast<int>(rank);
    op.window = window->extent(window->size);
    op.stride = window->extent(window->stride);
    op.padding = used;
    return node.give({className, op, {*image}}, layoutOf(node));
}

bool giveGlobalPool(NativeNode& node, int layer, int rank, bool isMax, bool keeps,
                    OnnxLayout layout)
{
    const std::string className = std::string(isMax ? "GlobalMaxPooling" : "GlobalAveragePooling") +
                                  std::to_string(rank) + "D";
    if (rank == 3) {
        return node.give({className, kerasOp(className, {{"keepdims", keeps}}), {layer}}, layout);
    }
    graph::GlobalPoolOp op;
    op.kind = isMax ? graph::PoolKind::Max : graph::PoolKind::Average;
    op.spatialRank = rank;
    op.keepDimensions = keeps;
    return node.give({className, op, {layer}}, layout);
}

bool mapGlobalPool(NativeNode& node)
{
    const OnnxKnown* known = node.tensor(0);
    const int rank = known == nullptr ? 0 : static_cast<int>(known->sizes.size()) - 2;
    const auto image = rank >= 1 && rank <= 3 ? node.channelsLast(0) : std::nullopt;
    return image && giveGlobalPool(node, *image, rank, node.node.opType == "GlobalMaxPool", true,
                                   OnnxLayout::ChannelsLast);
}

/// The mean (or largest) over all pixels, wherever the channels lie.
bool mapReduce(NativeNode& node)
{
    const OnnxKnown* known = node.tensor(0);
    auto axes = node.integersOf(1, "axes");
    const int rank = known == nullptr ? 0 : static_cast<int>(known->sizes.size()) - 2;
    if (!axes || rank < 1 || rank > 3 || std::ssize(*axes) != rank) {
        return false;
    }
    for (std::int64_t& axis : *axes) {
        axis += axis < 0 ? rank + 2 : 0;
    }
    std::ranges::sort(*axes);
    const bool isRun = axes->back() - axes->front() == rank - 1;
    const bool keeps = node.integer("keepdims", 1) != 0;
    const bool isMax = node.node.opType == "ReduceMax";
    if (isRun && axes->front() == 2) {
        const auto image = node.channelsLast(0);
        return image && giveGlobalPool(node, *image, rank, isMax, keeps,
                                       keeps ? OnnxLayout::ChannelsLast : OnnxLayout::Plain);
    }
    if (isRun && axes->front() == 1) {
        const auto image = node.plain(0);
        return image && giveGlobalPool(node, *image, rank, isMax, keeps, OnnxLayout::Plain);
    }
    return false;
}

bool mapPad(NativeNode& node)
{
    const OnnxKnown* known = node.tensor(0);
    const auto pads = node.integersOf(1, "pads");
    const auto value = node.has(2) ? node.number(2) : std::optional(node.real("value", 0.0F));
    const auto rank = known == nullptr ? 0 : std::ssize(known->sizes);
    if (!pads || node.has(3) || node.text("mode", "constant") != "constant" || value != 0.0F ||
        rank < 3 || rank > 5 || std::ssize(*pads) != 2 * rank ||
        std::ranges::any_of(*pads, [](auto pad) { return pad < 0; })) {
        return false;
    }
    const auto isFree = [&](std::ptrdiff_t axis) {
        return (*pads)[static_cast<std::size_t>(axis)] == 0 &&
               (*pads)[static_cast<std::size_t>(axis + rank)] == 0;
    };
    const auto give = [&](std::optional<int> image, std::ptrdiff_t first, OnnxLayout layout) {
        if (!image) {
            return false;
        }
        const auto at = [&](std::ptrdiff_t from) {
            const auto begin = pads->begin() + from;
            return Sizes64(begin, begin + rank - 2);
        };
        const auto padded = addZeros(node, *image, at(first), at(rank + first));
        return padded && node.alias(*padded, layout);
    };
    if (isFree(0) && isFree(1)) {
        return give(node.channelsLast(0), 2, OnnxLayout::ChannelsLast);
    }
    if (isFree(0) && isFree(rank - 1)) {
        return give(node.plain(0), 1, OnnxLayout::Plain);
    }
    return false;
}

/// Whole factors of a Resize or Upsample; nothing for others.
std::optional<std::vector<std::int64_t>> factorsOf(const NativeNode& node, const OnnxKnown& known)
{
    const bool isUpsample = node.node.opType == "Upsample";
    const bool isOld = node.node.opType == "Resize" && node.opset() < 11;
    const std::size_t at = isUpsample || isOld ? 1 : 2;
    std::vector<double> scales;
    if (const graph::ArrayValue* given = node.constant(at);
        given != nullptr && given->count() > 0) {
        for (Index e = 0; e < given->count(); ++e) {
            scales.push_back(given->real(e));
        }
    } else if (const auto* list = node.node.attribute("scales");
               list != nullptr && std::holds_alternative<std::vector<float>>(*list)) {
        const auto& values = std::get<std::vector<float>>(*list);
        scales.assign(values.begin(), values.end());
    } else if (const graph::ArrayValue* sizes = node.constant(3)) {
        for (Index e = 0; e < sizes->count() && e < std::ssize(known.sizes); ++e) {
            const Index input = known.sizes[static_cast<std::size_t>(e)];
            scales.push_back(e == 0 ? 1.0 : sizes->real(e) / static_cast<double>(input));
        }
    }
    if (scales.size() != known.sizes.size() || scales[0] != 1.0 || scales[1] != 1.0) {
        return std::nullopt;
    }
    std::vector<std::int64_t> factors;
    for (std::size_t axis = 2; axis < scales.size(); ++axis) {
        constexpr double kMost = 1024.0;
        if (!(scales[axis] >= 1.0 && scales[axis] <= kMost) ||
            scales[axis] != std::floor(scales[axis])) {
            return std::nullopt;
        }
        factors.push_back(static_cast<std::int64_t>(scales[axis]));
    }
    return factors;
}

bool mapResize(NativeNode& node)
{
    const OnnxKnown* known = node.tensor(0);
    const auto rank = known == nullptr ? 0 : std::ssize(known->sizes) - 2;
    if (rank < 1 || rank > 3 || node.hasAttribute("axes") || node.integer("antialias", 0) != 0) {
        return false;
    }
    const bool isCurrent = node.node.opType == "Resize" && node.opset() >= 11;
    const std::string mode = node.text("mode", "nearest");
    const std::string place =
        isCurrent ? node.text("coordinate_transformation_mode", "half_pixel") : "asymmetric";
    const std::string rounding =
        isCurrent ? node.text("nearest_mode", "round_prefer_floor") : "floor";
    const bool isHalf = place == "half_pixel" || place == "pytorch_half_pixel";
    const bool repeats = mode == "nearest" && ((place == "asymmetric" && rounding == "floor") ||
                                               (isHalf && rounding.starts_with("round_prefer")));
    const bool blends = mode == "linear" && isHalf && rank == 2;
    const auto factors = repeats || blends ? factorsOf(node, *known) : std::nullopt;
    const auto image = factors ? node.channelsLast(0) : std::nullopt;
    const std::string className = "UpSampling" + std::to_string(rank) + "D";
    return image && node.give({className,
                               kerasOp(className,
                                       {{"size", rank == 1 ? Json((*factors)[0]) : Json(*factors)},
                                        {"interpolation", blends ? "bilinear" : "nearest"}}),
                               {*image}},
                              OnnxLayout::ChannelsLast);
}

} // namespace

std::span<const NativeRow> windowRows()
{
    static constexpr std::array kRows{
        NativeRow{"", "Conv", mapConv},
        NativeRow{kLastDomain, "Conv", mapConv},
        NativeRow{"", "ConvTranspose", mapConvTranspose},
        NativeRow{"", "MaxPool", mapPool},
        NativeRow{kLastDomain, "MaxPool", mapPool},
        NativeRow{"", "AveragePool", mapPool},
        NativeRow{"", "GlobalAveragePool", mapGlobalPool},
        NativeRow{"", "GlobalMaxPool", mapGlobalPool},
        NativeRow{"", "ReduceMean", mapReduce},
        NativeRow{"", "ReduceMax", mapReduce},
        NativeRow{"", "Pad", mapPad},
        NativeRow{"", "Resize", mapResize},
        NativeRow{"", "Upsample", mapResize},
    };
    return kRows;
}

} // namespace bitscape::io
