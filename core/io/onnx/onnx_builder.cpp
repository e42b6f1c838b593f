// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/onnx/onnx_builder.h"

#include "core/base/json_text.h"
#include "core/graph/shape_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace bitscape::io {

namespace {

using graph::ArrayValue;
using graph::ElementType;

template <class T>
T elementOf(std::string_view bytes, Index element)
{
    T value;
    std::memcpy(&value, bytes.data() + static_cast<std::size_t>(element) * sizeof(T), sizeof(T));
    return value;
}

double realOf(ElementType type, std::string_view bytes, Index element)
{
    switch (type) {
    case ElementType::Float16:
        return graph::fromFloat16(elementOf<std::uint16_t>(bytes, element));
    case ElementType::BFloat16:
        return graph::fromBFloat16(elementOf<std::uint16_t>(bytes, element));
    case ElementType::Double:
        return elementOf<double>(bytes, element);
    default:
        return static_cast<double>(elementOf<float>(bytes, element));
    }
}

/// Bits of an element, the rest 0.
std::uint64_t bitsOf(int bits, std::string_view bytes, Index element)
{
    if (bits < 8) {
        const Index perByte = 8 / bits;
        const auto byte = elementOf<std::uint8_t>(bytes, element / perByte);
        const auto shift = static_cast<unsigned>(element % perByte * bits);
        return (byte >> shift) & ((1U << static_cast<unsigned>(bits)) - 1U);
    }
    switch (bits) {
    case 8:
        return elementOf<std::uint8_t>(bytes, element);
    case 16:
        return elementOf<std::uint16_t>(bytes, element);
    case 32:
        return elementOf<std::uint32_t>(bytes, element);
    default:
        return elementOf<std::uint64_t>(bytes, element);
    }
}

/// An attribute as JSON; of a large array its type and sizes alone.
struct Description {
    Json operator()(const OnnxTensor& tensor) const
    {
        constexpr std::size_t kMostShown = 512; // bytes
        Json json{{"type", tensor.type}, {"sizes", tensor.dims}};
        if (tensor.bytes.size() > kMostShown) {
            return json;
        }
        if (const auto value = arrayOf(tensor)) {
            json["values"] =
                graph::isReal(value->type) ? Json(value->reals) : Json(value->integers);
        }
        return json;
    }
    Json operator()(const OnnxForeign& foreign) const { return foreign.what; }
    Json operator()(float value) const { return static_cast<double>(value); }
    template <class Other>
    Json operator()(const Other& value) const
    {
        return value;
    }
};

/// An attribute as functions take it.
struct Conversion {
    using Converted = Result<graph::Attribute>;

    Converted operator()(const OnnxTensor& tensor) const
    {
        auto value = arrayOf(tensor);
        if (!value) {
            return fail(std::move(value).error());
        }
        return graph::Attribute(std::move(*value));
    }
    Converted operator()(float value) const { return graph::Attribute(static_cast<double>(value)); }
    Converted operator()(const std::vector<float>& values) const
    {
        return graph::Attribute(std::vector<double>(values.begin(), values.end()));
    }
    Converted operator()(const OnnxForeign& foreign) const
    {
        return fail(ErrorCode::Unsupported, foreign.what + " as an attribute is not covered");
    }
    template <class Other>
    Converted operator()(const Other& value) const
    {
        return graph::Attribute(value);
    }
};

} // namespace

OnnxBuilder::OnnxBuilder(const OnnxModel& model, graph::BatchAxis batchAxis)
    : m_model(model), m_batchAxis(batchAxis)
{
    for (const OnnxNode& node : model.graph.nodes) {
        for (const std::string& input : node.inputs) {
            m_readers[input].push_back(&node);
            m_names.insert(input);
        }
        m_names.insert(node.outputs.begin(), node.outputs.end());
    }
    for (const OnnxValue& output : model.graph.outputs) {
        m_outputs.insert(output.name);
        m_names.insert(output.name);
    }
    for (const OnnxValue& input : model.graph.inputs) {
        m_names.insert(input.name);
    }
}

const OnnxKnown* OnnxBuilder::find(std::string_view tensor) const
{
    const auto found = m_known.find(tensor);
    return found == m_known.end() ? nullptr : &found->second;
}

const ArrayValue* OnnxBuilder::constant(const OnnxNode& node, std::size_t input) const
{
    const OnnxKnown* known = input < node.inputs.size() ? find(node.inputs[input]) : nullptr;
    return known == nullptr ? nullptr : known->constant.get();
}

std::span<const OnnxNode* const> OnnxBuilder::readers(std::string_view tensor) const
{
    const auto found = m_readers.find(tensor);
    return found == m_readers.end() ? std::span<const OnnxNode* const>() : found->second;
}

bool OnnxBuilder::isOutput(std::string_view tensor) const
{
    return m_outputs.contains(tensor);
}

bool OnnxBuilder::isUsed(std::string_view tensor) const
{
    return !tensor.empty() && (isOutput(tensor) || !readers(tensor).empty());
}

Result<int> OnnxBuilder::addLayer(graph::Layer layer)
{
    std::vector<Shape> inputs;
    for (const int input : layer.inputs) {
        inputs.push_back(this->layer(input).outputShape);
    }
    if (layer.isSupported()) {
        auto shape = graph::shapeOf(layer.op, inputs);
        if (!shape) {
            return fail(std::move(shape).error());
        }
        layer.parts = std::move(shape->parts);
        layer.macs = shape->macs;
        const auto* select = std::get_if<graph::SelectOp>(&layer.op);
        const auto* parts = select == nullptr ? nullptr : &this->layer(layer.inputs.front()).parts;
        if (parts != nullptr && static_cast<std::size_t>(select->part) < parts->size()) {
            layer.outputShape = (*parts)[static_cast<std::size_t>(select->part)];
        } else if (parts == nullptr) {
            layer.outputShape = shape->output;
        }
    }
    m_names.insert(layer.name);
    m_layers.push_back(std::move(layer));
    return static_cast<int>(m_layers.size()) - 1;
}

bool OnnxBuilder::hasLayer(std::string_view name) const
{
    return std::ranges::find(m_layers, name, &graph::Layer::name) != m_layers.end();
}

void OnnxBuilder::define(const std::string& tensor, OnnxKnown known)
{
    if (!tensor.empty()) {
        m_known[tensor] = std::move(known);
    }
}

void OnnxBuilder::defineOutput(const std::string& tensor, int index, ElementType type)
{
    const Shape& shape = layer(index).outputShape;
    OnnxKnown known{.layer = index,
                    .tensor = {.type = type,
                               .hasBatch = m_batchAxis == graph::BatchAxis::Samples,
                               .isScalar = layer(index).isScalar},
                    .isKnown = shape.rank() > 0};
    known.sizes = graph::sizesOf(known.tensor, shape);
    define(tensor, std::move(known));
}

std::string OnnxBuilder::freeName(const std::string& wish) const
{
    std::string name = wish;
    for (int number = 1; name.empty() || m_names.contains(name); ++number) {
        name = fmt::format("{}_{}", wish, number);
    }
    return name;
}

Result<ArrayValue> arrayOf(const OnnxTensor& tensor)
{
    const auto type = graph::elementTypeOf(tensor.type);
    if (!tensor.missing.empty() || !type) {
        return fail(ErrorCode::Unsupported,
                    !tensor.missing.empty()
                        ? tensor.missing
                        : fmt::format("the element type {} is not covered", tensor.type));
    }
    if (tensor.dims.size() > Shape::kMaxRank) {
        return fail(ErrorCode::Unsupported,
                    fmt::format("{} axes are more than {}", tensor.dims.size(), Shape::kMaxRank));
    }
    ArrayValue value = graph::zeros(*type, {tensor.dims.begin(), tensor.dims.end()});
    for (Index e = 0; e < std::ssize(value.reals); ++e) {
        value.reals[static_cast<std::size_t>(e)] = realOf(*type, tensor.bytes, e);
    }
    const int bits = *type == ElementType::Bool ? 8 : graph::bitsOf(*type);
    for (Index e = 0; e < std::ssize(value.integers); ++e) {
        value.setInteger(e, std::bit_cast<std::int64_t>(bitsOf(bits, tensor.bytes, e)));
    }
    return value;
}

Result<graph::Attributes> attributesOf(const OnnxNode& node)
{
    graph::Attributes attributes;
    for (const auto& [name, attribute] : node.attributes) {
        auto value = std::visit(Conversion{}, attribute);
        if (!value) {
            return fail(std::move(value).error());
        }
        attributes.emplace(name, std::move(*value));
    }
    return attributes;
}

std::string configOf(const OnnxNode& node)
{
    Json attributes = Json::object();
    for (const auto& [name, attribute] : node.attributes) {
        attributes[name] = std::visit(Description{}, attribute);
    }
    const Json config{{"name", node.name},
                      {"op_type", node.opType},
                      {"domain", node.domain},
                      {"attributes", std::move(attributes)}};
    return config.dump(-1, ' ', false, Json::error_handler_t::replace);
}

} // namespace bitscape::io
