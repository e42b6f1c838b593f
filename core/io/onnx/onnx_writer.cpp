// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/onnx/onnx_writer.h"

#include "core/io/onnx/onnx_proto.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

namespace bitscape::io {

namespace {

void put(const OnnxTensor& tensor, onnx::TensorProto& proto)
{
    proto.set_name(tensor.name);
    proto.set_data_type(tensor.type);
    for (const std::int64_t size : tensor.dims) {
        proto.add_dims(size);
    }
    proto.set_raw_data(tensor.bytes);
}

/// One attribute by the type of its value.
struct PutAttribute {
    onnx::AttributeProto& proto;

    void operator()(std::int64_t value) const
    {
        proto.set_type(onnx::AttributeProto::INT);
        proto.set_i(value);
    }
    void operator()(float value) const
    {
        proto.set_type(onnx::AttributeProto::FLOAT);
        proto.set_f(value);
    }
    void operator()(const std::string& value) const
    {
        proto.set_type(onnx::AttributeProto::STRING);
        proto.set_s(value);
    }
    void operator()(const std::vector<std::int64_t>& values) const
    {
        proto.set_type(onnx::AttributeProto::INTS);
        proto.mutable_ints()->Add(values.begin(), values.end());
    }
    void operator()(const std::vector<float>& values) const
    {
        proto.set_type(onnx::AttributeProto::FLOATS);
        proto.mutable_floats()->Add(values.begin(), values.end());
    }
    void operator()(const std::vector<std::string>& values) const
    {
        proto.set_type(onnx::AttributeProto::STRINGS);
        for (const std::string& value : values) {
            proto.add_strings(value);
        }
    }
    void operator()(const OnnxTensor& value) const
    {
        proto.set_type(onnx::AttributeProto::TENSOR);
        put(value, *proto.mutable_t());
    }
    void operator()(const OnnxForeign& /*value*/) const {}
};

void put(const OnnxNode& node, onnx::NodeProto& proto)
{
    proto.set_name(node.name);
    proto.set_op_type(node.opType);
    if (!node.domain.empty()) {
        proto.set_domain(node.domain);
    }
    for (const std::string& input : node.inputs) {
        proto.add_input(input);
    }
    for (const std::string& output : node.outputs) {
        proto.add_output(output);
    }
    for (const auto& [name, value] : node.attributes) {
        if (std::holds_alternative<OnnxForeign>(value)) {
            continue;
        }
        onnx::AttributeProto& attribute = *proto.add_attribute();
        attribute.set_name(name);
        std::visit(PutAttribute{attribute}, value);
    }
}

void put(const OnnxValue& value, onnx::ValueInfoProto& proto)
{
    proto.set_name(value.name);
    auto& type = *proto.mutable_type()->mutable_tensor_type();
    type.set_elem_type(value.type);
    if (!value.dims) {
        return;
    }
    auto& shape = *type.mutable_shape();
    for (const OnnxDim& dim : *value.dims) {
        auto& one = *shape.add_dim();
        if (dim.size >= 0) {
            one.set_dim_value(dim.size);
        } else if (!dim.symbol.empty()) {
            one.set_dim_param(dim.symbol);
        }
    }
}

void put(const OnnxGraph& graph, onnx::GraphProto& proto)
{
    proto.set_name(graph.name);
    for (const OnnxNode& node : graph.nodes) {
        put(node, *proto.add_node());
    }
    for (const OnnxTensor& tensor : graph.initializers) {
        if (tensor.missing.empty()) {
            put(tensor, *proto.add_initializer());
        }
    }
    for (const OnnxValue& input : graph.inputs) {
        put(input, *proto.add_input());
    }
    for (const OnnxValue& output : graph.outputs) {
        put(output, *proto.add_output());
    }
}

} // namespace

std::string writeOnnx(const OnnxModel& model)
{
    onnx::ModelProto proto;
    proto.set_ir_version(model.irVersion);
    proto.set_producer_name(model.producer);
    proto.set_producer_version(model.producerVersion);
    for (const auto& [domain, version] : model.opsets) {
        auto& opset = *proto.add_opset_import();
        opset.set_domain(domain);
        opset.set_version(version);
    }
    for (const auto& [key, value] : model.metadata) {
        auto& entry = *proto.add_metadata_props();
        entry.set_key(key);
        entry.set_value(value);
    }
    put(model.graph, *proto.mutable_graph());

    std::string bytes;
    {
        google::protobuf::io::StringOutputStream stream(&bytes);
        google::protobuf::io::CodedOutputStream coded(&stream);
        coded.SetSerializationDeterministic(true);
        proto.SerializeToCodedStream(&coded);
    } // the streams trim what they reserved
    return bytes;
}

} // namespace bitscape::io
