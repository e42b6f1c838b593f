// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/quantized_squash.h"

#include "core/base/rng.h"
#include "core/quant/canonical.h"
#include "core/quant/common.h"
#include "core/quant/parameter_docs.h"
#include "core/quant/rounding.h"
#include "core/quant/sigmoid.h"
#include "core/quant/value.h"

#include <cmath>
#include <limits>

namespace bitscape::quant {

namespace {

/// A squashing function with rounded values: p(x) = tanh or sigmoid, real or QKeras' internal one;
/// z = clip(rne(p · M), low, M − 1), value z / M.
class Squash final : public Quantizer {
public:
    Squash(const QuantizerInfo& info, Parameters given, bool isTanh)
        : Quantizer(info, std::move(given)), m_isTanh(isTanh),
          m_real(flagOf(parameters(), isTanh ? "use_real_tanh" : "use_real_sigmoid")),
          m_stochastic(flagOf(parameters(), "use_stochastic_rounding")),
          m_bits(static_cast<int>(quant::numberOf(parameters(), "bits"))),
          m_levels(std::exp2(static_cast<float>(exponent())))
    {
        const float symmetric = flagOf(parameters(), "symmetric") ? 1.0F : 0.0F;
        m_low = (isTanh ? -m_levels : 0.0F) + symmetric;
        m_high = m_levels - 1.0F;
    }

    [[nodiscard]] std::string toString() const override
    {
        // QKeras prints only what is set, by position: with gaps it reads back as something else.
        std::vector<std::string> words{parameterText(*this, "bits")};
        for (std::size_t i = 1; i < info().parameters.size(); ++i) {
            if (isTruthy(parameter(info().parameters[i].name))) {
                words.emplace_back("1");
            }
        }
        return canonicalForm(*this, callText(info().name, words));
    }

    [[nodiscard]] Warnings notes(const Shape&) const override
    {
        if (overflows()) {
            return {{"qkeras_overflow",
                     info().name + ": QKeras' 32-bit integers overflow for this width; the result "
                                   "follows QKeras.",
                     "bits"}};
        }
        return {};
    }

    void apply(TensorView x, MutableTensorView y, const CallContext& call) const override
    {
        if (overflows()) {
            std::fill_n(y.data, x.size(), std::numeric_limits<float>::quiet_NaN());
            return;
        }
        for (Index i = 0, end = x.size(); i < end; ++i) {
            y.data[i] = clipped(rounded(x.data[i], i, call)) / m_levels + 0.0F;
        }
    }

    void gradient(TensorView x, TensorView upstream, MutableTensorView dx,
                  const CallContext& call) const override
    {
        for (Index i = 0, end = x.size(); i < end; ++i) {
            const float code = rounded(x.data[i], i, call);
            const bool inside = code >= m_low && code <= m_high;
            dx.data[i] = inside ? upstream.data[i] * slope(x.data[i], call) : 0.0F;
        }
    }

    [[nodiscard]] Fit fit(TensorView, const CallContext&) const override
    {
        return fitOf(one(), one(1.0F / m_levels));
    }

    [[nodiscard]] Result<Tensor> codes(TensorView x, const CallContext& call) const override
    {
        Tensor out(x.shape);
        for (Index i = 0, end = x.size(); i < end; ++i) {
            const float code = clipped(rounded(x.data[i], i, call));
            if (code != std::floor(code)) {
                return fail(ErrorCode::InvalidArgument,
                            info().name + ": stochastic rounding gives half steps, which have no "
                                          "integer codes.");
            }
            out.data()[i] = code + 0.0F;
        }
        return out;
    }

    [[nodiscard]] int bits() const override { return m_bits; }
    [[nodiscard]] double max() const override { return 1.0 - 1.0 / std::exp2(exponent()); }
    [[nodiscard]] double min() const override
    {
        const double symmetric = flagOf(parameters(), "symmetric") ? 1.0 : 0.0;
        return (m_isTanh ? -1.0 : 0.0) + symmetric / std::exp2(exponent());
    }
    [[nodiscard]] bool isSigned() const override { return m_isTanh; }
    [[nodiscard]] bool isElementwise() const override { return !m_stochastic; }

private:
    [[nodiscard]] int exponent() const { return m_isTanh ? m_bits - 1 : m_bits; }
    /// 2^32 and more are 0 in 32-bit integers: QKeras divides by it.
    [[nodiscard]] bool overflows() const { return exponent() >= 32; }

    [[nodiscard]] float squashed(float x, const CallContext& call) const
    {
        if (!m_isTanh) {
            return sigmoid(x, m_real ? InternalSigmoid::Real : call.sigmoid);
        }
        return m_real ? static_cast<float>(std::tanh(static_cast<double>(x)))
                      : 2.0F * sigmoid(x, call.sigmoid) - 1.0F;
    }
    [[nodiscard]] float slope(float x, const CallContext& call) const
    {
        if (!m_isTanh) {
            return sigmoidSlope(x, m_real ? InternalSigmoid::Real : call.sigmoid);
        }
        const float p = std::tanh(x);
        return m_real ? 1.0F - p * p : 2.0F * sigmoidSlope(x, call.sigmoid);
    }
    [[nodiscard]] float rounded(float x, Index index, const CallContext& call) const
    {
        constexpr float kPrecision = 0.5F; // QKeras' default: multiples of half a step
        const float p = squashed(x, call) * m_levels;
        return m_stochastic && call.training
                   ? roundStochastically(p, kPrecision,
                                         uniformAt(call.seed, static_cast<std::uint64_t>(index)))
                   : roundHalfToEven(p);
    }
    [[nodiscard]] float clipped(float code) const
    {
        const float raised = code < m_low ? m_low : code; // in this form NaN passes through
        return raised > m_high ? m_high : raised;
    }

    bool m_isTanh;
    bool m_real;
    bool m_stochastic;
    int m_bits;
    float m_levels; ///< M
    float m_low = 0.0F;
    float m_high = 0.0F;
};

Result<QuantizerPtr> makeSquash(const QuantizerInfo& info, Parameters parameters, bool isTanh)
{
    constexpr std::int64_t kMostBits = 64;
    if (auto ok = checkRange(info, parameters, "bits", 1, kMostBits); !ok) {
        return fail(std::move(ok).error());
    }
    return std::make_shared<Squash>(info, std::move(parameters), isTanh);
}

Result<QuantizerPtr> makeTanh(const QuantizerInfo& info, Parameters parameters)
{
    return makeSquash(info, std::move(parameters), true);
}

Result<QuantizerPtr> makeSigmoid(const QuantizerInfo& info, Parameters parameters)
{
    return makeSquash(info, std::move(parameters), false);
}

ParameterInfo bitsParameter()
{
    return {"bits", ParameterType::Integer, std::int64_t{8}, "Width of a code."};
}

ParameterInfo symmetricParameter()
{
    return {"symmetric", ParameterType::Boolean, false, "Leave the lowest level out."};
}

} // namespace

QuantizerInfo quantizedTanhInfo()
{
    return {.name = "quantized_tanh",
            .origin = "QKeras",
            .doc = "Hyperbolic tangent with rounded values. Unless asked for the real one it is "
                   "2σ(x) − 1 with QKeras' internal sigmoid, by default clip(x, −1, 1).",
            .grid = "z / 2^(bits−1), z = −2^(bits−1) + symmetric … 2^(bits−1) − 1",
            .parameters = {bitsParameter(),
                           stochasticParameter(),
                           symmetricParameter(),
                           {"use_real_tanh", ParameterType::Boolean, false,
                            "The hyperbolic tangent itself instead of its cheap stand-in."}},
            .leadingParameters = 1,
            .dictionaryKeys = {"bits", "symmetric", "use_stochastic_rounding", "use_real_tanh"},
            .make = makeTanh};
}

QuantizerInfo quantizedSigmoidInfo()
{
    return {.name = "quantized_sigmoid",
            .origin = "QKeras",
            .doc = "Sigmoid with rounded values. Unless asked for the real one it is QKeras' "
                   "internal sigmoid, by default clip(x/2 + 1/2, 0, 1).",
            .grid = "z / 2^bits, z = symmetric … 2^bits − 1",
            .parameters = {bitsParameter(),
                           symmetricParameter(),
                           {"use_real_sigmoid", ParameterType::Boolean, false,
                            "The logistic function itself instead of its cheap stand-in."},
                           stochasticParameter()},
            .leadingParameters = 1,
            .dictionaryKeys = {"bits", "symmetric", "use_real_sigmoid", "use_stochastic_rounding"},
            .make = makeSigmoid};
}

} // namespace bitscape::quant
