// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/functions/quantize.h"

#include "core/graph/functions/convolution.h"
#include "core/graph/functions/function_registry.h"
#include "core/graph/functions/matmul.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

// Codes of numbers, and operators that compute with codes.
namespace bitscape::graph {

namespace {

/// Output type of QuantizeLinear: that of the zero point, or said.
std::optional<ElementType> codeType(Evaluation& e, const ArrayValue* zero)
{
    const std::int64_t code = e.integer("output_dtype", 0);
    if (zero != nullptr) {
        return zero->type;
    }
    const auto type = code == 0    ? std::optional(ElementType::UInt8)
                      : code < 100 ? elementTypeOf(static_cast<int>(code))
                                   : std::nullopt;
    if (!type || isReal(*type)) {
        e.refuseSetting(fmt::format("codes of the element type {} are not covered", code));
    }
    return type;
}

void quantizeLinear(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const ArrayValue& scale = e.input(1);
    const ArrayValue* zero = e.optional(2);
    const auto type = codeType(e, zero);
    const ScaleLayout layout(e, x.sizes, scale.sizes, e.integer("axis", 1),
                             e.integer("block_size", 0));
    if (zero != nullptr && zero->count() != scale.count()) {
        e.refuse("Its zero point does not fit its scale.");
    }
    if (!e.ok()) {
        return;
    }
    ArrayValue y = e.make(*type, x.sizes);
    for (Index i = 0; e.computes() && i < y.count(); ++i) {
        const Index at = layout.of(i);
        const double ratio =
            roundedTo(scale.type == ElementType::Float16 ? scale.type : ElementType::Float32,
                      x.real(i) / scale.real(at));
        const double offset = zero == nullptr ? 0.0 : zero->real(at);
        y.integers[static_cast<std::size_t>(i)] =
            saturatedTo(*type, std::nearbyint(ratio) + offset);
    }
    e.give(std::move(y));
}

void dequantizeLinear(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const ArrayValue& scale = e.input(1);
    const ArrayValue* zero = e.optional(2);
    const ScaleLayout layout(e, x.sizes, scale.sizes, e.integer("axis", 1),
                             e.integer("block_size", 0));
    if (zero != nullptr && zero->count() != scale.count()) {
        e.refuse("Its zero point does not fit its scale.");
    }
    const std::int64_t code = e.integer("output_dtype", 0);
    const auto type = code == 0
                          ? std::optional(scale.type)
                          : elementTypeOf(static_cast<int>(std::clamp<std::int64_t>(code, 0, 100)));
    if (e.ok() && (!type || !isReal(*type))) {
        return e.refuse("It gives no real numbers.");
    }
    if (!e.ok()) {
        return;
    }
    ArrayValue y = e.make(*type, x.sizes);
    for (Index i = 0; e.computes() && i < y.count(); ++i) {
        const Index at = layout.of(i);
        const double offset = zero == nullptr ? 0.0 : zero->real(at);
        y.set(i, (x.real(i) - offset) * scale.real(at));
    }
    e.give(std::move(y));
}

/// Scale and zero point from the range of the numbers, which always holds 0.
void dynamicQuantizeLinear(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    ArrayValue y = e.make(ElementType::UInt8, x.sizes);
    ArrayValue scale = e.make(ElementType::Float32, {});
    ArrayValue zero = e.make(ElementType::UInt8, {});
    if (e.computes()) {
        double least = 0.0;
        double greatest = 0.0;
        for (const double value : x.reals) {
            least = std::min(least, value);
            greatest = std::max(greatest, value);
        }
        constexpr double kLevels = 255.0;
        scale.set(0, greatest == least
                         ? 1.0
                         : roundedTo(ElementType::Float32, greatest - least) / kLevels);
        const double offset = roundedTo(ElementType::Float32, -least / scale.real(0));
        zero.integers[0] = saturatedTo(ElementType::UInt8, std::nearbyint(offset));
        for (std::size_t i = 0; i < y.integers.size(); ++i) {
            y.integers[i] = quantized(ElementType::UInt8, x.reals[i], scale.real(0), zero.real(0));
        }
    }
    e.give(std::move(y));
    e.give(std::move(scale));
    e.give(std::move(zero));
}

/// Sums of products of codes as codes of the output. `scaleOf(element)`: of both factors together.
template <class ScaleOf>
ArrayValue requantized(Evaluation& e, const std::vector<double>& sums, Sizes sizes,
                       const ScaleOf& scaleOf, std::size_t scaleInput)
{
    const ArrayValue& scale = e.input(scaleInput);
    const ArrayValue& zero = e.input(scaleInput + 1);
    ArrayValue y = e.make(zero.type, std::move(sizes));
    for (Index i = 0; e.computes() && i < y.count(); ++i) {
        const auto factor =
            static_cast<float>(static_cast<float>(scaleOf(i)) / static_cast<float>(scale.real(0)));
        const float value = static_cast<float>(sums[static_cast<std::size_t>(i)]) * factor;
        y.integers[static_cast<std::size_t>(i)] =
            saturatedTo(zero.type, std::nearbyint(static_cast<double>(value)) + zero.real(0));
    }
    return y;
}

double scaleAt(const ArrayValue& scale, Index index)
{
    return scale.real(scale.count() == 1 ? 0 : index);
}

float productOf(double a, double b)
{
    return static_cast<float>(a) * static_cast<float>(b);
}

void qlinearConv(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const ArrayValue& w = e.input(3);
    const ArrayValue& xScale = e.input(1);
    const ArrayValue& wScale = e.input(4);
    const ArrayValue* bias = e.optional(8);
    const Sizes sizes = convolutionSizes(e, x, w);
    if (e.ok() && wScale.count() != 1 && wScale.count() != w.sizes[0]) {
        return e.refuse("The scale of its weights does not fit.");
    }
    std::vector<double> sums;
    const Index channels = sizes.size() > 1 ? sizes[1] : 1;
    const Index plane = sizes.size() > 2 ? countOf(std::span<const Index>(sizes).subspan(2)) : 1;
    if (e.computes()) {
        sums = convolve(e, withoutZeroPoint(e, x, &e.input(2), false),
                        withoutZeroPoint(e, w, &e.input(5), true), x, w);
        for (Index i = 0; bias != nullptr && i < std::ssize(sums); ++i) {
            sums[static_cast<std::size_t>(i)] += bias->real(i / plane % channels);
        }
    }
    e.give(requantized(
        e, sums, sizes,
        [&](Index i) { return productOf(xScale.real(0), scaleAt(wScale, i / plane % channels)); },
        6));
}

/// x − zero point; scale and zero point one for all, or one per row (per column) of matrices.
ArrayValue centered(Evaluation& e, const ArrayValue& x, const ArrayValue& zero, bool perRow)
{
    ArrayValue y{.type = ElementType::Double, .sizes = x.sizes, .isKnown = false};
    if (!e.computes()) {
        return y;
    }
    y = converted(x, ElementType::Double);
    const Index columns = x.sizes.empty() ? 1 : x.sizes.back();
    for (Index i = 0; i < y.count(); ++i) {
        const Index at =
            zero.count() == 1 ? 0 : (perRow ? i / columns : i % columns) % zero.count();
        y.reals[static_cast<std::size_t>(i)] -= zero.real(at);
    }
    return y;
}

void qlinearMatmul(Evaluation& e)
{
    const ArrayValue& a = e.input(0);
    const ArrayValue& b = e.input(3);
    const ArrayValue& aScale = e.input(1);
    const ArrayValue& bScale = e.input(4);
    const MatrixStacks stacks = matrixStacks(e, a.sizes, b.sizes);
    std::vector<double> sums;
    if (e.computes()) {
        sums = multiply(stacks, centered(e, a, e.input(2), true).reals,
                        centered(e, b, e.input(5), false).reals);
    }
    e.give(requantized(
        e, sums, stacks.sizes,
        [&](Index i) {
            const Index row =
                i / std::max<Index>(stacks.columns, 1) % std::max<Index>(stacks.rows, 1);
            const Index column = i % std::max<Index>(stacks.columns, 1);
            return productOf(scaleAt(aScale, row % std::max<Index>(aScale.count(), 1)),
                             scaleAt(bScale, column % std::max<Index>(bScale.count(), 1)));
        },
        6));
}

// ---- operators of ONNX Runtime on codes: dequantized, computed, quantized

ArrayValue dequantized(Evaluation& e, std::size_t input)
{
    const ArrayValue& x = e.input(input);
    const ArrayValue& scale = e.input(input + 1);
    const ArrayValue* zero = e.optional(input + 2);
    ArrayValue y{.type = ElementType::Float32, .sizes = x.sizes, .isKnown = false};
    if (e.computes() && scale.count() == 1) {
        y = zeros(ElementType::Float32, x.sizes);
        for (Index i = 0; i < y.count(); ++i) {
            y.set(i, (x.real(i) - (zero == nullptr ? 0.0 : zero->real(0))) * scale.real(0));
        }
    } else if (e.computes()) {
        e.refuseSetting("several scales for one input are not covered");
    }
    return y;
}

void giveCodes(Evaluation& e, const ArrayValue& values, std::size_t scaleInput, ElementType like)
{
    const ArrayValue& scale = e.input(scaleInput);
    const ArrayValue* zero = e.optional(scaleInput + 1);
    const ElementType type = zero == nullptr ? like : zero->type;
    ArrayValue y = e.make(type, values.sizes);
    for (Index i = 0; e.computes() && i < y.count(); ++i) {
        y.integers[static_cast<std::size_t>(i)] =
            quantized(type, values.real(i), scale.real(0), zero == nullptr ? 0.0 : zero->real(0));
    }
    e.give(std::move(y));
}

/// The function on real numbers; its failure is this one's.
ArrayValue computed(Evaluation& e, std::string_view name, std::vector<const ArrayValue*> inputs,
                    const Attributes& attributes)
{
    constexpr int kOpset = 22;
    const FunctionInfo* function = findFunction("", name, kOpset);
    ensure(function != nullptr, "a function of ONNX' own");
    auto values = evaluate(*function, inputs, attributes, kOpset);
    if (!values) {
        e.refuse(values.error().message);
        return {.sizes = {0}, .isKnown = false};
    }
    return std::move(values->front());
}

template <const char* const& Name>
void qlinearBinary(Evaluation& e)
{
    const ArrayValue a = dequantized(e, 0);
    const ArrayValue b = dequantized(e, 3);
    giveCodes(e, computed(e, Name, {&a, &b}, {}), 6, e.input(0).type);
}

template <const char* const& Name>
void qlinearUnary(Evaluation& e)
{
    const ArrayValue x = dequantized(e, 0);
    Attributes attributes;
    if (e.hasAttribute("alpha")) {
        attributes["alpha"] = e.real("alpha", 0.01);
    }
    if (e.hasAttribute("axis")) {
        attributes["axis"] = e.integer("axis", -1);
    }
    giveCodes(e, computed(e, Name, {&x}, attributes), 3, e.input(0).type);
}

constexpr const char* kAdd = "Add";
constexpr const char* kMul = "Mul";
constexpr const char* kSigmoid = "Sigmoid";
constexpr const char* kLeakyRelu = "LeakyRelu";
constexpr const char* kSoftmax = "Softmax";

/// Channels last where the attribute says so.
ArrayValue turned(Evaluation& e, const ArrayValue& x, bool toFirst)
{
    std::vector<std::int64_t> order;
    const std::int64_t rank = x.rank();
    for (std::int64_t axis = 0; axis < rank; ++axis) {
        const std::int64_t first = axis == 0 ? 0 : axis == 1 ? rank - 1 : axis - 1;
        const std::int64_t last = axis == 0 ? 0 : axis == rank - 1 ? 1 : axis + 1;
        order.push_back(toFirst ? first : last);
    }
    return computed(e, "Transpose", {&x}, {{"perm", order}});
}

void qlinearPool(Evaluation& e, std::string_view name)
{
    const bool isLast = e.flag("channels_last");
    ArrayValue x = dequantized(e, 0);
    Attributes attributes;
    for (const char* key : {"kernel_shape", "strides", "pads", "dilations"}) {
        if (e.hasAttribute(key)) {
            attributes[key] = e.integers(key);
        }
    }
    for (const char* key : {"ceil_mode", "count_include_pad"}) {
        if (e.hasAttribute(key)) {
            attributes[key] = e.integer(key, 0);
        }
    }
    if (e.hasAttribute("auto_pad")) {
        attributes["auto_pad"] = e.text("auto_pad", "NOTSET");
    }
    if (isLast) {
        x = turned(e, x, true);
    }
    ArrayValue y = computed(e, name, {&x}, attributes);
    if (isLast && e.ok()) {
        y = turned(e, y, false);
    }
    giveCodes(e, y, 3, e.input(0).type);
}

void qlinearAveragePool(Evaluation& e)
{
    qlinearPool(e, "AveragePool");
}

void qlinearGlobalAveragePool(Evaluation& e)
{
    qlinearPool(e, "GlobalAveragePool");
}

/// Scale and zero point of the output come first, then input, scale, zero point of each part.
void qlinearConcat(Evaluation& e)
{
    std::vector<ArrayValue> parts;
    for (std::size_t input = 2; input + 2 < e.inputCount(); input += 3) {
        parts.push_back(dequantized(e, input));
    }
    std::vector<const ArrayValue*> pointers;
    for (const ArrayValue& part : parts) {
        pointers.push_back(&part);
    }
    giveCodes(e, computed(e, "Concat", pointers, {{"axis", e.integer("axis", 0)}}), 0,
              e.input(1).type);
}

std::int64_t convMacs(std::span<const ArrayValue* const> inputs,
                      std::span<const ArrayValue> outputs)
{
    const ArrayValue& w = *inputs[3];
    return w.sizes.empty() || w.sizes[0] == 0 ? 0 : outputs[0].count() * (w.count() / w.sizes[0]);
}

std::int64_t matmulMacs(std::span<const ArrayValue* const> inputs,
                        std::span<const ArrayValue> outputs)
{
    return inputs[0]->sizes.empty() ? 0 : outputs[0].count() * inputs[0]->sizes.back();
}

} // namespace

ScaleLayout::ScaleLayout(Evaluation& e, const Sizes& x, const Sizes& scale, std::int64_t axis,
                         std::int64_t block)
    : m_x(x), m_steps(stepsOf(x)), m_scaleSteps(x.size(), 0), m_perAxis(x.size(), 1)
{
    if (countOf(scale) == 1 && block == 0) {
        return;
    }
    const auto at = static_cast<std::size_t>(e.axis(axis, static_cast<int>(x.size())));
    if (!e.ok()) {
        return;
    }
    if (block > 0) {
        Sizes wanted = x;
        wanted[at] = (x[at] + block - 1) / block;
        m_scaleSteps = stepsOf(wanted);
        m_perAxis[at] = static_cast<Index>(block);
        if (scale != wanted) {
            e.refuse("Its scale does not fit its blocks.");
        }
    } else {
        m_scaleSteps[at] = 1;
        if (scale != Sizes{x[at]}) {
            e.refuse(fmt::format("Scales of the sizes {} do not fit axis {} of {}.",
                                 describeSizes(scale), at, describeSizes(x)));
        }
    }
}

Index ScaleLayout::of(Index element) const
{
    Index place = 0;
    for (std::size_t axis = 0; axis < m_x.size(); ++axis) {
        if (m_scaleSteps[axis] != 0) {
            place += element / m_steps[axis] % m_x[axis] / m_perAxis[axis] * m_scaleSteps[axis];
        }
    }
    return place;
}

std::int64_t quantized(ElementType type, double x, double scale, double zero)
{
    const double ratio = roundedTo(ElementType::Float32, x / scale);
    return saturatedTo(type, std::nearbyint(ratio) + zero);
}

std::span<const FunctionInfo> quantizeFunctions()
{
    constexpr std::string_view kRuntime = "com.microsoft";
    static const std::array rows{
        FunctionInfo{"", "QuantizeLinear", 10, "codes of numbers", quantizeLinear},
        FunctionInfo{"", "DequantizeLinear", 10, "numbers of codes", dequantizeLinear},
        FunctionInfo{"", "DynamicQuantizeLinear", 11, "codes by the numbers' own range",
                     dynamicQuantizeLinear},
        FunctionInfo{"", "QLinearConv", 10, "convolution of codes", qlinearConv, convMacs},
        FunctionInfo{"", "QLinearMatMul", 10, "product of codes", qlinearMatmul, matmulMacs},
        FunctionInfo{kRuntime, "QuantizeLinear", 1, "codes of numbers", quantizeLinear},
        FunctionInfo{kRuntime, "DequantizeLinear", 1, "numbers of codes", dequantizeLinear},
        FunctionInfo{kRuntime, "QLinearAdd", 1, "a + b of codes", qlinearBinary<kAdd>},
        FunctionInfo{kRuntime, "QLinearMul", 1, "a · b of codes", qlinearBinary<kMul>},
        FunctionInfo{kRuntime, "QLinearSigmoid", 1, "Sigmoid of codes", qlinearUnary<kSigmoid>},
        FunctionInfo{kRuntime, "QLinearLeakyRelu", 1, "LeakyRelu of codes",
                     qlinearUnary<kLeakyRelu>},
        FunctionInfo{kRuntime, "QLinearSoftmax", 1, "Softmax of codes", qlinearUnary<kSoftmax>},
        FunctionInfo{kRuntime, "QLinearAveragePool", 1, "AveragePool of codes", qlinearAveragePool},
        FunctionInfo{kRuntime, "QLinearGlobalAveragePool", 1, "GlobalAveragePool of codes",
                     qlinearGlobalAveragePool},
        FunctionInfo{kRuntime, "QLinearConcat", 1, "Concat of codes", qlinearConcat},
    };
    return rows;
}

} // namespace bitscape::graph
