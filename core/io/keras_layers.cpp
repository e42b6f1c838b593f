// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/keras_layers.h"

#include "core/io/keras_config.h"

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <utility>

namespace bitscape::io {

namespace {

using graph::Function;
using graph::FunctionKind;
using graph::Slot;

/// A layer while it is read.
struct Reading {
    KerasConfig config;
    KerasDialect dialect;
    bool quantized = false; ///< a class of QKeras
    LayerMeaning meaning;
    std::string unsupported; ///< first reason why it cannot be run; empty: none

    void lacks(std::string reason)
    {
        if (unsupported.empty()) {
            unsupported = std::move(reason);
        }
    }
};

// ------------------------------------------------------------------------------------- functions

struct FunctionName {
    std::string_view name;
    Function function;
};

constexpr float kLeakyDefault = 0.2F; // of the activation function, in all versions

const std::vector<FunctionName>& functionNames()
{
    static const std::vector<FunctionName> table{
        {"linear", {FunctionKind::Linear}},
        {"relu", {FunctionKind::Relu}},
        {"relu6", {FunctionKind::Relu, 0.0F, 6.0F}},
        {"leaky_relu", {FunctionKind::Relu, kLeakyDefault}},
        {"softmax", {FunctionKind::Softmax}},
        {"sigmoid", {FunctionKind::Sigmoid}},
        {"tanh", {FunctionKind::Tanh}},
        {"elu", {FunctionKind::Elu, 1.0F}},
        {"selu", {FunctionKind::Selu}},
        {"softplus", {FunctionKind::Softplus}},
        {"softsign", {FunctionKind::Softsign}},
        {"swish", {FunctionKind::Swish}},
        {"silu", {FunctionKind::Swish}},
        {"gelu", {FunctionKind::Gelu}},
        {"exponential", {FunctionKind::Exponential}},
    };
    return table;
}

/// Parameters of ReLU, LeakyReLU, ELU and Softmax objects, as layers or inside an activation field.
struct FunctionClass {
    std::string_view name;
    Function (*read)(Reading& reading, KerasConfig& config);
};

Function readRelu(Reading& /*reading*/, KerasConfig& config)
{
    const float top = config.real("max_value", 0.0F);
    return {FunctionKind::Relu, config.real("negative_slope", 0.0F), top,
            config.real("threshold", 0.0F)};
}

Function readLeakyRelu(Reading& /*reading*/, KerasConfig& config)
{
    constexpr float kDefault = 0.3F;
    return {FunctionKind::Relu, config.real("negative_slope", config.real("alpha", kDefault))};
}

Function readElu(Reading& /*reading*/, KerasConfig& config)
{
    return {FunctionKind::Elu, config.real("alpha", 1.0F)};
}

Function readSoftmax(Reading& reading, KerasConfig& config)
{
    const Json& axis = config.at("axis");
    const Json& one = axis.is_array() && axis.size() == 1 ? axis.front() : axis;
    if (axis.is_array() && axis.size() > 1) {
        reading.lacks("softmax over several axes is not covered");
    } else if (one.is_number_integer() && one.get<std::int64_t>() != -1) {
        reading.meaning.lastAxis = static_cast<int>(
            std::clamp<std::int64_t>(one.get<std::int64_t>(), -Shape::kMaxRank, Shape::kMaxRank));
    }
    return {FunctionKind::Softmax};
}

constexpr std::array kFunctionClasses{
    FunctionClass{"ReLU", readRelu},
    FunctionClass{"LeakyReLU", readLeakyRelu},
    FunctionClass{"ELU", readElu},
    FunctionClass{"Softmax", readSoftmax},
};

Function functionByName(Reading& reading, const std::string& name)
{
    if (name == "hard_sigmoid" && !reading.quantized) {
        return {reading.dialect.major >= 3 ? FunctionKind::HardSigmoidKeras3
                                           : FunctionKind::HardSigmoidKeras2};
    }
    const auto found = std::ranges::find(functionNames(), name, &FunctionName::name);
    if (found == functionNames().end()) {
        reading.lacks("the activation '" + name + "' is not covered");
        return {};
    }
    return found->function;
}

// ------------------------------------------------------------------------------------ quantizers

std::string_view nameBeforeCall(std::string_view text)
{
    return text.substr(0, text.find('('));
}

/// Builds the quantizer a field holds; a reason is noted where we have none of that kind.
void placeQuantizer(Reading& reading, Slot slot, const Json& value)
{
    const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    if (value.is_string() && (text.empty() || text == "None")) {
        return;
    }
    auto parsed = quant::parseQuantizer(text);
    if (!parsed) {
        reading.lacks("its quantizer " + text.substr(0, 80) +
                      " is not covered: " + parsed.error().message);
        return;
    }
    reading.meaning.quantizers[slot] = std::move(*parsed);
}

/// Strings and dictionaries of the registry's names are quantizers.
bool namesQuantizer(const Json& value)
{
    std::string name;
    if (value.is_string()) {
        name = std::string(nameBeforeCall(value.get<std::string>()));
    } else if (member(value, "class_name").is_string()) {
        name = member(value, "class_name").get<std::string>();
    }
    return quant::findQuantizer(name) != nullptr;
}

void readQuantizerField(Reading& reading, Slot slot)
{
    const std::string key = std::string(graph::name(slot)) + "_quantizer";
    if (const Json& value = reading.config.at(key.c_str()); !value.is_null()) {
        placeQuantizer(reading, slot, value);
    }
}

void readQuantizers(Reading& reading, std::initializer_list<Slot> slots)
{
    if (reading.quantized) {
        for (const Slot slot : slots) {
            readQuantizerField(reading, slot);
        }
    }
}

/// The activation field: a name, a quantizer string, or an object in the forms of Keras 2 and 3.
Function readActivation(Reading& reading)
{
    const Json* value = &reading.config.at("activation");
    if (value->is_null()) {
        return {};
    }
    if (reading.quantized && namesQuantizer(*value)) {
        placeQuantizer(reading, Slot::Activation, *value);
        return {};
    }
    if (value->is_object()) {
        const Json& kind = member(*value, "class_name");
        const Json& inner = member(*value, "config");
        const auto* found =
            kind.is_string()
                ? std::ranges::find(kFunctionClasses, kind.get<std::string>(), &FunctionClass::name)
                : kFunctionClasses.end();
        if (found != kFunctionClasses.end()) {
            KerasConfig config(inner);
            const Function function = found->read(reading, config);
            if (config.error()) {
                reading.config.refuse("activation", config.error()->message);
            }
            return function;
        }
        if (kind.is_string() && kind.get<std::string>() == "function" && inner.is_string()) {
            return functionByName(reading, inner.get<std::string>());
        }
        const std::string name = kind.is_string() ? kind.get<std::string>() : "without a name";
        reading.lacks("the activation object '" + name + "' is not covered");
        return {};
    }
    if (!value->is_string()) {
        reading.config.refuse("activation", "It must be a text or an object.");
        return {};
    }
    return functionByName(reading, value->get<std::string>());
}

// ------------------------------------------------------------------------------- parts of layers

graph::Padding readPadding(Reading& reading)
{
    std::string text = reading.config.text("padding", "valid");
    std::ranges::transform(text, text.begin(), [](unsigned char c) {
        return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    });
    if (text == "valid") {
        return graph::Padding::Valid;
    }
    if (text == "same") {
        return graph::Padding::Same;
    }
    if (text == "causal") {
        return graph::Padding::Causal;
    }
    reading.config.refuse("padding", "It must be valid, same or causal.");
    return graph::Padding::Valid;
}

bool readsChannelsFirst(Reading& reading)
{
    return reading.config.text("data_format", "channels_last") == "channels_first";
}

void refuseMask(Reading& reading)
{
    if (reading.config.has("mask")) {
        reading.lacks("a mask on the kernel is not covered");
    }
}

graph::ConvOp readConv(Reading& reading, int rank)
{
    KerasConfig& config = reading.config;
    refuseMask(reading);
    graph::ConvOp op;
    op.channelsFirst = readsChannelsFirst(reading);
    op.spatialRank = rank;
    op.filters = config.integer("filters", 0, 1, kMaxChannels);
    op.kernel = config.extent("kernel_size", rank, {0, 0});
    op.stride = config.extent("strides", rank, {});
    op.dilation = config.extent("dilation_rate", rank, {});
    op.padding = readPadding(reading);
    op.groups = static_cast<int>(config.integer("groups", 1, 1, kMaxChannels));
    op.useBias = config.boolean("use_bias", true);
    op.function = readActivation(reading);
    if (op.filters == 0) {
        config.refuse("filters", "The number of filters is missing.");
    }
    if (op.kernel.width == 0) {
        config.refuse("kernel_size", "The size of the kernel is missing.");
    }
    return op;
}

graph::DepthwiseOp readDepthwise(Reading& reading)
{
    KerasConfig& config = reading.config;
    graph::DepthwiseOp op;
    op.channelsFirst = readsChannelsFirst(reading);
    op.kernel = config.extent("kernel_size", 2, {0, 0});
    op.stride = config.extent("strides", 2, {});
    op.dilation = config.extent("dilation_rate", 2, {});
    op.padding = readPadding(reading);
    op.multiplier = static_cast<int>(config.integer("depth_multiplier", 1, 1, kMaxExtent));
    op.useBias = config.boolean("use_bias", true);
    op.function = readActivation(reading);
    if (op.kernel.width == 0) {
        config.refuse("kernel_size", "The size of the kernel is missing.");
    }
    return op;
}

graph::BatchNormOp readNorm(Reading& reading)
{
    KerasConfig& config = reading.config;
    constexpr float kMomentum = 0.99F;
    constexpr float kEpsilon = 1e-3F;
    graph::BatchNormOp op;
    op.momentum = config.real("momentum", kMomentum);
    op.epsilon = config.real("epsilon", kEpsilon);
    op.center = config.boolean("center", true);
    op.scale = config.boolean("scale", true);
    return op;
}

/// Keras writes axis as a number or as a list of one.
int readAxis(Reading& reading, const char* key, int otherwise)
{
    const Json& value = reading.config.at(key);
    const Json& one = value.is_array() && value.size() == 1 ? value.front() : value;
    if (one.is_null()) {
        return otherwise;
    }
    if (one.is_array() && !one.empty()) {
        reading.lacks("several axes are not covered");
        return otherwise;
    }
    if (!one.is_number_integer() || std::abs(one.get<std::int64_t>()) > Shape::kMaxRank) {
        reading.config.refuse(key, "It must be one axis.");
        return otherwise;
    }
    return one.get<int>();
}

// --------------------------------------------------------------------------------------- classes

using ReadClass = void (*)(Reading&);

void readInput(Reading& reading)
{
    const char* key = reading.config.has("batch_shape") ? "batch_shape" : "batch_input_shape";
    std::vector<Index> sizes = reading.config.sizes(key);
    if (sizes.empty()) {
        reading.config.refuse(key, "An input must have a shape.");
        return;
    }
    sizes.erase(sizes.begin());
    reading.meaning.op = graph::InputOp{Shape(sizes)};
}

void readDense(Reading& reading)
{
    graph::DenseOp op;
    op.units = reading.config.integer("units", 0, 1, kMaxChannels);
    op.useBias = reading.config.boolean("use_bias", true);
    op.function = readActivation(reading);
    if (op.units == 0) {
        reading.config.refuse("units", "The number of units is missing.");
    }
    readQuantizers(reading, {Slot::Kernel, Slot::Bias});
    reading.meaning.op = op;
}

template <int rank>
void readConvolution(Reading& reading)
{
    reading.meaning.op = readConv(reading, rank);
    readQuantizers(reading, {Slot::Kernel, Slot::Bias});
}

void readDepthwiseConvolution(Reading& reading)
{
    reading.meaning.op = readDepthwise(reading);
    readQuantizers(reading, {Slot::Depthwise, Slot::Bias});
}

void readSeparable(Reading& reading)
{
    const graph::ConvOp conv = readConv(reading, 2);
    const int multiplier =
        static_cast<int>(reading.config.integer("depth_multiplier", 1, 1, kMaxExtent));
    reading.meaning.op = graph::SeparableOp{conv.filters,  conv.kernel,   conv.stride,
                                            conv.dilation, conv.padding,  multiplier,
                                            conv.useBias,  conv.function, conv.channelsFirst};
    readQuantizers(reading, {Slot::Depthwise, Slot::Pointwise, Slot::Bias});
}

graph::FoldedConvOp readFolding(Reading& reading)
{
    graph::FoldedConvOp op;
    op.norm = readNorm(reading);
    const std::string mode = reading.config.text("folding_mode", "ema_stats_folding");
    op.emaStatsFolding = mode == "ema_stats_folding";
    if (!op.emaStatsFolding && mode != "batch_stats_folding") {
        reading.config.refuse("folding_mode",
                              "It must be ema_stats_folding or batch_stats_folding.");
    }
    op.emaFreezeDelay = static_cast<int>(
        reading.config.integer("ema_freeze_delay", -1, std::numeric_limits<int>::min(),
                               std::numeric_limits<int>::max()));
    if (readAxis(reading, "axis", -1) != -1) {
        reading.meaning.lastAxis = readAxis(reading, "axis", -1);
    }
    return op;
}

void readFoldedConvolution(Reading& reading)
{
    graph::FoldedConvOp op = readFolding(reading);
    graph::ConvOp conv = readConv(reading, 2);
    conv.channelsFirst = false; // QConv2DBatchnorm takes no heed of data_format
    op.conv = conv;
    readQuantizers(reading, {Slot::Kernel, Slot::Bias});
    reading.meaning.op = op;
}

void readFoldedDepthwise(Reading& reading)
{
    graph::FoldedConvOp op = readFolding(reading);
    op.conv = readDepthwise(reading);
    readQuantizers(reading, {Slot::Depthwise, Slot::Bias});
    reading.meaning.op = op;
}

void readActivationLayer(Reading& reading)
{
    reading.meaning.op = graph::ActivationOp{readActivation(reading)};
}

void readFunctionLayer(Reading& reading, std::string_view className)
{
    const auto* found = std::ranges::find(kFunctionClasses, className, &FunctionClass::name);
    reading.meaning.op = graph::ActivationOp{found->read(reading, reading.config)};
}

void readBatchNorm(Reading& reading)
{
    const int axis = readAxis(reading, "axis", -1);
    reading.meaning.lastAxis = axis == -1 ? 0 : axis;
    reading.meaning.op = readNorm(reading);
    const bool renormalizes = reading.config.boolean("renorm", false);
    if (renormalizes) {
        reading.lacks("batch renormalization is not covered");
    }
    if (!reading.quantized) {
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
        if (reading.config.json().contains(field.key)) {
            readQuantizerField(reading, field.slot);
        } else if (field.otherwise != nullptr) {
            placeQuantizer(reading, field.slot, Json(field.otherwise));
        }
    }
}

template <graph::PoolKind kind, int rank>
void readPool(Reading& reading)
{
    graph::PoolOp op;
    op.channelsFirst = readsChannelsFirst(reading);
    op.kind = kind;
    op.spatialRank = rank;
    const graph::Extent two = rank == 1 ? graph::Extent{1, 2} : graph::Extent{2, 2};
    // Keras 2.0 called the window of 1-dimensional pooling pool_size as well, Keras 1 pool_length
    op.window = reading.config.extent("pool_size", rank, two);
    op.stride = reading.config.extent("strides", rank, op.window);
    op.padding = readPadding(reading);
    reading.meaning.op = op;
}

template <graph::PoolKind kind, int rank>
void readGlobalPool(Reading& reading)
{
    reading.meaning.op = graph::GlobalPoolOp{kind, rank, reading.config.boolean("keepdims", false),
                                             readsChannelsFirst(reading)};
}

/// Pairs of non-negative numbers: 2, [1, 1], [[0, 1], [0, 1]].
std::vector<int> readPads(Reading& reading, int rank)
{
    const Json& value = reading.config.at("padding");
    std::vector<int> pads;
    const auto add = [&](const Json& entry) {
        const bool fits = entry.is_number_integer() && entry.get<std::int64_t>() >= 0 &&
                          entry.get<std::int64_t>() <= kMaxExtent;
        if (!fits) {
            reading.config.refuse("padding", "It must hold whole numbers from 0.");
        }
        pads.push_back(fits ? entry.get<int>() : 0);
    };
    if (value.is_null()) {
        return std::vector<int>(static_cast<std::size_t>(2 * rank), 1);
    }
    if (!value.is_array()) {
        add(value);
        return std::vector<int>(static_cast<std::size_t>(2 * rank), pads.front());
    }
    for (const Json& entry : value) {
        if (entry.is_array() && entry.size() == 2) {
            add(entry.front());
            add(entry.back());
        } else if (rank == 2) { // one number per axis: the same on both sides
            add(entry);
            add(entry);
        } else {
            add(entry);
        }
    }
    if (std::ssize(pads) != std::ptrdiff_t{2} * rank) {
        reading.config.refuse("padding", "It must hold a pair for each axis.");
        pads.resize(static_cast<std::size_t>(2 * rank));
    }
    return pads;
}

template <int rank>
void readZeroPadding(Reading& reading)
{
    const std::vector<int> pads = readPads(reading, rank);
    graph::ZeroPaddingOp op{.spatialRank = rank};
    op.channelsFirst = readsChannelsFirst(reading);
    if (rank == 2) {
        op.top = pads[0];
        op.bottom = pads[1];
    }
    op.left = pads[pads.size() - 2];
    op.right = pads[pads.size() - 1];
    reading.meaning.op = op;
}

void readFlatten(Reading& reading)
{
    reading.meaning.op = graph::FlattenOp{readsChannelsFirst(reading)};
}

void readReshape(Reading& reading)
{
    reading.meaning.op = graph::ReshapeOp{reading.config.sizes("target_shape")};
}

void readDropout(Reading& reading)
{
    constexpr float kRate = 0.5F;
    const float rate = reading.config.real("rate", kRate);
    if (!(rate >= 0.0F && rate <= 1.0F)) {
        reading.config.refuse("rate", "It must be in 0 … 1.");
    }
    if (reading.config.has("noise_shape")) {
        reading.lacks("noise_shape is not covered");
    }
    reading.meaning.op = graph::DropoutOp{rate};
}

void readAdd(Reading& reading)
{
    reading.meaning.op = graph::AddOp{};
}

void readConcatenate(Reading& reading)
{
    reading.meaning.op = graph::ConcatenateOp{readAxis(reading, "axis", -1)};
}

struct ClassRow {
    std::string_view name;
    ReadClass read;
    bool quantized = false; ///< a class of QKeras
};

using graph::PoolKind;

constexpr std::array kClasses{
    ClassRow{"InputLayer", readInput},
    ClassRow{"Dense", readDense},
    ClassRow{"QDense", readDense, true},
    ClassRow{"Conv1D", readConvolution<1>},
    ClassRow{"QConv1D", readConvolution<1>, true},
    ClassRow{"Conv2D", readConvolution<2>},
    ClassRow{"QConv2D", readConvolution<2>, true},
    ClassRow{"DepthwiseConv2D", readDepthwiseConvolution},
    ClassRow{"QDepthwiseConv2D", readDepthwiseConvolution, true},
    ClassRow{"SeparableConv2D", readSeparable},
    ClassRow{"QSeparableConv2D", readSeparable, true},
    ClassRow{"QConv2DBatchnorm", readFoldedConvolution, true},
    ClassRow{"QDepthwiseConv2DBatchnorm", readFoldedDepthwise, true},
    ClassRow{"Activation", readActivationLayer},
    ClassRow{"QActivation", readActivationLayer, true},
    ClassRow{"ReLU", [](Reading& r) { readFunctionLayer(r, "ReLU"); }},
    ClassRow{"LeakyReLU", [](Reading& r) { readFunctionLayer(r, "LeakyReLU"); }},
    ClassRow{"ELU", [](Reading& r) { readFunctionLayer(r, "ELU"); }},
    ClassRow{"Softmax", [](Reading& r) { readFunctionLayer(r, "Softmax"); }},
    ClassRow{"BatchNormalization", readBatchNorm},
    ClassRow{"BatchNormalizationV1", readBatchNorm},
    ClassRow{"QBatchNormalization", readBatchNorm, true},
    ClassRow{"MaxPooling1D", readPool<PoolKind::Max, 1>},
    ClassRow{"MaxPooling2D", readPool<PoolKind::Max, 2>},
    ClassRow{"AveragePooling1D", readPool<PoolKind::Average, 1>},
    ClassRow{"AveragePooling2D", readPool<PoolKind::Average, 2>},
    ClassRow{"GlobalAveragePooling1D", readGlobalPool<PoolKind::Average, 1>},
    ClassRow{"GlobalAveragePooling2D", readGlobalPool<PoolKind::Average, 2>},
    ClassRow{"GlobalMaxPooling1D", readGlobalPool<PoolKind::Max, 1>},
    ClassRow{"GlobalMaxPooling2D", readGlobalPool<PoolKind::Max, 2>},
    ClassRow{"ZeroPadding1D", readZeroPadding<1>},
    ClassRow{"ZeroPadding2D", readZeroPadding<2>},
    ClassRow{"Flatten", readFlatten},
    ClassRow{"Reshape", readReshape},
    ClassRow{"Dropout", readDropout},
    ClassRow{"Add", readAdd},
    ClassRow{"Concatenate", readConcatenate},
};

/// Why a class is refused, where there is more to say than that it is not covered.
std::string whyRefused(std::string_view className)
{
    constexpr std::array kCode{"Lambda", "TFOpLambda", "TensorFlowOpLayer", "SlicingOpLambda"};
    constexpr std::array kNested{"Sequential", "Functional", "Model"};
    constexpr std::array kKeras1{
        "Convolution1D",        "Convolution2D",       "Deconvolution2D", "Merge",
        "TimeDistributedDense", "AtrousConvolution2D", "MaxoutDense",     "Highway"};
    constexpr std::array kKeras{"AlphaDropout",
                                "Attention",
                                "Average",
                                "Bidirectional",
                                "Conv1DTranspose",
                                "Conv2DTranspose",
                                "Conv3D",
                                "ConvLSTM2D",
                                "Cropping1D",
                                "Cropping2D",
                                "DepthwiseConv1D",
                                "Dot",
                                "Embedding",
                                "GRU",
                                "GaussianDropout",
                                "GaussianNoise",
                                "GlobalAveragePooling3D",
                                "GroupNormalization",
                                "LSTM",
                                "LayerNormalization",
                                "LocallyConnected1D",
                                "LocallyConnected2D",
                                "Masking",
                                "MaxPooling3D",
                                "Maximum",
                                "Minimum",
                                "MultiHeadAttention",
                                "Multiply",
                                "PReLU",
                                "Permute",
                                "QAdaptiveActivation",
                                "QAveragePooling2D",
                                "QBidirectional",
                                "QConv2DTranspose",
                                "QGRU",
                                "QGlobalAveragePooling2D",
                                "QLSTM",
                                "QScaleShift",
                                "QSeparableConv1D",
                                "QSimpleRNN",
                                "RNN",
                                "RepeatVector",
                                "Rescaling",
                                "SeparableConv1D",
                                "SimpleRNN",
                                "SpatialDropout1D",
                                "SpatialDropout2D",
                                "Subtract",
                                "ThresholdedReLU",
                                "TimeDistributed",
                                "UpSampling1D",
                                "UpSampling2D",
                                "ZeroPadding3D"};
    const auto among = [className](const auto& names) {
        return std::ranges::find(names, className) != names.end();
    };
    if (among(kCode)) {
        return "it holds Python code, which is never run";
    }
    if (among(kNested)) {
        return "a network inside a network is not covered";
    }
    if (among(kKeras1)) {
        return "a layer of Keras 1, which is not covered";
    }
    if (among(kKeras)) {
        return "this layer is not covered";
    }
    return "a custom class, whose meaning is not known";
}

/// The layer inside a pruning wrapper; pruning changed the weights and adds nothing when running.
const Json* prunedLayer(const std::string& className, const Json& config)
{
    const Json& inner = member(config, "layer");
    return className == "PruneLowMagnitude" && inner.is_object() ? &inner : nullptr;
}

} // namespace

Result<LayerMeaning> readLayerConfig(const std::string& className, const Json& config,
                                     const KerasDialect& dialect)
{
    if (const Json* inner = prunedLayer(className, config)) {
        const Json& innerClass = member(*inner, "class_name");
        if (innerClass.is_string() && innerClass.get<std::string>() != className) {
            return readLayerConfig(innerClass.get<std::string>(), member(*inner, "config"),
                                   dialect);
        }
    }
    const auto* row = std::ranges::find(kClasses, className, &ClassRow::name);
    if (row == kClasses.end()) {
        return LayerMeaning{.op = graph::UnsupportedOp{whyRefused(className)}};
    }
    if (dialect.major < 2 && className != "InputLayer") {
        return LayerMeaning{.op = graph::UnsupportedOp{"files of Keras 1 are not covered"}};
    }
    Reading reading{KerasConfig(config), dialect, row->quantized, {}, {}};
    row->read(reading);
    if (reading.config.error()) {
        return fail(*reading.config.error());
    }
    if (!reading.unsupported.empty()) {
        return LayerMeaning{.op = graph::UnsupportedOp{reading.unsupported}};
    }
    return std::move(reading.meaning);
}

namespace {

void addNormNames(const graph::BatchNormOp& norm, bool counts, std::vector<std::string_view>& names)
{
    if (norm.scale) {
        names.emplace_back("gamma");
    }
    if (norm.center) {
        names.emplace_back("beta");
    }
    if (counts) {
        names.emplace_back("iteration");
    }
    names.emplace_back("moving_mean");
    names.emplace_back("moving_variance");
}

struct NamesOf {
    using Names = std::vector<std::string_view>;

    static Names withBias(Names names, bool useBias)
    {
        if (useBias) {
            names.emplace_back("bias");
        }
        return names;
    }
    Names operator()(const graph::DenseOp& op) const { return withBias({"kernel"}, op.useBias); }
    Names operator()(const graph::ConvOp& op) const { return withBias({"kernel"}, op.useBias); }
    Names operator()(const graph::DepthwiseOp& op) const
    {
        return withBias({"depthwise_kernel"}, op.useBias);
    }
    Names operator()(const graph::SeparableOp& op) const
    {
        return withBias({"depthwise_kernel", "pointwise_kernel"}, op.useBias);
    }
    Names operator()(const graph::BatchNormOp& op) const
    {
        Names names;
        addNormNames(op, false, names);
        return names;
    }
    Names operator()(const graph::FoldedConvOp& op) const
    {
        Names names = std::visit(*this, op.conv);
        addNormNames(op.norm, true, names);
        return names;
    }
    template <class Other>
    Names operator()(const Other& /*op*/) const
    {
        return {};
    }
};

} // namespace

std::vector<std::string_view> weightNames(const graph::Op& op)
{
    return std::visit(NamesOf{}, op);
}

bool isQuantizedClass(std::string_view className)
{
    const auto* row = std::ranges::find(kClasses, className, &ClassRow::name);
    return row != kClasses.end() && row->quantized;
}

std::string_view activationName(const graph::Function& function)
{
    if (function.kind == FunctionKind::HardSigmoidKeras2 ||
        function.kind == FunctionKind::HardSigmoidKeras3) {
        return "hard_sigmoid";
    }
    const auto found = std::ranges::find(functionNames(), function, &FunctionName::function);
    return found == functionNames().end() ? std::string_view() : found->name;
}

} // namespace bitscape::io
