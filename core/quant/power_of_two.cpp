// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/power_of_two.h"

#include "core/base/rng.h"
#include "core/quant/canonical.h"
#include "core/quant/common.h"
#include "core/quant/parameter_docs.h"
#include "core/quant/rounding.h"
#include "core/quant/value.h"

#include <fmt/core.h>

#include <cmath>
#include <limits>

namespace bitscape::quant {

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// quantized_po2 and quantized_relu_po2: they differ in the sign of the levels and in the bits that
/// are left for the exponent.
class PowerOfTwo final : public Quantizer {
public:
    PowerOfTwo(const QuantizerInfo& info, Parameters given, bool rectifies)
        : Quantizer(info, std::move(given)), m_rectifies(rectifies),
          m_bits(static_cast<int>(quant::numberOf(parameters(), "bits"))),
          m_exponentBits(exponentBits(parameters(), rectifies)),
          m_slope(rectifies ? static_cast<float>(quant::numberOf(parameters(), "negative_slope"))
                            : 1.0F),
          m_stochastic(flagOf(parameters(), "use_stochastic_rounding")),
          m_noise(noiseOf(parameters()))
    {
        const auto limit = quant::numberOf(parameter("max_value"));
        m_grid.lowest = -(1 << m_exponentBits);
        m_grid.highest = (1 << m_exponentBits) - 1;
        m_grid.quadratic = flagOf(parameters(), "quadratic_approximation");
        if (m_grid.quadratic) {
            m_grid.highest = m_grid.highest / 2 * 2;
        }
        m_grid.maxValue = limit ? static_cast<float>(*limit) : kInfinity;
        m_grid.negativeFactor = m_slope;
        m_grid.floor = *textOf(parameter("log2_rounding")) == "floor";
    }

    /// Bits of the exponent's magnitude; negative if there are too few bits.
    [[nodiscard]] static int exponentBits(const Parameters& parameters, bool rectifies)
    {
        const auto limit = quant::numberOf(valueOf(parameters, "max_value"));
        const int exponentSign = !limit || *limit > 1.0 ? 1 : 0;
        const int valueSign = rectifies ? 0 : 1;
        return static_cast<int>(quant::numberOf(parameters, "bits")) - valueSign - exponentSign;
    }

    [[nodiscard]] std::string toString() const override
    {
        const auto limit = quant::numberOf(parameter("max_value"));
        const bool stochastic = isTruthy(parameter("use_stochastic_rounding"));
        std::vector<std::string> words{parameterText(*this, "bits")};
        if (limit) {
            words.push_back(fmt::format("{:.0f}", std::trunc(*limit)));
        }
        if (m_rectifies && m_slope != 0.0F) {
            words.push_back(parameterText(*this, "negative_slope"));
        }
        if (stochastic) {
            words.emplace_back("1");
        }
        if (m_grid.quadratic) {
            words.emplace_back("quadratic_approximation=1");
        }
        return canonicalForm(*this, callText(info().name, words));
    }

    [[nodiscard]] Warnings notes(const Shape&) const override
    {
        if (isNone(parameter("max_value")) && isTruthy(parameter("use_stochastic_rounding"))) {
            return {{"qkeras_differs",
                     info().name + ": QKeras cannot print a stochastic form without max_value.",
                     "max_value"}};
        }
        return {};
    }

    void apply(TensorView x, MutableTensorView y, const CallContext& call) const override
    {
        const Noise noise = m_noise.at(call);
        if (noise.isWhole()) {
            quantizeRun(x.data, y.data, x.size(), 0, call);
            return;
        }
        constexpr Index kBlock = 512;
        std::array<float, kBlock> passed{};
        std::array<float, kBlock> quantized{};
        for (Index first = 0; first < x.size(); first += kBlock) {
            const Index count = std::min(kBlock, x.size() - first);
            quantizeRun(x.data + first, quantized.data(), count, first, call);
            kernels::leakyRelu(x.data + first, passed.data(), count, m_slope, passCap());
            kernels::blend(passed.data(), quantized.data(), count, noise.share);
            std::copy_n(quantized.data(), count, y.data + first);
        }
    }

    void gradient(TensorView x, TensorView upstream, MutableTensorView dx,
                  const CallContext& call) const override
    {
        const float factor = m_noise.at(call).gradient();
        if (!m_rectifies) {
            passGradient(upstream, dx, factor);
            return;
        }
        kernels::leakyReluGradient(x.data, upstream.data, dx.data, x.size(), m_slope, passCap());
        if (factor != 1.0F) {
            passGradient(dx, dx, factor);
        }
    }

    [[nodiscard]] Fit fit(TensorView, const CallContext&) const override
    {
        return fitOf(one(), one(0.0F)); // the distance of neighbors varies
    }

    [[nodiscard]] Result<Tensor> codes(TensorView x, const CallContext& call) const override
    {
        Tensor out(x.shape);
        quantizeRun(x.data, out.data(), x.size(), 0, call);
        const int lowest = m_grid.quadratic ? 2 * m_grid.lowest : m_grid.lowest;
        for (float& value : out.values()) {
            if (value != 0.0F && std::isfinite(value)) {
                const auto code = static_cast<float>(std::ilogb(value) - lowest + 1);
                value = std::copysign(code, value);
            }
        }
        return out;
    }

    [[nodiscard]] int bits() const override { return m_bits; }
    [[nodiscard]] double max() const override
    {
        const double limit = quant::numberOf(parameters(), "max_value");
        return std::max(1.0, limit != 0.0 ? limit : std::exp2(m_grid.highest));
    }
    [[nodiscard]] double min() const override
    {
        if (!m_rectifies) {
            return -max();
        }
        const double least = std::exp2(m_grid.lowest);
        const double slope = quant::numberOf(parameters(), "negative_slope");
        return slope != 0.0 && m_bits > 1 ? std::min(least, -slope * std::exp2(m_bits - 1)) : least;
    }
    [[nodiscard]] bool isSigned() const override { return m_slope != 0.0F; }
    [[nodiscard]] bool isElementwise() const override { return !m_stochastic || m_grid.floor; }

private:
    /// Where the straight-through branch saturates.
    [[nodiscard]] float passCap() const
    {
        if (!m_rectifies) {
            return kInfinity;
        }
        return m_grid.maxValue;
    }

    void quantizeRun(const float* from, float* to, Index count, Index first,
                     const CallContext& call) const
    {
        if (!m_stochastic || m_grid.floor || !call.training) {
            kernels::quantizePowerOfTwo(from, to, count, m_grid);
            return;
        }
        for (Index i = 0; i < count; ++i) {
            to[i] = drawn(from[i], uniformAt(call.seed, static_cast<std::uint64_t>(first + i)));
        }
    }

    [[nodiscard]] float drawn(float x, float draw) const
    {
        const float size = x < 0.0F ? -x * m_slope : x;
        const float sign = x < 0.0F && m_slope != 0.0F ? -1.0F : 1.0F;
        const auto lowest = static_cast<float>(m_grid.lowest);
        if (size < kEpsilon) {
            return sign * std::exp2(lowest);
        }
        const float capped = std::min(size, m_grid.maxValue);
        const float exponent =
            stochasticExponent(m_grid.quadratic ? std::sqrt(capped) : capped, draw);
        const float clipped = std::clamp(exponent, lowest, static_cast<float>(m_grid.highest));
        return sign * std::exp2(m_grid.quadratic ? 2.0F * clipped : clipped);
    }

    bool m_rectifies;
    int m_bits;
    int m_exponentBits;
    float m_slope;
    bool m_stochastic;
    Noise m_noise;
    kernels::PowerOfTwoGrid m_grid;
};

Result<QuantizerPtr> makePowerOfTwo(const QuantizerInfo& info, Parameters parameters,
                                    bool rectifies)
{
    constexpr std::int64_t kMostBits = 16;
    if (auto ok = checkRange(info, parameters, "bits", 1, kMostBits); !ok) {
        return fail(std::move(ok).error());
    }
    if (numberOf(parameters, "max_value") < 0.0) {
        return badParameter(info, "max_value", valueOf(parameters, "max_value"),
                            "it should be 0 or more");
    }
    if (rectifies && numberOf(parameters, "negative_slope") < 0.0) {
        return badParameter(info, "negative_slope", valueOf(parameters, "negative_slope"),
                            "it must be 0 or more");
    }
    if (PowerOfTwo::exponentBits(parameters, rectifies) < 0) {
        return badParameter(info, "bits", valueOf(parameters, "bits"),
                            "signs alone take more bits than that");
    }
    return std::make_shared<PowerOfTwo>(info, std::move(parameters), rectifies);
}

Result<QuantizerPtr> makeSigned(const QuantizerInfo& info, Parameters parameters)
{
    return makePowerOfTwo(info, std::move(parameters), false);
}

Result<QuantizerPtr> makeRectified(const QuantizerInfo& info, Parameters parameters)
{
    return makePowerOfTwo(info, std::move(parameters), true);
}

ParameterInfo maxValueParameter()
{
    return {
        "max_value",
        ParameterType::OptionalNumber,
        {},
        "Values above count as this one. At most 1: the exponent needs no sign, so one bit more "
        "is left for it."};
}

ParameterInfo quadraticParameter()
{
    return {"quadratic_approximation", ParameterType::Boolean, false,
            "Even exponents only, so that the square root of a level is a power of two as well."};
}

ParameterInfo logarithmParameter()
{
    return {"log2_rounding",
            ParameterType::Choice,
            std::string("rnd"),
            "'rnd' takes the nearest exponent, 'floor' the next lower one.",
            {"rnd", "floor"}};
}

constexpr const char* kGrid =
    "±2^e, e = −2^E … 2^E − 1, E = bits − sign bits of value and exponent";

} // namespace

QuantizerInfo quantizedPo2Info()
{
    using Type = ParameterType;
    return {.name = "quantized_po2",
            .origin = "QKeras",
            .doc = "Signed powers of two: a product becomes a shift. quantized_po2(4) has ±2^−4 … "
                   "±2^3 and no 0. Values switch at 2^(k + 1/2).",
            .grid = kGrid,
            .parameters = {{"bits", Type::Integer, std::int64_t{8},
                            "Width of a code: sign and exponent."},
                           maxValueParameter(),
                           stochasticParameter(),
                           quadraticParameter(),
                           logarithmParameter(),
                           noiseParameter(),
                           variableNameParameter(),
                           straightThroughParameter(),
                           variablesParameter()},
            .leadingParameters = 1,
            .dictionaryKeys = {"bits", "max_value", "use_stochastic_rounding",
                               "quadratic_approximation", "qnoise_factor", "log2_rounding"},
            .make = makeSigned};
}

QuantizerInfo quantizedReluPo2Info()
{
    using Type = ParameterType;
    return {.name = "quantized_relu_po2",
            .origin = "QKeras",
            .doc =
                "Rectifier with powers of two as levels; negative values and 0 become the lowest "
                "power, unless a slope is given.",
            .grid = kGrid,
            .parameters = {{"bits", Type::Integer, std::int64_t{8}, "Width of the exponent."},
                           maxValueParameter(),
                           {"negative_slope", Type::Number, 0.0,
                            "Slope below 0; negative values become −2^e of the sloped magnitude."},
                           stochasticParameter(),
                           quadraticParameter(),
                           logarithmParameter(),
                           noiseParameter(),
                           variableNameParameter(),
                           straightThroughParameter(),
                           variablesParameter()},
            .leadingParameters = 1,
            .dictionaryKeys = {"bits", "max_value", "negative_slope", "use_stochastic_rounding",
                               "quadratic_approximation", "qnoise_factor", "log2_rounding"},
            .make = makeRectified};
}

} // namespace bitscape::quant
