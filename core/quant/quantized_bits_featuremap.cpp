// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/quantized_bits_featuremap.h"

#include "core/quant/canonical.h"
#include "core/quant/common.h"
#include "core/quant/parameter_docs.h"
#include "core/quant/scale_layout.h"
#include "core/quant/value.h"

#include <algorithm>
#include <cmath>

namespace bitscape::quant {

namespace {

/// What one set of elements that share a scale uses, in the float32 arithmetic of qkeras-mod.
struct AffineFit {
    float low = 0.0F;
    float high = 0.0F;
    float scale = 0.0F;
    float zeroPoint = 0.0F;
};

class QuantizedBitsFeaturemap final : public Quantizer {
public:
    QuantizedBitsFeaturemap(const QuantizerInfo& info, Parameters given)
        : Quantizer(info, std::move(given)),
          m_bits(static_cast<int>(quant::numberOf(parameters(), "bits"))),
          m_top(static_cast<float>(std::exp2(m_bits - 1) - 1.0)), m_noise(noiseOf(parameters()))
    {
    }

    [[nodiscard]] std::string toString() const override { return keywordForm(*this); }

    [[nodiscard]] Result<void> accepts(const Shape& shape) const override
    {
        return checkAxes(info(), shape, parameter("scale_axis"));
    }
    [[nodiscard]] Warnings notes(const Shape&) const override
    {
        if (m_bits == 1) {
            return {{"degenerate_quantizer",
                     "quantized_bits_featuremap: one bit leaves no level but 0, and the values "
                     "become NaN as in qkeras-mod.",
                     "bits"}};
        }
        return {};
    }

    void apply(TensorView x, MutableTensorView y, const CallContext& call) const override
    {
        const Noise noise = m_noise.at(call);
        forEachFitted(x, [&](std::size_t i, const AffineFit& fit) {
            const float value = withoutDust(x.data[i]);
            const float quantized = fit.scale * (codeOf(value, fit) - fit.zeroPoint);
            y.data[i] = noise.isWhole() ? quantized
                                        : (1.0F - noise.share) * value + noise.share * quantized;
        });
    }

    void gradient(TensorView x, TensorView upstream, MutableTensorView dx,
                  const CallContext& call) const override
    {
        const float factor = m_noise.at(call).gradient();
        for (Index i = 0, end = x.size(); i < end; ++i) {
            const bool dust = withoutDust(x.data[i]) == 0.0F;
            dx.data[i] = dust ? 0.0F : upstream.data[i] * factor;
        }
    }

    [[nodiscard]] Fit fit(TensorView x, const CallContext&) const override
    {
        const ScaleLayout layout = layoutOf(x.shape);
        const std::vector<AffineFit> fits = fitsOf(x, layout);
        Fit out{Tensor(layout.scaleShape()), Tensor(layout.scaleShape()),
                Tensor(layout.scaleShape())};
        for (std::size_t i = 0; i < fits.size(); ++i) {
            out.scale.values()[i] = out.step.values()[i] = fits[i].scale;
            out.zeroPoint.values()[i] = fits[i].zeroPoint;
        }
        return out;
    }

    [[nodiscard]] Result<Tensor> codes(TensorView x, const CallContext&) const override
    {
        Tensor out(x.shape);
        forEachFitted(x, [&](std::size_t i, const AffineFit& fit) {
            out.data()[i] = codeOf(withoutDust(x.data[i]), fit);
        });
        return out;
    }

    [[nodiscard]] int bits() const override { return m_bits; }
    [[nodiscard]] double max() const override
    {
        const bool keepsNegative = flagOf(parameters(), "keep_negative");
        const double reach = std::exp2(quant::numberOf(parameters(), "integer"));
        return m_bits > (keepsNegative ? 1 : 0) ? std::max(1.0, reach) : 1.0;
    }
    [[nodiscard]] double min() const override
    {
        return flagOf(parameters(), "keep_negative") ? -max() : 0.0;
    }
    [[nodiscard]] bool isSigned() const override { return true; }
    [[nodiscard]] bool isElementwise() const override { return false; }

private:
    [[nodiscard]] static float withoutDust(float value)
    {
        return std::abs(value) < kEpsilon ? 0.0F : value;
    }

    [[nodiscard]] ScaleLayout layoutOf(const Shape& shape) const
    {
        return shape.rank() > 1 ? ScaleLayout::ofAxes(shape, parameter("scale_axis"))
                                : ScaleLayout::single(shape);
    }

    [[nodiscard]] AffineFit completed(AffineFit fit) const
    {
        const float largest = std::max(std::abs(fit.low), std::abs(fit.high));
        fit.scale = 2.0F * largest / (2.0F * m_top);
        const float span = fit.high - fit.low;
        const float shift = span == 0.0F ? 0.0F : (fit.high * -m_top - fit.low * m_top) / span;
        fit.zeroPoint = std::round(shift) + 0.0F;
        return fit;
    }

    /// From the finite values; a set without any has scale 0.
    [[nodiscard]] std::vector<AffineFit> fitsOf(TensorView x, const ScaleLayout& layout) const
    {
        std::vector<AffineFit> fits(static_cast<std::size_t>(layout.scaleCount()));
        std::vector<bool> seen(fits.size(), false);
        forEachElement(layout, [&](std::size_t i, std::size_t scale) {
            const float value = withoutDust(x.data[i]);
            if (std::isfinite(value)) {
                fits[scale].low = seen[scale] ? std::min(fits[scale].low, value) : value;
                fits[scale].high = seen[scale] ? std::max(fits[scale].high, value) : value;
                seen[scale] = true;
            }
        });
        std::ranges::transform(fits, fits.begin(),
                               [&](const AffineFit& fit) { return completed(fit); });
        return fits;
    }

    template <class Visit>
    void forEachFitted(TensorView x, Visit visit) const
    {
        const ScaleLayout layout = layoutOf(x.shape);
        const std::vector<AffineFit> fits = fitsOf(x, layout);
        forEachElement(layout, [&](std::size_t i, std::size_t scale) { visit(i, fits[scale]); });
    }

    [[nodiscard]] float codeOf(float value, const AffineFit& fit) const
    {
        constexpr float kTieBreak = 0.00001526F; // takes ties down, below and above 0
        const float scaled = fit.scale == 0.0F ? value * 0.0F : value / fit.scale;
        const float code = std::round(scaled + fit.zeroPoint - kTieBreak);
        // In this form NaN passes through; + 0 makes a zero positive.
        const float raised = code < -m_top ? -m_top : code;
        return (raised > m_top ? m_top : raised) + 0.0F;
    }

    int m_bits;
    float m_top; ///< largest code
    Noise m_noise;
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
    const Value& alpha = valueOf(parameters, "alpha");
    if (!isFitted(parameters) || isPowerOfTwoFit(parameters)) {
        return badParameter(info, "alpha", alpha, "it must be 'auto'");
    }
    parameters["symmetric"] = true;
    return std::make_shared<QuantizedBitsFeaturemap>(info, std::move(parameters));
}

} // namespace

QuantizerInfo quantizedBitsFeaturemapInfo()
{
    using Type = ParameterType;
    return {
        .name = "quantized_bits_featuremap",
        .origin = "qkeras-mod",
        .doc = "Integers with a zero point for activations, fitted to the values at every call. "
               "scale_axis=0 fits every sample by itself. The step spans ±max|x| while the zero "
               "point places min and max, so that after a rectifier half of the codes stay "
               "unused; affine has neither this nor the dependence on the batch.",
        .grid = "scale · (z − zero point), |z| ≤ 2^(bits−1) − 1, scale = 2·max|x| / (2^bits − 2)",
        .parameters =
            {{"bits", Type::Integer, std::int64_t{8}, "Width of a code."},
             {"integer", Type::Integer, std::int64_t{0},
              "Moves the reported range, no value; qkeras-mod's recipe sets it to bits."},
             {"symmetric", Type::Boolean, true, "Always true: the codes are ±(2^(bits−1) − 1)."},
             {"keep_negative", Type::Boolean, true, "Moves the reported range, no value."},
             {"alpha", Type::Scale, std::string("auto"),
              "Must be 'auto'; qkeras-mod fails with anything else, its default None included."},
             {"use_stochastic_rounding", Type::Boolean, false, "No effect, as in qkeras-mod."},
             scaleAxisParameter(),
             noiseParameter(),
             variableNameParameter(),
             straightThroughParameter(),
             variablesParameter()},
        .leadingParameters = 3,
        .dictionaryKeys = {"bits", "integer", "symmetric", "alpha", "keep_negative",
                           "use_stochastic_rounding", "qnoise_factor"},
        .make = make};
}

} // namespace bitscape::quant
