// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/onnx/native_node.h"

#include "core/io/onnx/graph_writer.h"

#include <algorithm>
#include <cmath>

namespace bitscape::io {

namespace {

using graph::ArrayValue;

/// One number, or a list of the tensor's shape.
quant::Value parameterOf(const Tensor& values)
{
    if (values.size() == 1) {
        return static_cast<double>(values.values().front());
    }
    return quant::NestedList{{values.values().begin(), values.values().end()},
                             dimsOf(values.shape())};
}

/// The sizes of a scale after its tensor got other ones; nothing if they do not tell.
std::optional<Shape> reshapedScale(const Shape& scale, const Shape& from, const Shape& to)
{
    if (scale.elementCount() == 1) {
        return Shape(std::vector<Index>(static_cast<std::size_t>(to.rank()), 1));
    }
    int own = -1; // the axis with scales
    Index before = 1;
    for (int axis = 0; axis < scale.rank(); ++axis) {
        if (scale[axis] > 1) {
            if (own >= 0) {
                return std::nullopt;
            }
            own = axis;
        }
        before *= own < 0 ? from[axis] : 1;
    }
    // Axes of the new shape that together are the old one.
    Shape result(std::vector<Index>(static_cast<std::size_t>(to.rank()), 1));
    Index passed = 1;
    Index taken = 1;
    for (int axis = 0; axis < to.rank(); ++axis) {
        if (passed == before && taken < scale[own]) {
            result[axis] = to[axis];
            taken *= to[axis];
        } else {
            passed *= taken == 1 ? to[axis] : 1;
        }
    }
    return taken == scale[own] ? std::optional(result) : std::nullopt;
}

} // namespace

NativeWeight NativeWeight::inOrder(std::span<const int> order) const
{
    NativeWeight result{permuted(value, order), nullptr};
    if (grid) {
        auto turned = std::make_shared<OnnxGrid>(*grid);
        turned->scale = permuted(grid->scale, order);
        turned->zeroPoint = permuted(grid->zeroPoint, order);
        result.grid = std::move(turned);
    }
    return result;
}

NativeWeight NativeWeight::reshaped(const Shape& shape) const
{
    NativeWeight result{Tensor(shape, value.values()), nullptr};
    if (grid) {
        const auto scale = reshapedScale(grid->scale.shape(), value.shape(), shape);
        if (scale) {
            auto turned = std::make_shared<OnnxGrid>(*grid);
            turned->scale = Tensor(*scale, grid->scale.values());
            turned->zeroPoint = Tensor(*scale, grid->zeroPoint.values());
            result.grid = std::move(turned);
        }
    }
    return result;
}

NativeWeight NativeWeight::times(float factor) const
{
    NativeWeight result = *this;
    if (factor == 1.0F) {
        return result;
    }
    for (float& number : result.value.values()) {
        number *= factor;
    }
    result.grid = nullptr;
    if (grid && factor > 0.0F) {
        auto scaled = std::make_shared<OnnxGrid>(*grid);
        for (float& number : scaled->scale.values()) {
            number *= factor;
        }
        result.grid = std::move(scaled);
    }
    return result;
}

quant::QuantizerPtr quantizerOf(const OnnxGrid& grid)
{
    quant::Parameters parameters;
    if (grid.isBipolar) {
        parameters["alpha"] = parameterOf(grid.scale);
        return quant::makeQuantizer("binary", std::move(parameters)).value_or(nullptr);
    }
    parameters["bits"] = std::int64_t{grid.bits};
    parameters["scale"] = parameterOf(grid.scale);
    parameters["zero_point"] = parameterOf(grid.zeroPoint);
    parameters["signed"] = grid.isSigned;
    parameters["narrow"] = grid.isNarrow;
    parameters["rounding"] = grid.rounding;
    return quant::makeQuantizer("affine", std::move(parameters)).value_or(nullptr);
}

std::int64_t NativeNode::integer(std::string_view name, std::int64_t otherwise) const
{
    const auto* value = node.attribute(name);
    const auto* held = value == nullptr ? nullptr : std::get_if<std::int64_t>(value);
    return held == nullptr ? otherwise : *held;
}

float NativeNode::real(std::string_view name, float otherwise) const
{
    const auto* value = node.attribute(name);
    const auto* held = value == nullptr ? nullptr : std::get_if<float>(value);
    return held == nullptr ? otherwise : *held;
}

std::string NativeNode::text(std::string_view name, const std::string& otherwise) const
{
    const auto* value = node.attribute(name);
    const auto* held = value == nullptr ? nullptr : std::get_if<std::string>(value);
    return held == nullptr ? otherwise : *held;
}

std::vector<std::int64_t> NativeNode::integers(std::string_view name) const
{
    const auto* value = node.attribute(name);
    const auto* held = value == nullptr ? nullptr : std::get_if<std::vector<std::int64_t>>(value);
    return held == nullptr ? std::vector<std::int64_t>{} : *held;
}

const OnnxKnown* NativeNode::tensor(std::size_t input) const
{
    const OnnxKnown* found = known(input);
    const bool isReal =
        found != nullptr && !found->grid && found->tensor.type == graph::ElementType::Float32;
    return isReal ? found : nullptr;
}

const OnnxKnown* NativeNode::known(std::size_t input) const
{
    const OnnxKnown* known = has(input) ? builder.find(node.inputs[input]) : nullptr;
    const bool isUsable = known != nullptr && !known->constant && known->isKnown &&
                          known->tensor.hasBatch && known->sizes.size() > 1;
    return isUsable ? known : nullptr;
}

const ArrayValue* NativeNode::constant(std::size_t input) const
{
    return has(input) ? builder.constant(node, input) : nullptr;
}

std::optional<std::vector<std::int64_t>> NativeNode::integersOf(std::size_t input,
                                                                std::string_view attribute) const
{
    if (const ArrayValue* value = constant(input)) {
        std::vector<std::int64_t> list;
        for (Index e = 0; e < value->count(); ++e) {
            list.push_back(value->integer(e));
        }
        return list;
    }
    if (has(input) || !hasAttribute(attribute)) {
        return std::nullopt;
    }
    return integers(attribute);
}

std::optional<NativeWeight> NativeNode::weight(std::size_t input) const
{
    const ArrayValue* value = constant(input);
    if (value == nullptr || !graph::isReal(value->type) || value->rank() >= Shape::kMaxRank) {
        return std::nullopt;
    }
    NativeWeight weight{Tensor(Shape(value->sizes)), builder.find(node.inputs[input])->grid};
    graph::toFloats(*value, weight.value.values());
    const bool isFinite = std::ranges::all_of(weight.value.values(),
                                              [](float number) { return std::isfinite(number); });
    return isFinite ? std::optional(std::move(weight)) : std::nullopt;
}

std::optional<float> NativeNode::number(std::size_t input) const
{
    const ArrayValue* value = constant(input);
    if (value == nullptr || value->count() != 1 || !graph::isReal(value->type)) {
        return std::nullopt;
    }
    return static_cast<float>(value->real(0));
}

std::optional<NativeNode::Source> NativeNode::asIs(std::size_t input) const
{
    const OnnxKnown* known = this->known(input);
    if (known == nullptr) {
        return std::nullopt;
    }
    if (known->channelsLast >= 0) {
        return Source{known->channelsLast, OnnxLayout::ChannelsLast, {}};
    }
    if (known->mixed >= 0) {
        return Source{known->mixed, OnnxLayout::Mixed, known->mixedShape};
    }
    const auto layer = plain(input);
    return layer ? std::optional(Source{*layer, OnnxLayout::Plain, {}}) : std::nullopt;
}

std::string NativeNode::layerName(const std::string& tensor, OnnxLayout layout) const
{
    const bool isTurned = layout != OnnxLayout::Plain && builder.isOutput(tensor);
    return isTurned ? builder.freeName(tensor + "/channels_last") : tensor;
}

bool NativeNode::usesMoreOutputs() const
{
    return std::any_of(node.outputs.begin() + 1, node.outputs.end(),
                       [this](const std::string& name) { return builder.isUsed(name); });
}

std::optional<int> NativeNode::add(const std::string& name, Part part)
{
    graph::Layer layer{.name = name,
                       .className = std::move(part.className),
                       .op = std::move(part.op),
                       .inputs = std::move(part.inputs),
                       .weights = std::move(part.weights),
                       .originalConfig = configOf(node)};
    const auto index = addNative(builder, std::move(layer));
    if (index) {
        for (const auto& [slot, quantizer] : part.quantizers) {
            builder.quantizers.set(name, slot, quantizer);
        }
    }
    return index;
}

bool NativeNode::give(Part part, OnnxLayout layout, const Shape& mixedShape)
{
    return give(output(), std::move(part), layout, mixedShape);
}

bool NativeNode::give(const std::string& tensor, Part part, OnnxLayout layout,
                      const Shape& mixedShape)
{
    const auto index = add(layerName(tensor, layout), std::move(part));
    if (!index) {
        return false;
    }
    const bool isRow = builder.layer(*index).outputShape.rank() == 1;
    const bool isTurned = layout == OnnxLayout::ChannelsLast && !isRow;
    if (layout == OnnxLayout::ChannelsLast && isRow && builder.isOutput(tensor)) {
        return false; // named for a turned tensor
    }
    define(tensor, *index,
           layout == OnnxLayout::ChannelsLast && !isTurned ? OnnxLayout::Plain : layout,
           mixedShape);
    return true;
}

std::optional<int> NativeNode::step(const char* what, Part part)
{
    const auto named =
        std::ranges::find_if(node.outputs, [](const std::string& name) { return !name.empty(); });
    const std::string prefix = named == node.outputs.end() ? node.name : *named;
    return add(builder.freeName(prefix + "/" + what), std::move(part));
}

bool NativeNode::alias(int layer, OnnxLayout layout, const Shape& mixedShape)
{
    if (builder.isOutput(output())) {
        return give({"Activation", graph::ActivationOp{}, {layer}}, layout, mixedShape);
    }
    define(output(), layer, layout, mixedShape);
    return true;
}

void NativeNode::define(const std::string& tensor, int layer, OnnxLayout layout,
                        const Shape& mixedShape)
{
    defineIn(builder, tensor, layer, layout, mixedShape);
    OnnxKnown known = *builder.find(tensor);
    known.tensor.type = m_type;
    known.grid = m_grid;
    builder.define(tensor, std::move(known));
}

void NativeNode::keepMeaning(std::size_t input)
{
    const OnnxKnown* found = known(input);
    m_type = found->tensor.type;
    m_grid = found->grid;
}

void NativeNode::giveCodes(graph::ElementType type, std::shared_ptr<const OnnxGrid> grid)
{
    m_type = type;
    m_grid = std::move(grid);
}

bool NativeNode::giveFunction(const graph::Function& function, std::size_t input)
{
    const auto source = tensor(input) == nullptr ? std::nullopt : asIs(input);
    return source && give({"Activation", graph::ActivationOp{function}, {source->layer}},
                          source->layout, source->mixedShape);
}

graph::Weight weightOf(std::string name, const NativeNode& node, std::size_t input, Tensor value)
{
    return {.name = std::move(name),
            .fileName = node.inputName(input),
            .value = std::make_shared<const Tensor>(std::move(value))};
}

void addQuantizer(const NativeWeight& weight, graph::Slot slot, graph::LayerQuantizers& quantizers)
{
    auto quantizer = weight.grid ? quantizerOf(*weight.grid) : nullptr;
    if (quantizer && quantizer->accepts(weight.value.shape())) {
        quantizers[slot] = std::move(quantizer);
    }
}

} // namespace bitscape::io
