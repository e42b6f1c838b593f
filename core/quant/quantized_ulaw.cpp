// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/quantized_ulaw.h"

#include "core/quant/canonical.h"
#include "core/quant/common.h"
#include "core/quant/parameter_docs.h"
#include "core/quant/rounding.h"
#include "core/quant/sigmoid.h"
#include "core/quant/value.h"

#include <cmath>

namespace bitscape::quant {

namespace {

/// r = 2 · rne(σ(x / 2^I) · M) / M − 1, value 2^I · clip(w(r)), w(r) = sign(r) · ln(1 + u|r|) /
/// ln(1 + u), M = 2^(bits − 1).
class Ulaw final : public Quantizer {
public:
    Ulaw(const QuantizerInfo& info, Parameters given)
        : Quantizer(info, std::move(given)),
          m_bits(static_cast<int>(quant::numberOf(parameters(), "bits"))),
          m_levels(std::exp2(static_cast<float>(m_bits - 1))),
          m_integerScale(std::exp2(static_cast<float>(quant::numberOf(parameters(), "integer")))),
          m_u(static_cast<float>(quant::numberOf(parameters(), "u")))
    {
        const float symmetric = flagOf(parameters(), "symmetric") ? 1.0F : 0.0F;
        m_low = -1.0F + symmetric / m_levels;
        m_high = 1.0F - 1.0F / m_levels;
        m_logarithm = static_cast<float>(std::log1p(static_cast<double>(m_u)));
    }

    [[nodiscard]] std::string toString() const override
    {
        const bool otherU = !sameValue(parameter("u"), findParameter(info(), "u")->defaultValue);
        std::vector<std::string> words{parameterText(*this, "bits"),
                                       parameterText(*this, "integer")};
        if (otherU || isTruthy(parameter("symmetric"))) {
            words.push_back(flagText(*this, "symmetric"));
        }
        if (otherU) {
            words.push_back(parameterText(*this, "u"));
        }
        return callText(info().name, words);
    }

    void apply(TensorView x, MutableTensorView y, const CallContext& call) const override
    {
        for (Index i = 0, end = x.size(); i < end; ++i) {
            const float bent = companded(code(x.data[i], call) / m_levels);
            const float raised = bent < m_low ? m_low : bent; // in this form NaN passes through
            y.data[i] = m_integerScale * (raised > m_high ? m_high : raised) + 0.0F;
        }
    }

    void gradient(TensorView x, TensorView upstream, MutableTensorView dx,
                  const CallContext& call) const override
    {
        for (Index i = 0, end = x.size(); i < end; ++i) {
            const float r = code(x.data[i], call) / m_levels;
            const float bent = companded(r);
            const bool inside = r != 0.0F && bent >= m_low && bent <= m_high;
            const float steepness = m_u / ((1.0F + m_u * std::abs(r)) * m_logarithm);
            const float slope = 2.0F * sigmoidSlope(x.data[i] / m_integerScale, call.sigmoid);
            dx.data[i] = inside ? upstream.data[i] * slope * steepness : 0.0F;
        }
    }

    [[nodiscard]] Fit fit(TensorView, const CallContext&) const override
    {
        return fitOf(one(), one(0.0F)); // the distance of neighbors varies
    }

    /// The uncompanded codes M · r.
    [[nodiscard]] Result<Tensor> codes(TensorView x, const CallContext& call) const override
    {
        Tensor out(x.shape);
        for (Index i = 0, end = x.size(); i < end; ++i) {
            out.data()[i] = code(x.data[i], call);
        }
        return out;
    }

    [[nodiscard]] int bits() const override { return m_bits; }
    [[nodiscard]] double max() const override
    {
        return m_bits > 1 ? std::max(1.0, static_cast<double>(m_integerScale)) : 1.0;
    }
    [[nodiscard]] double min() const override { return -max(); }
    [[nodiscard]] bool isSigned() const override { return true; }
    [[nodiscard]] bool isElementwise() const override { return true; }

private:
    [[nodiscard]] float code(float x, const CallContext& call) const
    {
        const float p = sigmoid(x / m_integerScale, call.sigmoid) * m_levels;
        return 2.0F * roundHalfToEven(p) - m_levels;
    }
    [[nodiscard]] float companded(float r) const
    {
        const float size =
            std::log1p(m_u * std::abs(r)) / m_logarithm; // r = 0: 0, whatever the sign
        return std::copysign(size, r);
    }

    int m_bits;
    float m_levels;
    float m_integerScale;
    float m_u;
    float m_logarithm = 1.0F; ///< ln(1 + u)
    float m_low = 0.0F;
    float m_high = 0.0F;
};

Result<QuantizerPtr> make(const QuantizerInfo& info, Parameters parameters)
{
    constexpr std::int64_t kMostBits = 64;
    constexpr std::int64_t kMostInteger = 120;
    if (auto ok = checkRange(info, parameters, "bits", 1, kMostBits); !ok) {
        return fail(std::move(ok).error());
    }
    if (auto ok = checkRange(info, parameters, "integer", -kMostInteger, kMostInteger); !ok) {
        return fail(std::move(ok).error());
    }
    const double u = numberOf(parameters, "u");
    if (!std::isfinite(u) || u <= 0.0) {
        return badParameter(info, "u", valueOf(parameters, "u"), "it must be above 0");
    }
    return std::make_shared<Ulaw>(info, std::move(parameters));
}

} // namespace

QuantizerInfo quantizedUlawInfo()
{
    using Type = ParameterType;
    return {
        .name = "quantized_ulaw",
        .origin = "QKeras",
        .doc = "Levels companded by the µ-law of telephony: coarse near 0 and dense near the ends "
               "here, since values are squashed by QKeras' internal sigmoid first.",
        .grid =
            "2^integer · sign(r) · ln(1 + u|r|) / ln(1 + u), r = 2k / 2^(bits−1) − 1, clipped to "
            "−1 + symmetric / 2^(bits−1) … 1 − 1 / 2^(bits−1)",
        .parameters = {{"bits", Type::Integer, std::int64_t{8}, "Width of a code, sign included."},
                       {"integer", Type::Integer, std::int64_t{0},
                        "Bits before the point, without the sign; moves the range to ±2^integer."},
                       {"symmetric", Type::Boolean, false, "Leave the lowest level out."},
                       {"u", Type::Number, 255.0, "Strength of the companding; 255 in telephony."}},
        .leadingParameters = 2,
        .dictionaryKeys = {"bits", "integer", "symmetric", "u"},
        .make = make};
}

} // namespace bitscape::quant
