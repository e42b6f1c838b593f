// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/onnx/native_node.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

// Functions of each value, and of several tensors value by value.
namespace bitscape::io {

namespace {

using graph::Function;
using graph::FunctionKind;

constexpr float kClose = 1e-5F;

bool isClose(float a, float b)
{
    return std::abs(a - b) <= kClose * std::abs(b);
}

template <FunctionKind kind>
bool mapFunction(NativeNode& node)
{
    return node.giveFunction({.kind = kind});
}

bool mapLeakyRelu(NativeNode& node)
{
    constexpr float kSlope = 0.01F;
    return node.giveFunction(
        {.kind = FunctionKind::Relu, .negativeSlope = node.real("alpha", kSlope)});
}

bool mapElu(NativeNode& node)
{
    return node.giveFunction(
        {.kind = FunctionKind::Elu, .negativeSlope = node.real("alpha", 1.0F)});
}

bool mapSelu(NativeNode& node)
{
    constexpr float kAlpha = 1.67326319F;
    constexpr float kGamma = 1.05070102F;
    return isClose(node.real("alpha", kAlpha), kAlpha) &&
           isClose(node.real("gamma", kGamma), kGamma) &&
           node.giveFunction({.kind = FunctionKind::Selu});
}

bool mapHardSigmoid(NativeNode& node)
{
    constexpr float kSlope2 = 0.2F;
    constexpr float kSlope3 = 1.0F / 6.0F;
    const float slope = node.real("alpha", kSlope2);
    if (!isClose(node.real("beta", 0.5F), 0.5F)) {
        return false;
    }
    if (isClose(slope, kSlope2)) {
        return node.giveFunction({.kind = FunctionKind::HardSigmoidKeras2});
    }
    return isClose(slope, kSlope3) && node.giveFunction({.kind = FunctionKind::HardSigmoidKeras3});
}

/// x > alpha, where our relu asks x ≥ threshold.
bool mapThresholdedRelu(NativeNode& node)
{
    const float alpha = node.real("alpha", 1.0F);
    return alpha >= 0.0F && node.giveFunction({.kind = FunctionKind::Relu,
                                               .threshold = std::nextafter(
                                                   alpha, std::numeric_limits<float>::infinity())});
}

bool mapClip(NativeNode& node)
{
    if (clipCodes(node)) {
        return true;
    }
    constexpr float kMost = std::numeric_limits<float>::max();
    const auto end = [&](std::size_t input, const char* name, float otherwise) {
        return node.has(input) ? node.number(input) : std::optional(node.real(name, otherwise));
    };
    const auto low = end(1, "min", -kMost);
    const auto high = end(2, "max", kMost);
    if (!low || !high || *low != 0.0F || !(*high > 0.0F)) {
        return false;
    }
    return node.giveFunction(
        {.kind = FunctionKind::Relu, .maxValue = *high < kMost ? *high : 0.0F});
}

bool mapGelu(NativeNode& node)
{
    return node.text("approximate", "none") == "none" &&
           node.giveFunction({.kind = FunctionKind::Gelu});
}

/// The only reader of a tensor that does not leave the network; null if there are others.
const OnnxNode* onlyReader(const NativeNode& node, const std::string& tensor, std::string_view type)
{
    const auto readers = node.builder.readers(tensor);
    const bool isOnly = readers.size() == 1 && !node.builder.isOutput(tensor) &&
                        readers.front()->opType == type && readers.front()->domain.empty();
    return isOnly ? readers.front() : nullptr;
}

const std::string& otherInput(const OnnxNode& node, const std::string& tensor)
{
    return node.inputs[0] == tensor ? node.inputs[1] : node.inputs[0];
}

/// x·sigmoid(x)
bool mapSigmoid(NativeNode& node)
{
    const OnnxNode* product = onlyReader(node, node.output(), "Mul");
    const auto source = node.asIs(0);
    if (product != nullptr && source && product->inputs.size() == 2 &&
        otherInput(*product, node.output()) == node.inputName(0)) {
        node.builder.skip(*product);
        return node.give(
            product->outputs.front(),
            {"Activation", graph::ActivationOp{{.kind = FunctionKind::Swish}}, {source->layer}},
            source->layout, source->mixedShape);
    }
    return node.giveFunction({.kind = FunctionKind::Sigmoid});
}

/// The number that a node joins with a tensor.
std::optional<float> partner(const NativeNode& node, const OnnxNode& other,
                             const std::string& tensor)
{
    const NativeNode reading(node.builder, other);
    return other.inputs.size() == 2 ? reading.number(other.inputs[0] == tensor ? 1 : 0)
                                    : std::nullopt;
}

/// x/√2 → Erf → +1 → ·x → ·½ in either order of the products: the Gelu of older exporters. `node`
/// is the first of them.
bool mapErfChain(NativeNode& node, float factor)
{
    if (!isClose(factor, static_cast<float>(1.0 / std::numbers::sqrt2))) {
        return false;
    }
    const std::string& x = node.inputName(node.constant(0) != nullptr ? 1 : 0);
    const OnnxNode* erf = onlyReader(node, node.output(), "Erf");
    const OnnxNode* sum = erf == nullptr ? nullptr : onlyReader(node, erf->outputs[0], "Add");
    if (sum == nullptr || partner(node, *sum, erf->outputs[0]) != 1.0F) {
        return false;
    }
    const OnnxNode* first = onlyReader(node, sum->outputs[0], "Mul");
    const OnnxNode* second =
        first == nullptr ? nullptr : onlyReader(node, first->outputs[0], "Mul");
    if (second == nullptr) {
        return false;
    }
    const bool xFirst = otherInput(*first, sum->outputs[0]) == x &&
                        partner(node, *second, first->outputs[0]) == 0.5F;
    const bool halfFirst = partner(node, *first, sum->outputs[0]) == 0.5F &&
                           otherInput(*second, first->outputs[0]) == x;
    const auto source = node.asIs(node.constant(0) != nullptr ? 1 : 0);
    if ((!xFirst && !halfFirst) || !source) {
        return false;
    }
    for (const OnnxNode* part : {erf, sum, first, second}) {
        node.builder.skip(*part);
    }
    return node.give(
        second->outputs[0],
        {"Activation", graph::ActivationOp{{.kind = FunctionKind::Gelu}}, {source->layer}},
        source->layout, source->mixedShape);
}

// ---- with a constant

/// A constant that broadcasts against samples, in the order of a layout: one number, or one per
/// index of the last axis.
std::optional<std::vector<float>> perChannel(const NativeWeight& constant, const OnnxKnown& tensor,
                                             OnnxLayout layout)
{
    const auto values = constant.value.values();
    if (values.size() == 1) {
        return std::vector<float>{values.front()};
    }
    const int rank = static_cast<int>(tensor.sizes.size());
    const int axis = layout == OnnxLayout::ChannelsLast ? 1 : rank - 1;
    const int own = constant.value.shape().rank() - rank + axis; // in the constant
    const bool fits = own >= 0 && constant.value.shape()[own] == std::ssize(values) &&
                      tensor.sizes[static_cast<std::size_t>(axis)] == std::ssize(values);
    return fits ? std::optional(std::vector<float>(values.begin(), values.end())) : std::nullopt;
}

Json fieldOf(const std::vector<float>& values)
{
    return values.size() == 1 ? Json(values.front()) : Json(values);
}

/// y = x·factor + offset, both made of the constant by the operator.
struct Line {
    float factor = 1.0F, offset = 0.0F;
};
using LineOf = Line (*)(float constant, bool isFirst);

bool giveLine(NativeNode& node, LineOf lineOf)
{
    const std::size_t at = node.constant(0) != nullptr ? 0 : 1;
    const auto constant = node.weight(at);
    const OnnxKnown* known = node.tensor(1 - at);
    if (!constant || known == nullptr ||
        constant->value.shape().rank() > std::ssize(known->sizes)) {
        return false;
    }
    auto source = node.asIs(1 - at);
    if (source && source->layout == OnnxLayout::Mixed && constant->value.size() > 1) {
        const auto plain = node.plain(1 - at);
        source =
            plain ? std::optional(NativeNode::Source{*plain, OnnxLayout::Plain, {}}) : std::nullopt;
    }
    const auto values = source ? perChannel(*constant, *known, source->layout) : std::nullopt;
    if (!values) {
        return false;
    }
    std::vector<float> factors;
    std::vector<float> offsets;
    for (const float value : *values) {
        const Line line = lineOf(value, at == 0);
        if (!std::isfinite(line.factor) || !std::isfinite(line.offset)) {
            return false;
        }
        factors.push_back(line.factor);
        offsets.push_back(line.offset);
    }
    return node.give(
        {"Rescaling",
         kerasOp("Rescaling", {{"scale", fieldOf(factors)}, {"offset", fieldOf(offsets)}}),
         {source->layer}},
        source->layout, source->mixedShape);
}

// ---- of tensors

/// Layers of all inputs in one layout; nothing if they differ in rank, where ONNX' alignment would
/// reach the batch.
struct Joined {
    std::vector<int> layers;
    OnnxLayout layout = OnnxLayout::Plain;
};
std::optional<Joined> joinedInputs(NativeNode& node)
{
    bool isAnyLast = false;
    const OnnxKnown* first = node.tensor(0);
    for (std::size_t i = 0; i < node.node.inputs.size(); ++i) {
        const OnnxKnown* known = node.tensor(i);
        if (first == nullptr || known == nullptr || known->sizes.size() != first->sizes.size()) {
            return std::nullopt;
        }
        isAnyLast = isAnyLast || (known->channelsLast >= 0 && known->layer < 0);
    }
    Joined joined{.layers = {}, .layout = isAnyLast ? OnnxLayout::ChannelsLast : OnnxLayout::Plain};
    for (std::size_t i = 0; i < node.node.inputs.size(); ++i) {
        const auto layer = isAnyLast ? node.channelsLast(i) : node.plain(i);
        if (!layer) {
            return std::nullopt;
        }
        joined.layers.push_back(*layer);
    }
    return joined;
}

bool giveJoined(NativeNode& node, const char* className, const graph::Op& op)
{
    const auto joined = joinedInputs(node);
    return joined && node.give({className, op, joined->layers}, joined->layout);
}

bool hasConstant(const NativeNode& node)
{
    return node.constant(0) != nullptr || node.constant(1) != nullptr;
}

bool mapAdd(NativeNode& node)
{
    if (hasConstant(node)) {
        return giveLine(node, [](float c, bool) { return Line{1.0F, c}; });
    }
    return giveJoined(node, "Add", graph::AddOp{});
}

bool mapSub(NativeNode& node)
{
    if (hasConstant(node)) {
        return giveLine(node, [](float c, bool isFirst) {
            return isFirst ? Line{-1.0F, c} : Line{1.0F, -c};
        });
    }
    return giveJoined(node, "Subtract", kerasOp("Subtract", Json::object()));
}

bool mapMul(NativeNode& node)
{
    if (hasConstant(node)) {
        const auto factor = node.number(node.constant(0) != nullptr ? 0 : 1);
        return (factor && mapErfChain(node, *factor)) || giveLine(node, [](float c, bool) {
                   return Line{c, 0.0F};
               });
    }
    return giveJoined(node, "Multiply", kerasOp("Multiply", Json::object()));
}

bool mapDiv(NativeNode& node)
{
    const auto divisor = node.number(1);
    if (divisor && mapErfChain(node, 1.0F / *divisor)) {
        return true;
    }
    return node.constant(1) != nullptr && giveLine(node, [](float c, bool) {
               return Line{1.0F / c, 0.0F};
           });
}

template <const char* className>
bool mapJoin(NativeNode& node)
{
    return giveJoined(node, className, kerasOp(className, Json::object()));
}
constexpr char kMaximum[] = "Maximum";
constexpr char kMinimum[] = "Minimum";
constexpr char kAverage[] = "Average";

bool mapSum(NativeNode& node)
{
    return giveJoined(node, "Add", graph::AddOp{});
}

bool mapConcat(NativeNode& node)
{
    const OnnxKnown* known = node.tensor(0);
    const auto joined = known == nullptr ? std::nullopt : joinedInputs(node);
    if (!joined) {
        return false;
    }
    const auto rank = std::ssize(known->sizes);
    std::int64_t axis = node.integer("axis", 1);
    axis += axis < 0 ? rank : 0;
    if (axis < 1 || axis >= rank) {
        return false;
    }
    if (joined->layout == OnnxLayout::ChannelsLast) {
        axis = axis == 1 ? rank - 1 : axis - 1;
    }
    return node.give({"Concatenate", graph::ConcatenateOp{static_cast<int>(axis)}, joined->layers},
                     joined->layout);
}

bool mapSoftmax(NativeNode& node)
{
    const OnnxKnown* known = node.tensor(0);
    if (known == nullptr) {
        return false;
    }
    constexpr int kPlainAxis = 13; // before, all axes from `axis` on were one row
    const auto rank = std::ssize(known->sizes);
    const bool isOld = node.opset() < kPlainAxis;
    std::int64_t axis = node.integer("axis", isOld ? 1 : -1);
    axis += axis < 0 ? rank : 0;
    if (axis < 1 || axis >= rank || (isOld && axis != rank - 1)) {
        return false;
    }
    const bool isTurned = known->channelsLast >= 0 && known->layer < 0 && axis == 1;
    const auto layer = isTurned ? node.channelsLast(0) : node.plain(0);
    if (!layer) {
        return false;
    }
    if (isTurned || axis == rank - 1) {
        return node.give(
            {"Softmax", graph::ActivationOp{{.kind = FunctionKind::Softmax}}, {*layer}},
            isTurned ? OnnxLayout::ChannelsLast : OnnxLayout::Plain);
    }
    return node.give({"Softmax", kerasOp("Softmax", {{"axis", axis}}), {*layer}},
                     OnnxLayout::Plain);
}

} // namespace

std::span<const NativeRow> elementRows()
{
    static constexpr std::array kRows{
        NativeRow{"", "Relu", mapFunction<FunctionKind::Relu>},
        NativeRow{"", "Sigmoid", mapSigmoid},
        NativeRow{"", "Tanh", mapFunction<FunctionKind::Tanh>},
        NativeRow{"", "Softplus", mapFunction<FunctionKind::Softplus>},
        NativeRow{"", "Softsign", mapFunction<FunctionKind::Softsign>},
        NativeRow{"", "Exp", mapFunction<FunctionKind::Exponential>},
        NativeRow{"", "LeakyRelu", mapLeakyRelu},
        NativeRow{"", "Elu", mapElu},
        NativeRow{"", "Selu", mapSelu},
        NativeRow{"", "HardSigmoid", mapHardSigmoid},
        NativeRow{"", "ThresholdedRelu", mapThresholdedRelu},
        NativeRow{"", "Clip", mapClip},
        NativeRow{"", "Gelu", mapGelu},
        NativeRow{"", "Add", mapAdd},
        NativeRow{"", "Sub", mapSub},
        NativeRow{"", "Mul", mapMul},
        NativeRow{"", "Div", mapDiv},
        NativeRow{"", "Max", mapJoin<kMaximum>},
        NativeRow{"", "Min", mapJoin<kMinimum>},
        NativeRow{"", "Mean", mapJoin<kAverage>},
        NativeRow{"", "Sum", mapSum},
        NativeRow{"", "Concat", mapConcat},
        NativeRow{"", "Softmax", mapSoftmax},
    };
    return kRows;
}

} // namespace bitscape::io
