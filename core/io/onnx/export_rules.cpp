// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/json_text.h"
#include "core/graph/functions/function_layer.h"
#include "core/graph/layer_registry.h"
#include "core/graph/layer_rule.h"
#include "core/graph/shape_rules.h"
#include "core/io/onnx/export_context.h"
#include "core/io/onnx/export_joins.h"
#include "core/io/onnx/export_recurrent.h"
#include "core/io/onnx/export_rule.h"
#include "core/io/onnx/export_spatial.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

// Layers of the registry by their class.
namespace bitscape::io {

namespace {

using graph::Slot;

constexpr std::int64_t kEnd = std::numeric_limits<std::int64_t>::max();

void writeSame(const RuleExport& rule)
{
    rule.finish(rule.out().node("Identity", {rule.asIs()}, rule.wish("same")),
                rule.inputIsTurned());
}

template <const char* type>
void writeChain(const RuleExport& rule)
{
    const JoinedInputs inputs = inputsOf(rule.context, rule.index);
    rule.finish(chained(rule.context, inputs, type, rule.layer.name), inputs.areTurned);
}

constexpr char kMul[] = "Mul";
constexpr char kSub[] = "Sub";
constexpr char kMean[] = "Mean";
constexpr char kMax[] = "Max";
constexpr char kMin[] = "Min";

/// Operators that take any number of inputs.
template <const char* type>
void writeJoin(const RuleExport& rule)
{
    JoinedInputs inputs = inputsOf(rule.context, rule.index);
    rule.finish(rule.out().node(type, std::move(inputs.tensors), rule.wish("joined")),
                inputs.areTurned);
}

/// Rows of the left times columns of the right, for vectors and matrices.
void writeDot(const RuleExport& rule)
{
    const Shape& left = rule.inputShape(0);
    const Shape& right = rule.inputShape(1);
    if (rule.config["normalize"].get<bool>() || left.rank() > 2 || right.rank() > 2 ||
        left.rank() != right.rank()) {
        rule.refuse("only plain products of two matrices, or of two vectors, are");
        return;
    }
    std::string a = rule.context.stored(rule.source(0));
    std::string b = rule.context.stored(rule.source(1));
    if (left.rank() == 1) {
        const std::string product = rule.out().node("Mul", {a, b}, rule.wish("products"));
        rule.finish(rule.out().node("ReduceSum",
                                    {product, rule.out().integers(rule.wish("axes"), {1})},
                                    rule.wish("sum")),
                    false);
        return;
    }
    const auto axis = [&](std::size_t side) {
        const int given = rule.config["axes"][side].get<int>();
        return given < 0 ? given + 3 : given;
    };
    const std::vector<std::int64_t> swapped{0, 2, 1};
    if (axis(0) == 1) {
        a = rule.out().node("Transpose", {a}, rule.wish("left"), {{"perm", swapped}});
    }
    if (axis(1) == 2) {
        b = rule.out().node("Transpose", {b}, rule.wish("right"), {{"perm", swapped}});
    }
    rule.finish(rule.out().node("MatMul", {a, b}, rule.wish("product")), false);
}

/// [[before, after], …] of cropping and padding.
struct Borders {
    std::vector<std::int64_t> before, after;
};
Borders bordersOf(const Json& pairs)
{
    Borders borders;
    const bool isSingle = !pairs.empty() && pairs[0].is_number();
    const Json list = isSingle ? Json::array({pairs}) : pairs;
    for (const Json& pair : list) {
        borders.before.push_back(pair[0].get<std::int64_t>());
        borders.after.push_back(pair[1].get<std::int64_t>());
    }
    return borders;
}

void writeCropping(const RuleExport& rule)
{
    const Borders borders = bordersOf(rule.config["cropping"]);
    std::vector<std::int64_t> ends;
    std::vector<std::int64_t> axes(borders.before.size());
    const bool isTurned = rule.inputIsTurned();
    std::iota(axes.begin(), axes.end(), isTurned || rule.isChannelsFirst() ? 2 : 1);
    for (const std::int64_t after : borders.after) {
        ends.push_back(after == 0 ? kEnd : -after);
    }
    rule.finish(
        rule.out().node("Slice",
                        {rule.asIs(), rule.out().integers(rule.wish("starts"), borders.before),
                         rule.out().integers(rule.wish("ends"), ends),
                         rule.out().integers(rule.wish("axes"), axes)},
                        rule.wish("cropped")),
        isTurned);
}

void writePadding(const RuleExport& rule)
{
    const Borders borders = bordersOf(rule.config["padding"]);
    rule.finish(
        padded(rule.context, rule.channelsFirst(), borders.before, borders.after, rule.layer.name),
        !rule.isChannelsFirst());
}

void writeUpSampling(const RuleExport& rule)
{
    std::vector<float> scales{1.0F, 1.0F};
    const Json& size = rule.config["size"];
    for (const Json& factor : size.is_array() ? size : Json::array({size})) {
        scales.push_back(factor.get<float>());
    }
    const bool isLinear =
        rule.config.contains("interpolation") && rule.config["interpolation"] == "bilinear";
    const std::string factors =
        rule.out().constant(rule.wish("scales"), scales, {std::ssize(scales)});
    OnnxAttributes attributes{
        {"mode", std::string(isLinear ? "linear" : "nearest")},
        {"coordinate_transformation_mode", std::string(isLinear ? "half_pixel" : "asymmetric")},
        {"nearest_mode", std::string("floor")}};
    rule.finish(rule.out().node("Resize", {rule.channelsFirst(), "", factors}, rule.wish("resized"),
                                std::move(attributes)),
                !rule.isChannelsFirst());
}

std::vector<int> axesOf(const Json& axes, int rankWithBatch)
{
    std::vector<int> list;
    for (const Json& axis : axes.is_array() ? axes : Json::array({axes})) {
        const int given = axis.get<int>();
        list.push_back(given < 0 ? given + rankWithBatch : given);
    }
    std::ranges::sort(list);
    return list;
}

void writeLayerNorm(const RuleExport& rule)
{
    const int rank = rule.layer.outputShape.rank() + 1;
    const std::vector<int> axes = axesOf(rule.config["axis"], rank);
    if (axes.back() != rank - 1 || axes.back() - axes.front() + 1 != std::ssize(axes)) {
        rule.refuse("a normalization along other axes than the last ones is not");
        return;
    }
    std::vector<Index> sizes;
    for (const int axis : axes) {
        sizes.push_back(rule.layer.outputShape[axis - 1]);
    }
    Tensor ones{Shape(sizes)};
    std::ranges::fill(ones.values(), 1.0F);
    std::vector<std::string> inputs{rule.context.stored(rule.source()),
                                    rule.layer.findWeight("gamma") != nullptr
                                        ? rule.context.weight(rule.layer, "gamma")
                                        : rule.out().constant(rule.wish("gamma"), ones)};
    if (rule.layer.findWeight("beta") != nullptr) {
        inputs.push_back(rule.context.weight(rule.layer, "beta"));
    }
    constexpr int kSince = 17;
    rule.context.needOpset(kSince);
    rule.finish(rule.out().node("LayerNormalization", std::move(inputs), rule.wish("normalized"),
                                {{"axis", std::int64_t{axes.front()}},
                                 {"epsilon", rule.config["epsilon"].get<float>()}}),
                false);
}

void writeUnitNorm(const RuleExport& rule)
{
    constexpr float kLeast = 1e-12F;
    std::vector<std::int64_t> axes;
    for (const int axis : axesOf(rule.config["axis"], rule.layer.outputShape.rank() + 1)) {
        axes.push_back(axis);
    }
    const std::string x = rule.context.stored(rule.source());
    std::string length = rule.out().node("Mul", {x, x}, rule.wish("squares"));
    length = rule.out().node("ReduceSum", {length, rule.out().integers(rule.wish("axes"), axes)},
                             rule.wish("sum"));
    length = rule.out().node("Max", {length, rule.out().scalar(rule.wish("least"), kLeast)},
                             rule.wish("bounded"));
    length = rule.out().node("Sqrt", {length}, rule.wish("length"));
    rule.finish(rule.out().node("Div", {x, length}, rule.wish("normalized")), false);
}

/// Groups are the channels of an instance normalization.
void writeGroupNorm(const RuleExport& rule)
{
    const Shape& shape = rule.layer.outputShape;
    const std::vector<int> axes = axesOf(rule.config["axis"], shape.rank() + 1);
    const bool isClosed = std::ranges::all_of(shape.sizes(), [](Index size) { return size >= 0; });
    if (axes.front() != shape.rank() || !isClosed) {
        rule.refuse("groups along another axis than the last, or of open sizes, are not");
        return;
    }
    const Index channels = shape.channels();
    const auto given = rule.config["groups"].get<Index>();
    const Index groups = given < 0 ? channels : given;
    Tensor ones(Shape{groups});
    std::ranges::fill(ones.values(), 1.0F);
    const auto sizes = [&](std::vector<std::int64_t> list, const char* name) {
        return rule.out().integers(rule.wish(name), list);
    };
    std::string y = rule.out().node(
        "Reshape", {rule.context.turned(rule.source()), sizes({0, groups, -1}, "groups")},
        rule.wish("grouped"));
    y = rule.out().node("InstanceNormalization",
                        {y, rule.out().constant(rule.wish("ones"), ones),
                         rule.out().constant(rule.wish("zeros"), Tensor(Shape{groups}))},
                        rule.wish("instances"), {{"epsilon", rule.config["epsilon"].get<float>()}});
    std::vector<std::int64_t> whole{0, channels};
    std::vector<std::int64_t> column{channels};
    for (int axis = 0; axis + 1 < shape.rank(); ++axis) {
        whole.push_back(shape[axis]);
        column.push_back(1);
    }
    y = rule.out().node("Reshape", {y, sizes(whole, "sizes")}, rule.wish("ungrouped"));
    for (const auto& [name, type] : {std::pair{"gamma", "Mul"}, std::pair{"beta", "Add"}}) {
        if (rule.layer.findWeight(name) != nullptr) {
            const WeightForm form{.order = {}, .dims = column};
            y = rule.out().node(type, {y, rule.context.weight(rule.layer, name, form)},
                                rule.wish("scaled"));
        }
    }
    rule.finish(y, true);
}

/// y = x·factor + offset with numbers that broadcast at the last axis.
std::string lineOf(const RuleExport& rule, std::string x, const Tensor& factor,
                   const Tensor& offset)
{
    x = rule.out().node("Mul", {x, rule.out().constant(rule.wish("factor"), factor)},
                        rule.wish("scaled"));
    return rule.out().node("Add", {x, rule.out().constant(rule.wish("offset"), offset)},
                           rule.wish("shifted"));
}

void writeRescaling(const RuleExport& rule)
{
    const auto numbers = [&](const char* key) {
        std::vector<float> values;
        const Json& field = rule.config[key];
        for (const Json& value : field.is_array() ? field : Json::array({field})) {
            values.push_back(value.get<float>());
        }
        return Tensor(Shape{std::ssize(values)}, values);
    };
    rule.finish(
        lineOf(rule, rule.context.stored(rule.source()), numbers("scale"), numbers("offset")),
        false);
}

void writeNormalization(const RuleExport& rule)
{
    constexpr float kLeast = 1e-7F; // Keras' epsilon
    const Shape& shape = rule.layer.outputShape;
    Shape kept(std::vector<Index>(static_cast<std::size_t>(shape.rank()), 1));
    if (!rule.config["axis"].is_null()) {
        for (const int axis : axesOf(rule.config["axis"], shape.rank() + 1)) {
            kept[axis - 1] = shape[axis - 1];
        }
    }
    Tensor factor(kept);
    Tensor offset(kept);
    const bool inverts = rule.config["invert"].get<bool>();
    for (std::size_t i = 0; i < factor.values().size(); ++i) {
        const float mean = rule.layer.findWeight("mean")->value->values()[i];
        const float deviation =
            std::max(std::sqrt(rule.layer.findWeight("variance")->value->values()[i]), kLeast);
        factor.values()[i] = inverts ? deviation : 1.0F / deviation;
        offset.values()[i] = inverts ? mean : -mean / deviation;
    }
    rule.finish(lineOf(rule, rule.context.stored(rule.source()), factor, offset), false);
}

void writePRelu(const RuleExport& rule)
{
    const bool isTurned = rule.inputIsTurned() && rule.layer.outputShape.rank() > 1;
    WeightForm form;
    if (isTurned) {
        const int rank = rule.layer.outputShape.rank();
        form.order.push_back(rank - 1);
        for (int axis = 0; axis + 1 < rank; ++axis) {
            form.order.push_back(axis);
        }
    }
    rule.finish(rule.out().node("PRelu",
                                {rule.asIs(), rule.context.weight(rule.layer, "alpha", form)},
                                rule.wish("rectified")),
                isTurned);
}

void writeSoftmax(const RuleExport& rule)
{
    const std::vector<int> axes = axesOf(rule.config["axis"], rule.layer.outputShape.rank() + 1);
    if (axes.size() > 1) {
        rule.refuse("a softmax over several axes is not");
        return;
    }
    rule.finish(rule.out().node("Softmax", {rule.context.stored(rule.source())},
                                rule.wish("shares"), {{"axis", std::int64_t{axes.front()}}}),
                false);
}

void writePermute(const RuleExport& rule)
{
    std::vector<std::int64_t> order{0};
    for (const Json& axis : rule.config["dims"]) {
        order.push_back(axis.get<std::int64_t>());
    }
    rule.finish(rule.out().node("Transpose", {rule.context.stored(rule.source())},
                                rule.wish("permuted"), {{"perm", order}}),
                false);
}

void writeScaleShift(const RuleExport& rule)
{
    const bool isTurned = rule.inputIsTurned();
    const WeightForm single{.order = {}, .dims = {1}};
    std::string y =
        rule.out().node("Mul", {rule.asIs(), rule.context.weight(rule.layer, "weight", single)},
                        rule.wish("scaled"));
    if (rule.layer.findWeight("bias") != nullptr) {
        y = rule.out().node("Add", {y, rule.context.weight(rule.layer, "bias", single)},
                            rule.wish("shifted"));
    }
    rule.finish(y, isTurned);
}

void writeRepeat(const RuleExport& rule)
{
    std::string y = rule.out().node(
        "Unsqueeze",
        {rule.context.stored(rule.source()), rule.out().integers(rule.wish("axes"), {1})},
        rule.wish("row"));
    const std::int64_t count = rule.layer.outputShape[0];
    y = rule.out().node("Tile", {y, rule.out().integers(rule.wish("repeats"), {1, count, 1})},
                        rule.wish("repeated"));
    rule.finish(y, false);
}

void writeEmbedding(const RuleExport& rule)
{
    const std::string rows =
        rule.out().node("Cast", {rule.context.stored(rule.source())}, rule.wish("rows"),
                        {{"to", static_cast<std::int64_t>(OnnxType::Int64)}});
    rule.finish(rule.out().node("Gather", {rule.context.weight(rule.layer, "embeddings"), rows},
                                rule.wish("embedded"), {{"axis", std::int64_t{0}}}),
                false);
}

template <int rank>
void writeTransposed(const RuleExport& rule)
{
    const auto sizes = [&](const char* key) {
        std::vector<std::int64_t> list;
        for (const Json& size : rule.config[key]) {
            list.push_back(size.get<std::int64_t>());
        }
        return list;
    };
    const std::vector<std::int64_t> kernel = sizes("kernel_size");
    const std::vector<std::int64_t> strides = sizes("strides");
    const std::vector<std::int64_t> dilations = sizes("dilation_rate");
    const bool isStored = rule.isChannelsFirst();
    const std::vector<Index> input = spatialSizes(rule.inputShape(0), isStored);
    const std::vector<Index> output = spatialSizes(rule.layer.outputShape, isStored);
    std::vector<std::int64_t> pads(2 * rank);
    std::vector<std::int64_t> extra(rank, 0);
    for (std::size_t axis = 0; axis < rank; ++axis) {
        if (input[axis] < 0) {
            rule.refuse("a transposed convolution of open sizes is not");
            return;
        }
        const std::int64_t reach = (kernel[axis] - 1) * dilations[axis] + 1;
        const std::int64_t surplus = (input[axis] - 1) * strides[axis] + reach - output[axis];
        // What the padding of the convolution it turns around takes away in front.
        const auto padding =
            rule.config["padding"] == "same" ? graph::Padding::Same : graph::Padding::Valid;
        const Index before = graph::paddingBefore(output[axis], static_cast<int>(kernel[axis]),
                                                  static_cast<int>(strides[axis]),
                                                  static_cast<int>(dilations[axis]), padding);
        pads[axis] = before;
        pads[axis + rank] = std::max<std::int64_t>(surplus - before, 0);
        extra[axis] = std::max<std::int64_t>(before - surplus, 0);
    }
    WeightForm form{.order = {rank + 1, rank}, .dims = {}};
    for (int axis = 0; axis < rank; ++axis) {
        form.order.push_back(axis);
    }
    std::vector<std::string> inputs{rule.channelsFirst(),
                                    rule.context.weight(rule.layer, "kernel", form)};
    if (rule.layer.findWeight("bias") != nullptr) {
        inputs.push_back(rule.context.weight(rule.layer, "bias"));
    }
    rule.finish(rule.out().node("ConvTranspose", std::move(inputs), rule.wish("painted"),
                                {{"kernel_shape", kernel},
                                 {"strides", strides},
                                 {"dilations", dilations},
                                 {"pads", pads},
                                 {"output_padding", extra}}),
                !isStored);
}

SpatialWindow volumeWindow(const Json& config, const char* sizeKey)
{
    const auto sizes = [&](const char* key) {
        std::vector<std::int64_t> list;
        for (const Json& size : config.contains(key) ? config[key] : Json::array()) {
            list.push_back(size.get<std::int64_t>());
        }
        return list;
    };
    return {3, sizes(sizeKey), sizes("strides"), sizes("dilation_rate"),
            config["padding"] == "same" ? graph::Padding::Same : graph::Padding::Valid};
}

void writeConv3D(const RuleExport& rule)
{
    const SpatialWindow window = volumeWindow(rule.config, "kernel_size");
    const int groups = rule.config.contains("groups") ? rule.config["groups"].get<int>() : 1;
    OnnxAttributes attributes =
        windowAttributes(window, spatialSizes(rule.inputShape(0), rule.isChannelsFirst()));
    attributes.emplace_back("group", std::int64_t{groups});
    std::vector<std::string> inputs{rule.channelsFirst(),
                                    rule.context.weight(rule.layer, "kernel", kernelForm(3))};
    if (rule.layer.findWeight("bias") != nullptr) {
        inputs.push_back(rule.context.weight(rule.layer, "bias"));
    }
    rule.finish(
        rule.out().node("Conv", std::move(inputs), rule.wish("convolved"), std::move(attributes)),
        !rule.isChannelsFirst());
}

constexpr char kMaxPool[] = "MaxPool";
constexpr char kAveragePool[] = "AveragePool";
template <const char* type>
void writePool3D(const RuleExport& rule)
{
    const SpatialWindow window = volumeWindow(rule.config, "pool_size");
    rule.finish(rule.out().node(type, {rule.channelsFirst()}, rule.wish("pooled"),
                                windowAttributes(window, spatialSizes(rule.inputShape(0),
                                                                      rule.isChannelsFirst()))),
                !rule.isChannelsFirst());
}

constexpr char kGlobalMaxPool[] = "GlobalMaxPool";
constexpr char kGlobalAveragePool[] = "GlobalAveragePool";
template <const char* type>
void writeGlobalPool3D(const RuleExport& rule)
{
    const bool keeps = rule.layer.outputShape.rank() > 1;
    std::string y = rule.out().node(type, {rule.channelsFirst()}, rule.wish("pooled"));
    if (!keeps) {
        y = rule.out().node("Flatten", {y}, rule.wish("flat"), {{"axis", std::int64_t{1}}});
    }
    rule.finish(y, keeps && !rule.isChannelsFirst());
}

/// A dense layer of every step is a dense layer of the last axis.
void writeTimeDistributed(const RuleExport& rule)
{
    const Json& inner = rule.config["layer"];
    const std::string name = inner["class_name"].get<std::string>();
    if (name != "Dense" && name != "QDense") {
        rule.refuse("a layer other than Dense for every step is not");
        return;
    }
    std::string y = rule.out().node(
        "MatMul", {rule.context.stored(rule.source()), rule.context.weight(rule.layer, "kernel")},
        rule.wish("dense"));
    if (rule.layer.findWeight("bias") != nullptr) {
        y = rule.out().node("Add", {y, rule.context.weight(rule.layer, "bias")},
                            rule.wish("biased"));
    }
    rule.finish(y, false);
}

struct RuleRow {
    std::string_view className;
    void (*write)(const RuleExport& rule);
};

constexpr std::array kRows{
    RuleRow{"Multiply", writeChain<kMul>},
    RuleRow{"Subtract", writeChain<kSub>},
    RuleRow{"Average", writeJoin<kMean>},
    RuleRow{"Maximum", writeJoin<kMax>},
    RuleRow{"Minimum", writeJoin<kMin>},
    RuleRow{"Dot", writeDot},
    RuleRow{"Cropping1D", writeCropping},
    RuleRow{"Cropping2D", writeCropping},
    RuleRow{"Cropping3D", writeCropping},
    RuleRow{"ZeroPadding3D", writePadding},
    RuleRow{"UpSampling1D", writeUpSampling},
    RuleRow{"UpSampling2D", writeUpSampling},
    RuleRow{"UpSampling3D", writeUpSampling},
    RuleRow{"LayerNormalization", writeLayerNorm},
    RuleRow{"UnitNormalization", writeUnitNorm},
    RuleRow{"GroupNormalization", writeGroupNorm},
    RuleRow{"Rescaling", writeRescaling},
    RuleRow{"Normalization", writeNormalization},
    RuleRow{"PReLU", writePRelu},
    RuleRow{"Softmax", writeSoftmax},
    RuleRow{"Permute", writePermute},
    RuleRow{"QScaleShift", writeScaleShift},
    RuleRow{"RepeatVector", writeRepeat},
    RuleRow{"Embedding", writeEmbedding},
    RuleRow{"TimeDistributed", writeTimeDistributed},
    RuleRow{"Conv1DTranspose", writeTransposed<1>},
    RuleRow{"Conv2DTranspose", writeTransposed<2>},
    RuleRow{"Conv3D", writeConv3D},
    RuleRow{"MaxPooling3D", writePool3D<kMaxPool>},
    RuleRow{"AveragePooling3D", writePool3D<kAveragePool>},
    RuleRow{"GlobalMaxPooling3D", writeGlobalPool3D<kGlobalMaxPool>},
    RuleRow{"GlobalAveragePooling3D", writeGlobalPool3D<kGlobalAveragePool>},
    RuleRow{"SpatialDropout1D", writeSame},
    RuleRow{"SpatialDropout2D", writeSame},
    RuleRow{"SpatialDropout3D", writeSame},
    RuleRow{"AlphaDropout", writeSame},
    RuleRow{"GaussianDropout", writeSame},
    RuleRow{"GaussianNoise", writeSame},
    RuleRow{"ActivityRegularization", writeSame},
    RuleRow{"Dropout", writeSame},
    RuleRow{"SimpleRNN", writeRecurrent},
    RuleRow{"LSTM", writeRecurrent},
    RuleRow{"GRU", writeRecurrent},
    RuleRow{"Bidirectional", writeBidirectional},
};

} // namespace

bool exportRule(ExportContext& context, int layer, const graph::RuleOp& op)
{
    if (const graph::FunctionSetup* setup = graph::functionSetup(op)) {
        writeFunction(context, layer, *setup);
        return true;
    }
    const auto* row = std::ranges::find(kRows, op.info->className, &RuleRow::className);
    if (row == kRows.end()) {
        return false;
    }
    const RuleExport rule(context, layer, op);
    row->write(rule);
    if (!context.isGiven(layer)) { // refused
        context.give(layer, rule.out().node("Identity", {rule.asIs()}, rule.wish("same")),
                     rule.inputIsTurned());
    }
    return true;
}

} // namespace bitscape::io
