// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/quantized_hswish.h"

#include "core/quant/canonical.h"
#include "core/quant/common.h"
#include "core/quant/parameter_docs.h"
#include "core/quant/value.h"

#include <cmath>

namespace bitscape::quant {

namespace {

/// h(x) = x · min(relu(x + shift), bound) / bound, rounded by a quantized_bits with the same
/// parameters.
class Hswish final : public Quantizer {
public:
    Hswish(const QuantizerInfo& info, Parameters given, QuantizerPtr rounding)
        : Quantizer(info, std::move(given)), m_rounding(std::move(rounding)),
          m_shift(static_cast<float>(quant::numberOf(parameters(), "relu_shift"))),
          m_bound(static_cast<float>(quant::numberOf(parameters(), "relu_upper_bound")))
    {
    }

    [[nodiscard]] std::string toString() const override
    {
        std::vector<std::string> words{parameterText(*this, "bits"),
                                       parameterText(*this, "integer"),
                                       flagText(*this, "symmetric")};
        for (const char* name : {"relu_shift", "relu_upper_bound"}) {
            words.push_back(std::string(name) + "=" + parameterText(*this, name));
        }
        if (!isTruthy(parameter("keep_negative"))) {
            words.emplace_back("keep_negative=False");
        }
        if (isTruthy(parameter("alpha"))) {
            words.push_back("alpha=" + parameterText(*this, "alpha"));
        }
        if (isTruthy(parameter("use_stochastic_rounding"))) {
            words.emplace_back("use_stochastic_rounding=1");
        }
        return canonicalForm(*this, callText(info().name, words));
    }

    [[nodiscard]] Result<void> accepts(const Shape& shape) const override
    {
        return m_rounding->accepts(shape);
    }
    [[nodiscard]] Warnings notes(const Shape& shape) const override
    {
        return m_rounding->notes(shape);
    }

    void apply(TensorView x, MutableTensorView y, const CallContext& call) const override
    {
        for (Index i = 0, end = x.size(); i < end; ++i) {
            y.data[i] = bent(x.data[i]);
        }
        m_rounding->apply({y.data, x.shape}, y, call);
    }

    void gradient(TensorView x, TensorView upstream, MutableTensorView dx,
                  const CallContext& call) const override
    {
        const Tensor values = bentTensor(x);
        for (Index i = 0, end = x.size(); i < end; ++i) {
            dx.data[i] = upstream.data[i] * slope(x.data[i]);
        }
        m_rounding->gradient(values.view(), {dx.data, x.shape}, dx, call);
    }

    [[nodiscard]] Fit fit(TensorView x, const CallContext& call) const override
    {
        return m_rounding->fit(bentTensor(x).view(), call);
    }
    [[nodiscard]] Result<Tensor> codes(TensorView x, const CallContext& call) const override
    {
        return m_rounding->codes(bentTensor(x).view(), call);
    }

    [[nodiscard]] int bits() const override { return m_rounding->bits(); }
    [[nodiscard]] double max() const override { return m_rounding->max(); }
    /// The lowest point of the parabola, rounded, unless the grid ends above it.
    [[nodiscard]] double min() const override
    {
        const float lowest = -m_shift * m_shift / (4.0F * m_bound);
        if (m_rounding->min() >= static_cast<double>(lowest)) {
            return m_rounding->min();
        }
        float rounded = 0.0F;
        m_rounding->apply({&lowest, Shape{1}}, {&rounded, Shape{1}}, {});
        return static_cast<double>(rounded);
    }
    [[nodiscard]] bool isSigned() const override { return m_rounding->isSigned(); }
    [[nodiscard]] bool isElementwise() const override { return m_rounding->isElementwise(); }
    [[nodiscard]] QuantizerPtr promotedForKernel() const override
    {
        return isNone(parameter("alpha")) ? with("alpha", std::string("auto_po2")).value_or(nullptr)
                                          : nullptr;
    }

private:
    /// In QKeras' order; 0 and not −∞ · 0 far below.
    [[nodiscard]] float bent(float x) const
    {
        const float moved = x + m_shift;
        if (moved <= 0.0F) {
            return 0.0F;
        }
        return x * (moved <= m_bound ? moved : (std::isnan(x) ? x : m_bound)) / m_bound;
    }
    [[nodiscard]] float slope(float x) const
    {
        const float moved = x + m_shift;
        if (moved <= 0.0F) {
            return 0.0F;
        }
        return moved <= m_bound ? (moved + x) / m_bound : 1.0F;
    }
    [[nodiscard]] Tensor bentTensor(TensorView x) const
    {
        Tensor out(x.shape);
        for (Index i = 0, end = x.size(); i < end; ++i) {
            out.data()[i] = bent(x.data[i]);
        }
        return out;
    }

    QuantizerPtr m_rounding;
    float m_shift;
    float m_bound;
};

Result<QuantizerPtr> make(const QuantizerInfo& info, Parameters parameters)
{
    for (const char* name : {"relu_shift", "relu_upper_bound"}) {
        if (!(numberOf(parameters, name) > 0.0)) {
            return badParameter(info, name, valueOf(parameters, name),
                                "it must be a positive value");
        }
    }
    const QuantizerInfo* row = findQuantizer("quantized_bits");
    ensure(row != nullptr, "quantized_hswish: quantized_bits is missing");
    Parameters shared;
    for (const auto& [name, value] : parameters) {
        if (findParameter(*row, name) != nullptr) {
            shared[name] = value;
        }
    }
    auto rounding = makeQuantizer(*row, std::move(shared));
    if (!rounding) {
        return rounding;
    }
    parameters["symmetric"] = (*rounding)->parameter("symmetric"); // a fitted scale is symmetric
    return std::make_shared<Hswish>(info, std::move(parameters), std::move(*rounding));
}

ParameterInfo keywordOnly(ParameterInfo parameter)
{
    parameter.keywordOnly = true;
    return parameter;
}

} // namespace

QuantizerInfo quantizedHswishInfo()
{
    using Type = ParameterType;
    return {
        .name = "quantized_hswish",
        .origin = "QKeras",
        .doc = "Hard swish of MobileNet v3, x · min(relu(x + relu_shift), relu_upper_bound) / "
               "relu_upper_bound, rounded as quantized_bits does.",
        .grid =
            "as quantized_bits: alpha · 2^integer · z / 2^n, n = bits − 1, z = −2^n + symmetric "
            "… 2^n − 1",
        .parameters =
            {{"bits", Type::Integer, std::int64_t{8}, "Width of a code, sign included."},
             {"integer", Type::Integer, std::int64_t{0},
              "Bits before the point, without the sign; moves the range to ±2^integer."},
             {"symmetric", Type::Boolean, false,
              "Leave the most negative code out, so that the range is the same on both sides."},
             {"alpha",
              Type::Scale,
              {},
              "Factor of the result, or 'auto' and 'auto_po2' to fit a scale; None is 1."},
             stochasticParameter(),
             scaleAxisParameter(),
             noiseParameter(),
             variableNameParameter(),
             straightThroughParameter(),
             variablesParameter(),
             {"relu_shift", Type::Number, std::int64_t{3},
              "Where the curve leaves 0: −relu_shift."},
             {"relu_upper_bound", Type::Number, std::int64_t{6},
              "Divisor; from relu_upper_bound − relu_shift on the curve is x."},
             keywordOnly({"keep_negative", Type::Boolean, true,
                          "False: no sign, levels from 0 up. Read from QKeras' dictionaries."}),
             keywordOnly({"post_training_scale",
                          Type::FrozenScale,
                          {},
                          "Scale found earlier, in the units of `scale`; it is not fitted "
                          "again."})},
        .leadingParameters = 3,
        .dictionaryKeys = {"bits", "integer", "symmetric", "alpha", "keep_negative",
                           "use_stochastic_rounding", "qnoise_factor", "post_training_scale",
                           "relu_shift", "relu_upper_bound"},
        .make = make};
}

} // namespace bitscape::quant
