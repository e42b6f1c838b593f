// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/onnx/export_context.h"
#include "core/quant/scale_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

// Quantizers as nodes: constants first, then tensors.
namespace bitscape::io {

namespace {

constexpr const char* kQonnxDomain = "qonnx.custom_op.general";

/// A type whose codes hold a range.
struct CodeType {
    OnnxType type;
    float low, high;
    int opset; ///< that QuantizeLinear and DequantizeLinear know it from
};
constexpr std::array kCodeTypes{CodeType{OnnxType::Int8, -128.0F, 127.0F, 13},
                                CodeType{OnnxType::UInt8, 0.0F, 255.0F, 13},
                                CodeType{OnnxType::Int16, -32768.0F, 32767.0F, 21},
                                CodeType{OnnxType::UInt16, 0.0F, 65535.0F, 21}};

/// Of 16 bits only whole types: ONNX Runtime clips no codes of theirs.
const CodeType* typeFor(float low, float high, float zeroPoint)
{
    const auto found = std::ranges::find_if(kCodeTypes, [&](const CodeType& type) {
        const bool fits =
            type.low <= std::min(low, zeroPoint) && std::max(high, zeroPoint) <= type.high;
        return fits && (type.opset < 21 || (low == type.low && high == type.high));
    });
    return found == kCodeTypes.end() ? nullptr : &*found;
}

/// Codes of so many bits as QONNX counts them.
struct BitRange {
    int bits = 8;
    bool isSigned = true;
    bool isNarrow = false;

    [[nodiscard]] float low() const
    {
        return isSigned ? -std::exp2(static_cast<float>(bits - 1)) + (isNarrow ? 1.0F : 0.0F)
                        : 0.0F;
    }
    [[nodiscard]] float high() const
    {
        return isSigned ? std::exp2(static_cast<float>(bits - 1)) - 1.0F
                        : std::exp2(static_cast<float>(bits)) - (isNarrow ? 2.0F : 1.0F);
    }
};

/// The narrowest that holds codes from low to high, of at least so many bits.
BitRange rangeFor(float low, float high, int bits)
{
    BitRange range{.bits = bits, .isSigned = low < 0.0F};
    while (range.low() > low || range.high() < high) {
        ++range.bits;
    }
    range.isNarrow = true;
    range.isNarrow = range.low() <= low && range.high() >= high;
    return range;
}

BitRange rangeOf(const QuantizedTensor& tensor)
{
    float low = tensor.isSigned ? -1.0F : 0.0F;
    float high = 0.0F;
    for (const float code : tensor.codes.values()) {
        low = std::min(low, code);
        high = std::max(high, code);
    }
    BitRange range = rangeFor(low, high, tensor.bits);
    range.isNarrow = range.isNarrow && range.isSigned;
    return range;
}

/// Axes in ONNX' order, and its sizes.
Tensor formed(const Tensor& value, const WeightForm& form)
{
    Tensor turned = form.order.empty() ? value : permuted(value, form.order);
    if (form.dims.empty()) {
        return turned;
    }
    return {Shape(std::vector<Index>(form.dims.begin(), form.dims.end())), turned.values()};
}

/// A scale spread over the elements of the tensor it belongs to.
Tensor spread(const Tensor& scale, const Shape& shape)
{
    Tensor full(shape);
    quant::forEachElement(
        quant::ScaleLayout::of(scale, shape),
        [&](std::size_t element, std::size_t at) { full.values()[element] = scale.values()[at]; });
    return full;
}

/// Whether all elements along an axis are alike.
bool isConstantAlong(const Tensor& value, int axis)
{
    Index step = 1;
    for (int later = axis + 1; later < value.shape().rank(); ++later) {
        step *= value.shape()[later];
    }
    const Index size = value.shape()[axis];
    for (Index e = 0; e < value.size(); ++e) {
        const Index first = e - e / step % size * step;
        if (value.data()[e] != value.data()[first]) {
            return false;
        }
    }
    return true;
}

/// The tensor with size 1 along the axes where nothing changes (in either of two).
struct Shrunk {
    Tensor step, zeroPoint;
    std::vector<int> axes; ///< that are left
};
Shrunk shrunk(const Tensor& step, const Tensor& zeroPoint)
{
    Shape shape = step.shape();
    std::vector<int> axes;
    for (int axis = 0; axis < shape.rank(); ++axis) {
        if (isConstantAlong(step, axis) && isConstantAlong(zeroPoint, axis)) {
            shape[axis] = 1;
        } else {
            axes.push_back(axis);
        }
    }
    Shrunk result{Tensor(shape), Tensor(shape), std::move(axes)};
    const auto layout = quant::ScaleLayout::of(result.step, step.shape());
    quant::forEachElement(layout, [&](std::size_t element, std::size_t at) {
        result.step.values()[at] = step.values()[element];
        result.zeroPoint.values()[at] = zeroPoint.values()[element];
    });
    return result;
}

Shrunk scalesOf(const QuantizedTensor& tensor, const WeightForm& form)
{
    const Shape& shape = tensor.values.shape();
    return shrunk(formed(spread(tensor.step, shape), form),
                  formed(spread(tensor.zeroPoint, shape), form));
}

} // namespace

std::string ExportContext::weight(const std::string& wish, const Tensor& value,
                                  const quant::QuantizerPtr& quantizer, const WeightForm& form)
{
    if (!quantizer) {
        return m_writer.constant(wish, formed(value, form));
    }
    if (const auto tensor = quantizeConstant(*quantizer, value)) {
        const std::string name = m_form == OnnxForm::Qonnx ? qonnxWeight(wish, *tensor, form)
                                                           : dequantized(wish, *tensor, form);
        if (!name.empty()) {
            return name;
        }
    }
    Tensor applied(value.shape());
    quantizer->apply(value.view(), applied.mutableView(), {});
    notes.push_back({ImportKind::Converted, wish,
                     fmt::format("The grid of {} is none of scale and zero point; the values are "
                                 "written as they are after quantization.",
                                 quantizer->toString())});
    return m_writer.constant(wish, formed(applied, form));
}

/// Codes, Clip where the type holds more, DequantizeLinear. Empty: more than one axis has scales
/// of its own.
std::string ExportContext::dequantized(const std::string& wish, const QuantizedTensor& tensor,
                                       const WeightForm& form)
{
    const Shrunk scales = scalesOf(tensor, form);
    const BitRange range = rangeOf(tensor);
    const auto zeros = scales.zeroPoint.values();
    const bool hasZero = std::ranges::any_of(zeros, [](float zero) { return zero != 0.0F; });
    const CodeType* type = typeFor(std::min(range.low(), std::ranges::min(zeros)),
                                   std::max(range.high(), std::ranges::max(zeros)), zeros.front());
    // Wider codes fit int32, which wants no zero point.
    if (scales.axes.size() > 1 || (type == nullptr && (hasZero || range.bits > 24))) {
        return {};
    }
    const OnnxType codeType = type == nullptr ? OnnxType::Int32 : type->type;
    needOpset(type == nullptr ? 13 : type->opset);
    const Tensor codes = formed(tensor.codes, form);
    std::string name =
        m_writer.codes(wish + "/codes", codeType, codes.values(), dimsOf(codes.shape()));
    const int typeBits = type == nullptr ? 32 : type->opset < 21 ? 8 : 16;
    const bool isFull = range.bits >= typeBits;
    if (!isFull) {
        const std::array ends{range.low(), range.high()};
        const std::string low =
            m_writer.codes(wish + "/lowest", codeType, std::span(ends).first(1), {});
        const std::string high =
            m_writer.codes(wish + "/highest", codeType, std::span(ends).last(1), {});
        name = m_writer.node("Clip", {name, low, high}, wish + "/clipped");
    }
    const bool isSingle = scales.axes.empty();
    const std::vector<std::int64_t> dims =
        isSingle ? std::vector<std::int64_t>{} : std::vector<std::int64_t>{scales.step.size()};
    std::vector<std::string> inputs{name,
                                    m_writer.constant(wish + "/scale", scales.step.values(), dims)};
    if (codeType != OnnxType::Int32) {
        inputs.push_back(m_writer.codes(wish + "/zero_point", codeType, zeros, dims));
    }
    OnnxAttributes attributes;
    if (!isSingle) {
        attributes.emplace_back("axis", std::int64_t{scales.axes.front()});
    }
    return m_writer.node("DequantizeLinear", std::move(inputs), wish, std::move(attributes));
}

std::string ExportContext::qonnxWeight(const std::string& wish, const QuantizedTensor& tensor,
                                       const WeightForm& form)
{
    needDomain(kQonnxDomain, 1);
    const Tensor values = formed(tensor.values, form);
    const Shrunk scales = scalesOf(tensor, form);
    const bool isSingle = scales.axes.empty();
    const std::vector<std::int64_t> dims =
        isSingle ? std::vector<std::int64_t>{} : dimsOf(scales.step.shape());
    const std::string value = m_writer.constant(wish + "/values", values);
    const std::string scale = m_writer.constant(wish + "/scale", scales.step.values(), dims);
    if (tensor.isBipolar) {
        return m_writer.node("BipolarQuant", {value, scale}, wish, {}, kQonnxDomain);
    }
    const BitRange range = rangeOf(tensor);
    return m_writer.node("Quant",
                         {value, scale,
                          m_writer.constant(wish + "/zero_point", scales.zeroPoint.values(), dims),
                          m_writer.scalar(wish + "/bits", static_cast<float>(range.bits))},
                         wish,
                         {{"signed", std::int64_t{range.isSigned}},
                          {"narrow", std::int64_t{range.isNarrow}},
                          {"rounding_mode", std::string("ROUND")}},
                         kQonnxDomain);
}

std::string ExportContext::quantizeLinear(const AffineGrid& grid, const std::string& x,
                                          const std::string& wish)
{
    const CodeType* type = typeFor(grid.low, grid.high, grid.zeroPoint);
    if (type == nullptr) { // codes that no type holds: the same in single steps
        const std::string step = m_writer.scalar(wish + "/scale", grid.step);
        std::string y = m_writer.node("Div", {x, step}, wish + "/steps");
        y = m_writer.node("Round", {y}, wish + "/rounded");
        y = m_writer.node("Clip",
                          {y, m_writer.scalar(wish + "/lowest", grid.low - grid.zeroPoint),
                           m_writer.scalar(wish + "/highest", grid.high - grid.zeroPoint)},
                          wish + "/clipped");
        return m_writer.node("Mul", {y, step}, wish);
    }
    needOpset(type->opset);
    const std::string scale = m_writer.scalar(wish + "/scale", grid.step);
    const std::string zero =
        m_writer.codes(wish + "/zero_point", type->type, std::span(&grid.zeroPoint, 1), {});
    std::string codes = m_writer.node("QuantizeLinear", {x, scale, zero}, wish + "/codes");
    if (grid.low > type->low || grid.high < type->high) {
        const std::string low =
            m_writer.codes(wish + "/lowest", type->type, std::span(&grid.low, 1), {});
        const std::string high =
            m_writer.codes(wish + "/highest", type->type, std::span(&grid.high, 1), {});
        codes = m_writer.node("Clip", {codes, low, high}, wish + "/clipped");
    }
    return m_writer.node("DequantizeLinear", {codes, scale, zero}, wish);
}

std::string ExportContext::quantNode(const AffineGrid& grid, const std::string& x,
                                     const std::string& wish)
{
    needDomain(kQonnxDomain, 1);
    const BitRange range = rangeFor(grid.low, grid.high, 1);
    std::string y = m_writer.node("Quant",
                                  {x, m_writer.scalar(wish + "/scale", grid.step),
                                   m_writer.scalar(wish + "/zero_point", grid.zeroPoint),
                                   m_writer.scalar(wish + "/bits", static_cast<float>(range.bits))},
                                  wish,
                                  {{"signed", std::int64_t{range.isSigned}},
                                   {"narrow", std::int64_t{range.isNarrow}},
                                   {"rounding_mode", std::string("ROUND")}},
                                  kQonnxDomain);
    if (range.low() < grid.low || range.high() > grid.high) {
        const float low = grid.step * (grid.low - grid.zeroPoint);
        const float high = grid.step * (grid.high - grid.zeroPoint);
        y = m_writer.node(
            "Clip",
            {y, m_writer.scalar(wish + "/lowest", low), m_writer.scalar(wish + "/highest", high)},
            wish + "/clipped");
    }
    return y;
}

std::string ExportContext::apply(const quant::Quantizer& quantizer, const std::string& x,
                                 const graph::Layer& layer)
{
    const std::string wish = layer.name + "/quantized";
    if (const auto grid = affineGridOf(quantizer)) {
        return m_form == OnnxForm::Qonnx ? quantNode(*grid, x, wish)
                                         : quantizeLinear(*grid, x, wish);
    }
    if (const auto scale = bipolarScaleOf(quantizer)) {
        if (m_form == OnnxForm::Qonnx) {
            needDomain(kQonnxDomain, 1);
            return m_writer.node("BipolarQuant", {x, m_writer.scalar(wish + "/scale", *scale)},
                                 wish, {}, kQonnxDomain);
        }
        const std::string isPositive = m_writer.node(
            "GreaterOrEqual", {x, m_writer.scalar(wish + "/zero", 0.0F)}, wish + "/is_positive");
        return m_writer.node("Where",
                             {isPositive, m_writer.scalar(wish + "/high", *scale),
                              m_writer.scalar(wish + "/low", -*scale)},
                             wish);
    }
    refuse(layer, fmt::format("the quantizer {} of its output has no meaning in ONNX",
                              quantizer.toString()));
    return x;
}

} // namespace bitscape::io
