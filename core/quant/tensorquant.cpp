// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/tensorquant.h"

#include "core/quant/canonical.h"
#include "core/quant/common.h"
#include "core/quant/value.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace bitscape::quant {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int kFloatBits = 32;

bool isZero(float value)
{
    return std::abs(value) < std::numeric_limits<float>::min(); // denormals count as 0
}

/// What they share: gradients pass in full.
class TensorQuantizer : public Quantizer {
public:
    TensorQuantizer(const QuantizerInfo& info, Parameters given) : Quantizer(info, std::move(given))
    {
    }

    void gradient(TensorView, TensorView upstream, MutableTensorView dx,
                  const CallContext&) const override
    {
        passGradient(upstream, dx, 1.0F);
    }
    [[nodiscard]] bool isSigned() const override { return true; }
    [[nodiscard]] bool isElementwise() const override { return true; }
};

/// sparse and none: values stay floats.
class FloatKeeping final : public TensorQuantizer {
public:
    FloatKeeping(const QuantizerInfo& info, Parameters given, float threshold)
        : TensorQuantizer(info, std::move(given)), m_threshold(threshold)
    {
    }

    [[nodiscard]] std::string toString() const override
    {
        const bool isSparse = parameters().contains("threshold");
        return canonicalForm(*this,
                             isSparse ? "sparse," + parameterText(*this, "threshold") : "none");
    }
    void apply(TensorView x, MutableTensorView y, const CallContext&) const override
    {
        for (Index i = 0, end = x.size(); i < end; ++i) {
            const float value = isZero(x.data[i]) ? 0.0F : x.data[i];
            y.data[i] = std::abs(value) < m_threshold ? 0.0F : value;
        }
    }
    [[nodiscard]] Fit fit(TensorView, const CallContext&) const override
    {
        return fitOf(one(), one(0.0F));
    }
    [[nodiscard]] Result<Tensor> codes(TensorView, const CallContext&) const override
    {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("{} leaves floats, which have no codes.", toString()));
    }
    [[nodiscard]] int bits() const override { return kFloatBits; }
    [[nodiscard]] double min() const override { return -kInfinity; }
    [[nodiscard]] double max() const override { return kInfinity; }

private:
    float m_threshold;
};

/// ±2^floor(log2(|x| + 1e-9)), the sign that of the number, of zeros too.
class Logarithmic final : public TensorQuantizer {
public:
    using TensorQuantizer::TensorQuantizer;

    [[nodiscard]] std::string toString() const override
    {
        return canonicalForm(*this, "logarithmic");
    }
    void apply(TensorView x, MutableTensorView y, const CallContext&) const override
    {
        for (Index i = 0, end = x.size(); i < end; ++i) {
            const float value = x.data[i];
            y.data[i] = std::isnan(value)
                            ? value
                            : std::copysign(std::ldexp(1.0F, exponentOf(value)), value);
        }
    }
    [[nodiscard]] Fit fit(TensorView, const CallContext&) const override
    {
        return fitOf(one(), one(0.0F));
    }
    [[nodiscard]] Result<Tensor> codes(TensorView x, const CallContext&) const override
    {
        Tensor out(x.shape);
        for (Index i = 0, end = x.size(); i < end; ++i) {
            const float value = x.data[i];
            const auto code = static_cast<float>(exponentOf(value) - kLowest + 1);
            out.data()[i] = std::isnan(value) ? value : std::copysign(code, value);
        }
        return out;
    }
    [[nodiscard]] int bits() const override { return kBits; }
    [[nodiscard]] double min() const override { return -std::exp2(kHighest); }
    [[nodiscard]] double max() const override { return std::exp2(kHighest); }

private:
    static constexpr int kLowest = -30; // of 1e-9
    static constexpr int kHighest = 30; // 2^31 overflows the tool's integers
    static constexpr int kBits = 7;     // a sign and 61 exponents

    /// 0 for NaN.
    [[nodiscard]] static int exponentOf(float value)
    {
        constexpr float kOffset = 1e-9F;
        const float size = std::abs(value) + kOffset;
        return std::isnan(value) ? 0 : std::clamp(std::ilogb(size), kLowest, kHighest);
    }
};

class TensorQuantBinary final : public TensorQuantizer {
public:
    TensorQuantBinary(const QuantizerInfo& info, Parameters given)
        : TensorQuantizer(info, std::move(given)),
          m_marginal(static_cast<float>(quant::numberOf(parameters(), "marginal")))
    {
    }

    [[nodiscard]] std::string toString() const override
    {
        return canonicalForm(*this, "binary," + parameterText(*this, "marginal"));
    }
    void apply(TensorView x, MutableTensorView y, const CallContext&) const override
    {
        kernels::quantizeSign(x.data, y.data, x.size(), -m_marginal, m_marginal);
    }
    [[nodiscard]] Fit fit(TensorView, const CallContext&) const override
    {
        return fitOf(one(m_marginal), one(m_marginal));
    }
    [[nodiscard]] Result<Tensor> codes(TensorView x, const CallContext&) const override
    {
        Tensor out(x.shape);
        kernels::quantizeSign(x.data, out.data(), x.size(), -1.0F, 1.0F);
        return out;
    }
    [[nodiscard]] int bits() const override { return 1; }
    [[nodiscard]] double min() const override { return -std::abs(m_marginal); }
    [[nodiscard]] double max() const override { return std::abs(m_marginal); }

private:
    float m_marginal;
};

class TensorQuantTernary final : public TensorQuantizer {
public:
    TensorQuantTernary(const QuantizerInfo& info, Parameters given)
        : TensorQuantizer(info, std::move(given)),
          m_marginal(static_cast<float>(quant::numberOf(parameters(), "marginal"))),
          m_threshold(quant::numberOf(parameter("threshold")))
    {
    }

    [[nodiscard]] std::string toString() const override
    {
        const std::string threshold = m_threshold ? "," + parameterText(*this, "threshold") : "";
        return canonicalForm(*this, "ternary," + parameterText(*this, "marginal") + threshold);
    }
    void apply(TensorView x, MutableTensorView y, const CallContext&) const override
    {
        signs(x, y.data, m_marginal);
    }
    [[nodiscard]] Fit fit(TensorView, const CallContext&) const override
    {
        return fitOf(one(m_marginal), one(m_marginal));
    }
    [[nodiscard]] Result<Tensor> codes(TensorView x, const CallContext&) const override
    {
        Tensor out(x.shape);
        signs(x, out.data(), 1.0F);
        return out;
    }
    [[nodiscard]] int bits() const override { return 2; }
    [[nodiscard]] double min() const override { return -std::abs(m_marginal); }
    [[nodiscard]] double max() const override { return std::abs(m_marginal); }
    [[nodiscard]] bool isElementwise() const override { return m_threshold.has_value(); }

private:
    /// 0.7 · mean |x| over the finite values.
    [[nodiscard]] static float fittedThreshold(TensorView x)
    {
        constexpr float kShare = 0.7F;
        double sum = 0.0;
        Index count = 0;
        for (const float value : x.values()) {
            if (std::isfinite(value)) {
                sum += std::abs(static_cast<double>(value));
                ++count;
            }
        }
        return kShare * static_cast<float>(sum / static_cast<double>(std::max<Index>(count, 1)));
    }

    void signs(TensorView x, float* y, float level) const
    {
        const float threshold = m_threshold ? static_cast<float>(*m_threshold) : fittedThreshold(x);
        for (Index i = 0, end = x.size(); i < end; ++i) {
            const float value = isZero(x.data[i]) ? 0.0F : x.data[i];
            // The tool includes the lower edge and leaves out the upper one.
            const float away = value > threshold ? level : (value <= -threshold ? -level : 0.0F);
            y[i] = std::isnan(value) ? value : away;
        }
    }

    float m_marginal;
    std::optional<double> m_threshold;
};

Result<QuantizerPtr> makeSparse(const QuantizerInfo& info, Parameters parameters)
{
    const auto threshold = static_cast<float>(numberOf(parameters, "threshold"));
    return std::make_shared<FloatKeeping>(info, std::move(parameters), threshold);
}

Result<QuantizerPtr> makeNone(const QuantizerInfo& info, Parameters parameters)
{
    return std::make_shared<FloatKeeping>(info, std::move(parameters), 0.0F);
}

Result<QuantizerPtr> makeLogarithmic(const QuantizerInfo& info, Parameters parameters)
{
    return std::make_shared<Logarithmic>(info, std::move(parameters));
}

Result<void> checkMarginal(const QuantizerInfo& info, const Parameters& parameters)
{
    if (!std::isfinite(numberOf(parameters, "marginal"))) {
        return badParameter(info, "marginal", valueOf(parameters, "marginal"), "it must be finite");
    }
    return {};
}

Result<QuantizerPtr> makeBinary(const QuantizerInfo& info, Parameters parameters)
{
    if (auto ok = checkMarginal(info, parameters); !ok) {
        return fail(std::move(ok).error());
    }
    return std::make_shared<TensorQuantBinary>(info, std::move(parameters));
}

Result<QuantizerPtr> makeTernary(const QuantizerInfo& info, Parameters parameters)
{
    if (auto ok = checkMarginal(info, parameters); !ok) {
        return fail(std::move(ok).error());
    }
    if (numberOf(parameters, "threshold") < 0.0) {
        return badParameter(info, "threshold", valueOf(parameters, "threshold"),
                            "it must be 0 or more");
    }
    return std::make_shared<TensorQuantTernary>(info, std::move(parameters));
}

ParameterInfo marginalParameter()
{
    return {"marginal", ParameterType::Number, 1.0, "Magnitude of the levels."};
}

} // namespace

QuantizerInfo tensorquantLogarithmicInfo()
{
    return {.name = "tensorquant_logarithmic",
            .origin = "TensorQuant",
            .doc = "Signed powers of two, the next lower one: 1.9 becomes 1, 0.7 becomes 0.5. Zero "
                   "becomes ±2^−30; there is nothing to choose. Written logarithmic.",
            .grid = "±2^e, e = −30 … 30",
            .parameters = {},
            .leadingParameters = 0,
            .dictionaryKeys = {},
            .make = makeLogarithmic};
}

QuantizerInfo tensorquantSparseInfo()
{
    return {.name = "tensorquant_sparse",
            .origin = "TensorQuant",
            .doc = "Magnitudes below the threshold become 0, all others stay floats: what pruning "
                   "by magnitude would do. Written sparse,0.1.",
            .grid = "0 and all x with |x| ≥ threshold",
            .parameters = {{"threshold", ParameterType::Number, 0.0,
                            "Smallest magnitude that is kept."}},
            .leadingParameters = 1,
            .dictionaryKeys = {"threshold"},
            .make = makeSparse};
}

QuantizerInfo tensorquantBinaryInfo()
{
    return {.name = "tensorquant_binary",
            .origin = "TensorQuant",
            .doc = "The sign, times a fixed magnitude; 0 counts as positive. Written binary,0.5; "
                   "binary alone is QKeras'.",
            .grid = "±marginal",
            .parameters = {marginalParameter()},
            .leadingParameters = 1,
            .dictionaryKeys = {"marginal"},
            .make = makeBinary};
}

QuantizerInfo tensorquantTernaryInfo()
{
    return {.name = "tensorquant_ternary",
            .origin = "TensorQuant",
            .doc = "The sign, times a fixed magnitude, or 0 near 0. Without a threshold it is 0.7 "
                   "times the mean magnitude of the tensor. A value at the threshold becomes 0, "
                   "one at minus the threshold −marginal. Written ternary,1 or ternary,1,0.25; "
                   "ternary alone is QKeras'.",
            .grid = "−marginal, 0, marginal",
            .parameters = {marginalParameter(),
                           {"threshold",
                            ParameterType::OptionalNumber,
                            {},
                            "Where 0 ends; None: 0.7 times the mean magnitude, at every call."}},
            .leadingParameters = 1,
            .dictionaryKeys = {"marginal", "threshold"},
            .make = makeTernary};
}

QuantizerInfo tensorquantNoneInfo()
{
    return {.name = "tensorquant_none",
            .origin = "TensorQuant",
            .doc = "Changes nothing: a placeholder that keeps a tensor float where a quantizer is "
                   "asked for. Written none.",
            .grid = "all floats",
            .parameters = {},
            .leadingParameters = 0,
            .dictionaryKeys = {},
            .make = makeNone};
}

} // namespace bitscape::quant
