// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/quantized_bits_po2.h"

#include "core/quant/common.h"
#include "core/quant/po2_scaled.h"
#include "core/quant/rounding.h"
#include "core/quant/value.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace bitscape::quant {

namespace {

/// 2^exponent, kept among the normal floats.
float powerOfTwo(float exponent)
{
    constexpr float kLeast = -126.0F;
    constexpr float kMost = 127.0F;
    return std::exp2(std::clamp(exponent, kLeast, kMost));
}

class LearnablePo2 final : public Po2Scaled {
public:
    LearnablePo2(const QuantizerInfo& info, Parameters given)
        : Po2Scaled(info, std::move(given)), m_exponents(givenScale(parameter("scale_exponent"))),
          m_ceil(flagOf(parameters(), "use_po2_scale_ceil")),
          m_chooses(flagOf(parameters(), "use_po2_scale_msqe_round")),
          m_masks(flagOf(parameters(), "use_outlier_mask_msqe_weight"))
    {
    }

    [[nodiscard]] Result<void> accepts(const Shape& shape) const override
    {
        if (auto ok = Po2Scaled::accepts(shape); !ok) {
            return ok;
        }
        const auto count = static_cast<std::size_t>(layoutOf(shape).scaleCount());
        if (m_exponents && !m_exponents->isSingle() && m_exponents->values.size() != count) {
            return fail(ErrorCode::InvalidArgument,
                        fmt::format("{}: scale_exponent has {} values, but the tensor {} has {} "
                                    "steps.",
                                    info().name, m_exponents->values.size(), shape.toString(),
                                    count));
        }
        return {};
    }

    [[nodiscard]] double max() const override
    {
        if (!m_exponents) {
            return 1.0;
        }
        const float largest = *std::ranges::max_element(m_exponents->values);
        return powerOfTwo(rounded(largest)) * highCode();
    }
    [[nodiscard]] bool isElementwise() const override
    {
        return m_exponents && m_exponents->isSingle() && !m_chooses;
    }

    [[nodiscard]] std::vector<std::string> learned() const override { return {"scale_exponent"}; }
    [[nodiscard]] QuantizerPtr initialized(TensorView x) const override
    {
        if (m_exponents) {
            return nullptr;
        }
        const Tensor values = rectified(x);
        const std::vector<float> exponents = exponentsFor(values.view(), layoutOf(x.shape));
        Value value = std::vector<double>(exponents.begin(), exponents.end());
        if (exponents.size() == 1) {
            value = static_cast<double>(exponents.front());
        }
        return with("scale_exponent", std::move(value)).value_or(nullptr);
    }
    [[nodiscard]] std::vector<Tensor> learnedGradient(TensorView x, TensorView upstream,
                                                      const CallContext&) const override
    {
        ensure(m_exponents.has_value(), "quantized_bits_learnable_po2: scale_exponent is not set");
        const Tensor values = rectified(x);
        const ScaleLayout layout = layoutOf(x.shape);
        const std::vector<float> scales = scalesFor(values.view(), layout);
        std::vector<double> sums(m_exponents->values.size(), 0.0);
        forEachElement(layout, [&](std::size_t i, std::size_t scale) {
            const float s = scales[scale];
            const float value = values.data()[i];
            const float passed = isInside(value, s) ? value / s : 0.0F;
            const float slope = s * (codeOf(value, s) - passed);
            const auto at = m_exponents->isSingle() ? 0 : scale;
            sums[at] += static_cast<double>(slope) * static_cast<double>(upstream.data[i]);
        });
        Tensor out(Shape{static_cast<Index>(sums.size())});
        std::ranges::transform(sums, out.values().begin(), [](double sum) {
            return static_cast<float>(sum * std::numbers::ln2);
        });
        std::vector<Tensor> gradients;
        gradients.push_back(std::move(out));
        return gradients;
    }

private:
    [[nodiscard]] float rounded(float exponent) const
    {
        return m_ceil ? std::ceil(exponent) : roundHalfToEven(exponent);
    }

    /// As learned or given, else what QKeras starts from: three standard deviations fill the range.
    [[nodiscard]] std::vector<float> exponentsFor(TensorView x, const ScaleLayout& layout) const
    {
        const auto count = static_cast<std::size_t>(layout.scaleCount());
        if (m_exponents) {
            return m_exponents->isSingle() ? std::vector<float>(count, m_exponents->values.front())
                                           : m_exponents->values;
        }
        if (const auto start = quant::numberOf(parameter("init_scale"))) {
            const std::vector<float> same(count, logarithm2(static_cast<float>(*start) + kEpsilon));
            return same;
        }
        constexpr float kDeviations = 3.0F;
        constexpr float kSmallest = std::numeric_limits<float>::min();
        const auto least =
            static_cast<float>(quant::numberOf(parameter("min_init_scale")).value_or(0.0));
        std::vector<float> exponents = deviations(x, layout);
        for (float& value : exponents) {
            const float scale = kDeviations * value / highCode();
            value = logarithm2(std::max({scale, least, kSmallest}));
        }
        return exponents;
    }

    [[nodiscard]] std::vector<float> scalesFor(TensorView x,
                                               const ScaleLayout& layout) const override
    {
        const std::vector<float> exponents = exponentsFor(x, layout);
        std::vector<float> scales;
        scales.reserve(exponents.size());
        if (!m_chooses) {
            for (const float exponent : exponents) {
                scales.push_back(powerOfTwo(rounded(exponent)));
            }
            return scales;
        }
        std::vector<float> limits;
        std::vector<float> lower;
        for (const float exponent : exponents) {
            if (m_masks) {
                limits.push_back(std::exp2(exponent) * (highCode() + 0.5F));
            }
            lower.push_back(powerOfTwo(std::floor(exponent)));
            scales.push_back(powerOfTwo(std::ceil(exponent)));
        }
        const std::vector<double> lowerErrors = errors(x, layout, lower, limits);
        const std::vector<double> upperErrors = errors(x, layout, scales, limits);
        for (std::size_t i = 0; i < scales.size(); ++i) {
            scales[i] = lowerErrors[i] < upperErrors[i] ? lower[i] : scales[i];
        }
        return scales;
    }

    std::optional<GivenScale> m_exponents;
    bool m_ceil, m_chooses, m_masks;
};

class MsqePo2 final : public Po2Scaled {
public:
    MsqePo2(const QuantizerInfo& info, Parameters given)
        : Po2Scaled(info, std::move(given)),
          m_steps(static_cast<int>(quant::numberOf(parameters(), "num_lls_iters"))),
          m_reach(flagOf(parameters(), "should_line_search")
                      ? static_cast<int>(quant::numberOf(parameters(), "line_search_range")) / 2
                      : 0)
    {
    }

private:
    /// Scales with their errors; better ones replace those they beat.
    struct Search {
        std::vector<float> scales;
        std::vector<double> errors;

        void offer(const std::vector<float>& others, const std::vector<double>& otherErrors)
        {
            for (std::size_t i = 0; i < scales.size(); ++i) {
                if (otherErrors[i] < errors[i]) {
                    scales[i] = others[i];
                    errors[i] = otherErrors[i];
                }
            }
        }
    };

    [[nodiscard]] std::vector<float> start(TensorView x, const ScaleLayout& layout) const
    {
        const auto count = static_cast<std::size_t>(layout.scaleCount());
        if (const auto given = quant::numberOf(parameter("init_scale"))) {
            const std::vector<float> same(count, nearestPowerOfTwo(static_cast<float>(*given)));
            return same;
        }
        std::vector<float> scales(count, 0.0F);
        forEachElement(layout, [&](std::size_t i, std::size_t scale) {
            float& largest = scales[scale];
            const float size = std::abs(x.data[i]);
            largest = std::isfinite(size) ? std::max(largest, size) : largest;
        });
        for (float& scale : scales) {
            scale = nearestPowerOfTwo(scale / highCode());
        }
        return scales;
    }

    /// Largest magnitude that counts; empty: all count.
    [[nodiscard]] std::vector<float> limitsFor(TensorView x, const ScaleLayout& layout) const
    {
        if (!flagOf(parameters(), "use_outlier_mask_msqe_weight")) {
            return {};
        }
        const auto sigma = static_cast<float>(quant::numberOf(parameters(), "outlier_mask_sigma"));
        std::vector<float> limits = deviations(x, layout);
        for (float& limit : limits) {
            limit *= sigma;
        }
        return limits;
    }

    /// The powers of two nearest to the least-squares scales of the codes that `scales` give.
    [[nodiscard]] std::vector<float> refined(TensorView x, const ScaleLayout& layout,
                                             const std::vector<float>& scales,
                                             const std::vector<float>& limits) const
    {
        std::vector<double> products(scales.size(), 0.0);
        std::vector<double> squares(scales.size(), 0.0);
        std::vector<double> counts(scales.size(), 0.0);
        forEachElement(layout, [&](std::size_t i, std::size_t scale) {
            const float value = x.data[i];
            counts[scale] += 1.0;
            if (std::isfinite(value) && (limits.empty() || std::abs(value) <= limits[scale])) {
                const auto code = static_cast<double>(codeOf(value, scales[scale]));
                products[scale] += code * static_cast<double>(value);
                squares[scale] += code * code;
            }
        });
        std::vector<float> out;
        out.reserve(scales.size());
        for (std::size_t i = 0; i < scales.size(); ++i) {
            const auto product = static_cast<float>(products[i] / counts[i]);
            const auto square = static_cast<float>(squares[i] / counts[i]);
            out.push_back(nearestPowerOfTwo(product / (square + kEpsilon)));
        }
        return out;
    }

    [[nodiscard]] std::vector<float> scalesFor(TensorView x,
                                               const ScaleLayout& layout) const override
    {
        const std::vector<float> limits = limitsFor(x, layout);
        Search best{start(x, layout), {}};
        best.errors = errors(x, layout, best.scales, limits);
        std::vector<float> scales = best.scales;
        for (int step = 0; step < m_steps; ++step) {
            scales = refined(x, layout, scales, limits);
            best.offer(scales, errors(x, layout, scales, limits));
        }
        const std::vector<float> center = best.scales;
        for (int offset = -m_reach; offset <= m_reach; ++offset) {
            std::ranges::transform(center, scales.begin(), [offset](float scale) {
                return std::ldexp(nearestPowerOfTwo(scale), offset);
            });
            if (offset != 0) {
                best.offer(scales, errors(x, layout, scales, limits));
            }
        }
        std::ranges::transform(best.scales, best.scales.begin(), nearestPowerOfTwo);
        return best.scales;
    }

    int m_steps; ///< of least squares
    int m_reach; ///< of the line search, in exponents to each side
};

Result<QuantizerPtr> makeLearnable(const QuantizerInfo& info, Parameters parameters)
{
    if (auto ok = checkPo2Scaled(info, parameters); !ok) {
        return fail(std::move(ok).error());
    }
    if (const auto exponents = givenScale(valueOf(parameters, "scale_exponent"))) {
        const bool finite = std::ranges::all_of(exponents->values,
                                                [](float value) { return std::isfinite(value); });
        if (exponents->values.empty() || !finite) {
            return badParameter(info, "scale_exponent", valueOf(parameters, "scale_exponent"),
                                "exponents are finite numbers");
        }
    }
    return std::make_shared<LearnablePo2>(info, std::move(parameters));
}

Result<QuantizerPtr> makeMsqe(const QuantizerInfo& info, Parameters parameters)
{
    constexpr std::int64_t kMostSteps = 100;
    if (auto ok = checkPo2Scaled(info, parameters); !ok) {
        return fail(std::move(ok).error());
    }
    for (const char* name : {"num_lls_iters", "line_search_range"}) {
        if (auto ok = checkRange(info, parameters, name, 0, kMostSteps); !ok) {
            return fail(std::move(ok).error());
        }
    }
    return std::make_shared<MsqePo2>(info, std::move(parameters));
}

std::vector<std::string> dictionaryKeysOf(const std::vector<ParameterInfo>& parameters)
{
    std::vector<std::string> keys;
    for (const ParameterInfo& parameter : parameters) {
        if (!parameter.keywordOnly) {
            keys.push_back(parameter.name);
        }
    }
    return keys;
}

constexpr const char* kGrid = "2^e · z, |z| ≤ 2^(bits−1) − 1, or z = 0 … 2^bits − 1 without "
                              "negative values";

} // namespace

QuantizerInfo quantizedBitsLearnablePo2Info()
{
    using Type = ParameterType;
    std::vector<ParameterInfo> parameters = po2ScaledParameters();
    parameters.insert(
        parameters.end(),
        {{"min_init_scale", Type::OptionalNumber, 0.00001, "Least step to start from."},
         {"use_po2_scale_ceil", Type::Boolean, true,
          "Round the learned exponent up; False: to the nearest."},
         {"use_po2_scale_msqe_round", Type::Boolean, true,
          "Take the neighboring exponent with the smaller squared error instead of rounding."},
         {"scale_exponent",
          Type::FrozenScale,
          {},
          "The learned exponent, or one per step; None: from init_scale or the values, so that "
          "three standard deviations fill the range.",
          {},
          true}});
    return {.name = "quantized_bits_learnable_po2",
            .origin = "QKeras",
            .doc = "Whole multiples of a power of two whose exponent is trained along with the "
                   "weights (experimental in QKeras, arXiv 2210.03671): scaling is a shift, and "
                   "the range finds itself. Gradients stop where values saturate.",
            .grid = kGrid,
            .parameters = parameters,
            .leadingParameters = 1,
            .dictionaryKeys = dictionaryKeysOf(parameters),
            .make = makeLearnable};
}

QuantizerInfo quantizedBitsMsqePo2Info()
{
    using Type = ParameterType;
    std::vector<ParameterInfo> parameters = po2ScaledParameters();
    parameters.insert(parameters.end(),
                      {{"outlier_mask_sigma", Type::Number, 2.0,
                        "Values beyond this many standard deviations are outliers."},
                       {"num_lls_iters", Type::Integer, std::int64_t{3}, "Steps of least squares."},
                       {"should_line_search", Type::Boolean, true,
                        "Try the neighboring exponents afterwards as well."},
                       {"line_search_range", Type::Integer, std::int64_t{6},
                        "How many neighbors are tried, half of them on each side."}});
    return {.name = "quantized_bits_msqe_po2",
            .origin = "QKeras",
            .doc = "Whole multiples of the power of two with the least squared error, found at "
                   "every call by least squares and a search among neighbors (experimental in "
                   "QKeras, arXiv 2210.03671). QKeras starts the search from the exponent of its "
                   "previous call; here every call is a first one.",
            .grid = kGrid,
            .parameters = parameters,
            .leadingParameters = 1,
            .dictionaryKeys = dictionaryKeysOf(parameters),
            .make = makeMsqe};
}

} // namespace bitscape::quant
