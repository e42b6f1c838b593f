// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/tflite/tflite_writer.h"

#include "core/io/tflite/tflite_schema.h"

#include <flatbuffers/flatbuffers.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

namespace bitscape::io {

namespace {

using flatbuffers::uoffset_t;
using flatbuffers::voffset_t;
using Any = flatbuffers::Offset<void>;

voffset_t place(int field)
{
    return flatbuffers::FieldIndexToOffset(static_cast<voffset_t>(field));
}

/// Writes tables; what they refer to is written before they are begun.
class Writer {
public:
    std::string write(const TfliteModel& model, const std::string& runtime)
    {
        namespace s = schema;
        const TfliteSubgraph& graph = model.subgraphs.front();
        m_buffers.push_back(buffer({})); // number 0 is the empty one
        std::vector<Any> tensors;
        for (const TfliteTensor& one : graph.tensors) {
            tensors.push_back(tensor(one));
        }
        std::vector<Any> operators;
        for (const TfliteOperator& one : graph.operators) {
            operators.push_back(operation(one));
        }
        const Any subgraph = subgraphOf(graph, tensors, operators);
        constexpr std::size_t kVersionBytes = 16;
        std::string version = runtime;
        version.resize(kVersionBytes, '\0');
        const auto versionBuffer = static_cast<std::uint32_t>(m_buffers.size());
        m_buffers.push_back(buffer(version));
        const Any metadataName = text("min_runtime_version");
        const auto start = m_builder.StartTable();
        refer(s::Metadata::name, metadataName);
        m_builder.AddElement<std::uint32_t>(place(s::Metadata::buffer), versionBuffer, 0);
        const Any metadata = m_builder.EndTable(start);

        const Any codes = vector(operatorCodes());
        const Any subgraphs = vector({subgraph});
        const Any description = text(model.description);
        const Any buffers = vector(m_buffers);
        const Any metadataList = vector({metadata});
        const Any signatures = vector({signature(graph)});
        const auto root = m_builder.StartTable();
        m_builder.AddElement<std::uint32_t>(place(s::Model::version), s::kVersion, 0);
        refer(s::Model::operatorCodes, codes);
        refer(s::Model::subgraphs, subgraphs);
        refer(s::Model::description, description);
        refer(s::Model::buffers, buffers);
        refer(s::Model::metadata, metadataList);
        refer(s::Model::signatures, signatures);
        m_builder.Finish(flatbuffers::Offset<void>(m_builder.EndTable(root)),
                         std::string(s::kIdentifier).c_str());
        return {reinterpret_cast<const char*>(m_builder.GetBufferPointer()), m_builder.GetSize()};
    }

private:
    void refer(int field, Any target) { m_builder.AddOffset(place(field), target); }
    Any text(const std::string& value) { return Any(m_builder.CreateString(value).o); }
    template <class T>
    Any numbers(const std::vector<T>& values)
    {
        return Any(m_builder.CreateVector(values).o);
    }
    Any vector(const std::vector<Any>& tables) { return Any(m_builder.CreateVector(tables).o); }

    Any buffer(std::string_view data)
    {
        constexpr std::size_t kAlignment = 16;
        Any content;
        if (!data.empty()) {
            m_builder.ForceVectorAlignment(data.size(), 1, kAlignment);
            content = Any(
                m_builder
                    .CreateVector(reinterpret_cast<const std::uint8_t*>(data.data()), data.size())
                    .o);
        }
        const auto start = m_builder.StartTable();
        if (!data.empty()) {
            refer(schema::Buffer::data, content);
        }
        return Any(m_builder.EndTable(start));
    }

    Any tensor(const TfliteTensor& one)
    {
        namespace s = schema;
        std::uint32_t number = 0;
        if (!one.data.empty()) {
            number = static_cast<std::uint32_t>(m_buffers.size());
            m_buffers.push_back(buffer(one.data));
        }
        std::vector<std::int32_t> sizes(one.shape.begin(), one.shape.end());
        const Any shape = numbers(sizes);
        if (one.data.empty() && !sizes.empty()) {
            sizes.front() = -1;
        }
        const Any signature = numbers(sizes);
        const Any name = text(one.name);
        Any quantization;
        if (one.isQuantized()) {
            const Any scales = numbers(one.quantization.scales);
            const Any zeros = numbers(one.quantization.zeroPoints);
            const auto start = m_builder.StartTable();
            refer(s::Quantization::scale, scales);
            refer(s::Quantization::zeroPoint, zeros);
            m_builder.AddElement<std::int32_t>(place(s::Quantization::axis), one.quantization.axis,
                                               0);
            quantization = Any(m_builder.EndTable(start));
        }
        const auto start = m_builder.StartTable();
        refer(s::Tensor::shape, shape);
        m_builder.AddElement<std::int8_t>(place(s::Tensor::type),
                                          static_cast<std::int8_t>(one.type), 0);
        m_builder.AddElement<std::uint32_t>(place(s::Tensor::buffer), number, 0);
        refer(s::Tensor::name, name);
        if (one.isQuantized()) {
            refer(s::Tensor::quantization, quantization);
        }
        refer(s::Tensor::signature, signature);
        m_builder.AddElement<std::uint8_t>(place(s::Tensor::hasRank), 1, 0);
        return Any(m_builder.EndTable(start));
    }

    Any options(const TfliteOperator& one, const schema::OperatorRow& row)
    {
        std::map<int, Any> lists;
        for (const schema::Option& option : row.options) {
            const Json& value = member(one.options, std::string(option.name).c_str());
            if (option.type == schema::OptionType::Ints && value.is_array()) {
                lists[option.field] = numbers(value.get<std::vector<std::int32_t>>());
            }
        }
        const auto start = m_builder.StartTable();
        for (const schema::Option& option : row.options) {
            const Json& value = member(one.options, std::string(option.name).c_str());
            if (value.is_null()) {
                continue;
            }
            switch (option.type) {
            case schema::OptionType::Int8:
                m_builder.AddElement<std::int8_t>(place(option.field), value.get<std::int8_t>(),
                                                  static_cast<std::int8_t>(option.otherwise));
                break;
            case schema::OptionType::Int32:
                m_builder.AddElement<std::int32_t>(place(option.field), value.get<std::int32_t>(),
                                                   option.otherwise);
                break;
            case schema::OptionType::Bool:
                m_builder.AddElement<std::uint8_t>(place(option.field), value.get<bool>() ? 1 : 0,
                                                   static_cast<std::uint8_t>(option.otherwise));
                break;
            case schema::OptionType::Float:
                m_builder.AddElement<float>(place(option.field), value.get<float>(),
                                            static_cast<float>(option.otherwise));
                break;
            case schema::OptionType::Ints:
                refer(option.field, lists[option.field]);
                break;
            }
        }
        return Any(m_builder.EndTable(start));
    }

    Any operation(const TfliteOperator& one)
    {
        namespace s = schema;
        const s::OperatorRow* row = s::findOperator(one.code);
        ensure(row != nullptr, "writeTflite: an operator that is not known");
        const auto code = std::pair{one.code, one.version};
        auto found = std::ranges::find(m_codes, code);
        if (found == m_codes.end()) {
            m_codes.push_back(code);
            found = m_codes.end() - 1;
        }
        const Any inputs = numbers(std::vector<std::int32_t>(one.inputs.begin(), one.inputs.end()));
        const Any outputs =
            numbers(std::vector<std::int32_t>(one.outputs.begin(), one.outputs.end()));
        const Any settings = row->optionsType == 0 ? Any() : options(one, *row);
        const auto start = m_builder.StartTable();
        m_builder.AddElement<std::uint32_t>(place(s::Operator::code),
                                            static_cast<std::uint32_t>(found - m_codes.begin()), 0);
        refer(s::Operator::inputs, inputs);
        refer(s::Operator::outputs, outputs);
        if (row->optionsType != 0) {
            m_builder.AddElement<std::uint8_t>(place(s::Operator::optionsType),
                                               static_cast<std::uint8_t>(row->optionsType), 0);
            refer(s::Operator::options, settings);
        }
        return Any(m_builder.EndTable(start));
    }

    Any subgraphOf(const TfliteSubgraph& graph, const std::vector<Any>& tensors,
                   const std::vector<Any>& operators)
    {
        namespace s = schema;
        const Any tensorList = vector(tensors);
        const Any inputs =
            numbers(std::vector<std::int32_t>(graph.inputs.begin(), graph.inputs.end()));
        const Any outputs =
            numbers(std::vector<std::int32_t>(graph.outputs.begin(), graph.outputs.end()));
        const Any operatorList = vector(operators);
        const Any name = text(graph.name);
        const auto start = m_builder.StartTable();
        refer(s::SubGraph::tensors, tensorList);
        refer(s::SubGraph::inputs, inputs);
        refer(s::SubGraph::outputs, outputs);
        refer(s::SubGraph::operators, operatorList);
        refer(s::SubGraph::name, name);
        return Any(m_builder.EndTable(start));
    }

    std::vector<Any> operatorCodes()
    {
        namespace s = schema;
        std::vector<Any> all;
        for (const auto& [code, version] : m_codes) {
            const auto start = m_builder.StartTable();
            m_builder.AddElement<std::int8_t>(
                place(s::OperatorCode::oldCode),
                static_cast<std::int8_t>(std::min<int>(code, s::kBeyondByte)), 0);
            m_builder.AddElement<std::int32_t>(place(s::OperatorCode::version), version, 1);
            m_builder.AddElement<std::int32_t>(place(s::OperatorCode::code), code, 0);
            all.emplace_back(m_builder.EndTable(start));
        }
        return all;
    }

    Any maps(const TfliteSubgraph& graph, const std::vector<int>& tensors)
    {
        std::vector<Any> all;
        for (const int number : tensors) {
            const Any name = text(graph.tensors[static_cast<std::size_t>(number)].name);
            const auto start = m_builder.StartTable();
            refer(schema::TensorMap::name, name);
            m_builder.AddElement<std::uint32_t>(place(schema::TensorMap::tensor),
                                                static_cast<std::uint32_t>(number), 0);
            all.emplace_back(m_builder.EndTable(start));
        }
        return vector(all);
    }

    Any signature(const TfliteSubgraph& graph)
    {
        const Any inputs = maps(graph, graph.inputs);
        const Any outputs = maps(graph, graph.outputs);
        const Any key = text("serving_default");
        const auto start = m_builder.StartTable();
        refer(schema::Signature::inputs, inputs);
        refer(schema::Signature::outputs, outputs);
        refer(schema::Signature::key, key);
        return Any(m_builder.EndTable(start));
    }

    flatbuffers::FlatBufferBuilder m_builder;
    std::vector<Any> m_buffers;
    std::vector<std::pair<int, int>> m_codes;
};

} // namespace

std::string writeTflite(const TfliteModel& model, const std::string& runtime)
{
    return Writer().write(model, runtime);
}

} // namespace bitscape::io
