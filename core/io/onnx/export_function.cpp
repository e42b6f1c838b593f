// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/shape_rules.h"
#include "core/io/onnx/export_rule.h"

#include <algorithm>
#include <array>
#include <cstring>

// Functions of ONNX that were imported as such go out as they came.
namespace bitscape::io {

namespace {

using graph::ArrayValue;
using graph::ElementType;
using graph::FunctionInput;
using Kind = FunctionInput::Kind;

template <class T>
void append(std::string& bytes, T value)
{
    const std::size_t end = bytes.size();
    bytes.resize(end + sizeof value);
    std::memcpy(bytes.data() + end, &value, sizeof value);
}

void appendReal(std::string& bytes, ElementType type, double value)
{
    switch (type) {
    case ElementType::Double:
        return append(bytes, value);
    case ElementType::Float16:
        return append(bytes, graph::toFloat16(value));
    case ElementType::BFloat16:
        return append(bytes, graph::toBFloat16(value));
    default:
        return append(bytes, static_cast<float>(value));
    }
}

/// Types below 8 bits are packed, the first element in the low bits.
void appendIntegers(std::string& bytes, const ArrayValue& value)
{
    const int bits = value.type == ElementType::Bool ? 8 : graph::bitsOf(value.type);
    if (bits >= 8) {
        for (const std::int64_t integer : value.integers) {
            const std::size_t end = bytes.size();
            bytes.resize(end + static_cast<std::size_t>(bits) / 8);
            std::memcpy(bytes.data() + end, &integer, static_cast<std::size_t>(bits) / 8);
        }
        return;
    }
    const std::size_t perByte = 8 / static_cast<std::size_t>(bits);
    bytes.resize((value.integers.size() + perByte - 1) / perByte, '\0');
    for (std::size_t e = 0; e < value.integers.size(); ++e) {
        const auto code = static_cast<unsigned>(value.integers[e]) & ((1U << bits) - 1U);
        const auto shift = static_cast<unsigned>(e % perByte) * static_cast<unsigned>(bits);
        auto& byte = bytes[e / perByte];
        byte = static_cast<char>(static_cast<unsigned char>(byte) | (code << shift));
    }
}

OnnxTensor tensorOf(const ArrayValue& value)
{
    OnnxTensor tensor{.type = static_cast<int>(value.type),
                      .dims = {value.sizes.begin(), value.sizes.end()}};
    for (const double real : value.reals) {
        appendReal(tensor.bytes, value.type, real);
    }
    if (!graph::isReal(value.type)) {
        appendIntegers(tensor.bytes, value);
    }
    return tensor;
}

struct AttributeOut {
    OnnxAttribute operator()(double value) const { return static_cast<float>(value); }
    OnnxAttribute operator()(const std::vector<double>& values) const
    {
        return std::vector<float>(values.begin(), values.end());
    }
    OnnxAttribute operator()(const ArrayValue& value) const { return tensorOf(value); }
    template <class T>
    OnnxAttribute operator()(const T& value) const
    {
        return value;
    }
};

/// The array that a tensor of the graph stands for, and back: other types are floats inside.
std::string converted(const RuleExport& rule, const std::string& x, ElementType type,
                      const char* wish)
{
    return rule.out().node("Cast", {x}, rule.wish(wish), {{"to", static_cast<std::int64_t>(type)}});
}

} // namespace

void ExportContext::addImported(const graph::Layer& layer, std::string_view type, int version)
{
    m_imported.push_back({&layer, std::string(type), version});
}

void ExportContext::checkImported()
{
    /// Operators that take settings in another way, or mean something else, from a set on.
    struct Change {
        std::string_view type;
        int since;
    };
    constexpr std::array kChanges{Change{"Slice", 10},
                                  Change{"TopK", 10},
                                  Change{"Upsample", 10},
                                  Change{"Clip", 11},
                                  Change{"Pad", 11},
                                  Change{"Resize", 11},
                                  Change{"Dropout", 12},
                                  Change{"Squeeze", 13},
                                  Change{"Unsqueeze", 13},
                                  Change{"ReduceSum", 13},
                                  Change{"Softmax", 13},
                                  Change{"LogSoftmax", 13},
                                  Change{"Hardmax", 13},
                                  Change{"Split", 13},
                                  Change{"ReduceMean", 18},
                                  Change{"ReduceMax", 18},
                                  Change{"ReduceMin", 18},
                                  Change{"ReduceProd", 18},
                                  Change{"ReduceL1", 18},
                                  Change{"ReduceL2", 18},
                                  Change{"ReduceLogSum", 18},
                                  Change{"ReduceSumSquare", 18},
                                  Change{"ReduceLogSumExp", 18},
                                  Change{"GroupNormalization", 21}};
    for (const Imported& one : m_imported) {
        const bool isChanged = std::ranges::any_of(kChanges, [&](const Change& change) {
            return change.type == one.type && one.version < change.since && change.since <= m_opset;
        });
        if (isChanged) {
            refuse(*one.layer, "an operator of an older operator set");
        }
    }
}

void writeFunction(ExportContext& context, int index, const graph::FunctionSetup& setup)
{
    const RuleExport rule(context, index, std::get<graph::RuleOp>(context.graph().layer(index).op));
    const auto lacksBatch = [&](const graph::FunctionTensor& tensor) {
        return context.batchAxes() == 1 && !tensor.hasBatch;
    };
    const bool isLoose =
        std::ranges::any_of(setup.inputs,
                            [&](const FunctionInput& input) {
                                return input.kind == Kind::Tensor && lacksBatch(input.tensor);
                            }) ||
        std::ranges::any_of(setup.outputs, lacksBatch);
    if (isLoose) {
        rule.refuse("an operator across the samples of a batch is not");
    }
    std::vector<std::string> inputs;
    std::size_t next = 0;
    std::size_t weight = 0;
    for (const FunctionInput& input : setup.inputs) {
        switch (input.kind) {
        case Kind::LeftOut:
            inputs.emplace_back();
            break;
        case Kind::Unread:
            ++next;
            break;
        case Kind::Constant:
            inputs.push_back(rule.out().tensor(rule.wish("constant"), tensorOf(input.constant)));
            break;
        case Kind::Weight: {
            const Tensor& value = *rule.layer.weights[weight++].value;
            inputs.push_back(rule.out().tensor(
                rule.wish(input.name.c_str()),
                tensorOf(graph::fromFloats(input.tensor.type, input.sizes, value.values()))));
            break;
        }
        case Kind::Tensor: {
            std::string x = context.stored(rule.source(next++));
            if (input.tensor.type != ElementType::Float32) {
                x = converted(rule, x, input.tensor.type, "converted");
            }
            inputs.push_back(std::move(x));
            break;
        }
        }
    }
    const bool isOwn = setup.function->domain.empty();
    if (!isOwn) {
        context.needDomain(std::string(setup.function->domain), setup.opset);
    } else {
        context.needOpset(setup.opset);
        context.addImported(rule.layer, setup.function->name, setup.opset);
    }
    OnnxAttributes attributes;
    for (const auto& [name, value] : setup.attributes) {
        attributes.emplace_back(name, std::visit(AttributeOut{}, value));
    }
    std::vector<std::string> outputs;
    for (std::size_t i = 0; i < setup.outputs.size(); ++i) {
        outputs.push_back(rule.out().fresh(rule.wish("output")));
    }
    rule.out().nodeOf(setup.function->name, std::move(inputs), outputs, std::move(attributes),
                      setup.function->domain);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        if (setup.outputs[i].type != ElementType::Float32) {
            outputs[i] = converted(rule, outputs[i], ElementType::Float32, "as_float");
        }
    }
    if (outputs.size() == 1) {
        context.finish(index, outputs.front(), false);
        return;
    }
    for (const int reader : context.graph().consumers(index)) {
        const auto* select = std::get_if<graph::SelectOp>(&context.graph().layer(reader).op);
        if (select != nullptr) {
            context.give(reader,
                         rule.out().node("Identity",
                                         {outputs[static_cast<std::size_t>(select->part)]},
                                         rule.wish("part")),
                         false);
        }
    }
    context.give(index, rule.out().node("Identity", {outputs.front()}, rule.wish("first")), false);
}

} // namespace bitscape::io
