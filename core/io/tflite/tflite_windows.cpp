// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layer_registry.h"
#include "core/graph/layers/dynamic_range.h"
#include "core/io/tflite/tflite_builder.h"
#include "core/io/tflite/tflite_quantizers.h"

#include <algorithm>
#include <array>

// Operators that move a window over an image, and matrix products.
namespace bitscape::io {

namespace {

using graph::Extent;
using graph::LayerQuantizers;
using graph::Slot;

/// An array in row-major order with its axes in another one: order[i] is the axis that becomes i.
std::vector<float> turned(const std::vector<float>& values, const TfliteSizes& sizes,
                          const std::vector<std::size_t>& order)
{
    const std::size_t rank = sizes.size();
    std::vector<std::size_t> steps(rank, 1);
    for (std::size_t axis = rank - 1; axis > 0; --axis) {
        steps[axis - 1] = steps[axis] * static_cast<std::size_t>(sizes[axis]);
    }
    std::vector<std::size_t> sources{0};
    sources.reserve(values.size());
    for (const std::size_t axis : order) {
        std::vector<std::size_t> finer;
        finer.reserve(sources.size() * static_cast<std::size_t>(sizes[axis]));
        for (const std::size_t source : sources) {
            for (std::int64_t i = 0; i < sizes[axis]; ++i) {
                finer.push_back(source + static_cast<std::size_t>(i) * steps[axis]);
            }
        }
        sources = std::move(finer);
    }
    std::vector<float> out(values.size());
    std::ranges::transform(sources, out.begin(), [&](std::size_t at) { return values[at]; });
    return out;
}

graph::Weight weight(std::string name, const TfliteTensor& tensor, const Shape& shape,
                     const std::vector<float>& values)
{
    return {std::move(name), tensor.name, std::make_shared<Tensor>(shape, values), true};
}

/// Where the kernel of an operator stands and how it is stored.
struct KernelPlace {
    std::size_t kernel = 1, bias = 2;
    std::vector<std::size_t> order; ///< of its axes in our weight
    int channelAxis = 0;            ///< of the file's kernel, along which scales may differ
    std::vector<std::int64_t> scaleShape;
    Slot slot = Slot::Kernel;
    std::string name = "kernel";
    Shape shape; ///< of our weight
};

/// Kernel and bias with their quantizers.
OperatorReading::LayerParts weightsOf(OperatorReading& reading, const TfliteTensor& data,
                                      const KernelPlace& place)
{
    OperatorReading::LayerParts parts;
    const std::vector<float> kernel = reading.reals(place.kernel);
    if (!reading.isOk()) {
        return parts;
    }
    const TfliteTensor& tensor = reading.input(place.kernel);
    if (place.shape.elementCount() != std::ssize(kernel)) {
        reading.lacks("the shape of its kernel does not fit");
        return parts;
    }
    const TfliteQuantization& q = tensor.quantization;
    if (q.scales.size() > 1 && q.axis != place.channelAxis) {
        reading.lacks("scales of its kernel along another axis than the channels are not covered");
        return parts;
    }
    parts.weights.push_back(
        weight(place.name, tensor, place.shape, turned(kernel, tensor.shape, place.order)));
    if (tensor.isQuantized()) {
        const TfliteIntegers codes = reading.codes(place.kernel);
        const bool narrow = std::ranges::find(codes, codesOf(tensor.type).low) == codes.end();
        if (auto quantizer = weightQuantizer(tensor, place.scaleShape, narrow)) {
            parts.quantizers[place.slot] = std::move(quantizer);
        }
    }
    if (!reading.has(place.bias)) {
        return parts;
    }
    const TfliteTensor& biasTensor = reading.input(place.bias);
    std::vector<float> bias = reading.reals(place.bias);
    if (!reading.isOk()) {
        return parts;
    }
    if (isInteger(biasTensor.type)) {
        // The accumulators' scale; files may leave it out.
        std::vector<float> scales = biasTensor.quantization.scales;
        if (scales.empty()) {
            const float input =
                data.quantization.scales.size() == 1 ? data.quantization.scales.front() : 1.0F;
            std::ranges::transform(q.scales, std::back_inserter(scales),
                                   [input](float scale) { return input * scale; });
            for (std::size_t i = 0; i < bias.size() && !scales.empty(); ++i) {
                bias[i] *= scales[scales.size() == 1 ? 0 : i % scales.size()];
            }
        }
        if (scales.empty()) {
            reading.lacks("its bias has no scale");
            return parts;
        }
        if (auto quantizer = biasQuantizer(scales)) {
            parts.quantizers[Slot::Bias] = std::move(quantizer);
        }
    }
    parts.weights.push_back(weight("bias", biasTensor, Shape{std::ssize(bias)}, bias));
    return parts;
}

graph::Padding paddingOf(const OperatorReading& reading)
{
    return reading.option("padding") == schema::kSame ? graph::Padding::Same
                                                      : graph::Padding::Valid;
}

Extent strideOf(const OperatorReading& reading)
{
    return {reading.option("stride_h"), reading.option("stride_w")};
}

Extent dilationOf(const OperatorReading& reading)
{
    return {reading.option("dilation_h_factor"), reading.option("dilation_w_factor")};
}

bool isKernel(OperatorReading& reading, std::size_t input)
{
    constexpr std::size_t kRank = 4;
    if (!reading.has(input) || reading.input(input).shape.size() != kRank) {
        reading.lacks("its kernel has not four axes");
    }
    return reading.isOk();
}

/// What a window moves over: an image, or one that the file cut for dilation.
struct WindowInput {
    TfliteSource source;
    int block = 1; ///< 1: not cut
};

WindowInput windowInput(OperatorReading& reading)
{
    if (auto cut = reading.cutSource(0)) {
        if (reading.option("padding") != schema::kValid || reading.option("stride_h") != 1 ||
            reading.option("stride_w") != 1 || reading.option("dilation_h_factor") != 1 ||
            reading.option("dilation_w_factor") != 1) {
            reading.lacks("on an image cut into phases only plain windows are covered");
        }
        return {std::move(cut->source), cut->block};
    }
    return {reading.batched(reading.source(0)), 1};
}

/// Kernels of int8 on float data: LiteRT rounds the data to 8 bits on the fly.
TfliteSource roundedForHybrid(OperatorReading& reading, const TfliteSource& data, bool ofRows,
                              bool isAsymmetric)
{
    if (!reading.isOk() || !reading.has(1) || !reading.input(1).isQuantized() ||
        reading.input(0).type != TfliteType::Float32) {
        return data;
    }
    using graph::DynamicRange;
    const DynamicRange range =
        isAsymmetric ? (ofRows ? DynamicRange::AsymmetricRows : DynamicRange::AsymmetricSamples)
                     : (ofRows ? DynamicRange::SymmetricRows : DynamicRange::SymmetricSamples);
    OperatorReading::LayerParts parts;
    parts.role = "rounded";
    reading.note(
        ImportKind::Converted,
        "Its data are rounded to 8 bits by their own range, as LiteRT's hybrid kernels do.");
    return reading.layer(graph::dynamicRangeOp(range), data, std::move(parts));
}

void giveWindow(OperatorReading& reading, const TfliteSource& made, int block)
{
    if (block > 1) {
        reading.giveCut(made, block);
    } else {
        reading.give(made);
    }
}

void convolution(OperatorReading& reading)
{
    const auto [whole, block] = windowInput(reading);
    const bool perChannel = reading.has(1) && reading.input(1).quantization.scales.size() > 1;
    const TfliteSource data = roundedForHybrid(reading, whole, false, perChannel);
    if (!isKernel(reading, 1) || data.sizes.size() != 4) {
        reading.lacks("it reads no image");
        return;
    }
    const TfliteSizes kernel = reading.input(1).shape;
    graph::ConvOp op;
    op.filters = kernel[0];
    op.kernel = {static_cast<int>(kernel[1]), static_cast<int>(kernel[2])};
    op.stride = strideOf(reading);
    op.dilation = block > 1 ? Extent{block, block} : dilationOf(reading);
    op.padding = paddingOf(reading);
    op.groups = kernel[3] > 0 ? static_cast<int>(data.sizes[3] / kernel[3]) : 0;
    op.useBias = reading.has(2);
    op.function = reading.fused();
    KernelPlace place{.order = {1, 2, 3, 0},
                      .scaleShape = {kernel[0]},
                      .shape = {kernel[1], kernel[2], kernel[3], kernel[0]}};
    auto parts = weightsOf(reading, reading.input(0), place);
    giveWindow(reading, reading.layer(op, data, std::move(parts)), block);
}

void depthwise(OperatorReading& reading)
{
    const auto [whole, block] = windowInput(reading);
    const TfliteSource data = roundedForHybrid(reading, whole, false, true);
    if (!isKernel(reading, 1) || data.sizes.size() != 4) {
        reading.lacks("it reads no image");
        return;
    }
    const TfliteSizes kernel = reading.input(1).shape;
    const std::int64_t channels = data.sizes[3];
    if (channels < 1 || kernel[3] % channels != 0 || kernel[0] != 1) {
        reading.lacks("its kernel does not fit its input");
        return;
    }
    graph::DepthwiseOp op;
    op.kernel = {static_cast<int>(kernel[1]), static_cast<int>(kernel[2])};
    op.stride = strideOf(reading);
    op.dilation = block > 1 ? Extent{block, block} : dilationOf(reading);
    op.padding = paddingOf(reading);
    op.multiplier = static_cast<int>(kernel[3] / channels);
    op.useBias = reading.has(2);
    op.function = reading.fused();
    KernelPlace place{.order = {0, 1, 2, 3},
                      .channelAxis = 3,
                      .scaleShape = {channels, op.multiplier},
                      .slot = Slot::Depthwise,
                      .name = "depthwise_kernel",
                      .shape = {kernel[1], kernel[2], channels, op.multiplier}};
    auto parts = weightsOf(reading, reading.input(0), place);
    giveWindow(reading, reading.layer(op, data, std::move(parts)), block);
}

void fullyConnected(OperatorReading& reading)
{
    if (reading.option("weights_format") != 0) {
        reading.lacks("shuffled weights are not covered");
        return;
    }
    TfliteSource data = reading.source(0);
    if (!reading.has(1) || reading.input(1).shape.size() != 2) {
        reading.lacks("its weights are no matrix");
        return;
    }
    const TfliteSizes kernel = reading.input(1).shape;
    const std::int64_t depth = kernel[1];
    if (!reading.isOk() || depth < 1) {
        return;
    }
    if (!reading.flag("keep_num_dims") && data.sizes.size() > 2) {
        std::int64_t count = 1;
        for (const std::int64_t size : data.sizes) {
            count *= size;
        }
        const TfliteSizes rows{count / depth, depth};
        const bool counts = data.hasBatch && rows[0] == data.sizes[0];
        if (!counts) {
            data = reading.whole(data);
        }
        data = reading.reshaped(data, rows, counts);
    }
    data = roundedForHybrid(reading, data, true, reading.flag("asymmetric_quantize_inputs"));
    graph::DenseOp op;
    op.units = kernel[0];
    op.useBias = reading.has(2);
    op.function = reading.fused();
    auto parts =
        weightsOf(reading, reading.input(0),
                  {.order = {1, 0}, .scaleShape = {kernel[0]}, .shape = {depth, kernel[0]}});
    reading.give(reading.layer(op, data, std::move(parts)));
}

/// How much longer than the least an output is, along one axis.
std::int64_t surplus(std::int64_t input, std::int64_t output, std::int64_t kernel,
                     std::int64_t stride, bool isSame)
{
    return output - (input - 1) * stride - kernel + (isSame ? kernel / 2 * 2 : 0);
}

void transposedConvolution(OperatorReading& reading)
{
    const TfliteSource data = reading.batched(reading.source(2));
    const TfliteIntegers size = reading.integers(0);
    if (!isKernel(reading, 1) || data.sizes.size() != 4 || size.size() != 4) {
        reading.lacks("it reads no image");
        return;
    }
    const TfliteSizes kernel = reading.input(1).shape;
    const Extent stride = strideOf(reading);
    const bool isSame = paddingOf(reading) == graph::Padding::Same;
    const graph::Function function = reading.fused();
    const std::int64_t high = surplus(data.sizes[1], size[1], kernel[1], stride.height, isSame);
    const std::int64_t wide = surplus(data.sizes[2], size[2], kernel[2], stride.width, isSame);
    Json config{{"filters", kernel[0]},
                {"kernel_size", {kernel[1], kernel[2]}},
                {"strides", {stride.height, stride.width}},
                {"padding", isSame ? "same" : "valid"},
                {"use_bias", reading.has(3)},
                {"activation", graph::activationField(function)}};
    const auto fits = [](std::int64_t extra, int step) { return extra >= 0 && extra < step; };
    const bool isPlain = isSame && size[1] == data.sizes[1] * stride.height &&
                         size[2] == data.sizes[2] * stride.width;
    if (!isPlain) {
        if (!fits(high, stride.height) || !fits(wide, stride.width)) {
            reading.lacks("an output of its size is not covered");
            return;
        }
        config["output_padding"] = {high, wide};
    }
    auto parts = weightsOf(reading, reading.input(2),
                           {.bias = 3,
                            .order = {1, 2, 0, 3},
                            .scaleShape = {kernel[0], 1},
                            .shape = {kernel[1], kernel[2], kernel[0], kernel[3]}});
    reading.give(reading.layer("Conv2DTranspose", config, data, std::move(parts)));
}

template <graph::PoolKind kind>
void pool(OperatorReading& reading)
{
    const TfliteSource data = reading.batched(reading.source(0));
    graph::PoolOp op;
    op.kind = kind;
    op.window = {reading.option("filter_height"), reading.option("filter_width")};
    op.stride = strideOf(reading);
    op.padding = paddingOf(reading);
    op.function = reading.fused();
    reading.give(reading.layer(op, data));
}

} // namespace

std::span<const TfliteConverter> tfliteWindowConverters()
{
    static constexpr std::array kRows{
        TfliteConverter{schema::kConv2d, convolution},
        TfliteConverter{schema::kDepthwiseConv2d, depthwise},
        TfliteConverter{schema::kFullyConnected, fullyConnected},
        TfliteConverter{schema::kTransposeConv, transposedConvolution},
        TfliteConverter{schema::kAveragePool2d, pool<graph::PoolKind::Average>},
        TfliteConverter{schema::kMaxPool2d, pool<graph::PoolKind::Max>}};
    return kRows;
}

} // namespace bitscape::io
