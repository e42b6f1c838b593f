// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/onnx/graph_writer.h"

#include <bit>
#include <cstring>

namespace bitscape::io {

namespace {

static_assert(std::endian::native == std::endian::little, "values are copied as they lie");

template <class T>
std::string bytesOf(std::span<const T> values)
{
    std::string bytes(values.size_bytes(), '\0');
    if (!values.empty()) {
        std::memcpy(bytes.data(), values.data(), bytes.size());
    }
    return bytes;
}

template <class T>
std::string bytesAs(std::span<const float> values)
{
    std::vector<T> converted;
    converted.reserve(values.size());
    for (const float value : values) {
        converted.push_back(static_cast<T>(value));
    }
    return bytesOf<T>(converted);
}

std::string bytesAs(OnnxType type, std::span<const float> values)
{
    switch (type) {
    case OnnxType::Float:
        return bytesOf(values);
    case OnnxType::UInt8:
        return bytesAs<std::uint8_t>(values);
    case OnnxType::Int8:
        return bytesAs<std::int8_t>(values);
    case OnnxType::UInt16:
        return bytesAs<std::uint16_t>(values);
    case OnnxType::Int16:
        return bytesAs<std::int16_t>(values);
    case OnnxType::Int32:
        return bytesAs<std::int32_t>(values);
    case OnnxType::Int64:
        return bytesAs<std::int64_t>(values);
    }
    return {};
}

} // namespace

std::string GraphWriter::fresh(const std::string& wish)
{
    std::string name = wish;
    for (int number = 1; !m_names.insert(name).second; ++number) {
        name = wish + "_" + std::to_string(number);
    }
    return name;
}

std::string GraphWriter::rename(const std::string& tensor, const std::string& name)
{
    if (!m_graph.nodes.empty() && m_graph.nodes.back().outputs.front() == tensor) {
        OnnxNode& node = m_graph.nodes.back();
        m_names.erase(tensor);
        m_names.insert(name);
        node.outputs.front() = name;
        node.name = name + "/" + node.opType;
        return name;
    }
    nodeOf("Identity", {tensor}, {name});
    return name;
}

std::string GraphWriter::constant(const std::string& wish, const Tensor& value)
{
    return constant(wish, value.values(), dimsOf(value.shape()));
}

std::string GraphWriter::constant(const std::string& wish, std::span<const float> values,
                                  std::vector<std::int64_t> dims)
{
    return codes(wish, OnnxType::Float, values, std::move(dims));
}

std::string GraphWriter::scalar(const std::string& wish, float value)
{
    return constant(wish, std::span(&value, 1), {});
}

std::string GraphWriter::integers(const std::string& wish, const std::vector<std::int64_t>& values)
{
    std::string name = fresh(wish);
    m_graph.initializers.push_back({.name = name,
                                    .type = static_cast<int>(OnnxType::Int64),
                                    .dims = {std::ssize(values)},
                                    .bytes = bytesOf(std::span<const std::int64_t>(values))});
    return name;
}

std::string GraphWriter::codes(const std::string& wish, OnnxType type,
                               std::span<const float> values, std::vector<std::int64_t> dims)
{
    std::string name = fresh(wish);
    m_graph.initializers.push_back({.name = name,
                                    .type = static_cast<int>(type),
                                    .dims = std::move(dims),
                                    .bytes = bytesAs(type, values)});
    return name;
}

std::string GraphWriter::tensor(const std::string& wish, OnnxTensor value)
{
    value.name = fresh(wish);
    m_graph.initializers.push_back(std::move(value));
    return m_graph.initializers.back().name;
}

std::string GraphWriter::node(std::string_view type, std::vector<std::string> inputs,
                              const std::string& wish, OnnxAttributes attributes,
                              std::string_view domain)
{
    std::string output = fresh(wish);
    nodeOf(type, std::move(inputs), {output}, std::move(attributes), domain);
    return output;
}

void GraphWriter::nodeOf(std::string_view type, std::vector<std::string> inputs,
                         std::vector<std::string> outputs, OnnxAttributes attributes,
                         std::string_view domain)
{
    m_graph.nodes.push_back({.name = outputs.front() + "/" + std::string(type),
                             .opType = std::string(type),
                             .domain = std::string(domain),
                             .inputs = std::move(inputs),
                             .outputs = std::move(outputs),
                             .attributes = std::move(attributes)});
}

std::vector<std::int64_t> dimsOf(const Shape& shape)
{
    return {shape.sizes().begin(), shape.sizes().end()};
}

Tensor permuted(const Tensor& value, std::span<const int> order)
{
    const Shape& from = value.shape();
    const auto rank = static_cast<std::size_t>(from.rank());
    std::vector<Index> steps(rank, 1);
    for (std::size_t axis = rank; axis-- > 1;) {
        steps[axis - 1] = steps[axis] * from[static_cast<int>(axis)];
    }
    Shape to = from;
    for (std::size_t axis = 0; axis < rank; ++axis) {
        to[static_cast<int>(axis)] = from[order[axis]];
    }
    Tensor out(to);
    std::vector<Index> at(rank, 0);
    for (float& target : out.values()) {
        Index source = 0;
        for (std::size_t axis = 0; axis < rank; ++axis) {
            source += at[axis] * steps[static_cast<std::size_t>(order[axis])];
        }
        target = value.data()[source];
        for (std::size_t axis = rank; axis-- > 0 && ++at[axis] == to[static_cast<int>(axis)];) {
            at[axis] = 0;
        }
    }
    return out;
}

} // namespace bitscape::io
