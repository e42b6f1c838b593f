// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/onnx/onnx_model.h"

#include "core/io/onnx/onnx_proto.h"

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>

namespace bitscape::io {

namespace {

static_assert(std::endian::native == std::endian::little, "values are copied as they lie");

constexpr int kDeepest = 64; // messages in messages; subgraphs make the depth
constexpr std::uint64_t kMostElements = std::uint64_t{1} << 31;

struct TypeBits {
    int type;
    int bits;
};

/// Codes of types with elements of a fixed size. Bits 8 for bool.
constexpr std::array kTypeBits{
    TypeBits{1, 32},  TypeBits{2, 8},   TypeBits{3, 8},   TypeBits{4, 16},   TypeBits{5, 16},
    TypeBits{6, 32},  TypeBits{7, 64},  TypeBits{9, 8},   TypeBits{10, 16},  TypeBits{11, 64},
    TypeBits{12, 32}, TypeBits{13, 64}, TypeBits{14, 64}, TypeBits{15, 128}, TypeBits{16, 16},
    TypeBits{17, 8},  TypeBits{18, 8},  TypeBits{19, 8},  TypeBits{20, 8},   TypeBits{21, 4},
    TypeBits{22, 4},  TypeBits{23, 4},  TypeBits{24, 8},  TypeBits{25, 2},   TypeBits{26, 2}};

Failure corrupt(std::string message, const std::string& where)
{
    return fail(ErrorCode::CorruptFile, std::move(message), where);
}

std::string domainOf(const std::string& domain)
{
    return domain == "ai.onnx" ? "" : domain;
}

/// The typed fields hold one element in each number, at least 32 bits wide; types below 8 bits two
/// or four of them in each byte.
template <class Wide, class Numbers>
std::string narrowed(const Numbers& numbers, std::size_t width)
{
    std::string bytes;
    bytes.reserve(static_cast<std::size_t>(numbers.size()) * width);
    for (const auto number : numbers) {
        const Wide wide = static_cast<Wide>(number);
        std::array<char, sizeof(Wide)> raw{};
        std::memcpy(raw.data(), &wide, sizeof wide);
        bytes.append(raw.data(), width);
    }
    return bytes;
}

/// What the file holds in whichever field, as raw bytes.
std::string valuesOf(const onnx::TensorProto& tensor, int bits)
{
    const std::size_t width = bits < 8 ? 1 : static_cast<std::size_t>(bits) / 8;
    if (tensor.has_raw_data()) {
        return tensor.raw_data();
    }
    if (tensor.float_data_size() > 0) {
        return narrowed<float>(tensor.float_data(), sizeof(float));
    }
    if (tensor.double_data_size() > 0) {
        return narrowed<double>(tensor.double_data(), sizeof(double));
    }
    if (tensor.int64_data_size() > 0) {
        return narrowed<std::int64_t>(tensor.int64_data(), sizeof(std::int64_t));
    }
    if (tensor.uint64_data_size() > 0) {
        return narrowed<std::uint64_t>(tensor.uint64_data(), std::min<std::size_t>(width, 8));
    }
    return narrowed<std::int32_t>(tensor.int32_data(), std::min<std::size_t>(width, 4));
}

Result<OnnxTensor> tensorOf(const onnx::TensorProto& proto, const std::string& where)
{
    OnnxTensor tensor{.name = proto.name(), .type = proto.data_type()};
    tensor.dims.assign(proto.dims().begin(), proto.dims().end());
    const std::string place = where + ", tensor " + (proto.name().empty() ? "?" : proto.name());
    std::uint64_t elements = 1;
    for (const std::int64_t size : tensor.dims) {
        if (size < 0) {
            return corrupt(fmt::format("It has an axis of the size {}.", size), place);
        }
        if (size > 0 && elements > kMostElements / static_cast<std::uint64_t>(size)) {
            return corrupt("Its sizes make no sense.", place);
        }
        elements *= static_cast<std::uint64_t>(size);
    }
    if (proto.data_location() == onnx::TensorProto::EXTERNAL || proto.external_data_size() > 0) {
        tensor.missing = "its values are in another file, which is not read";
        return tensor;
    }
    const auto wanted = onnxBytes(tensor.type, elements);
    if (!wanted) {
        tensor.missing = fmt::format("the element type {} is not covered", tensor.type);
        return tensor;
    }
    const auto* row = std::ranges::find(kTypeBits, tensor.type, &TypeBits::type);
    tensor.bytes = valuesOf(proto, row->bits);
    if (tensor.bytes.size() != *wanted) {
        return corrupt(fmt::format("Its values take {} bytes, its sizes {} want {}.",
                                   tensor.bytes.size(), fmt::join(tensor.dims, "×"), *wanted),
                       place);
    }
    return tensor;
}

template <class T, class Numbers>
std::vector<T> listOf(const Numbers& numbers)
{
    return {numbers.begin(), numbers.end()};
}

Result<OnnxAttribute> attributeOf(const onnx::AttributeProto& proto, const std::string& where)
{
    using Type = onnx::AttributeProto;
    const auto tensor = [&](const onnx::TensorProto& one) -> Result<OnnxAttribute> {
        auto read = tensorOf(one, where + ", attribute " + proto.name());
        if (!read) {
            return fail(std::move(read).error());
        }
        return OnnxAttribute(std::move(*read));
    };
    if (!proto.ref_attr_name().empty()) {
        return OnnxAttribute(OnnxForeign{"a reference to an attribute"});
    }
    switch (proto.type()) {
    case Type::FLOAT:
        return OnnxAttribute(proto.f());
    case Type::INT:
        return OnnxAttribute(std::int64_t{proto.i()});
    case Type::STRING:
        return OnnxAttribute(proto.s());
    case Type::TENSOR:
        return tensor(proto.t());
    case Type::FLOATS:
        return OnnxAttribute(listOf<float>(proto.floats()));
    case Type::INTS:
        return OnnxAttribute(listOf<std::int64_t>(proto.ints()));
    case Type::STRINGS:
        return OnnxAttribute(listOf<std::string>(proto.strings()));
    case Type::GRAPH:
    case Type::GRAPHS:
        return OnnxAttribute(OnnxForeign{"a graph"});
    default:
        break;
    }
    // The first versions did not write the type.
    if (proto.ints_size() > 0) {
        return OnnxAttribute(listOf<std::int64_t>(proto.ints()));
    }
    if (proto.floats_size() > 0) {
        return OnnxAttribute(listOf<float>(proto.floats()));
    }
    if (proto.strings_size() > 0) {
        return OnnxAttribute(listOf<std::string>(proto.strings()));
    }
    if (proto.has_i()) {
        return OnnxAttribute(std::int64_t{proto.i()});
    }
    if (proto.has_f()) {
        return OnnxAttribute(proto.f());
    }
    if (proto.has_s()) {
        return OnnxAttribute(proto.s());
    }
    if (proto.has_t()) {
        return tensor(proto.t());
    }
    return OnnxAttribute(OnnxForeign{proto.has_g() ? "a graph" : "no number, text or tensor"});
}

Result<OnnxNode> nodeOf(const onnx::NodeProto& proto, const std::string& where)
{
    OnnxNode node{.name = proto.name(),
                  .opType = proto.op_type(),
                  .domain = domainOf(proto.domain()),
                  .inputs = listOf<std::string>(proto.input()),
                  .outputs = listOf<std::string>(proto.output())};
    const std::string place = where + ", node " + (node.name.empty() ? node.opType : node.name);
    for (const onnx::AttributeProto& one : proto.attribute()) {
        auto attribute = attributeOf(one, place);
        if (!attribute) {
            return fail(std::move(attribute).error());
        }
        node.attributes.emplace_back(one.name(), std::move(*attribute));
    }
    return node;
}

OnnxValue valueOf(const onnx::ValueInfoProto& proto)
{
    OnnxValue value{.name = proto.name()};
    const onnx::TypeProto& type = proto.type();
    if (!type.has_tensor_type()) {
        value.kind = type.has_sequence_type()        ? "sequence"
                     : type.has_optional_type()      ? "optional"
                     : type.has_map_type()           ? "map"
                     : type.has_sparse_tensor_type() ? "sparse tensor"
                                                     : "value of no type";
        return value;
    }
    value.type = type.tensor_type().elem_type();
    if (type.tensor_type().has_shape()) {
        value.dims.emplace();
        for (const auto& dim : type.tensor_type().shape().dim()) {
            const bool isKnown = dim.has_dim_value() && dim.dim_value() >= 0;
            value.dims->push_back(
                {.size = isKnown ? std::int64_t{dim.dim_value()} : -1, .symbol = dim.dim_param()});
        }
    }
    return value;
}

Result<OnnxGraph> graphOf(const onnx::GraphProto& proto, const std::string& where)
{
    OnnxGraph graph{.name = proto.name()};
    for (const onnx::NodeProto& one : proto.node()) {
        auto node = nodeOf(one, where);
        if (!node) {
            return fail(std::move(node).error());
        }
        graph.nodes.push_back(std::move(*node));
    }
    for (const onnx::TensorProto& one : proto.initializer()) {
        auto tensor = tensorOf(one, where);
        if (!tensor) {
            return fail(std::move(tensor).error());
        }
        graph.initializers.push_back(std::move(*tensor));
    }
    for (const auto& one : proto.sparse_initializer()) {
        graph.initializers.push_back(
            {.name = one.values().name(), .missing = "a sparse tensor is not covered"});
    }
    for (const onnx::ValueInfoProto& one : proto.input()) {
        graph.inputs.push_back(valueOf(one));
    }
    for (const onnx::ValueInfoProto& one : proto.output()) {
        graph.outputs.push_back(valueOf(one));
    }
    return graph;
}

} // namespace

const OnnxAttribute* OnnxNode::attribute(std::string_view wanted) const
{
    const auto found =
        std::ranges::find_if(attributes, [&](const auto& one) { return one.first == wanted; });
    return found == attributes.end() ? nullptr : &found->second;
}

std::string OnnxNode::className() const
{
    return domain.empty() ? opType : domain + "::" + opType;
}

int OnnxModel::opset(std::string_view domain) const
{
    const auto found =
        std::ranges::find_if(opsets, [&](const auto& one) { return one.first == domain; });
    return found == opsets.end()
               ? 1
               : static_cast<int>(std::clamp<std::int64_t>(found->second, 1, 1000));
}

std::optional<std::uint64_t> onnxBytes(int type, std::uint64_t elements)
{
    const auto row = std::ranges::find(kTypeBits, type, &TypeBits::type);
    if (row == kTypeBits.end()) {
        return std::nullopt;
    }
    return (elements * static_cast<std::uint64_t>(row->bits) + 7) / 8;
}

Result<OnnxModel> readOnnx(std::string_view bytes, const std::string& where)
{
    if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
        return fail(ErrorCode::Unsupported, "The file is larger than ONNX allows (2 GiB).", where);
    }
    onnx::ModelProto proto;
    google::protobuf::io::CodedInputStream stream(
        reinterpret_cast<const std::uint8_t*>(bytes.data()), static_cast<int>(bytes.size()));
    stream.SetRecursionLimit(kDeepest);
    if (!proto.ParseFromCodedStream(&stream) || !stream.ConsumedEntireMessage()) {
        return corrupt("The file is damaged: it is no whole ONNX model.", where);
    }
    if (!proto.has_graph()) {
        return corrupt("The ONNX model holds no graph.", where);
    }
    OnnxModel model{.irVersion = proto.ir_version(),
                    .producer = proto.producer_name(),
                    .producerVersion = proto.producer_version()};
    for (const auto& one : proto.opset_import()) {
        model.opsets.emplace_back(domainOf(one.domain()), one.version());
    }
    for (const auto& one : proto.metadata_props()) {
        model.metadata.emplace_back(one.key(), one.value());
    }
    for (const auto& one : proto.functions()) {
        model.functions.push_back(one.name());
    }
    auto graph = graphOf(proto.graph(), where);
    if (!graph) {
        return fail(std::move(graph).error());
    }
    model.graph = std::move(*graph);
    return model;
}

} // namespace bitscape::io
