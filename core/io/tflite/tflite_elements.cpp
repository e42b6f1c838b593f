// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layer_registry.h"
#include "core/io/tflite/tflite_builder.h"
#include "core/io/tflite/tflite_quantizers.h"

#include <algorithm>
#include <array>

// Operators that treat every element alike.
namespace bitscape::io {

namespace {

using graph::ActivationOp;
using graph::Function;
using graph::FunctionKind;

/// Gives `source` with the function behind it, unless the quantizer of the output does the same.
void giveWith(OperatorReading& reading, TfliteSource source, const Function& function)
{
    if (reading.isOk() && !function.isLinear() && !impliesFunction(reading.output(), function)) {
        source = reading.layer(ActivationOp{function}, source);
    }
    reading.give(std::move(source));
}

bool isCounting(const TfliteTensor& tensor)
{
    return isInteger(tensor.type) && !tensor.isQuantized();
}

/// Both operands, constants among them, with the batch or both without.
std::optional<std::pair<TfliteSource, TfliteSource>> operands(OperatorReading& reading)
{
    if (reading.inputCount() != 2 || !reading.has(0) || !reading.has(1)) {
        reading.lacks("it needs two operands");
        return std::nullopt;
    }
    if (isCounting(reading.output())) {
        reading.lacks("integers without a scale are not covered");
        return std::nullopt;
    }
    std::array<TfliteSource, 2> both;
    for (const std::size_t i : {0U, 1U}) {
        if (!reading.isConstant(i)) {
            both[i] = reading.source(i);
        }
    }
    for (const std::size_t i : {0U, 1U}) {
        const TfliteSource& other = both[1 - i];
        if (reading.isConstant(i) && reading.isOk()) {
            const int rank = static_cast<int>(other.sizes.size()) - (other.hasBatch ? 1 : 0);
            both[i] = reading.constantSource(i, rank);
            both[i].hasBatch = other.hasBatch;
        } else if (both[i].hasBatch != other.hasBatch && !reading.isConstant(1 - i)) {
            both[i] = reading.whole(both[i]);
        }
    }
    return reading.isOk() ? std::optional(std::pair{both[0], both[1]}) : std::nullopt;
}

void add(OperatorReading& reading)
{
    const Function function = reading.fused();
    if (const auto both = operands(reading)) {
        giveWith(reading,
                 reading.layer(graph::AddOp{}, both->first, {.further = {both->second.layer}}),
                 function);
    }
}

void merge(OperatorReading& reading, const char* className, const Function& function)
{
    if (const auto both = operands(reading)) {
        giveWith(reading,
                 reading.layer(className, Json::object(), both->first,
                               {.further = {both->second.layer}}),
                 function);
    }
}

void multiply(OperatorReading& reading)
{
    merge(reading, "Multiply", reading.fused());
}
void subtract(OperatorReading& reading)
{
    merge(reading, "Subtract", reading.fused());
}
void maximum(OperatorReading& reading)
{
    merge(reading, "Maximum", {});
}
void minimum(OperatorReading& reading)
{
    merge(reading, "Minimum", {});
}

void activate(OperatorReading& reading, const Function& function)
{
    const TfliteSource data = reading.source(0);
    reading.give(reading.layer(ActivationOp{function}, data));
}

template <FunctionKind kind>
void plain(OperatorReading& reading)
{
    activate(reading, {.kind = kind});
}

void relu6(OperatorReading& reading)
{
    constexpr float kSix = 6.0F;
    activate(reading, {.kind = FunctionKind::Relu, .maxValue = kSix});
}

void reluToOne(OperatorReading& reading)
{
    activate(reading, {.kind = FunctionKind::Relu, .maxValue = 1.0F});
}

void elu(OperatorReading& reading)
{
    activate(reading, {.kind = FunctionKind::Elu, .negativeSlope = 1.0F});
}

void leakyRelu(OperatorReading& reading)
{
    activate(reading, {.kind = FunctionKind::Relu, .negativeSlope = reading.real("alpha")});
}

void gelu(OperatorReading& reading)
{
    if (reading.flag("approximate")) {
        reading.lacks("GELU by the hyperbolic tangent is not covered");
    }
    activate(reading, {.kind = FunctionKind::Gelu});
}

void softmax(OperatorReading& reading)
{
    if (reading.real("beta") != 1.0F) {
        reading.lacks("a beta other than 1 is not covered");
    }
    activate(reading, {.kind = FunctionKind::Softmax});
}

/// x · clip(x / 6 + 0.5)
void hardSwish(OperatorReading& reading)
{
    const TfliteSource data = reading.source(0);
    OperatorReading::LayerParts gate;
    gate.role = "gate";
    const TfliteSource factor = reading.layer(
        ActivationOp{{.kind = FunctionKind::HardSigmoidKeras3}}, data, std::move(gate));
    reading.give(reading.layer("Multiply", Json::object(), data, {.further = {factor.layer}}));
}

void prelu(OperatorReading& reading)
{
    const TfliteSource data = reading.source(0);
    const std::vector<float> slopes = reading.reals(1);
    if (!reading.isOk()) {
        return;
    }
    const Shape sample = data.sample();
    TfliteSizes sizes = reading.input(1).shape;
    if (std::ssize(sizes) == sample.rank() + 1 && sizes.front() == 1) {
        sizes.erase(sizes.begin());
    }
    sizes.insert(
        sizes.begin(),
        static_cast<std::size_t>(std::max<std::ptrdiff_t>(sample.rank() - std::ssize(sizes), 0)),
        1);
    Json shared = Json::array();
    for (int axis = 0; axis < sample.rank() && axis < std::ssize(sizes); ++axis) {
        if (sizes[static_cast<std::size_t>(axis)] == 1) {
            shared.push_back(axis + 1);
        }
    }
    const Shape shape(std::vector<Index>(sizes.begin(), sizes.end()));
    OperatorReading::LayerParts parts;
    parts.weights = {
        {"alpha", reading.input(1).name, std::make_shared<Tensor>(shape, slopes), true}};
    reading.give(reading.layer("PReLU", {{"shared_axes", shared}}, data, std::move(parts)));
}

/// Codes to numbers, numbers to codes, codes to others: the quantizer of the output says it all.
void requantize(OperatorReading& reading)
{
    if (reading.isConstant(0)) {
        reading.giveReals(reading.reals(0));
        return;
    }
    activate(reading, {});
}

} // namespace

std::span<const TfliteConverter> tfliteElementConverters()
{
    static constexpr std::array kRows{
        TfliteConverter{schema::kAdd, add},
        TfliteConverter{schema::kMul, multiply},
        TfliteConverter{schema::kSub, subtract},
        TfliteConverter{schema::kMaximum, maximum},
        TfliteConverter{schema::kMinimum, minimum},
        TfliteConverter{schema::kLogistic, plain<FunctionKind::Sigmoid>},
        TfliteConverter{schema::kTanh, plain<FunctionKind::Tanh>},
        TfliteConverter{schema::kRelu, plain<FunctionKind::Relu>},
        TfliteConverter{schema::kRelu6, relu6},
        TfliteConverter{schema::kRelu0To1, reluToOne},
        TfliteConverter{schema::kExp, plain<FunctionKind::Exponential>},
        TfliteConverter{schema::kElu, elu},
        TfliteConverter{schema::kLeakyRelu, leakyRelu},
        TfliteConverter{schema::kGelu, gelu},
        TfliteConverter{schema::kSoftmax, softmax},
        TfliteConverter{schema::kHardSwish, hardSwish},
        TfliteConverter{schema::kPrelu, prelu},
        TfliteConverter{schema::kQuantize, requantize},
        TfliteConverter{schema::kDequantize, requantize}};
    return kRows;
}

} // namespace bitscape::io
