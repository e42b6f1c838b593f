// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/quantized_relu.h"

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

constexpr float kInfinity = std::numeric_limits<float>::infinity();

constexpr int kSignBit = 31; ///< of the 32-bit integers in which QKeras computes powers here

/// 2^integer as QKeras computes it: at 31 the sign flips, which turns the grid upside down; above,
/// nothing is left. Negative exponents, which QKeras refuses, are ordinary powers.
float integerPower(int exponent)
{
    const float power = std::exp2(static_cast<float>(exponent));
    return exponent == kSignBit ? -power : (exponent > kSignBit ? 0.0F : power);
}

class ReluQuantizer final : public Quantizer {
public:
    ReluQuantizer(const QuantizerInfo& info, Parameters given)
        : Quantizer(info, std::move(given)),
          m_bits(static_cast<int>(numberOf(parameters(), "bits"))),
          m_integer(static_cast<int>(numberOf(parameters(), "integer"))),
          m_slope(static_cast<float>(numberOf(parameters(), "negative_slope"))),
          m_sigmoid(flagOf(parameters(), "use_sigmoid")),
          m_stochastic(flagOf(parameters(), "use_stochastic_rounding")),
          m_fast(flagOf(parameters(), "enable_fast_inference")), m_noise(noiseOf(parameters())),
          m_rule(ruleOf(parameters()))
    {
        if (*textOf(parameter("rounding")) == roundingName(Rounding::Stochastic)) {
            m_stochastic = false; // whole steps, not QKeras' half steps
        } else if (m_stochastic) {
            m_rule.rounding = Rounding::HalfEven; // at inference
        }
        if (m_fast) {
            m_slope = 0.0F;
            m_sigmoid = m_stochastic = false;
        }
        m_levels = std::exp2(static_cast<float>(unsignedBits()));
        m_integerScale =
            m_fast ? std::exp2(static_cast<float>(m_integer)) : integerPower(m_integer);
        m_grid.inverse = m_levels / m_integerScale;
        m_grid.step = m_integerScale / m_levels;
        m_grid.high = m_levels - 1.0F;
        m_grid.slope = m_slope;
        m_grid.low = -m_slope * m_levels;
        if (m_rule.overflow == Overflow::SaturateSymmetric) {
            m_grid.low = std::max(m_grid.low, -m_grid.high);
        }
        m_grid.bound = outputBound();
        m_cap = inputCap();
    }

    [[nodiscard]] std::string toString() const override
    {
        const bool stochastic = isTruthy(parameter("use_stochastic_rounding"));
        const bool sloped = isTruthy(parameter("negative_slope"));
        std::vector<std::string> words{parameterText(*this, "bits"),
                                       parameterText(*this, "integer")};
        if (isTruthy(parameter("use_sigmoid")) || stochastic) {
            words.push_back(flagText(*this, "use_sigmoid"));
        }
        if (sloped) {
            words.push_back(parameterText(*this, "negative_slope"));
        }
        if (stochastic) {
            words.emplace_back("1");
        }
        return canonicalForm(*this, callText(info().name, words));
    }

    [[nodiscard]] Warnings notes(const Shape&) const override
    {
        Warnings out;
        if (m_integer < 0) {
            out.push_back({"qkeras_differs",
                           "quantized_relu: QKeras cannot compute with a negative `integer`; the "
                           "grid is the one it means.",
                           "integer"});
        }
        if (m_integer >= kSignBit || overflows()) {
            out.push_back({"qkeras_overflow",
                           "quantized_relu: QKeras' 32-bit integers overflow for this width; the "
                           "result follows QKeras.",
                           m_integer >= kSignBit ? "integer" : "bits"});
        }
        return out;
    }

    void apply(TensorView x, MutableTensorView y, const CallContext& call) const override
    {
        const Noise noise = noiseAt(call);
        if (noise.isWhole()) {
            quantizeRun(x.data, y.data, x.size(), 0, call);
            return;
        }
        constexpr Index kBlock = 512;
        std::array<float, kBlock> rectified{};
        std::array<float, kBlock> quantized{};
        for (Index first = 0; first < x.size(); first += kBlock) {
            const Index count = std::min(kBlock, x.size() - first);
            quantizeRun(x.data + first, quantized.data(), count, first, call);
            kernels::leakyRelu(x.data + first, rectified.data(), count, m_slope, m_cap);
            kernels::blend(rectified.data(), quantized.data(), count, noise.share);
            std::copy_n(quantized.data(), count, y.data + first);
        }
    }

    void gradient(TensorView x, TensorView upstream, MutableTensorView dx,
                  const CallContext& call) const override
    {
        kernels::leakyReluGradient(x.data, upstream.data, dx.data, x.size(), m_slope, m_cap);
        // QKeras' fast path rounds without a straight-through rule: nothing passes.
        const float factor = m_fast ? 0.0F : noiseAt(call).gradient();
        if (factor != 1.0F) {
            passGradient(dx, dx, factor);
        }
    }

    [[nodiscard]] Fit fit(TensorView, const CallContext&) const override
    {
        return fitOf(one(), one(m_grid.step));
    }

    [[nodiscard]] Result<Tensor> codes(TensorView x, const CallContext& call) const override
    {
        Tensor out(x.shape);
        quantizeRun(x.data, out.data(), x.size(), 0, call);
        for (float& value : out.values()) {
            value /= m_grid.step;
            if (std::isfinite(value) && value != std::floor(value)) {
                return fail(ErrorCode::InvalidArgument,
                            info().name + ": the levels do not lie on one grid, so they have no "
                                          "integer codes.",
                            toString(),
                            "Leave out relu_upper_bound, use_stochastic_rounding or the slope.");
            }
        }
        return out;
    }

    [[nodiscard]] int bits() const override { return m_bits; }
    [[nodiscard]] double max() const override
    {
        const bool sloped = numberOf(parameters(), "negative_slope") != 0.0;
        return m_bits > (sloped ? 1 : 0) ? std::max(1.0, std::exp2(m_integer)) : 1.0;
    }
    [[nodiscard]] double min() const override
    {
        const double slope = numberOf(parameters(), "negative_slope");
        if (slope == 0.0) {
            return 0.0;
        }
        return m_bits > 1 ? -slope * std::exp2(m_integer) : -1.0;
    }
    [[nodiscard]] bool isSigned() const override { return m_slope != 0.0F; }
    [[nodiscard]] bool isElementwise() const override
    {
        return !m_stochastic && m_rule.rounding != Rounding::Stochastic;
    }

private:
    /// QKeras' fast path knows no noise.
    [[nodiscard]] Noise noiseAt(const CallContext& call) const
    {
        return m_fast ? Noise{1.0F, m_noise.straightThrough} : m_noise.at(call);
    }
    /// A power of 0 in a denominator: QKeras gives NaN.
    [[nodiscard]] bool overflows() const
    {
        return !m_fast && std::max(m_integer, unsignedBits()) > kSignBit;
    }
    [[nodiscard]] int unsignedBits() const
    {
        return m_bits - (numberOf(parameters(), "negative_slope") != 0.0 && !m_fast ? 1 : 0);
    }
    [[nodiscard]] bool clipsToGrid() const { return flagOf(parameters(), "is_quantized_clip"); }
    /// relu_upper_bound where it counts: the clip to the grid has precedence.
    [[nodiscard]] float outputBound() const
    {
        const double bound = numberOf(parameters(), "relu_upper_bound");
        return bound == 0.0 || clipsToGrid() || m_fast ? kInfinity : static_cast<float>(bound);
    }
    /// Where the straight-through branch saturates; codes that wrap do not.
    [[nodiscard]] float inputCap() const
    {
        if (clipsToGrid()) {
            if (m_rule.overflow == Overflow::Wrap) {
                return kInfinity;
            }
            return m_integerScale - std::exp2(static_cast<float>(m_integer - unsignedBits()));
        }
        const auto bound = quant::numberOf(parameter("relu_upper_bound"));
        return bound ? static_cast<float>(*bound) : kInfinity;
    }

    void quantizeRun(const float* from, float* to, Index count, Index first,
                     const CallContext& call) const
    {
        if (overflows()) {
            std::fill_n(to, count, std::numeric_limits<float>::quiet_NaN());
        } else if (m_sigmoid || (m_stochastic && call.training) ||
                   m_rule.at(call.training).rounding != Rounding::HalfEven ||
                   m_rule.overflow == Overflow::Wrap) {
            generalRun(from, to, count, first, call);
        } else if (m_slope == 0.0F && m_grid.bound == kInfinity) {
            kernels::quantizeGrid(from, to, count,
                                  {m_grid.inverse, m_grid.step, 0.0F, m_grid.high});
        } else {
            kernels::quantizeLeaky(from, to, count, m_grid);
        }
    }

    [[nodiscard]] float rounded(float p, Index index, std::uint64_t seed,
                                const CallContext& call) const
    {
        constexpr float kPrecision = 0.5F; // QKeras' default: multiples of half a step
        const Rounding rounding = m_rule.at(call.training).rounding;
        const bool drawn = call.training && (m_stochastic || rounding == Rounding::Stochastic);
        const float draw = drawn ? uniformAt(seed, static_cast<std::uint64_t>(index)) : 0.0F;
        return drawn && m_stochastic ? roundStochastically(p, kPrecision, draw)
                                     : roundBy(rounding, p, draw);
    }

    /// Every form but the two that have loops of their own, element by element.
    void generalRun(const float* from, float* to, Index count, Index first,
                    const CallContext& call) const
    {
        // Codes of a word with sign wrap to all its codes, not to the sloped ones alone.
        const bool wraps = m_rule.overflow == Overflow::Wrap;
        const CodeRange range{wraps && m_slope > 0.0F ? -m_levels : m_grid.low, m_grid.high,
                              unsignedBits() + (m_slope > 0.0F ? 1 : 0)};
        for (Index i = 0; i < count; ++i) {
            const float p = m_sigmoid ? sigmoid(from[i] / m_integerScale, call.sigmoid) * m_levels
                                      : from[i] * m_grid.inverse;
            const float up = rounded(p, first + i, call.seed, call);
            const float above = m_sigmoid ? 2.0F * up - m_levels : up;
            float code = above < 0.0F ? 0.0F : above; // in this form NaN passes through
            if (m_slope > 0.0F) {
                const float down = rounded(p * m_slope, first + i, ~call.seed, call);
                const float below = m_sigmoid ? 2.0F * down - m_slope * m_levels : down;
                code += below > 0.0F ? 0.0F : below;
            }
            const float value = confine(m_rule.overflow, code, range) * m_grid.step + 0.0F;
            to[i] = value > m_grid.bound ? m_grid.bound : value;
        }
    }

    int m_bits;
    int m_integer;
    float m_slope;
    bool m_sigmoid;
    bool m_stochastic;
    bool m_fast;
    Noise m_noise;
    CodeRule m_rule;
    float m_levels = 1.0F;       ///< M = 2^n
    float m_integerScale = 1.0F; ///< 2^I
    kernels::LeakyGrid m_grid;
    float m_cap = 0.0F;
};

bool isPowerOfTwo(double value)
{
    int exponent = 0;
    return value == 0.0 || std::frexp(value, &exponent) == 0.5;
}

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
    if (auto ok = checkStep(info, parameters, bits); !ok) {
        return fail(std::move(ok).error());
    }
    const double slope = numberOf(parameters, "negative_slope");
    if (slope < 0.0 || !isPowerOfTwo(slope)) {
        return badParameter(info, "negative_slope", valueOf(parameters, "negative_slope"),
                            "it must be 0 or a power of two");
    }
    return std::make_shared<ReluQuantizer>(info, std::move(parameters));
}

} // namespace

QuantizerInfo quantizedReluInfo()
{
    using Type = ParameterType;
    return {
        .name = "quantized_relu",
        .origin = "QKeras",
        .doc = "Rectifier with unsigned fixed-point levels: quantized_relu(4,0) has 0, 1/16 … "
               "15/16. The usual choice for activations. Gradients pass between 0 and the largest "
               "level.",
        .grid = "2^integer · z / 2^n, z = 0 … 2^n − 1, n = bits (bits − 1 with a negative slope)",
        .parameters =
            {{"bits", Type::Integer, std::int64_t{8}, "Width of a code."},
             {"integer", Type::Integer, std::int64_t{0},
              "Bits before the point; the range ends just below 2^integer."},
             {"use_sigmoid", Type::Boolean, false,
              "Squash by the internal sigmoid before rounding; the step doubles."},
             {"negative_slope", Type::Number, 0.0,
              "Slope below 0: 0, or a power of two for a leaky rectifier (costs one bit)."},
             stochasticParameter(),
             {"relu_upper_bound",
              Type::OptionalNumber,
              {},
              "Cap of the output where is_quantized_clip is off."},
             {"is_quantized_clip", Type::Boolean, true,
              "Clip at the largest level; it has precedence over relu_upper_bound."},
             noiseParameter(),
             variableNameParameter(),
             straightThroughParameter(),
             variablesParameter(),
             {"enable_fast_inference", Type::Boolean, false,
              "Round and clip only: no slope, sigmoid, noise or gradient."},
             roundingParameter(),
             overflowParameter()},
        .leadingParameters = 2,
        .dictionaryKeys = {"bits", "integer", "use_sigmoid", "negative_slope",
                           "use_stochastic_rounding", "relu_upper_bound", "qnoise_factor"},
        .make = make};
}

} // namespace bitscape::quant
