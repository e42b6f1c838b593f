// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/io/onnx/onnx_import.h"
#include "core/io/onnx/onnx_proto.h"

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// ONNX models made in memory.
namespace bitscape::io::testing {

class OnnxMaker {
public:
    explicit OnnxMaker(int opset = 17)
    {
        m_model.set_ir_version(8);
        m_model.set_producer_name("maker");
        m_model.mutable_graph()->set_name("made");
        useDomain("", opset);
    }

    void useDomain(const std::string& domain, int version)
    {
        auto* import = m_model.add_opset_import();
        import->set_domain(domain);
        import->set_version(version);
    }

    /// A size below 0 is a symbol.
    void input(const std::string& name, const std::vector<int>& sizes, int type = 1)
    {
        describe(*m_model.mutable_graph()->add_input(), name, sizes, type);
    }
    void output(const std::string& name, const std::vector<int>& sizes = {}, int type = 1)
    {
        describe(*m_model.mutable_graph()->add_output(), name, sizes, type);
    }
    void floats(const std::string& name, const std::vector<int>& sizes,
                const std::vector<float>& values)
    {
        auto* tensor = newTensor(name, sizes, onnx::TensorProto::FLOAT);
        tensor->mutable_float_data()->Add(values.begin(), values.end());
    }
    void integers(const std::string& name, const std::vector<int>& sizes,
                  const std::vector<std::int64_t>& values)
    {
        auto* tensor = newTensor(name, sizes, onnx::TensorProto::INT64);
        tensor->mutable_int64_data()->Add(values.begin(), values.end());
    }
    onnx::TensorProto* newTensor(const std::string& name, const std::vector<int>& sizes, int type)
    {
        auto* tensor = m_model.mutable_graph()->add_initializer();
        tensor->set_name(name);
        tensor->set_data_type(type);
        tensor->mutable_dims()->Add(sizes.begin(), sizes.end());
        return tensor;
    }
    onnx::NodeProto* node(const std::string& operation, const std::vector<std::string>& inputs,
                          const std::vector<std::string>& outputs, const std::string& domain = "")
    {
        auto* node = m_model.mutable_graph()->add_node();
        node->set_op_type(operation);
        node->set_domain(domain);
        for (const std::string& one : inputs) {
            node->add_input(one);
        }
        for (const std::string& one : outputs) {
            node->add_output(one);
        }
        return node;
    }
    static void set(onnx::NodeProto* node, const std::string& name, std::int64_t value)
    {
        auto* attribute = node->add_attribute();
        attribute->set_name(name);
        attribute->set_type(onnx::AttributeProto::INT);
        attribute->set_i(value);
    }
    static void set(onnx::NodeProto* node, const std::string& name,
                    const std::vector<std::int64_t>& values)
    {
        auto* attribute = node->add_attribute();
        attribute->set_name(name);
        attribute->set_type(onnx::AttributeProto::INTS);
        attribute->mutable_ints()->Add(values.begin(), values.end());
    }

    onnx::ModelProto& model() { return m_model; }
    [[nodiscard]] std::string bytes() const { return m_model.SerializeAsString(); }
    [[nodiscard]] Result<ModelFile> import() const
    {
        return readOnnxModel("made.onnx", std::make_shared<const std::string>(bytes()));
    }

private:
    static void describe(onnx::ValueInfoProto& value, const std::string& name,
                         const std::vector<int>& sizes, int type)
    {
        value.set_name(name);
        auto* tensor = value.mutable_type()->mutable_tensor_type();
        tensor->set_elem_type(type);
        auto* shape = tensor->mutable_shape();
        for (const int size : sizes) {
            auto* dim = shape->add_dim();
            if (size < 0) {
                dim->set_dim_param("N");
            } else {
                dim->set_dim_value(size);
            }
        }
    }

    onnx::ModelProto m_model;
};

} // namespace bitscape::io::testing
