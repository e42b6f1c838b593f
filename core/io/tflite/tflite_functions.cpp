// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/functions/function_layer.h"
#include "core/io/tflite/tflite_builder.h"

#include <algorithm>
#include <array>

// Operators that run as one of the general functions.
namespace bitscape::io {

namespace {

using graph::ArrayValue;
using graph::Attributes;
using graph::ElementType;
using graph::FunctionInput;

constexpr int kOpset = 20;

FunctionInput tensorOf(const TfliteSource& source)
{
    FunctionInput input;
    input.kind = FunctionInput::Kind::Tensor;
    input.tensor = {ElementType::Float32, source.hasBatch,
                    source.sizes.size() == (source.hasBatch ? 1U : 0U)};
    return input;
}

FunctionInput constantOf(ArrayValue value)
{
    FunctionInput input;
    input.kind = FunctionInput::Kind::Constant;
    input.constant = std::move(value);
    return input;
}

FunctionInput numberOf(float value)
{
    ArrayValue number = graph::zeros(ElementType::Float32, {});
    number.set(0, static_cast<double>(value));
    return constantOf(std::move(number));
}

FunctionInput axesOf(const TfliteIntegers& axes)
{
    ArrayValue value = graph::zeros(ElementType::Int64, {std::ssize(axes)});
    for (std::size_t i = 0; i < axes.size(); ++i) {
        value.setInteger(static_cast<Index>(i), axes[i]);
    }
    return constantOf(std::move(value));
}

/// A layer that runs a function of what `sources` and the constants among `inputs` hold.
TfliteSource run(OperatorReading& reading, const char* name, std::vector<FunctionInput> inputs,
                 const std::vector<TfliteSource>& sources, Attributes attributes = {},
                 const std::string& role = {})
{
    const graph::FunctionInfo* function = graph::findFunction("", name, kOpset);
    if (function == nullptr || sources.empty()) {
        reading.lacks("this operator is not covered");
    }
    if (!reading.isOk()) {
        return {};
    }
    graph::FunctionSetup setup;
    setup.function = function;
    setup.attributes = std::move(attributes);
    setup.opset = kOpset;
    setup.inputs = std::move(inputs);
    setup.outputs = {{ElementType::Float32, sources.front().hasBatch, false}};
    OperatorReading::LayerParts parts;
    parts.role = role;
    for (std::size_t i = 1; i < sources.size(); ++i) {
        parts.further.push_back(sources[i].layer);
    }
    return reading.layer(graph::functionOp(std::move(setup)), sources.front(), std::move(parts));
}

template <const char* const& name>
void unary(OperatorReading& reading)
{
    const TfliteSource data = reading.source(0);
    reading.give(run(reading, name, {tensorOf(data)}, {data}));
}

// Names as ONNX has them.
constexpr const char* kAbsName = "Abs";
constexpr const char* kNegName = "Neg";
constexpr const char* kSqrtName = "Sqrt";
constexpr const char* kLogName = "Log";
constexpr const char* kSinName = "Sin";
constexpr const char* kCosName = "Cos";
constexpr const char* kFloorName = "Floor";
constexpr const char* kCeilName = "Ceil";
constexpr const char* kRoundName = "Round";
constexpr const char* kSignName = "Sign";
constexpr const char* kDivName = "Div";
constexpr const char* kPowName = "Pow";
constexpr const char* kSumName = "ReduceSum";
constexpr const char* kMinName = "ReduceMin";
constexpr const char* kProdName = "ReduceProd";

void reciprocalRoot(OperatorReading& reading)
{
    const TfliteSource data = reading.source(0);
    const TfliteSource root = run(reading, "Sqrt", {tensorOf(data)}, {data}, {}, "root");
    reading.give(run(reading, "Reciprocal", {tensorOf(root)}, {root}));
}

void clipToOne(OperatorReading& reading)
{
    const TfliteSource data = reading.source(0);
    reading.give(run(reading, "Clip", {tensorOf(data), numberOf(-1.0F), numberOf(1.0F)}, {data}));
}

void square(OperatorReading& reading)
{
    const TfliteSource data = reading.source(0);
    reading.give(reading.layer("Multiply", Json::object(), data, {.further = {data.layer}}));
}

void logSoftmax(OperatorReading& reading)
{
    const TfliteSource data = reading.source(0);
    reading.give(
        run(reading, "LogSoftmax", {tensorOf(data)}, {data}, {{"axis", std::int64_t{-1}}}));
}

void normalize(OperatorReading& reading)
{
    const TfliteSource data = reading.source(0);
    if (!reading.fused().isLinear()) {
        reading.lacks("a function behind it is not covered");
    }
    reading.give(run(reading, "LpNormalization", {tensorOf(data)}, {data},
                     {{"axis", std::int64_t{-1}}, {"p", std::int64_t{2}}}));
}

/// One or both operands computed, a constant among them.
template <const char* const& name>
void binary(OperatorReading& reading)
{
    if (reading.op.name == "DIV" && !reading.fused().isLinear()) {
        reading.lacks("a function behind it is not covered");
    }
    std::vector<FunctionInput> inputs;
    std::vector<TfliteSource> sources;
    for (const std::size_t i : {0U, 1U}) {
        if (reading.isConstant(i)) {
            const std::vector<float> values = reading.reals(i);
            const TfliteSizes& sizes = reading.input(i).shape;
            inputs.push_back(constantOf(graph::fromFloats(
                ElementType::Float32, graph::Sizes(sizes.begin(), sizes.end()), values)));
        } else {
            sources.push_back(reading.source(i));
            inputs.push_back(tensorOf(sources.back()));
        }
    }
    reading.give(run(reading, name, std::move(inputs), sources));
}

void squaredDifference(OperatorReading& reading)
{
    const TfliteSource a = reading.source(0);
    const TfliteSource b = reading.source(1);
    OperatorReading::LayerParts parts;
    parts.role = "difference";
    parts.further = {b.layer};
    const TfliteSource gap = reading.layer("Subtract", Json::object(), a, std::move(parts));
    reading.give(reading.layer("Multiply", Json::object(), gap, {.further = {gap.layer}}));
}

template <const char* const& name>
void reduce(OperatorReading& reading)
{
    const TfliteSource data = reading.source(0);
    const TfliteIntegers axes = reading.integers(1);
    const auto rank = std::ssize(data.sizes);
    if (data.hasBatch && std::ranges::any_of(axes, [rank](std::int64_t axis) {
            return axis == 0 || axis == -rank;
        })) {
        reading.lacks("it reduces the axis of the samples");
    }
    reading.give(run(reading, name, {tensorOf(data), axesOf(axes)}, {data},
                     {{"keepdims", std::int64_t{reading.flag("keep_dims") ? 1 : 0}}}));
}

void matrixProduct(OperatorReading& reading)
{
    const TfliteSource a = reading.source(0);
    const TfliteSource b = reading.source(1);
    if (reading.flag("adj_x") || reading.flag("adj_y")) {
        reading.lacks("transposed operands are not covered");
    }
    reading.give(run(reading, "MatMul", {tensorOf(a), tensorOf(b)}, {a, b}));
}

} // namespace

std::span<const TfliteConverter> tfliteFunctionConverters()
{
    static constexpr std::array kRows{
        TfliteConverter{schema::kAbs, unary<kAbsName>},
        TfliteConverter{schema::kNeg, unary<kNegName>},
        TfliteConverter{schema::kSqrt, unary<kSqrtName>},
        TfliteConverter{schema::kLog, unary<kLogName>},
        TfliteConverter{schema::kSin, unary<kSinName>},
        TfliteConverter{schema::kCos, unary<kCosName>},
        TfliteConverter{schema::kFloor, unary<kFloorName>},
        TfliteConverter{schema::kCeil, unary<kCeilName>},
        TfliteConverter{schema::kRound, unary<kRoundName>},
        TfliteConverter{schema::kSign, unary<kSignName>},
        TfliteConverter{schema::kRsqrt, reciprocalRoot},
        TfliteConverter{schema::kReluN1To1, clipToOne},
        TfliteConverter{schema::kSquare, square},
        TfliteConverter{schema::kLogSoftmax, logSoftmax},
        TfliteConverter{schema::kL2Normalization, normalize},
        TfliteConverter{schema::kDiv, binary<kDivName>},
        TfliteConverter{schema::kPow, binary<kPowName>},
        TfliteConverter{schema::kSquaredDifference, squaredDifference},
        TfliteConverter{schema::kSum, reduce<kSumName>},
        TfliteConverter{schema::kReduceMin, reduce<kMinName>},
        TfliteConverter{schema::kReduceProd, reduce<kProdName>},
        TfliteConverter{schema::kBatchMatMul, matrixProduct}};
    return kRows;
}

} // namespace bitscape::io
