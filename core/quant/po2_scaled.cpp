// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/po2_scaled.h"

#include "core/quant/canonical.h"
#include "core/quant/common.h"
#include "core/quant/rounding.h"
#include "core/quant/value.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace bitscape::quant {

Po2Scaled::Po2Scaled(const QuantizerInfo& info, Parameters given)
    : Quantizer(info, std::move(given)),
      m_bits(static_cast<int>(quant::numberOf(parameters(), "bits")))
{
    const bool keepsNegative = flagOf(parameters(), "keep_negative");
    m_highCode = static_cast<float>(std::exp2(m_bits - (keepsNegative ? 1 : 0)) - 1.0);
    m_lowCode = keepsNegative ? -m_highCode : 0.0F;
}

std::string Po2Scaled::toString() const
{
    std::vector<std::string> words;
    for (const ParameterInfo& parameter : info().parameters) {
        const Value& value = this->parameter(parameter.name);
        if (!parameter.keywordOnly || !sameValue(value, parameter.defaultValue)) {
            words.push_back(fmt::format("{}={}", parameter.name, toText(parameter, value)));
        }
    }
    // QKeras prints these two the other way round than its constructor takes them.
    const auto root = std::ranges::find_if(
        words, [](const std::string& word) { return word.starts_with("use_sqrt_of"); });
    std::iter_swap(root, std::next(root));
    return callText(info().name, words);
}

Result<void> Po2Scaled::accepts(const Shape& shape) const
{
    const Value& axis = parameter("scale_axis");
    const auto number = quant::numberOf(axis);
    if (number && *number >= shape.rank()) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("{}: scale_axis = {}, but the tensor {} has the axes 0 to {}.",
                                info().name, *number, shape.toString(), shape.rank() - 1));
    }
    return {};
}

Warnings Po2Scaled::notes(const Shape&) const
{
    if (!flagOf(parameters(), "use_second_moments_msqe_opt")) {
        return {};
    }
    return {{"qkeras_differs",
             info().name + ": QKeras weighs the error by running second moments of the gradients; "
                           "here every weight is 1, as before its first step of training.",
             "use_second_moments_msqe_opt"}};
}

ScaleLayout Po2Scaled::layoutOf(const Shape& shape) const
{
    return flagOf(parameters(), "per_channel_scale")
               ? ScaleLayout::ofAxes(shape, parameter("scale_axis"))
               : ScaleLayout::single(shape);
}

float Po2Scaled::rectified(float x) const
{
    return m_lowCode == 0.0F && x < 0.0F ? 0.0F : x;
}

Tensor Po2Scaled::rectified(TensorView x) const
{
    Tensor out(x.shape, x.values());
    for (float& value : out.values()) {
        value = rectified(value);
    }
    return out;
}

float Po2Scaled::codeOf(float x, float scale) const
{
    const float code = roundHalfToEven(x / scale);
    const float raised = code < m_lowCode ? m_lowCode : code; // in this form NaN passes through
    return (raised > m_highCode ? m_highCode : raised) + 0.0F;
}

bool Po2Scaled::isInside(float x, float scale) const
{
    const float code = roundHalfToEven(x / scale);
    return code >= m_lowCode && code <= m_highCode;
}

void Po2Scaled::apply(TensorView x, MutableTensorView y, const CallContext&) const
{
    const Tensor values = rectified(x);
    const ScaleLayout layout = layoutOf(x.shape);
    const std::vector<float> scales = scalesFor(values.view(), layout);
    forEachElement(layout, [&](std::size_t i, std::size_t scale) {
        const float s = scales[scale];
        y.data[i] = s * codeOf(values.data()[i], s);
    });
}

void Po2Scaled::gradient(TensorView x, TensorView upstream, MutableTensorView dx,
                         const CallContext&) const
{
    const Tensor values = rectified(x);
    const ScaleLayout layout = layoutOf(x.shape);
    const std::vector<float> scales = scalesFor(values.view(), layout);
    forEachElement(layout, [&](std::size_t i, std::size_t scale) {
        const bool rectifies = m_lowCode == 0.0F && !(x.data[i] > 0.0F);
        const float s = scales[scale];
        dx.data[i] = !rectifies && isInside(values.data()[i], s) ? upstream.data[i] : 0.0F;
    });
}

Fit Po2Scaled::fit(TensorView x, const CallContext&) const
{
    const Tensor values = rectified(x);
    const ScaleLayout layout = layoutOf(x.shape);
    const Tensor scale(layout.scaleShape(), scalesFor(values.view(), layout));
    return fitOf(scale, scale);
}

Result<Tensor> Po2Scaled::codes(TensorView x, const CallContext&) const
{
    Tensor values = rectified(x);
    const ScaleLayout layout = layoutOf(x.shape);
    const std::vector<float> scales = scalesFor(values.view(), layout);
    forEachElement(layout, [&](std::size_t i, std::size_t scale) {
        values.data()[i] = codeOf(values.data()[i], scales[scale]);
    });
    return values;
}

std::vector<float> Po2Scaled::deviations(TensorView x, const ScaleLayout& layout)
{
    struct Moments {
        double count = 0.0, sum = 0.0, squares = 0.0;
    };
    std::vector<Moments> moments(static_cast<std::size_t>(layout.scaleCount()));
    forEachElement(layout, [&](std::size_t i, std::size_t scale) {
        const double value = x.data[i];
        if (std::isfinite(value)) {
            Moments& at = moments[scale];
            at.count += 1.0;
            at.sum += value;
            at.squares += value * value;
        }
    });
    std::vector<float> out;
    out.reserve(moments.size());
    for (const Moments& at : moments) {
        const double mean = at.sum / std::max(at.count, 1.0);
        const double variance = at.squares / std::max(at.count, 1.0) - mean * mean;
        out.push_back(static_cast<float>(std::sqrt(std::max(variance, 0.0))));
    }
    return out;
}

std::vector<double> Po2Scaled::errors(TensorView x, const ScaleLayout& layout,
                                      const std::vector<float>& scales,
                                      const std::vector<float>& limits) const
{
    std::vector<double> out(scales.size(), 0.0);
    forEachElement(layout, [&](std::size_t i, std::size_t scale) {
        const float value = x.data[i];
        const bool counts = limits.empty() || std::abs(value) <= limits[scale];
        if (counts && std::isfinite(value)) {
            const float error = value - scales[scale] * codeOf(value, scales[scale]);
            out[scale] += static_cast<double>(error) * static_cast<double>(error);
        }
    });
    return out;
}

Result<void> checkPo2Scaled(const QuantizerInfo& info, const Parameters& parameters)
{
    constexpr std::int64_t kMostBits = 32;
    const bool keepsNegative = flagOf(parameters, "keep_negative");
    if (auto ok = checkRange(info, parameters, "bits", keepsNegative ? 2 : 1, kMostBits); !ok) {
        return ok;
    }
    if (const auto axis = quant::numberOf(valueOf(parameters, "scale_axis")); axis && *axis < 0.0) {
        return badParameter(info, "scale_axis", valueOf(parameters, "scale_axis"),
                            "axes are counted from 0");
    }
    const Value& start = valueOf(parameters, "init_scale");
    if (const auto scale = quant::numberOf(start);
        scale && !(*scale > 0.0 && std::isfinite(*scale))) {
        return badParameter(info, "init_scale", start, "it must be positive");
    }
    if (flagOf(parameters, "use_stable_scale_exponent")) {
        return badParameter(info, "use_stable_scale_exponent",
                            valueOf(parameters, "use_stable_scale_exponent"),
                            "it averages over the calls of a training, and quantizers here keep "
                            "nothing between calls; learn the exponent or give init_scale");
    }
    return {};
}

std::vector<ParameterInfo> po2ScaledParameters()
{
    using Type = ParameterType;
    return {
        {"bits", Type::Integer, std::int64_t{4}, "Width of a code."},
        {"keep_negative", Type::Boolean, true,
         "False: values are rectified and all codes count upwards from 0."},
        {"scale_axis",
         Type::OptionalInteger,
         {},
         "Axis with a step per index if per_channel_scale is set; None: the last."},
        {"per_channel_scale", Type::Boolean, false,
         "A step per index of scale_axis instead of one for the tensor."},
        {"init_scale", Type::OptionalNumber, {}, "Step to start from; None: from the values."},
        {"use_second_moments_msqe_opt", Type::Boolean, true,
         "QKeras weighs errors by running averages of squared gradients. Quantizers here keep "
         "nothing between calls: all weights are 1, with a note unless this is False."},
        {"second_moments_ema_decay", Type::Number, 0.999, "Decay of that average; no effect here."},
        {"use_sqrt_of_msqe_weight", Type::Boolean, true,
         "Root of those weights; no effect here, where they are 1."},
        {"use_outlier_mask_msqe_weight", Type::Boolean, true,
         "Leave outliers out when errors are compared."},
        {"use_stable_scale_exponent", Type::Boolean, false,
         "QKeras' running average of the exponent, which needs memory between calls: refused."},
        {"stable_scale_ema_decay", Type::Number, 0.99, "Decay of that average; no effect here."}};
}

} // namespace bitscape::quant
