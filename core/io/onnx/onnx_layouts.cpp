// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/onnx/onnx_layouts.h"

#include "core/graph/layer_registry.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

namespace bitscape::io {

namespace {

/// The axes of a sample moved, or renamed where moving changes no order in memory.
std::optional<int> addMoved(OnnxBuilder& builder, int layer, const std::vector<Index>& dims,
                            const std::string& name)
{
    const Shape& shape = builder.layer(layer).outputShape;
    Shape target = shape;
    Index last = -1; // of the axes that hold more than one element
    bool keepsOrder = true;
    for (std::size_t axis = 0; axis < dims.size(); ++axis) {
        const Index size = shape[static_cast<int>(dims[axis]) - 1];
        target[static_cast<int>(axis)] = size;
        keepsOrder = keepsOrder && size >= 0 && (size == 1 || dims[axis] > last);
        last = size == 1 ? last : dims[axis];
    }
    if (keepsOrder) {
        return addNative(builder,
                         {.name = name,
                          .className = "Reshape",
                          .op = graph::ReshapeOp{{target.sizes().begin(), target.sizes().end()}},
                          .inputs = {layer}});
    }
    return addNative(builder, {.name = name,
                               .className = "Permute",
                               .op = kerasOp("Permute", {{"dims", dims}}),
                               .inputs = {layer}});
}

std::vector<Index> toLast(int rank)
{
    std::vector<Index> dims(static_cast<std::size_t>(rank));
    std::iota(dims.begin(), dims.end(), 2);
    dims.back() = 1;
    return dims;
}

std::vector<Index> toFirst(int rank)
{
    std::vector<Index> dims(static_cast<std::size_t>(rank));
    std::iota(dims.begin(), dims.end(), 0);
    dims.front() = rank;
    return dims;
}

std::string plainName(const OnnxBuilder& builder, const std::string& tensor)
{
    const bool isTensor = builder.isOutput(tensor) && !builder.hasLayer(tensor);
    return isTensor ? tensor : builder.freeName(tensor + "/channels_first");
}

std::optional<int> fromMixed(OnnxBuilder& builder, const OnnxKnown& known,
                             const std::string& tensor)
{
    const Shape& shape = known.mixedShape;
    const auto image =
        addNative(builder, {.name = builder.freeName(tensor + "/channels_last"),
                            .className = "Reshape",
                            .op = graph::ReshapeOp{{shape.sizes().begin(), shape.sizes().end()}},
                            .inputs = {known.mixed}});
    const auto turned = image ? addMoved(builder, *image, toFirst(shape.rank()),
                                         builder.freeName(tensor + "/channels_first"))
                              : std::nullopt;
    return turned ? addNative(builder, {.name = plainName(builder, tensor),
                                        .className = "Flatten",
                                        .op = graph::FlattenOp{},
                                        .inputs = {*turned}})
                  : std::nullopt;
}

/// Codes of a tensor whose layers give real numbers.
std::optional<int> addCodes(OnnxBuilder& builder, const std::string& tensor, int real,
                            const OnnxGrid& grid)
{
    const float scale = grid.scale.values().front();
    const float zero = grid.zeroPoint.values().front();
    const std::string name = plainName(builder, tensor);
    const auto codes =
        addNative(builder, {.name = builder.freeName(tensor + "/steps"),
                            .className = "Rescaling",
                            .op = kerasOp("Rescaling", {{"scale", 1.0F / scale}, {"offset", zero}}),
                            .inputs = {real}});
    if (!codes) {
        return std::nullopt;
    }
    const auto whole = addNative(
        builder,
        {.name = name, .className = "Activation", .op = graph::ActivationOp{}, .inputs = {*codes}});
    auto rounding = quant::makeQuantizer(
        "affine", {{"bits", std::int64_t{24}}, {"scale", 1.0}, {"zero_point", 0.0}});
    if (whole && rounding) {
        builder.quantizers.set(name, graph::Slot::Activation, *rounding);
    }
    return whole;
}

} // namespace

graph::Op kerasOp(const std::string& className, const Json& config, int major)
{
    auto meaning = graph::readLayerConfig(className, config, {.major = major});
    if (!meaning) {
        return graph::UnsupportedOp{meaning.error().message};
    }
    const bool isOther =
        meaning->lastAxis != 0 && !std::holds_alternative<graph::UnsupportedOp>(meaning->otherwise);
    return isOther ? std::move(meaning->otherwise) : std::move(meaning->op);
}

std::optional<int> addNative(OnnxBuilder& builder, graph::Layer layer)
{
    if (!layer.isSupported()) {
        return std::nullopt;
    }
    auto index = builder.addLayer(std::move(layer));
    return index ? std::optional(*index) : std::nullopt;
}

Shape channelsLastShape(const graph::Sizes& sizes)
{
    std::vector<Index> shape(sizes.begin() + 1, sizes.end());
    if (shape.size() > 1) {
        std::rotate(shape.begin(), shape.begin() + 1, shape.end());
    }
    return Shape(shape);
}

std::optional<int> plainLayer(OnnxBuilder& builder, const std::string& tensor)
{
    const OnnxKnown* found = builder.find(tensor);
    if (found == nullptr || found->constant || !found->isKnown) {
        return std::nullopt;
    }
    if (found->layer >= 0) {
        return found->layer;
    }
    OnnxKnown known = *found;
    std::optional<int> layer;
    if (known.channelsLast >= 0) {
        const int rank = builder.layer(known.channelsLast).outputShape.rank();
        layer = addMoved(builder, known.channelsLast, toFirst(rank), plainName(builder, tensor));
    } else if (known.mixed >= 0) {
        layer = fromMixed(builder, known, tensor);
    } else if (known.timeFirst >= 0) {
        const Shape& shape = builder.layer(known.timeFirst).outputShape;
        layer = addNative(builder, {.name = plainName(builder, tensor),
                                    .className = "Reshape",
                                    .op = graph::ReshapeOp{{shape[0], 1, shape[1]}},
                                    .inputs = {known.timeFirst}});
        known.tensor.hasBatch = false;
    }
    if (layer) {
        known.layer = *layer;
        builder.define(tensor, std::move(known));
    }
    return layer;
}

std::optional<int> channelsLastLayer(OnnxBuilder& builder, const std::string& tensor)
{
    const OnnxKnown* found = builder.find(tensor);
    if (found == nullptr || found->constant || !found->isKnown || !found->tensor.hasBatch) {
        return std::nullopt;
    }
    if (found->channelsLast >= 0) {
        return found->channelsLast;
    }
    const auto plain = plainLayer(builder, tensor);
    if (!plain || builder.layer(*plain).outputShape.rank() < 2) {
        return plain;
    }
    const int rank = builder.layer(*plain).outputShape.rank();
    const auto layer =
        addMoved(builder, *plain, toLast(rank), builder.freeName(tensor + "/channels_last"));
    if (layer) {
        OnnxKnown known = *builder.find(tensor);
        known.channelsLast = *layer;
        builder.define(tensor, std::move(known));
    }
    return layer;
}

void makePlain(OnnxBuilder& builder, const std::string& tensor)
{
    const OnnxKnown* found = builder.find(tensor);
    if (found == nullptr || found->constant || (found->layer >= 0 && !found->grid)) {
        return;
    }
    auto layer = plainLayer(builder, tensor);
    OnnxKnown known = *builder.find(tensor);
    if (known.grid && layer) {
        layer = addCodes(builder, tensor, *layer, *known.grid);
        known.grid = nullptr;
        known.channelsLast = known.mixed = known.timeFirst = -1;
    }
    if (layer) {
        known.layer = *layer;
        builder.define(tensor, std::move(known));
    }
}

void defineIn(OnnxBuilder& builder, const std::string& tensor, int layer, OnnxLayout layout,
              const Shape& mixedShape)
{
    const Shape& shape = builder.layer(layer).outputShape;
    OnnxKnown known;
    known.tensor = {.type = graph::ElementType::Float32, .hasBatch = true};
    known.sizes = graph::sizesOf(known.tensor, shape);
    switch (shape.rank() > 1 || layout == OnnxLayout::Mixed ? layout : OnnxLayout::Plain) {
    case OnnxLayout::Plain:
        known.layer = layer;
        break;
    case OnnxLayout::ChannelsLast:
        known.channelsLast = layer;
        std::rotate(known.sizes.begin() + 1, known.sizes.end() - 1, known.sizes.end());
        break;
    case OnnxLayout::Mixed:
        known.mixed = layer;
        known.mixedShape = mixedShape;
        break;
    }
    builder.define(tensor, std::move(known));
}

} // namespace bitscape::io
