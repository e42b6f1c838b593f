// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/activation.h"
#include "core/io/tflite/tflite_exporter.h"
#include "core/quant/scale_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

// What the exporter makes of each kind of layer.
namespace bitscape::io {

using graph::Function;
using graph::FunctionKind;
using graph::Slot;

namespace {

constexpr int kBits = 8;
constexpr int kPerChannelDense = 12; // version of FULLY_CONNECTED with a scale per unit

/// Per element of the file's kernel, in order: the element of our weight.
std::vector<std::size_t> turnedElements(const Shape& weight, const std::vector<std::size_t>& order)
{
    std::vector<std::size_t> steps(static_cast<std::size_t>(weight.rank()), 1);
    for (std::size_t axis = steps.size() - 1; axis > 0; --axis) {
        steps[axis - 1] = steps[axis] * static_cast<std::size_t>(weight[static_cast<int>(axis)]);
    }
    std::vector<std::size_t> elements{0};
    for (const std::size_t axis : order) {
        std::vector<std::size_t> finer;
        for (const std::size_t element : elements) {
            for (Index i = 0; i < weight[static_cast<int>(axis)]; ++i) {
                finer.push_back(element + static_cast<std::size_t>(i) * steps[axis]);
            }
        }
        elements = std::move(finer);
    }
    return elements;
}

int paddingOf(graph::Padding padding)
{
    return padding == graph::Padding::Same ? schema::kSame : schema::kValid;
}

template <class T>
std::string bytesOf(const std::vector<T>& values)
{
    std::string bytes(values.size() * sizeof(T), '\0');
    std::memcpy(bytes.data(), values.data(), bytes.size());
    return bytes;
}

std::vector<std::int64_t> sizesOf(const Shape& shape)
{
    return {shape.sizes().begin(), shape.sizes().end()};
}

} // namespace

int TfliteExporter::input(int l)
{
    const auto target = requireTarget(l);
    if (!target) {
        return -1;
    }
    const int t = codesTensor(layer(l).name, layer(l).outputShape, *target->grid);
    model.subgraphs.front().inputs.push_back(t);
    return t;
}

std::optional<TfliteExporter::Kernel> TfliteExporter::kernel(int l, const KernelLayout& layout,
                                                             int input)
{
    const graph::Weight* weight = layer(l).findWeight(layout.name);
    const quant::QuantizerPtr quantizer = m_configuration.find(layer(l).name, layout.slot);
    if (weight == nullptr || !quantizer || quantizer->info().name != "affine" ||
        quantizer->bits() != kBits) {
        lacks("its kernel has no 8-bit affine quantizer");
        return std::nullopt;
    }
    const TensorView values = weight->value->view();
    const quant::Fit fit = quantizer->fit(values, {});
    const auto codes = quantizer->codes(values, {});
    if (!codes || std::ranges::any_of(fit.zeroPoint.values(), [](float z) { return z != 0.0F; })) {
        lacks("the codes of its kernel are not symmetric");
        return std::nullopt;
    }
    const auto layoutOfScales = quant::ScaleLayout::of(fit.step, values.shape);
    std::vector<float> steps(static_cast<std::size_t>(values.size()));
    quant::forEachElement(layoutOfScales, [&](std::size_t element, std::size_t scale) {
        steps[element] = fit.step.values()[scale];
    });

    std::size_t inner = 1; // elements from one channel of the file's kernel to the next
    for (std::size_t a = static_cast<std::size_t>(layout.channelAxis) + 1; a < layout.shape.size();
         ++a) {
        inner *= static_cast<std::size_t>(layout.shape[a]);
    }
    const auto channels =
        static_cast<std::size_t>(layout.shape[static_cast<std::size_t>(layout.channelAxis)]);
    std::vector<float> scales(channels, 0.0F);
    std::vector<std::int8_t> bytes;
    bytes.reserve(steps.size());
    for (const std::size_t element : turnedElements(values.shape, layout.order)) {
        const std::size_t channel = bytes.size() / inner % channels;
        float& scale = scales[channel];
        if (scale != 0.0F && scale != steps[element]) {
            lacks("the scales of its kernel lie along another axis than its outputs");
            return std::nullopt;
        }
        scale = steps[element];
        const float code = codes->values()[element];
        if (code < std::numeric_limits<std::int8_t>::min() ||
            code > std::numeric_limits<std::int8_t>::max()) {
            lacks("the codes of its kernel are not signed");
            return std::nullopt;
        }
        bytes.push_back(static_cast<std::int8_t>(code));
    }
    const bool isOne =
        std::ranges::all_of(scales, [&](float scale) { return scale == scales.front(); });

    Kernel made;
    made.weights = addTensor(layer(l).name + "/" + layout.name, TfliteType::Int8, layout.shape);
    m_data.push_back(bytesOf(bytes));
    TfliteTensor& tensor = model.subgraphs.front().tensors.back();
    tensor.data = m_data.back();
    tensor.quantization.scales = isOne ? std::vector<float>{scales.front()} : scales;
    tensor.quantization.zeroPoints.assign(tensor.quantization.scales.size(), 0);
    tensor.quantization.axis = isOne ? 0 : layout.channelAxis;

    const graph::Weight* bias = layer(l).findWeight("bias");
    std::vector<std::int32_t> sums(channels, 0);
    std::vector<float> sumScales(channels);
    Tensor rounded = bias == nullptr ? Tensor(Shape{static_cast<Index>(channels)}) : *bias->value;
    std::vector<float> ownScales; // that a file gave, which may differ in the last bit
    if (const auto own = m_configuration.find(layer(l).name, Slot::Bias); own && bias != nullptr) {
        own->apply(bias->value->view(), rounded.mutableView(), {});
        const quant::Fit ownFit = own->fit(bias->value->view(), {});
        ownScales.assign(ownFit.step.values().begin(), ownFit.step.values().end());
    }
    for (std::size_t c = 0; c < channels; ++c) {
        const double step = static_cast<double>(grid(input).scale) * static_cast<double>(scales[c]);
        const double code = std::nearbyint(static_cast<double>(rounded.values()[c]) / step);
        if (std::abs(code) > std::numeric_limits<std::int32_t>::max()) {
            lacks("its bias does not fit 32 bits on the scale of its sums");
            return std::nullopt;
        }
        sums[c] = static_cast<std::int32_t>(code);
        constexpr double kSame = 1e-6;
        const float own = ownScales.empty() ? 0.0F : ownScales[ownScales.size() == 1 ? 0 : c];
        sumScales[c] = std::abs(static_cast<double>(own) / step - 1.0) < kSame
                           ? own
                           : static_cast<float>(step);
    }
    made.bias =
        integersTensor(layer(l).name + "/bias", sums, {static_cast<std::int64_t>(channels)});
    TfliteQuantization& q = model.subgraphs.front().tensors.back().quantization;
    q.scales = isOne ? std::vector<float>{sumScales.front()} : sumScales;
    q.zeroPoints.assign(q.scales.size(), 0);
    return made;
}

int TfliteExporter::convolution(int l, const graph::ConvOp& op)
{
    int t = inputTensor(l);
    const Shape in = layer(layer(l).inputs[0]).outputShape;
    const Shape out = layer(l).outputShape;
    if (!op.mask.empty()) {
        lacks("a mask of its kernel cannot be said");
        return -1;
    }
    const auto target = requireTarget(l);
    const auto fused =
        target && target->isOwn ? std::optional<int>(schema::kNone) : fusedOf(op.function);
    if (!target || !fused) {
        return -1;
    }
    const std::string& name = layer(l).name;
    const bool isFlat = op.spatialRank == 1;
    Shape image = isFlat ? Shape{1, in[0], in[1]} : in;
    if (isFlat) {
        const int turned = codesTensor(name + "/image", image, grid(t));
        const int size = integersTensor(
            name + "/image_size",
            {-1, 1, static_cast<std::int32_t>(in[0]), static_cast<std::int32_t>(in[1])}, {4});
        addOperator(schema::kReshape, 1, {t, size}, turned, {{"new_shape", Json::array()}});
        t = turned;
    }
    graph::Padding padding = op.padding;
    if (padding == graph::Padding::Causal) {
        const int before = (op.kernel.width - 1) * op.dilation.width;
        image[1] += before;
        const int padded = codesTensor(name + "/padded", image, grid(t));
        const int pads = integersTensor(name + "/pads", {0, 0, 0, 0, before, 0, 0, 0}, {4, 2});
        addOperator(schema::kPad, 2, {t, pads}, padded);
        t = padded;
        padding = graph::Padding::Valid;
    }
    KernelLayout layout{"kernel", Slot::Kernel, {}, {}, 0};
    const Index perGroup = image[2] / op.groups;
    layout.shape = {op.filters, op.kernel.height, op.kernel.width, perGroup};
    layout.order =
        isFlat ? std::vector<std::size_t>{2, 0, 1} : std::vector<std::size_t>{3, 0, 1, 2};
    const auto made = kernel(l, layout, t);
    if (!made) {
        return -1;
    }
    const Shape outImage = isFlat ? Shape{1, out[0], out[1]} : out;
    const std::string& last = layer(target->last).name;
    int result = codesTensor(isFlat ? name + "/sums" : last, outImage, *target->grid);
    addOperator(schema::kConv2d, 3, {t, made->weights, made->bias}, result,
                {{"padding", paddingOf(padding)},
                 {"stride_w", op.stride.width},
                 {"stride_h", op.stride.height},
                 {"fused_activation_function", *fused},
                 {"dilation_w_factor", op.dilation.width},
                 {"dilation_h_factor", op.dilation.height}});
    if (isFlat) {
        const int flat = codesTensor(last, out, *target->grid);
        const int size = integersTensor(
            name + "/size",
            {-1, static_cast<std::int32_t>(out[0]), static_cast<std::int32_t>(out[1])}, {3});
        addOperator(schema::kReshape, 1, {result, size}, flat, {{"new_shape", Json::array()}});
        result = flat;
    }
    return result;
}

int TfliteExporter::depthwise(int l, const graph::DepthwiseOp& op)
{
    if (op.spatialRank != 2 || op.padding == graph::Padding::Causal) {
        lacks("only its two-dimensional form can be said");
        return -1;
    }
    const int t = inputTensor(l);
    const auto target = requireTarget(l);
    const auto fused =
        target && target->isOwn ? std::optional<int>(schema::kNone) : fusedOf(op.function);
    if (!target || !fused) {
        return -1;
    }
    KernelLayout layout{"depthwise_kernel", Slot::Depthwise, {}, {0, 1, 2, 3}, 3};
    layout.shape = {1, op.kernel.height, op.kernel.width, layer(l).outputShape.channels()};
    const auto made = kernel(l, layout, t);
    if (!made) {
        return -1;
    }
    const int result = codesTensor(layer(target->last).name, layer(l).outputShape, *target->grid);
    addOperator(schema::kDepthwiseConv2d, 3, {t, made->weights, made->bias}, result,
                {{"padding", paddingOf(op.padding)},
                 {"stride_w", op.stride.width},
                 {"stride_h", op.stride.height},
                 {"depth_multiplier", op.multiplier},
                 {"fused_activation_function", *fused},
                 {"dilation_w_factor", op.dilation.width},
                 {"dilation_h_factor", op.dilation.height}});
    return result;
}

int TfliteExporter::dense(int l, const graph::DenseOp& op)
{
    const int t = inputTensor(l);
    const auto target = requireTarget(l);
    const auto fused =
        target && target->isOwn ? std::optional<int>(schema::kNone) : fusedOf(op.function);
    if (!target || !fused) {
        return -1;
    }
    const Index depth = layer(layer(l).inputs[0]).outputShape.channels();
    const auto made = kernel(l, {"kernel", Slot::Kernel, {op.units, depth}, {1, 0}, 0}, t);
    if (!made) {
        return -1;
    }
    const bool perUnit = model.subgraphs.front()
                             .tensors[static_cast<std::size_t>(made->weights)]
                             .quantization.scales.size() > 1;
    if (perUnit) {
        runtime = "2.17.0";
    }
    const int result = codesTensor(layer(target->last).name, layer(l).outputShape, *target->grid);
    addOperator(schema::kFullyConnected, perUnit ? kPerChannelDense : 4,
                {t, made->weights, made->bias}, result,
                {{"fused_activation_function", *fused},
                 {"keep_num_dims", layer(l).outputShape.rank() > 1}});
    return result;
}

int TfliteExporter::transposed(int l, const Json& config)
{
    const int t = inputTensor(l);
    const auto target = requireTarget(l);
    const Function function = graph::functionOf(layer(l).op);
    if (target && !target->isOwn && !function.isLinear()) {
        lacks("its function needs a layer of its own behind a quantizer");
    }
    if (!target || (!target->isOwn && !function.isLinear())) {
        return -1;
    }
    const Shape out = layer(l).outputShape;
    const Shape weight = layer(l).findWeight("kernel")->value->shape();
    KernelLayout layout{"kernel", Slot::Kernel, {}, {2, 0, 1, 3}, 0};
    layout.shape = {weight[2], weight[0], weight[1], weight[3]};
    const auto made = kernel(l, layout, t);
    if (!made) {
        return -1;
    }
    const int size =
        integersTensor(layer(l).name + "/size",
                       {1, static_cast<std::int32_t>(out[0]), static_cast<std::int32_t>(out[1]),
                        static_cast<std::int32_t>(out[2])},
                       {4});
    const int result = codesTensor(layer(target->last).name, out, *target->grid);
    addOperator(schema::kTransposeConv, 3, {size, made->weights, t, made->bias}, result,
                {{"padding", config["padding"] == "same" ? schema::kSame : schema::kValid},
                 {"stride_w", config["strides"][1]},
                 {"stride_h", config["strides"][0]}});
    return result;
}

int TfliteExporter::activation(int l, const Function& function)
{
    const int t = inputTensor(l);
    const Target target = targetOf(l);
    if (target.isOwn) {
        return target.grid ? requantized(t, *target.grid, layer(l).name) : -1;
    }
    if (function.isLinear()) {
        return t;
    }
    struct Row {
        FunctionKind kind;
        schema::Builtin code;
        TfliteGrid grid;
        Json options;
    };
    constexpr float kByte = 1.0F / 256.0F;
    constexpr float kHalfByte = 1.0F / 128.0F;
    const std::array rows{
        Row{FunctionKind::Softmax, schema::kSoftmax, {kByte, -128}, {{"beta", 1.0F}}},
        Row{FunctionKind::Sigmoid, schema::kLogistic, {kByte, -128}, Json::object()},
        Row{FunctionKind::Tanh, schema::kTanh, {kHalfByte, 0}, Json::object()}};
    const auto row = std::ranges::find(rows, function.kind, &Row::kind);
    if (row != rows.end()) {
        const bool isTaken = target.grid && *target.grid == row->grid;
        if (isTaken) {
            m_isDone[static_cast<std::size_t>(target.last)] = 1;
        } else {
            notes.push_back(
                {ImportKind::Converted, layer(l).name,
                 fmt::format("Its output is rounded to steps of {}, as TFLite fixes it.",
                             row->grid.scale)});
        }
        const int result =
            codesTensor(layer(isTaken ? target.last : l).name, layer(l).outputShape, row->grid);
        addOperator(row->code, 2, {t}, result, row->options);
        return result;
    }
    const auto clamp = graph::clampOf(function);
    const bool isLeaky = function.kind == FunctionKind::Relu && function.threshold == 0.0F &&
                         function.maxValue <= 0.0F && function.negativeSlope > 0.0F;
    constexpr float kSix = 6.0F;
    if (!isLeaky && (!clamp || (std::isfinite(clamp->second) && clamp->second != kSix))) {
        lacks("there is no operator for its function");
        return -1;
    }
    if (!target.grid && isLeaky) {
        lacks("its output has no quantizer");
        return -1;
    }
    if (target.grid) {
        m_isDone[static_cast<std::size_t>(target.last)] = 1;
    }
    const int result = codesTensor(layer(target.grid ? target.last : l).name, layer(l).outputShape,
                                   target.grid ? *target.grid : grid(t));
    if (isLeaky) {
        runtime = std::max<std::string>(runtime, "2.3.0");
        addOperator(schema::kLeakyRelu, 2, {t}, result, {{"alpha", function.negativeSlope}});
    } else {
        addOperator(std::isinf(clamp->second) ? schema::kRelu : schema::kRelu6, 2, {t}, result);
    }
    return result;
}

int TfliteExporter::pool(int l, const graph::PoolOp& op)
{
    const int t = inputTensor(l);
    const Target target = targetOf(l);
    const auto fused = target.isOwn ? std::optional<int>(schema::kNone) : fusedOf(op.function);
    if (op.spatialRank != 2) {
        lacks("only its two-dimensional form can be said");
    }
    if (!fused || !m_reason.empty()) {
        return -1;
    }
    const bool isAverage = op.kind == graph::PoolKind::Average;
    const bool changes = target.isOwn && target.grid && !(*target.grid == grid(t));
    const int result = codesTensor(changes ? layer(l).name + "/pool" : layer(l).name,
                                   layer(l).outputShape, grid(t));
    addOperator(isAverage ? schema::kAveragePool2d : schema::kMaxPool2d, 2, {t}, result,
                {{"padding", paddingOf(op.padding)},
                 {"stride_w", op.stride.width},
                 {"stride_h", op.stride.height},
                 {"filter_width", op.window.width},
                 {"filter_height", op.window.height},
                 {"fused_activation_function", *fused}});
    if (!changes) {
        return result;
    }
    if (isAverage) {
        notes.push_back(
            {ImportKind::Missing, layer(l).name,
             "Its mean is rounded on the scale of its input before it is rounded on its "
             "own: some codes differ by one."});
    }
    return requantized(result, *target.grid, layer(l).name);
}

int TfliteExporter::globalPool(int l, const graph::GlobalPoolOp& op)
{
    const int t = inputTensor(l);
    const Target target = targetOf(l);
    if (!target.isOwn && !op.function.isLinear()) {
        lacks("its function needs a layer of its own behind a quantizer");
    }
    if (!m_reason.empty()) {
        return -1;
    }
    const bool isMean = op.kind == graph::PoolKind::Average;
    const bool takes = isMean && target.grid;
    if (takes && !target.isOwn) {
        m_isDone[static_cast<std::size_t>(target.last)] = 1;
    }
    std::vector<std::int32_t> axes{1};
    if (op.spatialRank == 2) {
        axes.push_back(2);
    }
    const auto rank = static_cast<std::int64_t>(axes.size());
    const int which = integersTensor(layer(l).name + "/axes", axes, {rank});
    const int result = codesTensor(layer(takes ? target.last : l).name, layer(l).outputShape,
                                   takes ? *target.grid : grid(t));
    addOperator(isMean ? schema::kMean : schema::kReduceMax, 2, {t, which}, result,
                {{"keep_dims", op.keepDimensions}});
    return !isMean && target.isOwn && target.grid
               ? requantized(result, *target.grid, layer(l).name + "/quantized")
               : result;
}

int TfliteExporter::pad(int l, const graph::ZeroPaddingOp& op)
{
    const int t = inputTensor(l);
    const bool isFlat = op.spatialRank == 1;
    const std::vector<std::int32_t> pads =
        isFlat ? std::vector<std::int32_t>{0, 0, op.left, op.right, 0, 0}
               : std::vector<std::int32_t>{0, 0, op.top, op.bottom, op.left, op.right, 0, 0};
    const int borders = integersTensor(layer(l).name + "/pads", pads, {isFlat ? 3 : 4, 2});
    const int result = codesTensor(layer(l).name, layer(l).outputShape, grid(t));
    addOperator(schema::kPad, 2, {t, borders}, result);
    return result;
}

int TfliteExporter::reshaped(int l)
{
    const int t = inputTensor(l);
    const Shape& out = layer(l).outputShape;
    if (layer(layer(l).inputs[0]).outputShape == out) {
        return t;
    }
    std::vector<std::int32_t> sizes{-1};
    for (const Index size : out.sizes()) {
        sizes.push_back(static_cast<std::int32_t>(size));
    }
    const auto rank = static_cast<std::int64_t>(sizes.size());
    const int size = integersTensor(layer(l).name + "/size", sizes, {rank});
    const int result = codesTensor(layer(l).name, out, grid(t));
    addOperator(schema::kReshape, 1, {t, size}, result, {{"new_shape", sizes}});
    return result;
}

int TfliteExporter::join(int l, const graph::ConcatenateOp& op)
{
    const auto target = requireTarget(l);
    if (!target) {
        return -1;
    }
    std::vector<int> inputs;
    for (std::size_t i = 0; i < layer(l).inputs.size(); ++i) {
        inputs.push_back(requantized(inputTensor(l, i), *target->grid,
                                     fmt::format("{}/input_{}", layer(l).name, i)));
    }
    const int result = codesTensor(layer(target->last).name, layer(l).outputShape, *target->grid);
    const int rank = layer(l).outputShape.rank() + 1;
    addOperator(schema::kConcatenation, 2, inputs, result,
                {{"axis", op.axis < 0 ? op.axis + rank : op.axis}});
    return result;
}

int TfliteExporter::combine(int l, schema::Builtin code, int version)
{
    if (layer(l).inputs.size() != 2) {
        lacks("only two inputs can be said");
        return -1;
    }
    const auto target = requireTarget(l);
    if (!target) {
        return -1;
    }
    const int result = codesTensor(layer(target->last).name, layer(l).outputShape, *target->grid);
    addOperator(code, version, {inputTensor(l, 0), inputTensor(l, 1)}, result);
    return result;
}

int TfliteExporter::transpose(int l, const Json& config)
{
    const int t = inputTensor(l);
    std::vector<std::int32_t> order{0};
    for (const Json& axis : config["dims"]) {
        order.push_back(axis.get<std::int32_t>());
    }
    const auto rank = static_cast<std::int64_t>(order.size());
    const int axes = integersTensor(layer(l).name + "/order", order, {rank});
    const int result = codesTensor(layer(l).name, layer(l).outputShape, grid(t));
    addOperator(schema::kTranspose, 2, {t, axes}, result);
    return result;
}

int TfliteExporter::enlarge(int l, const Json& config)
{
    if (config["interpolation"] != "nearest") {
        lacks("only repeated pixels can be said");
        return -1;
    }
    const int t = inputTensor(l);
    const Shape& out = layer(l).outputShape;
    const int size =
        integersTensor(layer(l).name + "/size",
                       {static_cast<std::int32_t>(out[0]), static_cast<std::int32_t>(out[1])}, {2});
    const int result = codesTensor(layer(l).name, out, grid(t));
    addOperator(schema::kResizeNearest, 2, {t, size}, result);
    return result;
}

int TfliteExporter::constant(int l)
{
    const auto quantizer = m_configuration.find(layer(l).name, Slot::Weight);
    const auto steps = quantizer ? gridOf(*quantizer) : std::nullopt;
    if (!steps) {
        lacks("it has no quantizer");
        return -1;
    }
    const TensorView values = layer(l).weights.front().value->view();
    const auto codes = quantizer->codes(values, {});
    const int t = addTensor(layer(l).name, TfliteType::Int8, sizesOf(values.shape));
    std::string bytes;
    const auto zero = static_cast<float>(steps->zero);
    const quant::Fit fit = quantizer->fit(values, {});
    for (const float code : codes->values()) {
        bytes.push_back(
            static_cast<char>(static_cast<std::int8_t>(code - fit.zeroPoint.values()[0] + zero)));
    }
    m_data.push_back(std::move(bytes));
    model.subgraphs.front().tensors.back().data = m_data.back();
    model.subgraphs.front().tensors.back().quantization = {{steps->scale}, {steps->zero}, 0};
    m_grids.back() = *steps;
    return t;
}

} // namespace bitscape::io
