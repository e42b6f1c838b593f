// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/functions/function_registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <limits>

// QONNX: quantizers of any width on real numbers, and operators that work channels last. All is
// computed in float32, step by step, as the qonnx package does.
namespace bitscape::graph {

namespace {

using Rounding = float (*)(float);

float awayFromZero(float x)
{
    return std::copysign(std::ceil(std::fabs(x)), x);
}

float halfUp(float x)
{
    return std::copysign(std::floor(std::fabs(x) + 0.5F), x);
}

float halfDown(float x)
{
    return std::copysign(std::ceil(std::fabs(x) - 0.5F), x);
}

float halfEven(float x)
{
    return std::nearbyint(x);
}

float down(float x)
{
    return std::floor(x);
}

float up(float x)
{
    return std::ceil(x);
}

float towardsZero(float x)
{
    return std::trunc(x);
}

struct RoundingName {
    std::string_view name;
    Rounding round;
};

constexpr std::array kRoundings{
    RoundingName{"ROUND", halfEven},  RoundingName{"HALF_EVEN", halfEven},
    RoundingName{"CEIL", up},         RoundingName{"FLOOR", down},
    RoundingName{"UP", awayFromZero}, RoundingName{"DOWN", towardsZero},
    RoundingName{"HALF_UP", halfUp},  RoundingName{"HALF_DOWN", halfDown}};

Rounding roundingOf(Evaluation& e, std::string fallback)
{
    std::string name = e.text("rounding_mode", std::move(fallback));
    std::ranges::transform(name, name.begin(),
                           [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    const auto found = std::ranges::find(kRoundings, name, &RoundingName::name);
    if (found == kRoundings.end()) {
        e.refuseSetting(fmt::format("rounding_mode '{}' is not known", name));
        return halfEven;
    }
    return found->round;
}

/// Parameters are broadcast to the numbers they quantize, or these to them.
class Broadcast {
public:
    Broadcast(Evaluation& e, std::initializer_list<std::size_t> inputs)
    {
        for (const std::size_t input : inputs) {
            m_sizes = e.broadcast(m_sizes, e.input(input).sizes);
        }
        for (const std::size_t input : inputs) {
            m_arrays.push_back(&e.input(input));
            m_elements.push_back(e.computes() ? broadcastElements(e.input(input).sizes, m_sizes)
                                              : std::vector<Index>());
        }
    }

    [[nodiscard]] const Sizes& sizes() const { return m_sizes; }
    [[nodiscard]] float value(std::size_t array, Index element) const
    {
        return static_cast<float>(
            m_arrays[array]->real(m_elements[array][static_cast<std::size_t>(element)]));
    }

private:
    Sizes m_sizes;
    std::vector<const ArrayValue*> m_arrays;
    std::vector<std::vector<Index>> m_elements;
};

struct Codes {
    float least = 0.0F, greatest = 0.0F;
};

Codes codesOf(bool isSigned, bool isNarrow, float bits)
{
    const float half = std::exp2(bits - 1.0F);
    const float whole = std::exp2(bits);
    return isSigned ? Codes{isNarrow ? 1.0F - half : -half, half - 1.0F}
                    : Codes{0.0F, isNarrow ? whole - 2.0F : whole - 1.0F};
}

/// Inputs: numbers, scale, zero point, bits.
void quant(Evaluation& e)
{
    const bool isSigned = e.flag("signed", true);
    const bool isNarrow = e.flag("narrow", false);
    const Rounding round = roundingOf(e, "ROUND");
    const Broadcast in(e, {0, 1, 2, 3});
    ArrayValue y = e.make(ElementType::Float32, in.sizes());
    for (Index i = 0; e.computes() && i < y.count(); ++i) {
        const float scale = in.value(1, i);
        const float zero = in.value(2, i);
        const float bits = in.value(3, i);
        float code = in.value(0, i) / scale + zero;
        if (bits == 1.0F && isSigned) { // as the package has it: −1 and 1
            code = code >= 0.0F ? 1.0F : -1.0F;
        } else {
            const Codes codes = codesOf(isSigned, isNarrow, bits);
            code = round(std::clamp(code, codes.least, codes.greatest));
        }
        y.set(i, static_cast<double>((code - zero) * scale));
    }
    e.give(std::move(y));
}

/// Inputs: numbers, scale. −scale and scale.
void bipolarQuant(Evaluation& e)
{
    const Broadcast in(e, {0, 1});
    ArrayValue y = e.make(ElementType::Float32, in.sizes());
    for (Index i = 0; e.computes() && i < y.count(); ++i) {
        const float scale = in.value(1, i);
        y.set(i, static_cast<double>(in.value(0, i) >= 0.0F ? scale : -scale));
    }
    e.give(std::move(y));
}

/// First version: numbers, scale, zero point, input bits, output bits. The scale stays.
void truncOld(Evaluation& e)
{
    const Rounding round = roundingOf(e, "FLOOR");
    const Broadcast in(e, {0, 1, 2, 3, 4});
    ArrayValue y = e.make(ElementType::Float32, in.sizes());
    for (Index i = 0; e.computes() && i < y.count(); ++i) {
        const float scale = in.value(1, i);
        const float zero = in.value(2, i);
        const float code = std::nearbyint(in.value(0, i) / scale + zero);
        const float cut = std::exp2(in.value(3, i) - in.value(4, i));
        y.set(i, static_cast<double>((round(code / cut) - zero) * scale));
    }
    e.give(std::move(y));
}

/// Second version: numbers, scale, zero point, input bits, output scale, zero point, bits.
void trunc(Evaluation& e)
{
    if (!e.has(6)) {
        return truncOld(e);
    }
    const bool isSigned = e.flag("signed", true);
    const bool isNarrow = e.flag("narrow", false);
    const Rounding round = roundingOf(e, "FLOOR");
    const Broadcast in(e, {0, 1, 2, 3, 4, 5, 6});
    ArrayValue y = e.make(ElementType::Float32, in.sizes());
    for (Index i = 0; e.computes() && i < y.count(); ++i) {
        const float scale = in.value(1, i);
        const float zero = in.value(2, i);
        const float outputScale = in.value(4, i);
        const float cut = std::exp2(std::nearbyint(std::log2(outputScale / scale)));
        const Codes codes = codesOf(isSigned, isNarrow, in.value(6, i));
        const float code = std::nearbyint(in.value(0, i) / scale + zero) / cut;
        const float kept = round(std::clamp(code, codes.least, codes.greatest));
        y.set(i, static_cast<double>((kept - zero / cut) * outputScale));
    }
    e.give(std::move(y));
}

/// Inputs: numbers, scale, exponent bits, mantissa bits, exponent bias, greatest value.
void floatQuant(Evaluation& e)
{
    const Rounding round = roundingOf(e, "ROUND");
    const bool hasInfinity = e.flag("has_inf");
    const bool hasNan = e.flag("has_nan");
    const bool saturates = e.flag("saturation", true);
    if (!saturates && !hasInfinity && !hasNan) {
        return e.refuse("It neither saturates nor has infinity or NaN.");
    }
    const Broadcast in(e, {0, 1, 2, 3, 4, 5});
    ArrayValue y = e.make(ElementType::Float32, in.sizes());
    for (Index i = 0; e.computes() && i < y.count(); ++i) {
        const float scale = in.value(1, i);
        const float mantissa = in.value(3, i);
        const float bias = in.value(4, i);
        const float x = in.value(0, i) / scale;
        const float exponent =
            std::floor(std::log2(std::fabs(x) + std::numeric_limits<float>::min())) - mantissa;
        const float unit = std::exp2(std::max(exponent, 1.0F - bias - mantissa));
        const float value = unit * round(x / unit);
        const float top =
            (2.0F - std::exp2(-mantissa)) * std::exp2(std::exp2(in.value(2, i)) - 1.0F - bias);
        const float greatest = std::min(top, in.value(5, i));
        float kept = std::clamp(value, -greatest, greatest);
        if (!saturates && std::fabs(value) > greatest) {
            kept = hasInfinity ? std::copysign(std::numeric_limits<float>::infinity(), value)
                               : std::numeric_limits<float>::quiet_NaN();
        }
        y.set(i, static_cast<double>(kept * scale));
    }
    e.give(std::move(y));
}

/// How many thresholds of its channel a number reaches, scaled and moved.
void multiThreshold(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const ArrayValue& thresholds = e.input(1);
    const double scale = e.real("out_scale", 1.0);
    const double bias = e.real("out_bias", 0.0);
    const bool isLast = e.text("data_layout", "NCHW") == "NHWC" || (x.rank() != 2 && x.rank() != 4);
    if (!e.ok() || x.rank() < 1 || thresholds.rank() != 2) {
        return e.refuse("Its thresholds are no matrix.");
    }
    const std::size_t axis = isLast || x.rank() < 2 ? x.sizes.size() - 1 : 1;
    const Index channels = x.sizes[axis];
    const Index step = stepsOf(x.sizes)[axis];
    if (thresholds.sizes[0] != 1 && thresholds.sizes[0] != channels) {
        return e.refuse("Its thresholds do not fit its channels.");
    }
    ArrayValue y = e.make(ElementType::Float32, x.sizes);
    for (Index i = 0; e.computes() && i < y.count(); ++i) {
        const Index row = thresholds.sizes[0] == 1 ? 0 : i / step % channels;
        Index count = 0;
        for (Index t = 0; t < thresholds.sizes[1]; ++t) {
            count += x.real(i) >= thresholds.real(row * thresholds.sizes[1] + t) ? 1 : 0;
        }
        y.set(i, scale * static_cast<double>(count) + bias);
    }
    e.give(std::move(y));
}

// ---- channels last

std::vector<std::int64_t> channelOrder(int rank, bool toFirst)
{
    std::vector<std::int64_t> order;
    for (std::int64_t axis = 0; axis < rank; ++axis) {
        order.push_back(axis == 0          ? 0
                        : toFirst          ? (axis == 1 ? rank - 1 : axis - 1)
                        : axis == rank - 1 ? 1
                                           : axis + 1);
    }
    return order;
}

Result<std::vector<ArrayValue>> turned(const ArrayValue& x, bool toFirst)
{
    const ArrayValue* input = &x;
    return evaluate(*findFunction("", "Transpose", 1), {&input, 1},
                    {{"perm", channelOrder(x.rank(), toFirst)}}, 1);
}

/// ONNX' operator between transpositions; of a convolution the weights are turned as well.
void channelsLast(Evaluation& e, std::string_view name, std::size_t turnedInputs)
{
    constexpr int kOpset = 14;
    std::vector<ArrayValue> inputs;
    for (std::size_t i = 0; i < e.inputCount(); ++i) {
        ArrayValue value = e.input(i);
        if (i < turnedInputs && e.ok()) {
            auto first = turned(value, true);
            if (!first) {
                return e.refuse(first.error().message);
            }
            value = std::move(first->front());
        }
        inputs.push_back(std::move(value));
    }
    std::vector<const ArrayValue*> pointers;
    for (const ArrayValue& input : inputs) {
        pointers.push_back(&input);
    }
    auto y = evaluate(*findFunction("", name, kOpset), pointers, e.attributes(), kOpset);
    if (!y) {
        return e.refuse(y.error().message);
    }
    auto last = turned(y->front(), false);
    if (!last) {
        return e.refuse(last.error().message);
    }
    e.give(std::move(last->front()));
}

void convLast(Evaluation& e)
{
    channelsLast(e, "Conv", 2);
}

void maxPoolLast(Evaluation& e)
{
    channelsLast(e, "MaxPool", 1);
}

void averagePoolLast(Evaluation& e)
{
    channelsLast(e, "AveragePool", 1);
}

void batchNormLast(Evaluation& e)
{
    channelsLast(e, "BatchNormalization", 1);
}

std::int64_t convMacs(std::span<const ArrayValue* const> inputs,
                      std::span<const ArrayValue> outputs)
{
    const ArrayValue& w = *inputs[1];
    return w.sizes.empty() || w.sizes[0] == 0 ? 0 : outputs[0].count() * (w.count() / w.sizes[0]);
}

} // namespace

std::span<const FunctionInfo> qonnxFunctions()
{
    static const std::vector<FunctionInfo> table = [] {
        std::vector<FunctionInfo> rows;
        for (const std::string_view domain :
             {"qonnx.custom_op.general", "finn.custom_op.general", "onnx.brevitas"}) {
            rows.push_back({domain, "Quant", 1, "codes of any width, as numbers", quant});
            rows.push_back({domain, "IntQuant", 1, "codes of any width, as numbers", quant});
            rows.push_back({domain, "BipolarQuant", 1, "−scale or scale", bipolarQuant});
            rows.push_back({domain, "Trunc", 1, "the upper bits of codes", trunc});
            rows.push_back({domain, "FloatQuant", 1, "numbers of small floats", floatQuant});
            rows.push_back(
                {domain, "MultiThreshold", 1, "how many thresholds are reached", multiThreshold});
        }
        for (const std::string_view domain :
             {"qonnx.custom_op.channels_last", "finn.custom_op.channels_last"}) {
            rows.push_back({domain, "Conv", 1, "Conv, channels last", convLast, convMacs});
            rows.push_back({domain, "MaxPool", 1, "MaxPool, channels last", maxPoolLast});
            rows.push_back(
                {domain, "AveragePool", 1, "AveragePool, channels last", averagePoolLast});
            rows.push_back({domain, "BatchNormalization", 1, "BatchNormalization, channels last",
                            batchNormLast});
        }
        return rows;
    }();
    return table;
}

} // namespace bitscape::graph
