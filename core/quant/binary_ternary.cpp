// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/binary_ternary.h"

#include "core/base/rng.h"
#include "core/quant/canonical.h"
#include "core/quant/common.h"
#include "core/quant/parameter_docs.h"
#include "core/quant/rounding.h"
#include "core/quant/scale_layout.h"
#include "core/quant/value.h"

#include <cmath>

namespace bitscape::quant {

namespace {

/// Codes of a tensor and the scale that goes with them.
struct ScaledCodes {
    Tensor codes;
    Tensor scale;
    ScaleLayout layout;
};

/// A quantizer with few codes times a scale: alpha None or a number (element by element), a list,
/// or fitted by least squares.
class ScaledQuantizer : public Quantizer {
public:
    ScaledQuantizer(const QuantizerInfo& info, Parameters given)
        : Quantizer(info, std::move(given)),
          m_given(givenScale(parameter("alpha")).value_or(GivenScale{{1.0F}, {1}})),
          m_stochastic(flagOf(parameters(), "use_stochastic_rounding"))
    {
    }

    [[nodiscard]] Result<void> accepts(const Shape& shape) const override
    {
        return checkGivenScale(info(), "alpha", m_given, shape);
    }

    [[nodiscard]] Warnings notes(const Shape&) const override
    {
        return listAlphaNotes(info(), parameters());
    }

    void apply(TensorView x, MutableTensorView y, const CallContext& call) const override
    {
        if (isElementwise()) {
            quantizeRun(x.data, y.data, x.size(), m_given.values.front());
            return;
        }
        if (fitsPlainly(call)) {
            const LeastSquares::Refined scales = refined(x);
            ScaleLayout::of(scales.fitted, x.shape).forEachTile([&](const ScaleLayout::Tile& tile) {
                quantizeTile(x.data + tile.offset, y.data + tile.offset, tile,
                             scales.scale.data() + tile.firstScale,
                             scales.fitted.data() + tile.firstScale);
            });
            return;
        }
        const ScaledCodes result = scaledCodes(x, call);
        multiply(result.codes.view(), result.scale, result.layout, y);
    }

    void gradient(TensorView x, TensorView upstream, MutableTensorView dx,
                  const CallContext&) const override
    {
        if (!isNone(parameter("alpha"))) {
            passGradient(upstream, dx, 1.0F);
            return;
        }
        for (Index i = 0, end = x.size(); i < end; ++i) {
            const float bent = std::tanh(x.data[i]);
            dx.data[i] = upstream.data[i] * (1.0F - bent * bent);
        }
    }

    [[nodiscard]] Fit fit(TensorView x, const CallContext& call) const override
    {
        Tensor scale = !isFitted(parameters()) ? m_given.tensor()
                       : fitsPlainly(call)     ? refined(x).fitted
                                               : scaledCodes(x, call).scale;
        Tensor step = scale;
        return fitOf(std::move(scale), std::move(step));
    }

    [[nodiscard]] Result<Tensor> codes(TensorView x, const CallContext& call) const override
    {
        if (isElementwise()) {
            Tensor out(x.shape);
            quantizeRun(x.data, out.data(), x.size(), 1.0F);
            return out;
        }
        if (fitsPlainly(call)) {
            Tensor out(x.shape);
            const Tensor scale = refined(x).scale;
            ScaleLayout::of(scale, x.shape).forEachTile([&](const ScaleLayout::Tile& tile) {
                quantizeTile(x.data + tile.offset, out.data() + tile.offset, tile,
                             scale.data() + tile.firstScale, nullptr);
            });
            return out;
        }
        return scaledCodes(x, call).codes;
    }

    [[nodiscard]] double max() const override
    {
        return isFitted(parameters()) ? 1.0 : std::max(1.0, largestAlpha());
    }
    [[nodiscard]] bool isElementwise() const override
    {
        return !isFitted(parameters()) && m_given.isSingle() && !m_stochastic;
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

protected:
    [[nodiscard]] bool isStochastic(const CallContext& call) const
    {
        return m_stochastic && call.training;
    }
    /// The scale of a given alpha, with its layout on a tensor of this shape.
    [[nodiscard]] ScaledCodes withGivenScale(Tensor codes) const
    {
        const auto layout = ScaleLayout::broadcasting(codes.shape(), m_given.shape);
        ensure(layout.has_value(), "alpha does not fit the tensor");
        return {std::move(codes), m_given.tensor(), *layout};
    }
    virtual void quantizeRun(const float* from, float* to, Index count, float scale) const = 0;
    /// A list as alpha, or a scale fitted to codes that are drawn.
    [[nodiscard]] virtual ScaledCodes scaledCodes(TensorView x, const CallContext& call) const = 0;
    /// The scale that decides about the codes, and the one fitted to them; nothing is drawn.
    [[nodiscard]] virtual LeastSquares::Refined refined(TensorView x) const = 0;
    /// to = output · codes, output null: the codes.
    virtual void quantizeTile(const float* from, float* to, const ScaleLayout::Tile& tile,
                              const float* scale, const float* output) const = 0;

private:
    [[nodiscard]] bool fitsPlainly(const CallContext& call) const
    {
        return isFitted(parameters()) && !isStochastic(call);
    }
    [[nodiscard]] double largestAlpha() const
    {
        return static_cast<double>(*std::ranges::max_element(m_given.values));
    }

    GivenScale m_given;
    bool m_stochastic;
};

class Binary final : public ScaledQuantizer {
public:
    Binary(const QuantizerInfo& info, Parameters given)
        : ScaledQuantizer(info, std::move(given)), m_zeroOne(flagOf(parameters(), "use_01"))
    {
        m_leastSquares.scaleAxis = parameter("scale_axis");
        m_leastSquares.elementsPerScale = parameter("elements_per_scale");
        m_leastSquares.powerOfTwo = isPowerOfTwoFit(parameters());
        m_leastSquares.minExponent = quant::numberOf(parameter("min_po2_exponent"));
        m_leastSquares.maxExponent = quant::numberOf(parameter("max_po2_exponent"));
    }

    [[nodiscard]] std::string toString() const override { return keywordFormOfFlags(); }

    [[nodiscard]] Result<void> accepts(const Shape& shape) const override
    {
        if (!isFitted(parameters())) {
            return ScaledQuantizer::accepts(shape);
        }
        if (auto ok = checkAxes(info(), shape, m_leastSquares.scaleAxis); !ok) {
            return ok;
        }
        return checkBlocks(info(), shape, m_leastSquares.scaleAxis,
                           m_leastSquares.elementsPerScale);
    }

    [[nodiscard]] Warnings notes(const Shape& shape) const override
    {
        Warnings out = ScaledQuantizer::notes(shape);
        const auto axis = quant::numberOf(m_leastSquares.scaleAxis);
        if (axis && *axis == shape.rank()) {
            out.push_back({"qkeras_differs",
                           "binary: scale_axis equals the number of axes; older releases of QKeras "
                           "take that as one scale for the tensor, the newest refuses it.",
                           "scale_axis"});
        }
        if (isTruthy(parameter("use_stochastic_rounding")) && shape.rank() > 1 &&
            shape.channels() != 1 && shape.channels() != shape.rank()) {
            out.push_back(
                {"qkeras_differs",
                 "binary: QKeras fails at inference with use_stochastic_rounding and this "
                 "shape; here 0 becomes the positive level.",
                 "use_stochastic_rounding"});
        }
        return out;
    }

    [[nodiscard]] int bits() const override { return 1; }
    [[nodiscard]] double min() const override { return m_zeroOne ? 0.0 : -max(); }
    [[nodiscard]] bool isSigned() const override { return !m_zeroOne; }

private:
    /// What QKeras prints, which is complete but for lists.
    [[nodiscard]] std::string keywordFormOfFlags() const
    {
        std::vector<std::string> words;
        if (m_zeroOne) {
            words.emplace_back("use_01=1");
        }
        for (const char* name : {"alpha", "elements_per_scale", "scale_axis", "min_po2_exponent",
                                 "max_po2_exponent", "use_stochastic_rounding"}) {
            if (!sameValue(parameter(name), findParameter(info(), name)->defaultValue)) {
                words.push_back(std::string(name) + "=" + parameterText(*this, name));
            }
        }
        return callText(info().name, words);
    }

    void quantizeRun(const float* from, float* to, Index count, float scale) const override
    {
        kernels::quantizeSign(from, to, count, m_zeroOne ? 0.0F : -scale, scale);
    }

    [[nodiscard]] float negative() const { return m_zeroOne ? 0.0F : -1.0F; }

    [[nodiscard]] LeastSquares::Refined refined(TensorView x) const override
    {
        Tensor scale = m_leastSquares.fit(
            x.shape, [&](const ScaleLayout::Tile& tile, const kernels::FitSums& sums) {
                kernels::sumSignByChannel(x.data + tile.offset, tile.rows, tile.channels,
                                          negative(), sums);
            });
        return {scale, scale};
    }
    void quantizeTile(const float* from, float* to, const ScaleLayout::Tile& tile,
                      const float* /*scale*/, const float* output) const override
    {
        if (output == nullptr) {
            quantizeRun(from, to, tile.rows * tile.channels, 1.0F);
        } else {
            kernels::quantizeSignByChannel(from, to, tile.rows, tile.channels, negative(), output);
        }
    }

    [[nodiscard]] ScaledCodes scaledCodes(TensorView x, const CallContext& call) const override
    {
        Tensor values(x.shape, x.values());
        if (isStochastic(call)) {
            disturb(values, call);
        }
        Tensor codes(x.shape);
        quantizeRun(values.data(), codes.data(), x.size(), 1.0F);
        if (!isFitted(parameters())) {
            return withGivenScale(std::move(codes));
        }
        Tensor scale = m_leastSquares.fit(values.view(), 1.0F, codes.view());
        ScaleLayout layout = ScaleLayout::of(scale, x.shape);
        return {std::move(codes), std::move(scale), std::move(layout)};
    }

    /// Stochastic rounding on a grid of a quarter of the channel's largest value (at most 1), so
    /// that small values change sign at times; what becomes 0 gets a random sign.
    static void disturb(Tensor& values, const CallContext& call)
    {
        constexpr float kPrecision = 0.125F;
        const Tensor largest = largestPerChannel(values.view());
        const std::span<float> x = values.values();
        forEachElement(ScaleLayout::of(largest, values.shape()),
                       [&](std::size_t i, std::size_t scale) {
                           const float factor = 2.0F * std::min(largest.values()[scale], 1.0F);
                           if (factor > 0.0F) {
                               x[i] = factor * roundStochastically(x[i] / factor, kPrecision,
                                                                   uniformAt(call.seed, i));
                           }
                           if (x[i] == 0.0F) {
                               x[i] = uniformAt(~call.seed, i) > 0.5F ? kSign : -kSign;
                           }
                       });
    }
    /// Any magnitude too small to move a scale.
    static constexpr float kSign = 1e-30F;

    bool m_zeroOne;
    LeastSquares m_leastSquares;
};

class Ternary final : public ScaledQuantizer {
public:
    Ternary(const QuantizerInfo& info, Parameters given)
        : ScaledQuantizer(info, std::move(given)),
          m_threshold(static_cast<float>(
              quant::numberOf(parameter("threshold")).value_or(kDefaultThreshold))),
          m_unrolls(static_cast<int>(quant::numberOf(parameters(), "number_of_unrolls")))
    {
        m_leastSquares.powerOfTwo = isPowerOfTwoFit(parameters());
    }

    [[nodiscard]] std::string toString() const override
    {
        std::vector<std::string> words;
        for (const char* name : {"alpha", "threshold"}) {
            if (!isNone(parameter(name))) {
                words.push_back(std::string(name) + "=" + parameterText(*this, name));
            }
        }
        if (isTruthy(parameter("use_stochastic_rounding"))) {
            words.emplace_back("use_stochastic_rounding=1");
        }
        const Value& unrolls = parameter("number_of_unrolls");
        if (!sameValue(unrolls, findParameter(info(), "number_of_unrolls")->defaultValue)) {
            words.push_back("number_of_unrolls=" + parameterText(*this, "number_of_unrolls"));
        }
        return callText(info().name, words);
    }

    [[nodiscard]] int bits() const override { return 2; }
    [[nodiscard]] double min() const override { return -max(); }
    [[nodiscard]] bool isSigned() const override { return true; }

private:
    static constexpr double kDefaultThreshold = 0.33;

    void quantizeRun(const float* from, float* to, Index count, float scale) const override
    {
        kernels::quantizeTernary(from, to, count, m_threshold, scale);
    }

    /// Exact for values uniform in ±largest; the refinements adapt it to other distributions.
    [[nodiscard]] Tensor firstScale(TensorView x) const
    {
        Tensor scale = largestPerChannel(x);
        for (float& value : scale.values()) {
            value = 2.0F * value / 3.0F;
            value = m_leastSquares.powerOfTwo ? nearestPowerOfTwo(value) : value;
        }
        return scale;
    }

    [[nodiscard]] LeastSquares::Refined refined(TensorView x) const override
    {
        return m_leastSquares.refine(
            x.shape, firstScale(x), m_unrolls,
            [&](const ScaleLayout::Tile& tile, const float* scale, const kernels::FitSums& sums) {
                kernels::sumTernaryByChannel(x.data + tile.offset, tile.rows, tile.channels, scale,
                                             sums);
            });
    }
    void quantizeTile(const float* from, float* to, const ScaleLayout::Tile& tile,
                      const float* scale, const float* output) const override
    {
        kernels::quantizeTernaryByChannel(from, to, tile.rows, tile.channels, scale, output);
    }

    [[nodiscard]] ScaledCodes scaledCodes(TensorView x, const CallContext& call) const override
    {
        Tensor codes(x.shape);
        if (!isFitted(parameters())) {
            quantizeRun(x.data, codes.data(), x.size(), 1.0F);
            return withGivenScale(std::move(codes));
        }
        Tensor scale = firstScale(x);
        for (int i = 0; i < m_unrolls; ++i) {
            const CallContext draw{call.training, call.sigmoid,
                                   call.seed + static_cast<std::uint64_t>(i)};
            codesFor(x, scale, draw, codes);
            scale = m_leastSquares.fit(x, 1.0F, codes.view());
        }
        ScaleLayout layout = ScaleLayout::of(scale, x.shape);
        return {std::move(codes), std::move(scale), std::move(layout)};
    }

    static void codesFor(TensorView x, const Tensor& scale, const CallContext& call, Tensor& codes)
    {
        constexpr float kPrecision = 1.0F / 3.0F;
        const std::span<float> out = codes.values();
        forEachElement(ScaleLayout::of(scale, x.shape), [&](std::size_t i, std::size_t s) {
            const float step = scale.values()[s];
            const float ratio = x.data[i] / step;
            const float rounded = roundStochastically(ratio, kPrecision, uniformAt(call.seed, i));
            // A scale of 0 gives 0 · ∞ or 0 / 0 here, which is not above anything: code 0.
            const float size = std::abs(step * rounded) >= step / 2.0F ? 1.0F : 0.0F;
            out[i] = std::isnan(x.data[i]) ? x.data[i] : std::copysign(size, x.data[i]) + 0.0F;
        });
    }

    float m_threshold;
    int m_unrolls;
    LeastSquares m_leastSquares;
};

Result<QuantizerPtr> makeBinary(const QuantizerInfo& info, Parameters parameters)
{
    if (isFitted(parameters)) {
        if (auto ok = checkScaling(info, parameters); !ok) {
            return fail(std::move(ok).error());
        }
    }
    return std::make_shared<Binary>(info, std::move(parameters));
}

Result<QuantizerPtr> makeTernary(const QuantizerInfo& info, Parameters parameters)
{
    const Value& threshold = valueOf(parameters, "threshold");
    if (isFitted(parameters) && !isNone(threshold)) {
        return badParameter(info, "threshold", threshold, "a fitted scale finds its own");
    }
    if (!isFitted(parameters) && flagOf(parameters, "use_stochastic_rounding")) {
        return badParameter(info, "use_stochastic_rounding",
                            valueOf(parameters, "use_stochastic_rounding"),
                            "it needs alpha='auto' or 'auto_po2'");
    }
    constexpr std::int64_t kMostUnrolls = 1000;
    if (auto ok = checkRange(info, parameters, "number_of_unrolls", 1, kMostUnrolls); !ok) {
        return fail(std::move(ok).error());
    }
    return std::make_shared<Ternary>(info, std::move(parameters));
}

ParameterInfo alphaParameter()
{
    return {"alpha",
            ParameterType::Scale,
            {},
            "Scale of the levels: a number or list is used as it is, 'auto' fits it to the values, "
            "'auto_po2' a power of two. None is 1, but 'auto_po2' for kernels."};
}

} // namespace

QuantizerInfo binaryInfo()
{
    using Type = ParameterType;
    return {
        .name = "binary",
        .origin = "QKeras",
        .doc = "One bit: the sign times a scale, where 0 counts as positive. Products become "
               "sign flips.",
        .grid = "±scale; with use_01: 0, scale",
        .parameters = {{"use_01", Type::Boolean, false, "Levels 0 and scale instead of ±scale."},
                       alphaParameter(),
                       stochasticParameter(),
                       scaleAxisParameter(),
                       elementsPerScaleParameter(),
                       minExponentParameter(),
                       maxExponentParameter()},
        .leadingParameters = 0,
        .dictionaryKeys = {"use_01", "alpha", "use_stochastic_rounding"},
        .make = makeBinary};
}

QuantizerInfo ternaryInfo()
{
    using Type = ParameterType;
    return {
        .name = "ternary",
        .origin = "QKeras",
        .doc = "Two bits: −scale, 0 or scale. Values below the threshold become 0; with a fitted "
               "scale the threshold is half of it.",
        .grid = "−scale, 0, scale",
        .parameters = {alphaParameter(),
                       {"threshold",
                        Type::OptionalNumber,
                        {},
                        "Magnitude from which values count, not multiplied by alpha; None: 0.33. "
                        "Not with a fitted scale."},
                       stochasticParameter(),
                       {"number_of_unrolls", Type::Integer, std::int64_t{5},
                        "Refinements of a fitted scale."}},
        .leadingParameters = 0,
        .dictionaryKeys = {"alpha", "threshold", "use_stochastic_rounding", "number_of_unrolls"},
        .make = makeTernary};
}

} // namespace bitscape::quant
