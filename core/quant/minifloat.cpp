// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/minifloat.h"

#include "core/base/rng.h"
#include "core/quant/canonical.h"
#include "core/quant/common.h"
#include "core/quant/parameter_docs.h"
#include "core/quant/rounding.h"
#include "core/quant/value.h"
#include "core/quant/word_forms.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace bitscape::quant {

namespace {

/// 2^exponent, −1022 … 1023: many times faster than std::ldexp.
double powerOfTwo(int exponent)
{
    constexpr std::uint64_t kBias = 1023;
    constexpr int kMantissaBits = 52;
    return std::bit_cast<double>((kBias + static_cast<std::uint64_t>(exponent)) << kMantissaBits);
}

/// Of a normal number.
int exponentOf(float value)
{
    constexpr std::uint32_t kMask = 0xFF;
    constexpr int kBias = 127;
    constexpr int kMantissaBits = 23;
    return static_cast<int>((std::bit_cast<std::uint32_t>(value) >> kMantissaBits) & kMask) - kBias;
}

/// Exponents and mantissas of the numbers a format has.
struct Format {
    int mantissaBits = 0;
    int bias = 0;
    int lowest = 0;  ///< exponent of the smallest normal number
    int highest = 0; ///< exponent of the largest number
    double largest = 0.0;

    explicit Format(const Parameters& parameters)
        : mantissaBits(static_cast<int>(numberOf(parameters, "mantissa_bits")))
    {
        const auto exponentBits = static_cast<int>(numberOf(parameters, "exponent_bits"));
        const std::string& special = *textOf(valueOf(parameters, "special"));
        bias = static_cast<int>(quant::numberOf(valueOf(parameters, "bias"))
                                    .value_or(std::exp2(exponentBits - 1) - 1.0));
        const int topCode = (1 << exponentBits) - (special == "ieee" ? 2 : 1);
        const double unit = std::exp2(-mantissaBits);
        lowest = 1 - bias;
        highest = topCode - bias;
        largest = std::ldexp(2.0 - unit * (special == "nan" ? 2.0 : 1.0), highest);
    }
};

class Minifloat final : public Quantizer {
public:
    Minifloat(const QuantizerInfo& info, Parameters given)
        : Quantizer(info, std::move(given)), m_format(parameters()),
          m_bits(1 + m_format.mantissaBits +
                 static_cast<int>(quant::numberOf(parameters(), "exponent_bits"))),
          m_overflows(*textOf(parameter("overflow")) == "infinity"),
          m_subnormals(flagOf(parameters(), "subnormals"))
    {
        m_rule.rounding = *roundingByName(*textOf(parameter("rounding")));
    }

    [[nodiscard]] std::string toString() const override
    {
        for (const WordForm& form : wordForms()) {
            if (form.row == info().name) {
                const auto named = parseWordForm(form.word);
                if (named && **named == *this) {
                    return std::string(form.word);
                }
            }
        }
        return keywordForm(*this);
    }

    void apply(TensorView x, MutableTensorView y, const CallContext& call) const override
    {
        for (Index i = 0, end = x.size(); i < end; ++i) {
            const auto value = static_cast<float>(rounded(x.data[i], i, call));
            const bool isTiny = std::abs(value) < std::numeric_limits<float>::min();
            y.data[i] = isTiny ? 0.0F : value;
        }
    }

    void gradient(TensorView x, TensorView upstream, MutableTensorView dx,
                  const CallContext&) const override
    {
        if (m_overflows) {
            passGradient(upstream, dx, 1.0F);
            return;
        }
        const auto largest = static_cast<float>(m_format.largest);
        kernels::clipGradient(x.data, upstream.data, dx.data, x.size(), -largest, largest);
    }

    [[nodiscard]] Fit fit(TensorView, const CallContext&) const override
    {
        return fitOf(one(), one(0.0F)); // the distance of neighbors varies
    }

    /// The number that exponent and mantissa bits form, with the sign of the value.
    [[nodiscard]] Result<Tensor> codes(TensorView x, const CallContext& call) const override
    {
        Tensor out(x.shape);
        for (Index i = 0, end = x.size(); i < end; ++i) {
            const double value = rounded(x.data[i], i, call);
            out.data()[i] =
                std::isnan(value)
                    ? x.data[i]
                    : static_cast<float>(std::copysign(codeOf(std::abs(value)), value)) + 0.0F;
        }
        return out;
    }

    [[nodiscard]] int bits() const override { return m_bits; }
    [[nodiscard]] double min() const override { return -m_format.largest; }
    [[nodiscard]] double max() const override { return m_format.largest; }
    [[nodiscard]] bool isSigned() const override { return true; }
    [[nodiscard]] bool isElementwise() const override { return true; }

private:
    /// In float64, which holds every level and step.
    [[nodiscard]] double rounded(float x, Index index, const CallContext& call) const
    {
        if (std::isnan(x) || std::isinf(x)) {
            return std::isnan(x) || m_overflows ? x : std::copysign(m_format.largest, x);
        }
        if (std::abs(x) < std::numeric_limits<float>::min()) {
            return 0.0;
        }
        const int exponent = exponentOf(x);
        const bool isBelow = exponent < m_format.lowest;
        const int mantissaBits = isBelow && !m_subnormals ? 0 : m_format.mantissaBits;
        const int stepExponent = std::max(exponent, m_format.lowest) - mantissaBits;
        const Rounding rounding = m_rule.at(call.training).rounding;
        const float draw = rounding == Rounding::Stochastic
                               ? uniformAt(call.seed, static_cast<std::uint64_t>(index))
                               : 0.0F;
        const auto scaled = static_cast<float>(static_cast<double>(x) * powerOfTwo(-stepExponent));
        const double value =
            static_cast<double>(roundBy(rounding, scaled, draw)) * powerOfTwo(stepExponent);
        if (std::abs(value) <= m_format.largest) {
            return value;
        }
        return std::copysign(
            m_overflows ? std::numeric_limits<double>::infinity() : m_format.largest, value);
    }

    [[nodiscard]] double codeOf(double size) const
    {
        const double mantissas = std::exp2(m_format.mantissaBits);
        if (std::isinf(size)) {
            return (m_format.highest + m_format.bias + 1) * mantissas;
        }
        if (size < std::ldexp(1.0, m_format.lowest)) {
            return size * std::ldexp(mantissas, -m_format.lowest);
        }
        const int exponent = std::ilogb(size);
        return (exponent + m_format.bias + std::ldexp(size, -exponent) - 1.0) * mantissas;
    }

    Format m_format;
    int m_bits;
    bool m_overflows;
    bool m_subnormals;
    CodeRule m_rule;
};

Result<QuantizerPtr> make(const QuantizerInfo& info, Parameters parameters)
{
    constexpr std::int64_t kMostExponentBits = 8; // those of float32, which holds the values
    constexpr std::int64_t kMostMantissaBits = 23;
    if (auto ok = checkRange(info, parameters, "exponent_bits", 2, kMostExponentBits); !ok) {
        return fail(std::move(ok).error());
    }
    if (auto ok = checkRange(info, parameters, "mantissa_bits", 0, kMostMantissaBits); !ok) {
        return fail(std::move(ok).error());
    }
    constexpr std::int64_t kMostBias = 1000;
    if (auto ok = checkRange(info, parameters, "bias", -kMostBias, kMostBias); !ok) {
        return fail(std::move(ok).error());
    }
    const std::string& special = *textOf(valueOf(parameters, "special"));
    if (special == "nan" && numberOf(parameters, "mantissa_bits") == 0.0) {
        return badParameter(info, "special", valueOf(parameters, "special"),
                            "NaN takes a mantissa, and there are no mantissa bits");
    }
    if (*textOf(valueOf(parameters, "overflow")) == "infinity" && special != "ieee") {
        return badParameter(info, "overflow", valueOf(parameters, "overflow"),
                            "only special='ieee' has an infinity");
    }
    constexpr int kFloatHighest = std::numeric_limits<float>::max_exponent - 1;
    constexpr int kFloatLowest = std::numeric_limits<float>::min_exponent - 1;
    const Format format(parameters);
    if (format.highest > kFloatHighest || format.highest < kFloatLowest) {
        return badParameter(info, "bias", valueOf(parameters, "bias"),
                            "the largest number must be a float32");
    }
    return std::make_shared<Minifloat>(info, std::move(parameters));
}

} // namespace

QuantizerInfo minifloatInfo()
{
    using Type = ParameterType;
    return {
        .name = "minifloat",
        .origin = "Bitscape",
        .doc = "Floating-point numbers with few bits, for hardware with small floats. The usual "
               "formats have names: E4M3 (up to 448), E5M2 (up to 57344), E3M2, E2M3 and E2M1 of "
               "the Open Compute Project, fp16 and bf16. Steps grow with the value, so that the "
               "relative error stays at 2^−(mantissa bits + 1); no scale is fitted.",
        .grid = "±2^(e − bias) · (1 + m / 2^mantissa_bits), and ±2^(1 − bias) · m / "
                "2^mantissa_bits for e = 0",
        .parameters =
            {{"exponent_bits", Type::Integer, std::int64_t{4}, "Bits of the exponent e, 2 to 8."},
             {"mantissa_bits", Type::Integer, std::int64_t{3}, "Bits of the mantissa m, 0 to 23."},
             {"special",
              Type::Choice,
              std::string("nan"),
              "Which codes are no numbers: 'ieee' takes the largest exponent for infinity and "
              "NaN, 'nan' only its largest mantissa for NaN, 'none' nothing.",
              {"ieee", "nan", "none"}},
             {"overflow",
              Type::Choice,
              std::string("saturate"),
              "Beyond the largest number: 'saturate' takes that number and stops the gradient, "
              "'infinity' follows IEEE 754 and lets the gradient pass.",
              {"saturate", "infinity"}},
             {"subnormals", Type::Boolean, true,
              "Numbers below the smallest normal one, evenly spaced down to 0. False: they are "
              "rounded to 0 or to it."},
             {"bias",
              Type::OptionalInteger,
              {},
              "Subtracted from e; None: 2^(exponent_bits − 1) − 1."},
             roundingParameter()},
        .leadingParameters = 2,
        .dictionaryKeys = {"exponent_bits", "mantissa_bits", "special", "overflow", "subnormals",
                           "bias"},
        .make = make};
}

} // namespace bitscape::quant
