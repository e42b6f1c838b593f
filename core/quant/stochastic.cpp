// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/stochastic.h"

#include "core/base/rng.h"
#include "core/quant/canonical.h"
#include "core/quant/common.h"
#include "core/quant/parameter_docs.h"
#include "core/quant/rounding.h"
#include "core/quant/scale_layout.h"
#include "core/quant/sigmoid.h"
#include "core/quant/value.h"

#include <cmath>

namespace bitscape::quant {

namespace {

/// What one drawing call gives: codes and the scale they are multiplied by.
struct Drawn {
    Tensor codes;
    Tensor scale;
};

/// Population deviation per index of the last axis; one for a vector.
Tensor deviations(TensorView x)
{
    const ScaleLayout layout =
        x.shape.rank() > 1 ? ScaleLayout::ofAxes(x.shape, {}) : ScaleLayout::single(x.shape);
    Tensor out(layout.scaleShape());
    const auto count = static_cast<std::size_t>(out.size());
    const double each =
        static_cast<double>(x.size()) / static_cast<double>(std::max<Index>(out.size(), 1));
    std::vector<double> mean(count, 0.0);
    std::vector<double> square(count, 0.0);
    forEachElement(layout, [&](std::size_t i, std::size_t s) {
        mean[s] += static_cast<double>(x.data[i]) / each;
    });
    forEachElement(layout, [&](std::size_t i, std::size_t s) {
        const double distance = static_cast<double>(x.data[i]) - mean[s];
        square[s] += distance * distance / each;
    });
    for (std::size_t s = 0; s < count; ++s) {
        out.values()[s] = static_cast<float>(std::sqrt(square[s]));
    }
    return out;
}

/// A quantizer that draws its codes with probabilities that a sigmoid gives. Where it does not draw
/// it is the plain quantizer of its family.
class StochasticQuantizer : public Quantizer {
public:
    /// plain: null if it always draws.
    StochasticQuantizer(const QuantizerInfo& info, Parameters given, QuantizerPtr plain)
        : Quantizer(info, std::move(given)), m_plain(std::move(plain)),
          m_given(givenScale(parameter("alpha")).value_or(GivenScale{{1.0F}, {1}})),
          m_temperature(static_cast<float>(quant::numberOf(parameters(), "temperature"))),
          m_realSigmoid(flagOf(parameters(), "use_real_sigmoid"))
    {
        m_leastSquares.powerOfTwo = isPowerOfTwoFit(parameters());
    }

    [[nodiscard]] std::string toString() const override
    {
        std::vector<std::string> words;
        for (const ParameterInfo& each : info().parameters) {
            if (!sameValue(parameter(each.name), each.defaultValue)) {
                words.push_back(each.name + "=" +
                                (each.type == ParameterType::Boolean
                                     ? flagText(*this, each.name)
                                     : parameterText(*this, each.name)));
            }
        }
        return callText(info().name, words);
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
        if (!draws(call)) {
            m_plain->apply(x, y, call);
            return;
        }
        const Drawn result = drawn(x, call);
        multiply(result.codes.view(), result.scale, ScaleLayout::of(result.scale, x.shape), y);
    }

    void gradient(TensorView x, TensorView upstream, MutableTensorView dx,
                  const CallContext& call) const override
    {
        if (draws(call)) {
            passGradient(upstream, dx, 1.0F);
        } else {
            m_plain->gradient(x, upstream, dx, call);
        }
    }

    [[nodiscard]] Fit fit(TensorView x, const CallContext& call) const override
    {
        if (!draws(call)) {
            return m_plain->fit(x, call);
        }
        Tensor scale = drawn(x, call).scale;
        Tensor step = scale;
        return fitOf(std::move(scale), std::move(step));
    }

    [[nodiscard]] Result<Tensor> codes(TensorView x, const CallContext& call) const override
    {
        if (!draws(call)) {
            return m_plain->codes(x, call);
        }
        return drawn(x, call).codes;
    }

    [[nodiscard]] int bits() const override { return m_plain ? m_plain->bits() : 1; }
    [[nodiscard]] double max() const override
    {
        return isFitted(parameters()) ? 1.0
                                      : std::max(1.0F, *std::ranges::max_element(m_given.values));
    }
    [[nodiscard]] double min() const override { return m_plain ? -max() : 0.0; }
    [[nodiscard]] bool isSigned() const override { return m_plain != nullptr; }
    /// The draws depend on the place in the tensor.
    [[nodiscard]] bool isElementwise() const override { return false; }
    [[nodiscard]] QuantizerPtr promotedForKernel() const override
    {
        return isNone(parameter("alpha")) ? with("alpha", std::string("auto_po2")).value_or(nullptr)
                                          : nullptr;
    }

protected:
    [[nodiscard]] virtual bool draws(const CallContext& call) const
    {
        return !m_plain || call.training;
    }
    [[nodiscard]] virtual Drawn drawn(TensorView x, const CallContext& call) const = 0;

    /// Whether an event of the probability sigmoid(temperature · argument) happens.
    [[nodiscard]] bool happens(float argument, float draw, const CallContext& call) const
    {
        const InternalSigmoid mode = m_realSigmoid ? InternalSigmoid::Real : call.sigmoid;
        return sigmoid(m_temperature * argument, mode) >= draw;
    }
    [[nodiscard]] const LeastSquares& leastSquares() const { return m_leastSquares; }

    /// Two codes, `low` or 1: the sign of x decides the scale, the draw the code.
    [[nodiscard]] Drawn drawnPair(TensorView x, float low, const CallContext& call) const
    {
        Drawn out{Tensor(x.shape), m_given.tensor()};
        const bool fitted = isFitted(parameters());
        if (fitted) {
            kernels::quantizeSign(x.data, out.codes.data(), x.size(), low, 1.0F);
            out.scale = m_leastSquares.fit(x, 1.0F, out.codes.view());
        }
        Tensor spread = fitted ? deviations(x) : one();
        for (float& value : spread.values()) {
            value += fitted ? kEpsilon : 0.0F;
        }
        forEachElement(ScaleLayout::of(spread, x.shape), [&](std::size_t i, std::size_t s) {
            const float value = x.data[i];
            const bool up = happens(value / spread.values()[s], uniformAt(call.seed, i), call);
            out.codes.values()[i] = std::isnan(value) ? value : (up ? 1.0F : low);
        });
        return out;
    }

private:
    QuantizerPtr m_plain;
    GivenScale m_given;
    float m_temperature;
    bool m_realSigmoid;
    LeastSquares m_leastSquares;
};

class StochasticBinary final : public StochasticQuantizer {
public:
    using StochasticQuantizer::StochasticQuantizer;

private:
    [[nodiscard]] Drawn drawn(TensorView x, const CallContext& call) const override
    {
        return drawnPair(x, -1.0F, call);
    }
};

class Bernoulli final : public StochasticQuantizer {
public:
    using StochasticQuantizer::StochasticQuantizer;

private:
    [[nodiscard]] Drawn drawn(TensorView x, const CallContext& call) const override
    {
        return drawnPair(x, 0.0F, call);
    }
};

class StochasticTernary final : public StochasticQuantizer {
public:
    StochasticTernary(const QuantizerInfo& info, Parameters given, QuantizerPtr plain)
        : StochasticQuantizer(info, std::move(given), std::move(plain)),
          m_unrolls(static_cast<int>(quant::numberOf(parameters(), "number_of_unrolls")))
    {
    }

    [[nodiscard]] Warnings notes(const Shape& shape) const override
    {
        Warnings out = StochasticQuantizer::notes(shape);
        if (!isFitted(parameters())) {
            out.push_back({"qkeras_differs",
                           "stochastic_ternary: QKeras trains with alpha='auto' or 'auto_po2' "
                           "only; without them nothing is drawn here.",
                           "alpha"});
        }
        return out;
    }

private:
    [[nodiscard]] bool draws(const CallContext& call) const override
    {
        return call.training && isFitted(parameters());
    }

    /// The scale of ternary with a threshold of half of it.
    [[nodiscard]] Tensor fittedScale(TensorView x) const
    {
        Tensor scale = largestPerChannel(x);
        for (float& value : scale.values()) {
            value = 2.0F * value / 3.0F;
            value = leastSquares().powerOfTwo ? nearestPowerOfTwo(value) : value;
        }
        Tensor codes(x.shape);
        for (int i = 0; i < m_unrolls; ++i) {
            forEachElement(ScaleLayout::of(scale, x.shape), [&](std::size_t e, std::size_t s) {
                const float size = std::abs(x.data[e]) >= scale.values()[s] / 2.0F ? 1.0F : 0.0F;
                codes.values()[e] = x.data[e] == 0.0F ? 0.0F : std::copysign(size, x.data[e]);
            });
            scale = leastSquares().fit(x, 1.0F, codes.view());
        }
        return scale;
    }

    /// The mean of two signs, drawn around −T and T; x and T = scale / 2 in units of the deviation.
    [[nodiscard]] Drawn drawn(TensorView x, const CallContext& call) const override
    {
        Drawn out{Tensor(x.shape), fittedScale(x)};
        const Tensor deviation = deviations(x);
        std::vector<float> spread(static_cast<std::size_t>(x.size()));
        forEachElement(ScaleLayout::of(deviation, x.shape), [&](std::size_t i, std::size_t s) {
            spread[i] = deviation.values()[s] + kEpsilon;
        });
        forEachElement(ScaleLayout::of(out.scale, x.shape), [&](std::size_t i, std::size_t s) {
            const float value = x.data[i] / spread[i];
            const float threshold = out.scale.values()[s] / 2.0F / spread[i];
            const bool above = happens(value - threshold, uniformAt(call.seed, i), call);
            const bool notBelow = happens(value + threshold, uniformAt(~call.seed, i), call);
            const float code = (above ? 0.5F : -0.5F) + (notBelow ? 0.5F : -0.5F);
            out.codes.values()[i] = std::isnan(value) ? value : code;
        });
        return out;
    }

    int m_unrolls;
};

Result<void> checkTemperature(const QuantizerInfo& info, const Parameters& parameters)
{
    const double temperature = numberOf(parameters, "temperature");
    if (!std::isfinite(temperature) || temperature < 0.0) {
        return badParameter(info, "temperature", valueOf(parameters, "temperature"),
                            "it must be 0 or more");
    }
    return {};
}

/// The quantizer that is used where nothing is drawn, with the same parameters as far as it has
/// them.
Result<QuantizerPtr> plainOf(std::string_view name, const Parameters& parameters)
{
    const QuantizerInfo* row = findQuantizer(name);
    ensure(row != nullptr, "plainOf: no such row");
    Parameters shared;
    for (const auto& [key, value] : parameters) {
        if (findParameter(*row, key) != nullptr) {
            shared[key] = value;
        }
    }
    return makeQuantizer(*row, std::move(shared));
}

Result<QuantizerPtr> makeTernary(const QuantizerInfo& info, Parameters parameters)
{
    if (auto ok = checkTemperature(info, parameters); !ok) {
        return fail(std::move(ok).error());
    }
    const Value& threshold = valueOf(parameters, "threshold");
    if (numberOf(threshold) == 1.0) {
        return badParameter(info, "threshold", threshold, "it must not be 1");
    }
    auto plain = plainOf("ternary", parameters);
    if (!plain) {
        return plain;
    }
    return std::make_shared<StochasticTernary>(info, std::move(parameters), std::move(*plain));
}

Result<QuantizerPtr> makeBinary(const QuantizerInfo& info, Parameters parameters)
{
    if (auto ok = checkTemperature(info, parameters); !ok) {
        return fail(std::move(ok).error());
    }
    auto plain = plainOf("binary", parameters);
    if (!plain) {
        return plain;
    }
    return std::make_shared<StochasticBinary>(info, std::move(parameters), std::move(*plain));
}

Result<QuantizerPtr> makeBernoulli(const QuantizerInfo& info, Parameters parameters)
{
    if (auto ok = checkTemperature(info, parameters); !ok) {
        return fail(std::move(ok).error());
    }
    return std::make_shared<Bernoulli>(info, std::move(parameters), nullptr);
}

ParameterInfo alphaParameter()
{
    return {"alpha",
            ParameterType::Scale,
            {},
            "Scale of the levels: a number or list is used as it is, 'auto' fits it to the values, "
            "'auto_po2' a power of two. None is 1, but 'auto_po2' for kernels."};
}

ParameterInfo temperatureParameter(double byDefault)
{
    return {"temperature", ParameterType::Number, byDefault,
            "Steepness of the probability: the higher, the less is left to chance away from the "
            "threshold."};
}

ParameterInfo realSigmoidParameter()
{
    return {"use_real_sigmoid", ParameterType::Boolean, true,
            "Probabilities from the logistic function; False: from QKeras' internal sigmoid."};
}

} // namespace

QuantizerInfo stochasticTernaryInfo()
{
    using Type = ParameterType;
    return {.name = "stochastic_ternary",
            .origin = "QKeras",
            .doc = "ternary whose codes are drawn while training, the more likely the farther a "
                   "value lies beyond half the scale. Inference rounds as ternary does.",
            .grid = "−scale, 0, scale",
            .parameters = {alphaParameter(),
                           {"threshold",
                            Type::OptionalNumber,
                            {},
                            "Magnitude from which values count at inference; None: 0.33. Not with "
                            "a fitted scale."},
                           temperatureParameter(8.0),
                           realSigmoidParameter(),
                           {"number_of_unrolls", Type::Integer, std::int64_t{5},
                            "Refinements of a fitted scale."}},
            .leadingParameters = 0,
            .dictionaryKeys = {"alpha", "threshold", "temperature", "use_real_sigmoid",
                               "number_of_unrolls"},
            .make = makeTernary};
}

QuantizerInfo stochasticBinaryInfo()
{
    return {.name = "stochastic_binary",
            .origin = "QKeras",
            .doc = "binary whose signs are drawn while training: positive with the probability "
                   "sigmoid(temperature · x / deviation). Inference takes the sign.",
            .grid = "±scale",
            .parameters = {alphaParameter(), temperatureParameter(6.0), realSigmoidParameter()},
            .leadingParameters = 0,
            .dictionaryKeys = {"alpha", "temperature", "use_real_sigmoid"},
            .make = makeBinary};
}

QuantizerInfo bernoulliInfo()
{
    return {.name = "bernoulli",
            .origin = "QKeras",
            .doc = "0 or scale, drawn at every call, also at inference: scale with the probability "
                   "sigmoid(temperature · x / deviation).",
            .grid = "0, scale",
            .parameters = {alphaParameter(), temperatureParameter(6.0), realSigmoidParameter()},
            .leadingParameters = 0,
            .dictionaryKeys = {"alpha"},
            .make = makeBernoulli};
}

} // namespace bitscape::quant
