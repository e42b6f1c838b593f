// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/rng.h"
#include "core/quant/canonical.h"
#include "core/quant/common.h"
#include "core/quant/tensorquant.h"
#include "core/quant/value.h"

#include <algorithm>
#include <cmath>

namespace bitscape::quant {

namespace {

enum class Direction { Zero, Down, Nearest, Stochastic };

Direction directionOf(const Parameters& parameters)
{
    const std::string& name = *textOf(valueOf(parameters, "rounding"));
    if (name == "zero") {
        return Direction::Zero;
    }
    if (name == "down") {
        return Direction::Down;
    }
    return name == "nearest" ? Direction::Nearest : Direction::Stochastic;
}

bool isPython(const Parameters& parameters)
{
    return *textOf(valueOf(parameters, "implementation")) == "python";
}

/// Half away from zero in the float32 arithmetic of the tool, whole numbers excepted: from 2^23 on
/// there are no others, and adding ½ would move them.
float nearestAway(float value)
{
    constexpr float kAllWhole = 0x1p23F;
    const float size = std::abs(value);
    return size < kAllWhole ? std::copysign(std::floor(size + 0.5F), value) : value;
}

class TensorQuantFixed final : public Quantizer {
public:
    TensorQuantFixed(const QuantizerInfo& info, Parameters given)
        : Quantizer(info, std::move(given)),
          m_bits(static_cast<int>(quant::numberOf(parameters(), "bits"))),
          m_direction(directionOf(parameters())), m_python(isPython(parameters())),
          m_density(std::exp2(static_cast<float>(quant::numberOf(parameters(), "fraction")))),
          m_low(-std::exp2(static_cast<float>(m_bits - 1))),
          m_high(m_python ? std::exp2(static_cast<float>(m_bits - 2))
                          : static_cast<float>(std::exp2(m_bits - 1) - 1.0))
    {
    }

    [[nodiscard]] std::string toString() const override
    {
        return canonicalForm(*this, *textOf(parameter("rounding")) + "," +
                                        parameterText(*this, "bits") + "," +
                                        parameterText(*this, "fraction"));
    }

    void apply(TensorView x, MutableTensorView y, const CallContext& call) const override
    {
        codesOf(x, y.data, call);
        const float step = 1.0F / m_density;
        for (float& value : y.values()) {
            value *= step;
        }
    }

    void gradient(TensorView, TensorView upstream, MutableTensorView dx,
                  const CallContext&) const override
    {
        passGradient(upstream, dx, 1.0F);
    }

    [[nodiscard]] Fit fit(TensorView, const CallContext&) const override
    {
        return fitOf(one(1.0F / m_density), one(1.0F / m_density));
    }

    [[nodiscard]] Result<Tensor> codes(TensorView x, const CallContext& call) const override
    {
        Tensor out(x.shape);
        codesOf(x, out.data(), call);
        return out;
    }

    [[nodiscard]] int bits() const override { return m_bits; }
    [[nodiscard]] double min() const override { return m_low / m_density; }
    [[nodiscard]] double max() const override { return m_high / m_density; }
    [[nodiscard]] bool isSigned() const override { return true; }
    [[nodiscard]] bool isElementwise() const override
    {
        return m_direction != Direction::Stochastic;
    }

private:
    template <class Round>
    void fill(TensorView x, float* codes, Round round) const
    {
        for (Index i = 0, end = x.size(); i < end; ++i) {
            const float value = std::fpclassify(x.data[i]) == FP_SUBNORMAL ? 0.0F : x.data[i];
            const float code = round(value, i);
            // In this form NaN passes through; + 0 makes a zero positive.
            const float raised = code < m_low ? m_low : code;
            codes[i] = (raised > m_high ? m_high : raised) + 0.0F;
        }
    }

    void codesOf(TensorView x, float* codes, const CallContext& call) const
    {
        switch (m_direction) {
        case Direction::Zero:
            fill(x, codes, [&](float value, Index) { return std::trunc(value * m_density); });
            break;
        case Direction::Down:
            fill(x, codes, [&](float value, Index) { return std::floor(value * m_density); });
            break;
        case Direction::Nearest:
            fill(x, codes, [&](float value, Index) { return nearestAway(value * m_density); });
            break;
        case Direction::Stochastic:
            fill(x, codes, [&](float value, Index i) {
                return drawn(value, uniformAt(call.seed, static_cast<std::uint64_t>(i)));
            });
            break;
        }
    }

    [[nodiscard]] float drawn(float value, float draw) const
    {
        const float scaled = value * m_density;
        const float below = std::floor(scaled);
        const float above = m_python ? (value - std::floor(value)) * m_density : scaled - below;
        return above > draw ? std::ceil(scaled) : below;
    }

    int m_bits;
    Direction m_direction;
    bool m_python;
    float m_density;     ///< 2^fraction
    float m_low, m_high; ///< codes
};

Result<QuantizerPtr> make(const QuantizerInfo& info, Parameters parameters)
{
    constexpr std::int64_t kMostBits = 64;
    const bool python = isPython(parameters);
    if (auto ok = checkRange(info, parameters, "bits", python ? 2 : 1, kMostBits); !ok) {
        return fail(std::move(ok).error());
    }
    const double fraction = numberOf(parameters, "fraction");
    if (fraction < 0.0 || fraction >= numberOf(parameters, "bits")) {
        return badParameter(info, "fraction", valueOf(parameters, "fraction"),
                            "it must be 0 or more and less than bits");
    }
    return std::make_shared<TensorQuantFixed>(info, std::move(parameters));
}

} // namespace

QuantizerInfo tensorquantFixedInfo()
{
    using Type = ParameterType;
    return {
        .name = "tensorquant_fixed",
        .origin = "TensorQuant",
        .doc = "Signed fixed-point numbers, written nearest,8,4: 8 bits, 4 of them behind the "
               "point. zero,8,4 and down,8,4 drop bits as cheap hardware does; stochastic,8,4 "
               "draws at every call, at inference as well.",
        .grid = "z · 2^−fraction, z = −2^(bits−1) … 2^(bits−1) − 1",
        .parameters =
            {{"bits", Type::Integer, std::int64_t{16}, "Width of a code, sign included."},
             {"fraction", Type::Integer, std::int64_t{8},
              "Bits behind the point; fewer than bits."},
             {"rounding",
              Type::Choice,
              std::string("nearest"),
              "'zero' drops the bits of the magnitude, 'down' those of the two's complement, "
              "'nearest' rounds half away from zero, 'stochastic' up with the probability of the "
              "dropped fraction.",
              {"zero", "down", "nearest", "stochastic"}},
             {"implementation",
              Type::Choice,
              std::string("kernel"),
              "'kernel' computes what TensorQuant documents and its C++ kernels do. 'python' "
              "repeats its Python code, which saturates at 2^(bits−2) steps, half of the range, "
              "and takes the fraction of x instead of x · 2^fraction for stochastic rounding; "
              "choose it to compare numbers with TensorQuant itself.",
              {"kernel", "python"},
              true}},
        .leadingParameters = 3,
        .dictionaryKeys = {"bits", "fraction", "rounding"},
        .make = make};
}

} // namespace bitscape::quant
