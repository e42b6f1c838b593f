// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/canonical.h"
#include "core/quant/common.h"
#include "core/quant/learned_range.h"
#include "core/quant/rounding.h"
#include "core/quant/value.h"

#include <algorithm>
#include <cmath>

namespace bitscape::quant {

namespace {

class Pact final : public Quantizer {
public:
    Pact(const QuantizerInfo& info, Parameters given)
        : Quantizer(info, std::move(given)),
          m_bits(static_cast<int>(quant::numberOf(parameters(), "bits"))),
          m_clip(std::max(static_cast<float>(quant::numberOf(parameters(), "clip")), kLeastClip)),
          m_high(static_cast<float>(std::exp2(m_bits) - 1.0)), m_step(m_clip / m_high)
    {
    }

    [[nodiscard]] std::string toString() const override { return keywordForm(*this); }

    void apply(TensorView x, MutableTensorView y, const CallContext&) const override
    {
        kernels::quantizeAffine(x.data, y.data, x.size(), {m_step, 0.0F, m_high});
    }

    void gradient(TensorView x, TensorView upstream, MutableTensorView dx,
                  const CallContext&) const override
    {
        for (Index i = 0, end = x.size(); i < end; ++i) {
            const bool inside = x.data[i] >= 0.0F && x.data[i] < m_clip;
            dx.data[i] = inside ? upstream.data[i] : 0.0F;
        }
    }

    [[nodiscard]] Fit fit(TensorView, const CallContext&) const override
    {
        return fitOf(one(m_step), one(m_step));
    }

    [[nodiscard]] Result<Tensor> codes(TensorView x, const CallContext&) const override
    {
        Tensor out(x.shape);
        for (Index i = 0, end = x.size(); i < end; ++i) {
            const float code = roundHalfToEven(x.data[i] / m_step);
            const float raised = code < 0.0F ? 0.0F : code; // in this form NaN passes through
            out.data()[i] = (raised > m_high ? m_high : raised) + 0.0F;
        }
        return out;
    }

    [[nodiscard]] int bits() const override { return m_bits; }
    [[nodiscard]] double min() const override { return 0.0; }
    [[nodiscard]] double max() const override { return static_cast<double>(m_clip); }
    [[nodiscard]] bool isSigned() const override { return false; }
    [[nodiscard]] bool isElementwise() const override { return true; }
    [[nodiscard]] QuantizerPtr withRange(double, double high) const override
    {
        return with("clip", high).value_or(nullptr);
    }

    [[nodiscard]] std::vector<std::string> learned() const override { return {"clip"}; }
    [[nodiscard]] std::vector<Tensor> learnedGradient(TensorView x, TensorView upstream,
                                                      const CallContext&) const override
    {
        double sum = 0.0;
        for (Index i = 0, end = x.size(); i < end; ++i) {
            sum += x.data[i] >= m_clip ? static_cast<double>(upstream.data[i]) : 0.0;
        }
        std::vector<Tensor> gradients;
        gradients.push_back(one(static_cast<float>(sum)));
        return gradients;
    }

private:
    /// Training may push the clip to 0 and below, where there would be no step.
    static constexpr float kLeastClip = 0x1p-64F;

    int m_bits;
    float m_clip;
    float m_high; ///< largest code
    float m_step;
};

Result<QuantizerPtr> make(const QuantizerInfo& info, Parameters parameters)
{
    constexpr std::int64_t kMostBits = 24; // codes are exact floats
    if (auto ok = checkRange(info, parameters, "bits", 1, kMostBits); !ok) {
        return fail(std::move(ok).error());
    }
    if (!std::isfinite(numberOf(parameters, "clip"))) {
        return badParameter(info, "clip", valueOf(parameters, "clip"), "it must be finite");
    }
    return std::make_shared<Pact>(info, std::move(parameters));
}

} // namespace

QuantizerInfo pactInfo()
{
    using Type = ParameterType;
    return {.name = "pact",
            .origin = "Bitscape",
            .doc = "Rectifier whose upper end is trained along with the weights (PACT, "
                   "parameterized clipping activation): few bits for activations without a "
                   "calibrated range. Regularize the clip, or it keeps large.",
            .grid = "clip · z / (2^bits − 1), z = 0 … 2^bits − 1",
            .parameters = {{"bits", Type::Integer, std::int64_t{4}, "Width of a code."},
                           {"clip", Type::Number, 10.0,
                            "Upper end of the range, learned from here on; 10 is the paper's "
                            "start."}},
            .leadingParameters = 1,
            .dictionaryKeys = {"bits", "clip"},
            .make = make};
}

} // namespace bitscape::quant
