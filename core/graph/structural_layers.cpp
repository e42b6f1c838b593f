// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/structural_layers.h"

#include "core/graph/layer_reading.h"
#include "core/graph/layers/noise.h"

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

namespace bitscape::graph {

namespace {

void addNumbers(const Json& value, std::vector<float>& numbers)
{
    if (value.is_number()) {
        numbers.push_back(value.get<float>());
    } else if (value.is_array()) {
        for (const Json& entry : value) {
            addNumbers(entry, numbers);
        }
    }
}

/// QConv2D's mask: a list of kernel height × kernel width, and axes of size 1.
std::vector<float> readMask(LayerReading& reading, const Extent& kernel)
{
    std::vector<float> mask;
    if (reading.config.has("mask")) {
        addNumbers(reading.config.at("mask"), mask);
        if (std::ssize(mask) != std::ptrdiff_t{kernel.height} * kernel.width) {
            reading.config.refuse("mask", "It must hold one number per tap of the kernel.");
        }
    }
    return mask;
}

ConvOp readConv(LayerReading& reading, int rank)
{
    KerasConfig& config = reading.config;
    ConvOp op;
    op.channelsFirst = reading.channelsFirst();
    op.spatialRank = rank;
    op.filters = config.integer("filters", 0, 1, kMaxChannels);
    op.kernel = config.extent("kernel_size", rank, {0, 0});
    op.stride = config.extent("strides", rank, {});
    op.dilation = config.extent("dilation_rate", rank, {});
    op.padding = reading.padding();
    op.groups = static_cast<int>(config.integer("groups", 1, 1, kMaxChannels));
    op.useBias = config.boolean("use_bias", true);
    op.function = reading.activation();
    if (op.filters == 0) {
        config.refuse("filters", "The number of filters is missing.");
    }
    if (op.kernel.width == 0) {
        config.refuse("kernel_size", "The size of the kernel is missing.");
    }
    if (reading.isQuantized && rank == 2) {
        op.mask = readMask(reading, op.kernel);
    }
    return op;
}

DepthwiseOp readDepthwise(LayerReading& reading, int rank = 2)
{
    KerasConfig& config = reading.config;
    DepthwiseOp op;
    op.channelsFirst = reading.channelsFirst();
    op.spatialRank = rank;
    op.kernel = config.extent("kernel_size", rank, {0, 0});
    op.stride = config.extent("strides", rank, {});
    op.dilation = config.extent("dilation_rate", rank, {});
    op.padding = reading.padding();
    op.multiplier = static_cast<int>(config.integer("depth_multiplier", 1, 1, kMaxExtent));
    op.useBias = config.boolean("use_bias", true);
    op.function = reading.activation();
    if (op.kernel.width == 0) {
        config.refuse("kernel_size", "The size of the kernel is missing.");
    }
    return op;
}

BatchNormOp readNorm(LayerReading& reading)
{
    KerasConfig& config = reading.config;
    constexpr float kMomentum = 0.99F;
    constexpr float kEpsilon = 1e-3F;
    BatchNormOp op;
    op.momentum = config.real("momentum", kMomentum);
    op.epsilon = config.real("epsilon", kEpsilon);
    op.center = config.boolean("center", true);
    op.scale = config.boolean("scale", true);
    return op;
}

void readInput(LayerReading& reading)
{
    const char* key = reading.config.has("batch_shape") ? "batch_shape" : "batch_input_shape";
    std::vector<Index> sizes = reading.config.sizes(key);
    if (sizes.empty()) {
        reading.config.refuse(key, "An input must have a shape.");
        return;
    }
    sizes.erase(sizes.begin());
    reading.meaning.op = InputOp{Shape(sizes)};
}

DenseOp denseOf(LayerReading& reading)
{
    DenseOp op;
    op.units = reading.config.integer("units", 0, 1, kMaxChannels);
    op.useBias = reading.config.boolean("use_bias", true);
    op.function = reading.activation();
    if (op.units == 0) {
        reading.config.refuse("units", "The number of units is missing.");
    }
    return op;
}

void readDense(LayerReading& reading)
{
    reading.meaning.op = denseOf(reading);
    reading.quantizers({Slot::Kernel, Slot::Bias});
}

template <int rank>
void readConvolution(LayerReading& reading)
{
    reading.meaning.op = readConv(reading, rank);
    reading.quantizers({Slot::Kernel, Slot::Bias});
}

template <int rank>
void readDepthwiseConvolution(LayerReading& reading)
{
    reading.meaning.op = readDepthwise(reading, rank);
    reading.quantizers({Slot::Depthwise, Slot::Bias});
}

template <int rank>
void readSeparable(LayerReading& reading)
{
    const ConvOp conv = readConv(reading, rank);
    const int multiplier =
        static_cast<int>(reading.config.integer("depth_multiplier", 1, 1, kMaxExtent));
    reading.meaning.op =
        SeparableOp{conv.filters, conv.kernel,  conv.stride,   conv.dilation,      conv.padding,
                    multiplier,   conv.useBias, conv.function, conv.channelsFirst, rank};
    if (reading.isQuantized && conv.padding == Padding::Causal) {
        reading.lacks("QKeras fails on causal padding here");
    }
    reading.quantizers({Slot::Depthwise, Slot::Pointwise, Slot::Bias});
}

FoldedConvOp readFolding(LayerReading& reading)
{
    FoldedConvOp op;
    op.norm = readNorm(reading);
    const std::string mode = reading.config.text("folding_mode", "ema_stats_folding");
    op.emaStatsFolding = mode == "ema_stats_folding";
    if (!op.emaStatsFolding && mode != "batch_stats_folding") {
        reading.config.refuse("folding_mode",
                              "It must be ema_stats_folding or batch_stats_folding.");
    }
    op.emaFreezeDelay = static_cast<int>(reading.config.integer(
        "ema_freeze_delay", -1, std::numeric_limits<int>::min(), std::numeric_limits<int>::max()));
    if (reading.axis("axis", -1) != -1) {
        reading.meaning.lastAxis = reading.axis("axis", -1);
    }
    return op;
}

void readFoldedConvolution(LayerReading& reading)
{
    FoldedConvOp op = readFolding(reading);
    ConvOp conv = readConv(reading, 2);
    conv.channelsFirst = false; // QConv2DBatchnorm takes no heed of data_format,
    conv.mask.clear();          // nor of a mask
    op.conv = conv;
    reading.quantizers({Slot::Kernel, Slot::Bias});
    reading.meaning.op = op;
}

void readFoldedDepthwise(LayerReading& reading)
{
    FoldedConvOp op = readFolding(reading);
    op.conv = readDepthwise(reading);
    reading.quantizers({Slot::Depthwise, Slot::Bias});
    reading.meaning.op = op;
}

void readFoldedDense(LayerReading& reading)
{
    FoldedConvOp op = readFolding(reading);
    op.conv = denseOf(reading);
    reading.quantizers({Slot::Kernel, Slot::Bias});
    reading.meaning.op = op;
}

void readActivationLayer(LayerReading& reading)
{
    reading.meaning.op = ActivationOp{reading.activation()};
}

template <const char* className>
void readFunctionLayer(LayerReading& reading)
{
    reading.meaning.op = ActivationOp{reading.functionOfClass(className)};
}

void readBatchNorm(LayerReading& reading)
{
    BatchNormOp op = readNorm(reading);
    reading.meaning.op = op;
    op.axes = reading.axes("axis", {-1});
    std::ranges::sort(op.axes);
    if (op.axes.size() > 1) {
        reading.meaning.op = op;
    } else if (op.axes.front() != -1) {
        reading.meaning.lastAxis = op.axes.front();
        reading.meaning.otherwise = op;
    }
    if (op.axes.front() < -1 || (op.axes.size() > 1 && op.axes.front() < 0)) {
        reading.lacks("an axis counted from the end is not covered");
    }
    if (reading.config.integer("mode", 0, 0, 2) != 0) { // Keras 1
        reading.lacks("normalization by the statistics of each call is not covered");
    }
    const bool renormalizes = reading.config.boolean("renorm", false);
    if (renormalizes) {
        reading.lacks("batch renormalization is not covered");
    }
    if (!reading.isQuantized) {
        return;
    }
    struct Field {
        Slot slot;
        const char* key;
        const char* otherwise; ///< what the constructor takes if the key is absent
    };
    constexpr std::array kFields{
        Field{Slot::Gamma, "gamma_quantizer", "quantized_relu_po2(6,2048)"},
        Field{Slot::Beta, "beta_quantizer", "quantized_po2(5)"},
        Field{Slot::Mean, "mean_quantizer", "quantized_po2(5)"},
        Field{Slot::Variance, "variance_quantizer",
              "quantized_relu_po2(6,quadratic_approximation=True)"},
        Field{Slot::Inverse, "inverse_quantizer", nullptr},
    };
    for (const Field& field : kFields) {
        reading.quantizer(field.slot, field.key, field.otherwise);
    }
}

/// What QKeras adds to the means of Keras.
Function poolActivation(LayerReading& reading)
{
    reading.quantizers({Slot::Average});
    return reading.isQuantized ? reading.activation() : Function{};
}

template <PoolKind kind, int rank>
void readPool(LayerReading& reading)
{
    PoolOp op;
    op.channelsFirst = reading.channelsFirst();
    op.kind = kind;
    op.spatialRank = rank;
    const Extent two = rank == 1 ? Extent{1, 2} : Extent{2, 2};
    // Keras 2.0 called the window of 1-dimensional pooling pool_size as well, Keras 1 pool_length
    op.window = reading.config.extent("pool_size", rank, two);
    op.stride = reading.config.extent("strides", rank, op.window);
    op.padding = reading.padding();
    op.function = poolActivation(reading);
    reading.meaning.op = op;
}

template <PoolKind kind, int rank>
void readGlobalPool(LayerReading& reading)
{
    reading.meaning.op = GlobalPoolOp{kind, rank, reading.config.boolean("keepdims", false),
                                      reading.channelsFirst(), poolActivation(reading)};
}

template <int rank>
void readZeroPadding(LayerReading& reading)
{
    const std::vector<int> pads = reading.pairs("padding", rank);
    ZeroPaddingOp op{.spatialRank = rank};
    op.channelsFirst = reading.channelsFirst();
    if (rank == 2) {
        op.top = pads[0];
        op.bottom = pads[1];
    }
    op.left = pads[pads.size() - 2];
    op.right = pads[pads.size() - 1];
    reading.meaning.op = op;
}

void readFlatten(LayerReading& reading)
{
    reading.meaning.op = FlattenOp{reading.channelsFirst()};
}

void readReshape(LayerReading& reading)
{
    reading.meaning.op = ReshapeOp{reading.config.sizes("target_shape")};
}

void readDropout(LayerReading& reading)
{
    constexpr float kRate = 0.5F;
    const float rate = reading.config.real("rate", kRate);
    if (!(rate >= 0.0F && rate <= 1.0F)) {
        reading.config.refuse("rate", "It must be in 0 … 1.");
    }
    if (reading.config.has("noise_shape")) {
        readShapedDropout(reading, rate);
    } else {
        reading.meaning.op = DropoutOp{rate};
    }
}

void readAdd(LayerReading& reading)
{
    reading.meaning.op = AddOp{};
}

void readConcatenate(LayerReading& reading)
{
    reading.meaning.op = ConcatenateOp{reading.axis("axis", -1)};
}

constexpr char kRelu[] = "ReLU";
constexpr char kLeakyRelu[] = "LeakyReLU";
constexpr char kElu[] = "ELU";

} // namespace

std::span<const LayerInfo> structuralLayers()
{
    static constexpr std::array kRows{
        LayerInfo{"InputLayer", "", "Where data enter the network.", readInput},
        LayerInfo{"Dense", "QDense", "Every output is a weighted sum of all inputs.", readDense},
        LayerInfo{"Conv1D", "QConv1D", "Convolution along a sequence.", readConvolution<1>},
        LayerInfo{"Conv2D", "QConv2D", "Convolution over an image.", readConvolution<2>},
        LayerInfo{"DepthwiseConv2D", "QDepthwiseConv2D", "Convolution of each channel by itself.",
                  readDepthwiseConvolution<2>},
        LayerInfo{"DepthwiseConv1D", "", "Convolution of each channel of a sequence by itself.",
                  readDepthwiseConvolution<1>},
        LayerInfo{"SeparableConv2D", "QSeparableConv2D",
                  "Convolution of each channel, then a mix of channels in each pixel.",
                  readSeparable<2>},
        LayerInfo{"SeparableConv1D", "QSeparableConv1D",
                  "Convolution of each channel of a sequence, then a mix of channels.",
                  readSeparable<1>},
        LayerInfo{"QConv2DBatchnorm", "QConv2DBatchnorm",
                  "Convolution whose batch normalization is folded into its weights.",
                  readFoldedConvolution},
        LayerInfo{"QDepthwiseConv2DBatchnorm", "QDepthwiseConv2DBatchnorm",
                  "Depth-wise convolution whose batch normalization is folded into its weights.",
                  readFoldedDepthwise},
        LayerInfo{"QDenseBatchnorm", "QDenseBatchnorm",
                  "Dense layer whose batch normalization is folded into its weights.",
                  readFoldedDense},
        LayerInfo{"Activation", "QActivation", "A function or quantizer of each value.",
                  readActivationLayer},
        LayerInfo{kRelu, "", "Values below the threshold become 0 (or keep a slope).",
                  readFunctionLayer<kRelu>},
        LayerInfo{kLeakyRelu, "", "Negative values keep a small slope.",
                  readFunctionLayer<kLeakyRelu>},
        LayerInfo{kElu, "", "Negative values approach −alpha.", readFunctionLayer<kElu>},
        LayerInfo{"BatchNormalization", "QBatchNormalization",
                  "Values are centered and scaled by the statistics of their channel.",
                  readBatchNorm},
        LayerInfo{"BatchNormalizationV1", "",
                  "Values are centered and scaled by the statistics of their channel.",
                  readBatchNorm},
        LayerInfo{"MaxPooling1D", "", "Largest value of each window of a sequence.",
                  readPool<PoolKind::Max, 1>},
        LayerInfo{"MaxPooling2D", "", "Largest value of each window of an image.",
                  readPool<PoolKind::Max, 2>},
        LayerInfo{"AveragePooling1D", "", "Mean of each window of a sequence.",
                  readPool<PoolKind::Average, 1>},
        LayerInfo{"AveragePooling2D", "QAveragePooling2D", "Mean of each window of an image.",
                  readPool<PoolKind::Average, 2>},
        LayerInfo{"GlobalAveragePooling1D", "", "Mean of each channel.",
                  readGlobalPool<PoolKind::Average, 1>},
        LayerInfo{"GlobalAveragePooling2D", "QGlobalAveragePooling2D", "Mean of each channel.",
                  readGlobalPool<PoolKind::Average, 2>},
        LayerInfo{"GlobalMaxPooling1D", "", "Largest value of each channel.",
                  readGlobalPool<PoolKind::Max, 1>},
        LayerInfo{"GlobalMaxPooling2D", "", "Largest value of each channel.",
                  readGlobalPool<PoolKind::Max, 2>},
        LayerInfo{"ZeroPadding1D", "", "Zeros around a sequence.", readZeroPadding<1>},
        LayerInfo{"ZeroPadding2D", "", "Zeros around an image.", readZeroPadding<2>},
        LayerInfo{"Flatten", "", "All values in one row.", readFlatten},
        LayerInfo{"Reshape", "", "The same values in another shape.", readReshape},
        LayerInfo{"Dropout", "", "While training, some values become 0 at random.", readDropout},
        LayerInfo{"Add", "", "Sum of its inputs.", readAdd},
        LayerInfo{"Concatenate", "", "Its inputs side by side.", readConcatenate},
    };
    return kRows;
}

} // namespace bitscape::graph
