// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/quantized_bits.h"

#include "core/quant/canonical.h"
#include "core/quant/common.h"
#include "core/quant/parameter_docs.h"
#include "core/quant/rounding.h"
#include "core/quant/scale_layout.h"
#include "core/quant/value.h"

#include <cmath>

namespace bitscape::quant {

namespace {

/// What both kinds of quantized_bits have in common. Names follow README.md: n unsigned bits,
/// M = 2^n, I integer bits.
class BitsQuantizer : public Quantizer {
public:
    BitsQuantizer(const QuantizerInfo& info, Parameters parameters)
        : Quantizer(info, std::move(parameters)),
          m_bits(static_cast<int>(numberOf(this->parameters(), "bits"))),
          m_keepNegative(flagOf(this->parameters(), "keep_negative")),
          m_unsignedBits(m_bits - (m_keepNegative ? 1 : 0)),
          m_levels(std::exp2(static_cast<float>(m_unsignedBits))),
          m_integerScale(std::exp2(static_cast<float>(numberOf(this->parameters(), "integer")))),
          m_noise(noiseOf(this->parameters()))
    {
    }

    [[nodiscard]] std::string toString() const override
    {
        std::vector<std::string> words{parameterText(*this, "bits"),
                                       parameterText(*this, "integer"),
                                       flagText(*this, "symmetric")};
        if (!m_keepNegative) {
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

    void gradient(TensorView, TensorView upstream, MutableTensorView dx,
                  const CallContext& call) const override
    {
        passGradient(upstream, dx, noise(call).gradient());
    }

    [[nodiscard]] int bits() const override { return m_bits; }
    [[nodiscard]] double max() const override
    {
        return m_unsignedBits > 0 ? std::max(1.0, static_cast<double>(m_integerScale)) : 1.0;
    }
    [[nodiscard]] double min() const override { return m_keepNegative ? -max() : 0.0; }

protected:
    [[nodiscard]] bool keepsNegative() const { return m_keepNegative; }
    [[nodiscard]] int unsignedBits() const { return m_unsignedBits; }
    [[nodiscard]] float levels() const { return m_levels; }             ///< M
    [[nodiscard]] float integerScale() const { return m_integerScale; } ///< 2^I
    [[nodiscard]] Noise noise(const CallContext& call) const { return m_noise.at(call); }

private:
    int m_bits;
    bool m_keepNegative;
    int m_unsignedBits;
    float m_levels;
    float m_integerScale;
    Noise m_noise;
};

/// alpha None, a number or a list: the grid is fixed and alpha multiplies the result.
class FixedBits final : public BitsQuantizer {
public:
    FixedBits(const QuantizerInfo& info, Parameters parameters)
        : BitsQuantizer(info, std::move(parameters)), m_rule(ruleOf(this->parameters()))
    {
        const auto alpha = givenScale(parameter("alpha"));
        m_alpha = alpha ? *alpha : GivenScale{{1.0F}, {1}};
        m_grid.inverse = levels() / integerScale();
        m_grid.step = integerScale() / levels();
        const float symmetric = isTruthy(parameter("symmetric")) ? 1.0F : 0.0F;
        m_grid.low = keepsNegative() ? -levels() + symmetric : 0.0F;
        m_grid.high = levels() - 1.0F;
    }

    [[nodiscard]] Result<void> accepts(const Shape& shape) const override
    {
        return checkGivenScale(info(), "alpha", m_alpha, shape);
    }
    [[nodiscard]] Warnings notes(const Shape&) const override
    {
        if (listOf(parameter("alpha")) && !quant::numberOf(parameter("alpha"))) {
            return {{"qkeras_differs",
                     "quantized_bits: QKeras takes a list as alpha but refuses a numpy array.",
                     "alpha"}};
        }
        return {};
    }

    void apply(TensorView x, MutableTensorView y, const CallContext& call) const override
    {
        if (m_alpha.isSingle()) {
            applyWithNoise(x, y, noise(call), [&](const float* from, float* to, Index count) {
                quantizeRun(from, to, count, m_alpha.values.front(), m_grid.step, from - x.data,
                            call);
            });
            return;
        }
        Tensor quantized = levelsOf(x, call);
        multiply(quantized.view(), stepTensor(), alphaLayout(x.shape), quantized.mutableView());
        if (const Noise mix = noise(call); !mix.isWhole()) {
            kernels::blend(x.data, quantized.data(), x.size(), mix.share);
        }
        std::ranges::copy(quantized.values(), y.data);
    }

    [[nodiscard]] Fit fit(TensorView, const CallContext&) const override
    {
        return fitOf(m_alpha.tensor(), stepTensor());
    }

    [[nodiscard]] Result<Tensor> codes(TensorView x, const CallContext& call) const override
    {
        return levelsOf(x, call);
    }

    [[nodiscard]] bool isSigned() const override { return keepsNegative(); }
    [[nodiscard]] bool isElementwise() const override
    {
        return m_alpha.isSingle() && m_rule.rounding != Rounding::Stochastic;
    }
    [[nodiscard]] QuantizerPtr promotedForKernel() const override
    {
        if (!isNone(parameter("alpha"))) {
            return nullptr;
        }
        Parameters promoted = parameters();
        promoted["alpha"] = std::string("auto_po2");
        return info().make(info(), std::move(promoted)).value_or(nullptr);
    }

private:
    [[nodiscard]] ScaleLayout alphaLayout(const Shape& shape) const
    {
        const auto layout = ScaleLayout::broadcasting(shape, m_alpha.shape);
        ensure(layout.has_value(), "quantized_bits: alpha does not fit the tensor");
        return *layout;
    }
    [[nodiscard]] Tensor stepTensor() const
    {
        Tensor step = m_alpha.tensor();
        for (float& value : step.values()) {
            value *= unsignedBits() > 0 ? m_grid.step : 1.0F;
        }
        return step;
    }
    [[nodiscard]] Tensor levelsOf(TensorView x, const CallContext& call) const
    {
        Tensor out(x.shape);
        quantizeRun(x.data, out.data(), x.size(), 1.0F, 1.0F, 0, call);
        return out;
    }
    void signRun(const float* from, float* to, Index count, float alpha) const
    {
        kernels::quantizeSign(from, to, count, keepsNegative() ? -alpha : 0.0F, alpha);
    }
    void ruledRun(const float* from, float* to, Index count, float step, Index first,
                  const CallContext& call) const
    {
        for (Index i = 0; i < count; ++i) {
            to[i] = from[i] * m_grid.inverse;
        }
        m_rule.at(call.training)
            .codes(to, to, count, {m_grid.low, m_grid.high, bits()}, call.seed, first);
        for (Index i = 0; i < count; ++i) {
            to[i] *= step;
        }
    }
    /// to = alpha · step · code.
    void quantizeRun(const float* from, float* to, Index count, float alpha, float step,
                     Index first, const CallContext& call) const
    {
        if (unsignedBits() <= 0) {
            signRun(from, to, count, alpha);
        } else if (!m_rule.at(call.training).isPlain()) {
            ruledRun(from, to, count, step * alpha, first, call);
        } else {
            kernels::Grid grid = m_grid;
            grid.step = step * alpha;
            kernels::quantizeGrid(from, to, count, grid);
        }
    }

    GivenScale m_alpha;
    CodeRule m_rule;
    kernels::Grid m_grid;
};

/// alpha 'auto' or 'auto_po2': a symmetric grid whose step is fitted to the values, or frozen.
class FittedBits final : public BitsQuantizer {
public:
    FittedBits(const QuantizerInfo& info, Parameters parameters)
        : BitsQuantizer(info, std::move(parameters)), m_inverse(1.0F / integerScale()),
          m_top(static_cast<float>(std::exp2(bits() - 1) - 1.0)),
          m_frozen(givenScale(parameter("post_training_scale"))),
          m_rule(ruleOf(this->parameters(), Rounding::HalfAway))
    {
        if (isTruthy(parameter("use_stochastic_rounding"))) {
            m_rule.rounding = Rounding::HalfAway; // QKeras ignores the flag here
        }
        m_leastSquares.scaleAxis = parameter("scale_axis");
        m_leastSquares.elementsPerScale = parameter("elements_per_scale");
        m_leastSquares.powerOfTwo = isPowerOfTwoFit(this->parameters());
        m_leastSquares.minExponent = quant::numberOf(parameter("min_po2_exponent"));
        m_leastSquares.maxExponent = quant::numberOf(parameter("max_po2_exponent"));
    }

    [[nodiscard]] Result<void> accepts(const Shape& shape) const override
    {
        if (auto fits = checkAxes(info(), shape, m_leastSquares.scaleAxis); !fits) {
            return fits;
        }
        if (m_frozen) {
            return checkGivenScale(info(), "post_training_scale", *m_frozen, shape);
        }
        return checkBlocks(info(), shape, m_leastSquares.scaleAxis,
                           m_leastSquares.elementsPerScale);
    }
    [[nodiscard]] Warnings notes(const Shape& shape) const override
    {
        Warnings out;
        const auto axis = quant::numberOf(m_leastSquares.scaleAxis);
        if (axis && *axis == shape.rank()) {
            out.push_back(
                {"qkeras_differs",
                 "quantized_bits: scale_axis equals the number of axes; older releases of "
                 "QKeras take that as one scale for the tensor, the newest refuses it.",
                 "scale_axis"});
        }
        if (bits() == 1) {
            out.push_back({"degenerate_quantizer",
                           "quantized_bits: one bit with a fitted scale has no level but 0; use "
                           "binary.",
                           "bits"});
        }
        return out;
    }

    void apply(TensorView x, MutableTensorView y, const CallContext& call) const override
    {
        if (m_frozen && m_frozen->isSingle()) {
            applyFrozen(x, y, call);
            return;
        }
        const Tensor step = stepOf(x);
        const ScaleLayout layout = ScaleLayout::of(step, x.shape);
        const CodeRule rule = m_rule.at(call.training);
        if (hasOwnLoops(rule) && noise(call).isWhole()) {
            const Tensor output = outputStep(step);
            layout.forEachTile([&](const ScaleLayout::Tile& tile) {
                kernels::quantizeAwayByChannel(
                    x.data + tile.offset, y.data + tile.offset, tile.rows, tile.channels, m_inverse,
                    step.data() + tile.firstScale, m_top, output.data() + tile.firstScale);
            });
            return;
        }
        Tensor quantized = codesFor(x, step, layout, rule, call.seed);
        multiply(quantized.view(), outputStep(step), layout, quantized.mutableView());
        if (const Noise mix = noise(call); !mix.isWhole()) {
            kernels::blend(x.data, quantized.data(), x.size(), mix.share);
        }
        std::ranges::copy(quantized.values(), y.data);
    }

    [[nodiscard]] Fit fit(TensorView x, const CallContext&) const override
    {
        const Tensor step = stepOf(x);
        Tensor exposed = step;
        for (float& value : exposed.values()) {
            value *= levels();
        }
        return fitOf(std::move(exposed), outputStep(step));
    }

    [[nodiscard]] Result<Tensor> codes(TensorView x, const CallContext& call) const override
    {
        const Tensor step = stepOf(x);
        return codesFor(x, step, ScaleLayout::of(step, x.shape), m_rule.at(call.training),
                        call.seed);
    }

    [[nodiscard]] bool isSigned() const override { return true; }
    [[nodiscard]] bool isElementwise() const override
    {
        return m_frozen && m_frozen->isSingle() && m_rule.rounding != Rounding::Stochastic;
    }

private:
    static constexpr int kRefinements = 5;

    void applyFrozen(TensorView x, MutableTensorView y, const CallContext& call) const
    {
        const float step = m_frozen->values.front() / levels();
        const float output = step * integerScale();
        const CodeRule rule = m_rule.at(call.training);
        applyWithNoise(x, y, noise(call), [&](const float* from, float* to, Index count) {
            if (hasOwnLoops(rule)) {
                kernels::quantizeAwayByChannel(from, to, count, 1, m_inverse, &step, m_top,
                                               &output);
                return;
            }
            codesRun(from, to, count, 1, &step, rule, call.seed, from - x.data);
            kernels::scaleByChannel(to, to, count, 1, &output);
        });
    }

    /// Step of x / 2^I for every scale.
    [[nodiscard]] Tensor stepOf(TensorView x) const
    {
        if (m_frozen) {
            Tensor step = m_frozen->tensor();
            for (float& value : step.values()) {
                value /= levels();
            }
            return step;
        }
        // A vector has one scale here, whatever scale_axis says.
        const ScaleLayout largestOf = x.shape.rank() > 1
                                          ? ScaleLayout::ofAxes(x.shape, m_leastSquares.scaleAxis)
                                          : ScaleLayout::single(x.shape);
        Tensor step = largestMagnitudes(x, largestOf);
        for (float& value : step.values()) {
            value = value * m_inverse * 2.0F / (2.0F * m_top);
        }
        if (!m_leastSquares.powerOfTwo) {
            return step;
        }
        std::ranges::transform(step.values(), step.values().begin(), nearestPowerOfTwo);
        // The step is one for codes that neither wrap nor depend on chance.
        const CodeRule rule{m_rule.at(false).rounding, Overflow::Saturate};
        return m_leastSquares
            .refine(x.shape, step, kRefinements,
                    [&](const ScaleLayout::Tile& tile, const float* scale,
                        const kernels::FitSums& sums) { addSums(x, tile, scale, rule, sums); })
            .fitted;
    }

    /// Whether codes come from the loops that are made for half away from zero.
    [[nodiscard]] static bool hasOwnLoops(const CodeRule& rule)
    {
        return rule.rounding == Rounding::HalfAway && rule.overflow != Overflow::Wrap;
    }

    void addSums(TensorView x, const ScaleLayout::Tile& tile, const float* step,
                 const CodeRule& rule, const kernels::FitSums& sums) const
    {
        const float* from = x.data + tile.offset;
        if (hasOwnLoops(rule)) {
            kernels::sumAwayByChannel(from, tile.rows, tile.channels, m_inverse, step, m_top, sums);
            return;
        }
        std::vector<float> codes(static_cast<std::size_t>(tile.rows * tile.channels));
        codesRun(from, codes.data(), tile.rows, tile.channels, step, rule, 0, tile.offset);
        kernels::sumProductsByChannel(from, codes.data(), tile.rows, tile.channels, m_inverse,
                                      sums.products, sums.squares);
    }

    [[nodiscard]] Tensor codesFor(TensorView x, const Tensor& step, const ScaleLayout& layout,
                                  const CodeRule& rule, std::uint64_t seed) const
    {
        Tensor z(x.shape);
        layout.forEachTile([&](const ScaleLayout::Tile& tile) {
            codesRun(x.data + tile.offset, z.data() + tile.offset, tile.rows, tile.channels,
                     step.data() + tile.firstScale, rule, seed, tile.offset);
        });
        return z;
    }

    void codesRun(const float* from, float* to, Index rows, Index channels, const float* step,
                  const CodeRule& rule, std::uint64_t seed, Index first) const
    {
        if (hasOwnLoops(rule)) {
            kernels::roundAwayByChannel(from, to, rows, channels, m_inverse, step, m_top);
            return;
        }
        for (Index i = 0; i < rows * channels; ++i) {
            const float scaled = from[i] * m_inverse / step[i % channels];
            to[i] = from[i] == 0.0F ? 0.0F : scaled; // 0 / 0 where all values are 0
        }
        rule.codes(to, to, rows * channels, {-m_top, m_top, bits()}, seed, first);
    }

    [[nodiscard]] Tensor outputStep(const Tensor& step) const
    {
        Tensor out = step;
        for (float& value : out.values()) {
            value *= integerScale();
        }
        return out;
    }

    float m_inverse;
    float m_top; ///< largest code
    std::optional<GivenScale> m_frozen;
    CodeRule m_rule;
    LeastSquares m_leastSquares;
};

Result<void> checkOnlyPowerOfTwo(const QuantizerInfo& info, const Parameters& parameters)
{
    if (isPowerOfTwoFit(parameters)) {
        return {};
    }
    for (const char* name : {"elements_per_scale", "min_po2_exponent", "max_po2_exponent"}) {
        if (!isNone(valueOf(parameters, name))) {
            return badParameter(info, name, valueOf(parameters, name),
                                "it is only supported with alpha='auto_po2'");
        }
    }
    return {};
}

Result<void> check(const QuantizerInfo& info, const Parameters& parameters)
{
    constexpr std::int64_t kMostBits = 64;
    constexpr std::int64_t kMostInteger = 120; // 2^120 times a mantissa is still a float
    const bool keepsNegative = flagOf(parameters, "keep_negative");
    if (auto ok = checkRange(info, parameters, "bits", keepsNegative ? 1 : 0, kMostBits); !ok) {
        return ok;
    }
    if (auto ok = checkRange(info, parameters, "integer", -kMostInteger, kMostInteger); !ok) {
        return ok;
    }
    const Value& frozen = valueOf(parameters, "post_training_scale");
    if (!isNone(frozen) && !isFitted(parameters)) {
        return badParameter(info, "post_training_scale", frozen,
                            "it needs alpha='auto' or 'auto_po2'");
    }
    if (auto ok = checkOnlyPowerOfTwo(info, parameters); !ok) {
        return ok;
    }
    if (auto ok = checkRounding(info, parameters); !ok) {
        return ok;
    }
    const std::int64_t bits = static_cast<std::int64_t>(numberOf(parameters, "bits"));
    if (auto ok = checkStep(info, parameters, bits - (keepsNegative ? 1 : 0)); !ok) {
        return ok;
    }
    return checkScaling(info, parameters);
}

Result<QuantizerPtr> make(const QuantizerInfo& info, Parameters parameters)
{
    if (auto ok = check(info, parameters); !ok) {
        return fail(std::move(ok).error());
    }
    if (!isFitted(parameters)) {
        return std::make_shared<FixedBits>(info, std::move(parameters));
    }
    parameters["symmetric"] = true;
    return std::make_shared<FittedBits>(info, std::move(parameters));
}

} // namespace

QuantizerInfo quantizedBitsInfo()
{
    using Type = ParameterType;
    return {
        .name = "quantized_bits",
        .origin = "QKeras",
        .doc =
            "Fixed-point numbers of `bits` bits, `integer` of them before the point (the sign not "
            "counted): quantized_bits(4,0,1) has the levels −7/8 … 7/8 in steps of 1/8. With alpha "
            "'auto' or 'auto_po2' the step is fitted to the values, per output channel; QKeras' "
            "layers do so for kernels unless alpha is a number. The usual choice for weights and "
            "biases.",
        .grid =
            "alpha · 2^integer · z / 2^n, n = bits − keep_negative, z = −2^n + symmetric … 2^n − "
            "1; fitted: step · z, |z| ≤ 2^(bits−1) − 1",
        .parameters =
            {{"bits", Type::Integer, std::int64_t{8}, "Width of a code, sign included."},
             {"integer", Type::Integer, std::int64_t{0},
              "Bits before the point, without the sign; moves the range to ±2^integer."},
             {"symmetric", Type::Boolean, false,
              "Leave the most negative code out, so that the range is the same on both sides."},
             {"keep_negative", Type::Boolean, true, "False: no sign, levels from 0 up."},
             {"alpha",
              Type::Scale,
              {},
              "Factor of the result: a number or list is used as it is, 'auto' fits a scale, "
              "'auto_po2' a power of two. None is 1, but 'auto_po2' for kernels; write 1 for a "
              "plain "
              "fixed-point kernel."},
             stochasticParameter(),
             scaleAxisParameter(),
             noiseParameter(),
             variableNameParameter(),
             straightThroughParameter(),
             variablesParameter(),
             elementsPerScaleParameter(),
             minExponentParameter(),
             maxExponentParameter(),
             {"post_training_scale",
              Type::FrozenScale,
              {},
              "Scale found earlier, in the units of `scale`; it is not fitted again."},
             roundingParameter("qkeras"),
             overflowParameter()},
        .leadingParameters = 3,
        .dictionaryKeys = {"bits", "integer", "symmetric", "alpha", "keep_negative",
                           "use_stochastic_rounding", "qnoise_factor", "post_training_scale"},
        .make = make};
}

} // namespace bitscape::quant
