// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/onnx/native_node.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

// Dense layers, normalizations and tables.
namespace bitscape::io {

namespace {

using graph::Slot;

/// Rows of a kernel that reads a row in the order of `shape` (channels last), given for one that
/// has its channels first.
NativeWeight mixedRows(const NativeWeight& kernel, const Shape& shape)
{
    std::vector<Index> sizes{shape.channels()};
    std::vector<int> order;
    for (int axis = 0; axis + 1 < shape.rank(); ++axis) {
        sizes.push_back(shape[axis]);
        order.push_back(axis + 1);
    }
    order.push_back(0);
    sizes.push_back(kernel.value.shape()[1]);
    order.push_back(static_cast<int>(order.size()));
    return kernel.reshaped(Shape(sizes)).inOrder(order).reshaped(kernel.value.shape());
}

/// A vector of one number per unit, or one for all.
std::optional<NativeWeight> biasOf(const NativeWeight& given, Index units)
{
    const Shape& shape = given.value.shape();
    if (given.value.size() == units && shape.channels() == units) {
        return given.reshaped(Shape{units});
    }
    if (given.value.size() != 1) {
        return std::nullopt;
    }
    NativeWeight bias{Tensor(Shape{units}), given.grid};
    std::ranges::fill(bias.value.values(), given.value.values().front());
    if (bias.grid) {
        auto single = std::make_shared<OnnxGrid>(*bias.grid);
        single->scale = Tensor(Shape{1}, given.grid->scale.values().first(1));
        single->zeroPoint = Tensor(Shape{1}, given.grid->zeroPoint.values().first(1));
        bias.grid = std::move(single);
    }
    return bias;
}

struct Dense {
    NativeWeight kernel; ///< (in, out)
    std::optional<NativeWeight> bias;
    std::size_t biasInput = 2;
};

/// `biasNode`: whose input the bias is.
bool giveDense(NativeNode& node, const std::string& tensor, Dense dense, const NativeNode& biasNode)
{
    auto source = node.asIs(0);
    if (source && source->layout == OnnxLayout::ChannelsLast) {
        const auto plain = node.plain(0);
        source =
            plain ? std::optional(NativeNode::Source{*plain, OnnxLayout::Plain, {}}) : std::nullopt;
    }
    if (!source ||
        node.builder.layer(source->layer).outputShape.channels() != dense.kernel.value.shape()[0]) {
        return false;
    }
    if (source->layout == OnnxLayout::Mixed) {
        dense.kernel = mixedRows(dense.kernel, source->mixedShape);
    }
    graph::DenseOp op;
    op.units = dense.kernel.value.shape()[1];
    op.useBias = dense.bias.has_value();
    NativeNode::Part part{"Dense", op, {source->layer}};
    addQuantizer(dense.kernel, Slot::Kernel, part.quantizers);
    part.weights.push_back(weightOf("kernel", node, 1, std::move(dense.kernel.value)));
    if (dense.bias) {
        addQuantizer(*dense.bias, Slot::Bias, part.quantizers);
        part.weights.push_back(
            weightOf("bias", biasNode, dense.biasInput, std::move(dense.bias->value)));
    }
    return node.give(tensor, std::move(part), OnnxLayout::Plain);
}

bool mapGemm(NativeNode& node)
{
    const OnnxKnown* known = node.tensor(0);
    const auto kernel = node.weight(1);
    if (known == nullptr || known->sizes.size() != 2 || !kernel ||
        kernel->value.shape().rank() != 2 || node.integer("transA", 0) != 0) {
        return false;
    }
    constexpr std::array kSwapped{1, 0};
    const bool isTurned = node.integer("transB", 0) != 0;
    Dense dense{
        .kernel = (isTurned ? kernel->inOrder(kSwapped) : *kernel).times(node.real("alpha", 1.0F)),
        .bias = {}};
    if (node.has(2)) {
        const auto bias = node.weight(2);
        dense.bias = bias ? biasOf(*bias, dense.kernel.value.shape()[1]) : std::nullopt;
        if (!dense.bias) {
            return false;
        }
        dense.bias = dense.bias->times(node.real("beta", 1.0F));
    }
    return giveDense(node, node.output(), std::move(dense), node);
}

/// The only reader of the output, if it adds a constant to it.
const OnnxNode* followingSum(const NativeNode& node)
{
    const auto readers = node.builder.readers(node.output());
    if (readers.size() != 1 || node.builder.isOutput(node.output()) ||
        readers.front()->opType != "Add" || !readers.front()->domain.empty() ||
        readers.front()->inputs.size() != 2) {
        return nullptr;
    }
    return readers.front();
}

bool mapMatMul(NativeNode& node)
{
    const OnnxKnown* known = node.tensor(0);
    const auto kernel = node.weight(1);
    if (known == nullptr || !kernel || kernel->value.shape().rank() != 2) {
        return false;
    }
    Dense dense{.kernel = *kernel, .bias = {}};
    const OnnxNode* sum = followingSum(node);
    if (sum == nullptr) {
        return giveDense(node, node.output(), std::move(dense), node);
    }
    const NativeNode sumNode(node.builder, *sum);
    dense.biasInput = sum->inputs[0] == node.output() ? 1 : 0;
    const auto bias = sumNode.weight(dense.biasInput);
    const Index units = kernel->value.shape()[1];
    const bool fits = bias && bias->value.shape().rank() <= std::ssize(known->sizes);
    dense.bias = fits ? biasOf(*bias, units) : std::nullopt;
    if (!dense.bias) {
        return giveDense(node, node.output(), std::move(dense), node);
    }
    if (!giveDense(node, sum->outputs.front(), std::move(dense), sumNode)) {
        return false;
    }
    node.builder.skip(*sum);
    return true;
}

bool mapBatchNorm(NativeNode& node)
{
    const OnnxKnown* known = node.tensor(0);
    if (known == nullptr || node.integer("training_mode", 0) != 0 ||
        node.integer("spatial", 1) == 0 || node.usesMoreOutputs()) {
        return false;
    }
    constexpr std::array kNames{"gamma", "beta", "moving_mean", "moving_variance"};
    constexpr float kEpsilon = 1e-5F;
    constexpr float kMomentum = 0.9F;
    graph::BatchNormOp op;
    op.epsilon = node.real("epsilon", kEpsilon);
    op.momentum = node.real("momentum", kMomentum);
    NativeNode::Part part{"BatchNormalization", op, {}};
    for (std::size_t i = 0; i < kNames.size(); ++i) {
        auto weight = node.weight(i + 1);
        if (!weight || weight->value.shape() != Shape{known->sizes[1]}) {
            return false;
        }
        part.weights.push_back(weightOf(kNames[i], node, i + 1, std::move(weight->value)));
        part.weights.back().trainable = i < 2;
    }
    const auto layer = node.channelsLast(0);
    if (!layer) {
        return false;
    }
    part.inputs = {*layer};
    return node.give(std::move(part), OnnxLayout::ChannelsLast);
}

bool mapInstanceNorm(NativeNode& node)
{
    const OnnxKnown* known = node.tensor(0);
    auto gamma = node.weight(1);
    auto beta = node.weight(2);
    const auto layer = known != nullptr && gamma && beta && known->sizes.size() > 2
                           ? node.channelsLast(0)
                           : std::nullopt;
    if (!layer) {
        return false;
    }
    constexpr float kEpsilon = 1e-5F;
    NativeNode::Part part{
        "GroupNormalization",
        kerasOp("GroupNormalization",
                {{"groups", -1}, {"axis", -1}, {"epsilon", node.real("epsilon", kEpsilon)}}),
        {*layer}};
    part.weights = {weightOf("gamma", node, 1, std::move(gamma->value)),
                    weightOf("beta", node, 2, std::move(beta->value))};
    return node.give(std::move(part), OnnxLayout::ChannelsLast);
}

bool mapLayerNorm(NativeNode& node)
{
    const OnnxKnown* known = node.tensor(0);
    auto gamma = node.weight(1);
    auto beta = node.has(2) ? node.weight(2) : std::nullopt;
    const int rank = known == nullptr ? 0 : static_cast<int>(known->sizes.size());
    std::int64_t axis = node.integer("axis", -1);
    axis += axis < 0 ? rank : 0;
    if (!gamma || (node.has(2) && !beta) || axis < 1 || axis >= rank || node.usesMoreOutputs()) {
        return false;
    }
    const auto layer = node.plain(0);
    if (!layer) {
        return false;
    }
    std::vector<std::int64_t> axes(static_cast<std::size_t>(rank - axis));
    std::iota(axes.begin(), axes.end(), axis);
    constexpr float kEpsilon = 1e-5F;
    NativeNode::Part part{
        "LayerNormalization",
        kerasOp("LayerNormalization", {{"axis", axes},
                                       {"epsilon", node.real("epsilon", kEpsilon)},
                                       {"center", beta.has_value()}}),
        {*layer}};
    part.weights.push_back(weightOf("gamma", node, 1, std::move(gamma->value)));
    if (beta) {
        part.weights.push_back(weightOf("beta", node, 2, std::move(beta->value)));
    }
    return node.give(std::move(part), OnnxLayout::Plain);
}

/// One slope per channel, or one for all.
bool mapPRelu(NativeNode& node)
{
    const OnnxKnown* known = node.tensor(0);
    const auto slope = node.weight(1);
    if (known == nullptr || !slope) {
        return false;
    }
    const Index channels = known->sizes[1];
    const bool isSingle = slope->value.size() == 1;
    const int rank = slope->value.shape().rank();
    // Broadcast from the end: the channels stand right before the spatial axes.
    const int channelAxis = rank - static_cast<int>(known->sizes.size()) + 1;
    const bool perChannel = channelAxis >= 0 && slope->value.size() == channels &&
                            slope->value.shape()[channelAxis] == channels;
    const auto layer =
        (isSingle || perChannel) && channels > 0 ? node.channelsLast(0) : std::nullopt;
    if (!layer) {
        return false;
    }
    const Shape& shape = node.builder.layer(*layer).outputShape;
    Shape sizes(std::vector<Index>(static_cast<std::size_t>(shape.rank()), 1));
    sizes[shape.rank() - 1] = channels;
    Tensor alpha(sizes);
    for (Index c = 0; c < channels; ++c) {
        alpha.data()[c] = slope->value.data()[isSingle ? 0 : c];
    }
    std::vector<int> shared(static_cast<std::size_t>(shape.rank() - 1));
    std::iota(shared.begin(), shared.end(), 1);
    NativeNode::Part part{
        "PReLU",
        kerasOp("PReLU", {{"shared_axes", shared.empty() ? Json(nullptr) : Json(shared)}}),
        {*layer}};
    part.weights.push_back(weightOf("alpha", node, 1, std::move(alpha)));
    return node.give(std::move(part), OnnxLayout::ChannelsLast);
}

/// One step of a sequence, one row of an image: what is cropped to it, without the axis.
bool giveStep(NativeNode& node, std::int64_t at)
{
    const OnnxKnown& known = *node.tensor(0);
    const auto rank = std::ssize(known.sizes);
    std::int64_t axis = node.integer("axis", 0);
    axis += axis < 0 ? rank : 0;
    const auto spatial = rank - 2;
    if (axis < 1 || axis > spatial || spatial > 3) {
        return false;
    }
    const Index size = known.sizes[static_cast<std::size_t>(axis)];
    at += at < 0 ? size : 0;
    const auto plain = at >= 0 && at < size ? node.plain(0) : std::nullopt;
    if (!plain) {
        return false;
    }
    Json borders = Json::array();
    std::vector<Index> target;
    for (std::int64_t other = 1; other < rank; ++other) {
        const bool isOwn = other == axis;
        if (other <= spatial) {
            borders.push_back({isOwn ? at : 0, isOwn ? size - 1 - at : 0});
        }
        if (!isOwn) {
            target.push_back(known.sizes[static_cast<std::size_t>(other)]);
        }
    }
    if (std::ranges::count(target, Index{-1}) > 1) {
        return false;
    }
    const std::string className = "Cropping" + std::to_string(spatial) + "D";
    const auto step =
        node.step("step", {className,
                           kerasOp(className, {{"cropping", spatial == 1 ? borders[0] : borders}}),
                           {*plain}});
    return step && node.give({"Reshape", graph::ReshapeOp{target}, {*step}}, OnnxLayout::Plain);
}

/// Rows of a table by the numbers of a tensor; or a single step of a tensor.
bool mapGather(NativeNode& node)
{
    const graph::ArrayValue* index = node.constant(1);
    if (node.tensor(0) != nullptr && index != nullptr) {
        return index->rank() == 0 && giveStep(node, index->integer(0));
    }
    auto table = node.weight(0);
    const OnnxKnown* rows = node.known(1);
    if (!table || table->value.shape().rank() != 2 || rows == nullptr || rows->grid ||
        node.integer("axis", 0) != 0) {
        return false;
    }
    const auto layer = node.plain(1);
    if (!layer) {
        return false;
    }
    const Shape& shape = table->value.shape();
    NativeNode::Part part{"Embedding",
                          kerasOp("Embedding", {{"input_dim", shape[0]}, {"output_dim", shape[1]}}),
                          {*layer}};
    part.weights.push_back(weightOf("embeddings", node, 0, std::move(table->value)));
    return node.give(std::move(part), OnnxLayout::Plain);
}

/// Whole numbers that only name rows of tables may stay what they are.
bool mapCast(NativeNode& node)
{
    const OnnxKnown* known = node.known(0);
    const std::int64_t type = node.integer("to", 0);
    const bool isWhole = type == 6 || type == 7;
    if (known == nullptr || known->layer < 0 || known->grid || !isWhole ||
        node.builder.isOutput(node.output())) {
        return false;
    }
    for (const OnnxNode* reader : node.builder.readers(node.output())) {
        const bool isTable = reader->opType == "Gather" && reader->inputs.size() == 2 &&
                             reader->inputs[1] == node.output() &&
                             node.builder.constant(*reader, 0) != nullptr;
        if (!isTable) {
            return false;
        }
    }
    OnnxKnown whole = *known;
    whole.tensor.type = *graph::elementTypeOf(static_cast<int>(type));
    node.builder.define(node.output(), std::move(whole));
    return true;
}

} // namespace

std::span<const NativeRow> weightRows()
{
    static constexpr std::array kRows{
        NativeRow{"", "Gemm", mapGemm},
        NativeRow{"", "MatMul", mapMatMul},
        NativeRow{"", "BatchNormalization", mapBatchNorm},
        NativeRow{"", "InstanceNormalization", mapInstanceNorm},
        NativeRow{"", "LayerNormalization", mapLayerNorm},
        NativeRow{"", "PRelu", mapPRelu},
        NativeRow{"", "Gather", mapGather},
        NativeRow{"", "Cast", mapCast},
    };
    return kRows;
}

} // namespace bitscape::io
