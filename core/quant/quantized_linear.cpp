// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/quantized_linear.h"

#include "core/base/rng.h"
#include "core/quant/canonical.h"
#include "core/quant/common.h"
#include "core/quant/parameter_docs.h"
#include "core/quant/rounding.h"
#include "core/quant/scale_layout.h"
#include "core/quant/value.h"

#include <algorithm>
#include <cmath>

namespace bitscape::quant {

namespace {

/// Codes of the grid around 0 and their rule. One bit with a sign has the codes ±1 of half a step.
class LinearQuantizer : public Quantizer {
public:
    LinearQuantizer(const QuantizerInfo& info, Parameters given)
        : Quantizer(info, std::move(given)),
          m_bits(static_cast<int>(quant::numberOf(parameters(), "bits"))),
          m_keepNegative(flagOf(parameters(), "keep_negative")),
          m_signOnly(m_bits == 1 && m_keepNegative), m_noise{static_cast<float>(quant::numberOf(
                                                                 parameters(), "qnoise_factor")),
                                                             true},
          m_rule(ruleOf(parameters()))
    {
        const int unsignedBits = m_bits - (m_keepNegative ? 1 : 0);
        const auto integer = static_cast<int>(quant::numberOf(parameters(), "integer"));
        m_unit = std::exp2(static_cast<float>(integer - unsignedBits));
        const float levels = std::exp2(static_cast<float>(unsignedBits));
        const float symmetric = flagOf(parameters(), "symmetric") ? 1.0F : 0.0F;
        m_range = {m_keepNegative ? symmetric - levels : 0.0F, levels - 1.0F, m_bits};
        m_range.low = lowestCode(m_rule.overflow, m_range);
        if (m_signOnly) {
            m_range = {-kHalf, kHalf, 1};
        }
    }

    [[nodiscard]] std::string toString() const override
    {
        std::vector<std::string> words{parameterText(*this, "bits"),
                                       parameterText(*this, "integer"),
                                       flagText(*this, "symmetric")};
        if (!m_keepNegative) {
            words.emplace_back("keep_negative=False");
        }
        if (!isNone(parameter("alpha"))) {
            words.push_back("alpha=" + parameterText(*this, "alpha"));
        }
        if (isTruthy(parameter("use_stochastic_rounding"))) {
            words.emplace_back("use_stochastic_rounding=1");
        }
        return canonicalForm(*this, callText(info().name, words));
    }

    void gradient(TensorView x, TensorView upstream, MutableTensorView dx,
                  const CallContext& call) const override
    {
        const float share = m_noise.at(call).share;
        if (m_rule.overflow == Overflow::Wrap && !m_signOnly) {
            passGradient(upstream, dx, 1.0F);
            return;
        }
        const Tensor step = stepsOf(x, call);
        ScaleLayout::of(step, x.shape).forEachTile([&](const ScaleLayout::Tile& tile) {
            gradientRun(x.data + tile.offset, upstream.data + tile.offset, dx.data + tile.offset,
                        tile, step.data() + tile.firstScale, share);
        });
    }

    [[nodiscard]] Fit fit(TensorView x, const CallContext& call) const override
    {
        Tensor scale = stepsOf(x, call);
        Tensor step = scale;
        for (std::size_t i = 0; i < step.values().size(); ++i) {
            scale.values()[i] /= m_unit;
            step.values()[i] *= m_signOnly ? kHalf : 1.0F;
        }
        return fitOf(std::move(scale), std::move(step));
    }

    [[nodiscard]] Result<Tensor> codes(TensorView x, const CallContext& call) const override
    {
        Tensor out = unitCodes(x, stepsOf(x, call), rule(call), call.seed);
        if (m_signOnly) {
            for (float& code : out.values()) {
                code /= kHalf;
            }
        }
        return out;
    }

    [[nodiscard]] int bits() const override { return m_bits; }
    [[nodiscard]] bool isSigned() const override { return m_keepNegative; }

protected:
    /// Step of each scale, QKeras' quantization_scale.
    [[nodiscard]] virtual Tensor stepsOf(TensorView x, const CallContext& call) const = 0;

    [[nodiscard]] float unit() const { return m_unit; } ///< step without alpha
    [[nodiscard]] bool keepsNegative() const { return m_keepNegative; }
    [[nodiscard]] bool isSignOnly() const { return m_signOnly; }
    [[nodiscard]] const CodeRange& range() const { return m_range; }
    [[nodiscard]] CodeRule rule(const CallContext& call) const { return m_rule.at(call.training); }
    [[nodiscard]] bool draws() const { return m_rule.rounding == Rounding::Stochastic; }
    [[nodiscard]] Noise noise(const CallContext& call) const { return m_noise.at(call); }

    /// Codes in units of the step: whole, or ±1/2 for the sign alone.
    [[nodiscard]] Tensor unitCodes(TensorView x, const Tensor& step, const CodeRule& rule,
                                   std::uint64_t seed) const
    {
        Tensor z(x.shape);
        ScaleLayout::of(step, x.shape).forEachTile([&](const ScaleLayout::Tile& tile) {
            codesRun(x.data + tile.offset, z.data() + tile.offset, tile,
                     step.data() + tile.firstScale, rule, seed);
        });
        return z;
    }

    void applyScaled(TensorView x, MutableTensorView y, const Tensor& step,
                     const CallContext& call) const
    {
        Tensor quantized = unitCodes(x, step, rule(call), call.seed);
        multiply(quantized.view(), step, ScaleLayout::of(step, x.shape), quantized.mutableView());
        if (const Noise mix = noise(call); !mix.isWhole()) {
            kernels::blend(x.data, quantized.data(), x.size(), mix.share);
        }
        std::ranges::copy(quantized.values(), y.data);
    }

    void codesRun(const float* from, float* to, const ScaleLayout::Tile& tile, const float* step,
                  const CodeRule& rule, std::uint64_t seed) const
    {
        const Index count = tile.rows * tile.channels;
        if (m_signOnly) {
            for (Index i = 0; i < count; ++i) {
                const auto at = static_cast<std::uint64_t>(tile.offset + i);
                const float draw =
                    rule.rounding == Rounding::Stochastic ? uniformAt(seed, at) : 0.0F;
                to[i] = signCode(from[i] / step[i % tile.channels], rule.rounding, draw);
            }
            return;
        }
        if (rule.isPlain()) {
            kernels::roundEvenByChannel(from, to, tile.rows, tile.channels, step, m_range.low,
                                        m_range.high);
            return;
        }
        for (Index i = 0; i < count; ++i) {
            to[i] = from[i] / step[i % tile.channels];
        }
        rule.codes(to, to, count, m_range, seed, tile.offset);
    }

private:
    static constexpr float kHalf = 0.5F;

    /// In QKeras' order of float32 operations, where tiny negative values count as 0.
    static float signCode(float scaled, Rounding rounding, float draw)
    {
        const float raised = scaled < -kHalf ? -kHalf : scaled; // NaN passes through
        const float clipped = raised > kHalf ? kHalf : raised;
        return roundBy(rounding, clipped - kHalf, draw) + kHalf;
    }

    /// 1 where the value lies inside the range, 1 − share outside.
    void gradientRun(const float* x, const float* g, float* dx, const ScaleLayout::Tile& tile,
                     const float* step, float share) const
    {
        const float outside = 1.0F - share;
        for (Index i = 0; i < tile.rows * tile.channels; ++i) {
            const float scaled = x[i] / step[i % tile.channels];
            const bool inside = scaled >= m_range.low && scaled <= m_range.high;
            dx[i] = g[i] * (inside ? 1.0F : outside);
        }
    }

    int m_bits;
    bool m_keepNegative;
    bool m_signOnly;
    Noise m_noise;
    CodeRule m_rule;
    float m_unit = 1.0F; ///< 2^(integer − unsigned bits)
    CodeRange m_range;
};

/// alpha None, a number or a list: the step is alpha · unit.
class GivenLinear final : public LinearQuantizer {
public:
    GivenLinear(const QuantizerInfo& info, Parameters parameters)
        : LinearQuantizer(info, std::move(parameters)),
          m_step(givenScale(parameter("alpha")).value_or(GivenScale{{1.0F}, {1}}))
    {
        for (float& step : m_step.values) {
            step *= unit();
        }
    }

    [[nodiscard]] Result<void> accepts(const Shape& shape) const override
    {
        return checkGivenScale(info(), "alpha", m_step, shape);
    }
    [[nodiscard]] Warnings notes(const Shape&) const override
    {
        if (listOf(parameter("alpha")) && isTruthy(parameter("alpha"))) {
            return {{"qkeras_differs",
                     "quantized_linear: QKeras computes with a given alpha but cannot print it.",
                     "alpha"}};
        }
        return {};
    }

    void apply(TensorView x, MutableTensorView y, const CallContext& call) const override
    {
        if (m_step.isSingle()) {
            applyWithNoise(x, y, noise(call), [&](const float* from, float* to, Index count) {
                singleRun(from, to, count, from - x.data, call);
            });
            return;
        }
        applyScaled(x, y, m_step.tensor(), call);
    }

    [[nodiscard]] double min() const override { return end(range().low); }
    [[nodiscard]] double max() const override { return end(range().high); }
    [[nodiscard]] bool isElementwise() const override { return m_step.isSingle() && !draws(); }
    [[nodiscard]] QuantizerPtr promotedForKernel() const override
    {
        if (!isNone(parameter("alpha"))) {
            return nullptr;
        }
        Parameters promoted = parameters();
        promoted["alpha"] = std::string("auto_po2");
        promoted["symmetric"] = true;
        return info().make(info(), std::move(promoted)).value_or(nullptr);
    }

protected:
    [[nodiscard]] Tensor stepsOf(TensorView, const CallContext&) const override
    {
        return m_step.tensor();
    }

private:
    [[nodiscard]] double end(float code) const
    {
        return static_cast<double>(code * *std::ranges::max_element(m_step.values)) + 0.0;
    }

    void singleRun(const float* from, float* to, Index count, Index first,
                   const CallContext& call) const
    {
        const float step = m_step.values.front();
        if (isNone(parameter("alpha")) && rule(call).isPlain() && !isSignOnly()) {
            kernels::quantizeGrid(from, to, count, {1.0F / step, step, range().low, range().high});
            return;
        }
        codesRun(from, to, {first, count, 1, 0}, &step, rule(call), call.seed);
        kernels::scaleByChannel(to, to, count, 1, &step);
    }

    GivenScale m_step;
};

/// alpha 'auto' or 'auto_po2': the step comes from the largest value of those that share it.
class FittedLinear final : public LinearQuantizer {
public:
    FittedLinear(const QuantizerInfo& info, Parameters parameters)
        : LinearQuantizer(info, std::move(parameters))
    {
        m_leastSquares.scaleAxis = parameter("scale_axis");
        m_leastSquares.powerOfTwo = isPowerOfTwoFit(this->parameters());
    }

    [[nodiscard]] Result<void> accepts(const Shape& shape) const override
    {
        return checkAxes(info(), shape, m_leastSquares.scaleAxis);
    }
    [[nodiscard]] Warnings notes(const Shape& shape) const override
    {
        const auto axis = quant::numberOf(m_leastSquares.scaleAxis);
        if (axis && *axis == shape.rank()) {
            return {
                {"qkeras_differs",
                 "quantized_linear: scale_axis equals the number of axes, which QKeras refuses; "
                 "here it means one scale for the tensor.",
                 "scale_axis"}};
        }
        return {};
    }

    void apply(TensorView x, MutableTensorView y, const CallContext& call) const override
    {
        applyScaled(x, y, stepsOf(x, call), call);
    }

    [[nodiscard]] double min() const override { return range().low * unit() + 0.0; }
    [[nodiscard]] double max() const override { return range().high * unit(); }
    [[nodiscard]] std::pair<double, double> rangeWith(const Fit& fit) const override
    {
        float largest = 0.0F;
        for (const float scale : fit.scale.values()) {
            largest = std::max(largest, scale);
        }
        return {min() * static_cast<double>(largest) + 0.0, max() * static_cast<double>(largest)};
    }
    [[nodiscard]] bool isElementwise() const override { return false; }

protected:
    [[nodiscard]] Tensor stepsOf(TensorView x, const CallContext& call) const override
    {
        Tensor step = keepsNegative() ? largestMagnitudes(x, scaleLayout(x.shape)) : largest(x);
        const float codes = range().high - range().low;
        for (float& value : step.values()) {
            value = std::max((keepsNegative() ? value * 2.0F : value) / codes, kEpsilon);
        }
        return m_leastSquares.powerOfTwo ? refined(x, std::move(step), call) : step;
    }

private:
    [[nodiscard]] ScaleLayout scaleLayout(const Shape& shape) const
    {
        return ScaleLayout::ofAxes(shape, m_leastSquares.scaleAxis);
    }

    /// The largest value (not magnitude) per scale.
    [[nodiscard]] Tensor largest(TensorView x) const
    {
        const ScaleLayout layout = scaleLayout(x.shape);
        Tensor out(layout.scaleShape());
        layout.forEachTile([&](const ScaleLayout::Tile& tile) {
            for (Index i = 0; i < tile.rows * tile.channels; ++i) {
                float& most = out.data()[tile.firstScale + i % tile.channels];
                most = std::max(most, x.data[tile.offset + i]); // below 0 the floor decides anyway
            }
        });
        return out;
    }

    /// Powers of two: the nearest one first, then the least-squares one of the codes it gives.
    [[nodiscard]] Tensor refined(TensorView x, Tensor step, const CallContext& call) const
    {
        constexpr int kRefinements = 5;
        std::ranges::transform(step.values(), step.values().begin(), nearestPowerOfTwo);
        const int most = isSignOnly() ? 1 : kRefinements;
        // QKeras draws anew for each refinement; what wraps would spoil the fit.
        const CodeRule fitting{rule(call).rounding, Overflow::Saturate};
        for (int i = 1; i <= most; ++i) {
            const auto seed = call.seed + static_cast<std::uint64_t>(i);
            const Tensor z = unitCodes(x, step, fitting, seed);
            Tensor next = m_leastSquares.fit(x, 1.0F, z.view());
            if (next == step) {
                break;
            }
            step = std::move(next);
        }
        return step;
    }

    LeastSquares m_leastSquares;
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
    if (auto ok = checkRounding(info, parameters); !ok) {
        return fail(std::move(ok).error());
    }
    const auto bits = static_cast<std::int64_t>(numberOf(parameters, "bits"));
    const int sign = flagOf(parameters, "keep_negative") ? 1 : 0;
    if (auto ok = checkStep(info, parameters, bits - sign); !ok) {
        return fail(std::move(ok).error());
    }
    if (const auto alpha = givenScale(valueOf(parameters, "alpha"));
        alpha && std::ranges::find(alpha->values, 0.0F) != alpha->values.end()) {
        return badParameter(info, "alpha", valueOf(parameters, "alpha"), "a step cannot be 0");
    }
    if (isFitted(parameters)) {
        return std::make_shared<FittedLinear>(info, std::move(parameters));
    }
    return std::make_shared<GivenLinear>(info, std::move(parameters));
}

} // namespace

QuantizerInfo quantizedLinearInfo()
{
    using Type = ParameterType;
    return {
        .name = "quantized_linear",
        .origin = "QKeras",
        .doc = "Fixed-point numbers like those of quantized_bits, but alpha is a true step: values "
               "are divided by it. Gradients stop where values saturate. One bit with sign has the "
               "levels ± half a step. A fitted step respects keep_negative and symmetric.",
        .grid = "alpha · 2^(integer − n) · z, n = bits − keep_negative, z = −2^n + symmetric … 2^n "
                "− 1 (without sign: 0 … 2^n − 1)",
        .parameters =
            {{"bits", Type::Integer, std::int64_t{8}, "Width of a code, sign included."},
             {"integer", Type::Integer, std::int64_t{0},
              "Bits before the point, without the sign; moves the range to ±2^integer."},
             {"symmetric", Type::Boolean, true,
              "Leave the most negative code out, so that the range is the same on both sides."},
             {"keep_negative", Type::Boolean, true, "False: no sign, levels from 0 up."},
             {"alpha",
              Type::Scale,
              {},
              "Factor of the step: a number or list is used as it is, 'auto' takes the step from "
              "the largest value, 'auto_po2' a power of two. None is 1, but 'auto_po2' for "
              "kernels."},
             stochasticParameter(),
             scaleAxisParameter(),
             noiseParameter(),
             variableNameParameter(),
             variablesParameter(),
             roundingParameter(),
             overflowParameter()},
        .leadingParameters = 3,
        .dictionaryKeys = {"bits", "integer", "symmetric", "alpha", "keep_negative",
                           "use_stochastic_rounding", "qnoise_factor"},
        .make = make};
}

} // namespace bitscape::quant
