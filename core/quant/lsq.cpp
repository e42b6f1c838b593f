// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/canonical.h"
#include "core/quant/common.h"
#include "core/quant/learned_range.h"
#include "core/quant/rounding.h"
#include "core/quant/scale_layout.h"
#include "core/quant/value.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace bitscape::quant {

namespace {

/// What is used of a step: training may move it through 0, where its sign has no meaning.
float usableStep(float step)
{
    return std::max(std::abs(step), std::numeric_limits<float>::min());
}

class Lsq final : public Quantizer {
public:
    Lsq(const QuantizerInfo& info, Parameters given)
        : Quantizer(info, std::move(given)),
          m_bits(static_cast<int>(quant::numberOf(parameters(), "bits"))),
          m_perChannel(flagOf(parameters(), "per_channel")), m_steps(givenScale(parameter("step")))
    {
        const bool isSigned = flagOf(parameters(), "signed");
        m_high = static_cast<float>(std::exp2(m_bits - (isSigned ? 1 : 0)) - 1.0);
        m_low = isSigned ? -m_high - 1.0F : 0.0F;
    }

    [[nodiscard]] std::string toString() const override { return keywordForm(*this); }

    [[nodiscard]] Result<void> accepts(const Shape& shape) const override
    {
        const auto count = static_cast<std::size_t>(layoutOf(shape).scaleCount());
        if (m_steps && !m_steps->isSingle() && m_steps->values.size() != count) {
            return fail(ErrorCode::InvalidArgument,
                        fmt::format("lsq: step has {} values, but the tensor {} has {} steps.",
                                    m_steps->values.size(), shape.toString(), count));
        }
        return {};
    }

    void apply(TensorView x, MutableTensorView y, const CallContext&) const override
    {
        if (isElementwise()) {
            const float step = usableStep(m_steps->values.front());
            kernels::quantizeAffine(x.data, y.data, x.size(), {step, m_low, m_high});
            return;
        }
        forEachStep(x, [&](std::size_t i, std::size_t, float step) {
            y.data[i] = step * codeOf(x.data[i] / step);
        });
    }

    void gradient(TensorView x, TensorView upstream, MutableTensorView dx,
                  const CallContext&) const override
    {
        forEachStep(x, [&](std::size_t i, std::size_t, float step) {
            const float scaled = x.data[i] / step;
            dx.data[i] = scaled > m_low && scaled < m_high ? upstream.data[i] : 0.0F;
        });
    }

    [[nodiscard]] Fit fit(TensorView x, const CallContext&) const override
    {
        Tensor step(layoutOf(x.shape).scaleShape(), stepsFor(x));
        return fitOf(step, step);
    }

    [[nodiscard]] Result<Tensor> codes(TensorView x, const CallContext&) const override
    {
        Tensor out(x.shape);
        forEachStep(x, [&](std::size_t i, std::size_t, float step) {
            out.data()[i] = codeOf(x.data[i] / step);
        });
        return out;
    }

    [[nodiscard]] int bits() const override { return m_bits; }
    [[nodiscard]] double min() const override { return m_low < 0.0F ? reach() * m_low : 0.0; }
    [[nodiscard]] double max() const override { return reach() * m_high; }
    [[nodiscard]] bool isSigned() const override { return m_low < 0.0F; }
    [[nodiscard]] bool isElementwise() const override { return m_steps && m_steps->isSingle(); }

    [[nodiscard]] std::vector<std::string> learned() const override { return {"step"}; }
    [[nodiscard]] QuantizerPtr initialized(TensorView x) const override
    {
        if (m_steps) {
            return nullptr;
        }
        const std::vector<float> steps = stepsFor(x);
        Value value = std::vector<double>(steps.begin(), steps.end());
        if (steps.size() == 1) {
            value = static_cast<double>(steps.front());
        }
        return with("step", std::move(value)).value_or(nullptr);
    }
    [[nodiscard]] std::vector<Tensor> learnedGradient(TensorView x, TensorView upstream,
                                                      const CallContext&) const override
    {
        ensure(m_steps.has_value(), "lsq: step is not set");
        std::vector<double> sums(m_steps->values.size(), 0.0);
        forEachStep(x, [&](std::size_t i, std::size_t scale, float step) {
            const float scaled = x.data[i] / step;
            const bool inside = scaled > m_low && scaled < m_high;
            const float slope = inside ? roundHalfToEven(scaled) - scaled : codeOf(scaled);
            sums[m_steps->isSingle() ? 0 : scale] +=
                static_cast<double>(slope) * static_cast<double>(upstream.data[i]);
        });
        const double shared = static_cast<double>(x.size()) /
                              static_cast<double>(std::max<std::size_t>(sums.size(), 1));
        const double factor = 1.0 / std::sqrt(std::max(shared, 1.0) * static_cast<double>(m_high));
        Tensor out(Shape{static_cast<Index>(sums.size())});
        for (std::size_t i = 0; i < sums.size(); ++i) {
            const double sign = m_steps->values[i] < 0.0F ? -1.0 : 1.0;
            out.values()[i] = static_cast<float>(sums[i] * factor * sign);
        }
        std::vector<Tensor> gradients;
        gradients.push_back(std::move(out));
        return gradients;
    }

private:
    [[nodiscard]] ScaleLayout layoutOf(const Shape& shape) const
    {
        return m_perChannel && shape.rank() > 1 ? ScaleLayout::ofAxes(shape, {})
                                                : ScaleLayout::single(shape);
    }

    [[nodiscard]] double reach() const
    {
        if (!m_steps) {
            return std::numeric_limits<double>::infinity();
        }
        float largest = 0.0F;
        for (const float step : m_steps->values) {
            largest = std::max(largest, usableStep(step));
        }
        return static_cast<double>(largest);
    }

    [[nodiscard]] float codeOf(float scaled) const
    {
        const float code = roundHalfToEven(scaled);
        const float raised = code < m_low ? m_low : code; // in this form NaN passes through
        return (raised > m_high ? m_high : raised) + 0.0F;
    }

    /// As learned or given, else the start 2 · mean |x| / √high over the finite values.
    [[nodiscard]] std::vector<float> stepsFor(TensorView x) const
    {
        const ScaleLayout layout = layoutOf(x.shape);
        const auto count = static_cast<std::size_t>(layout.scaleCount());
        std::vector<float> steps;
        if (m_steps) {
            steps = m_steps->isSingle() ? std::vector<float>(count, m_steps->values.front())
                                        : m_steps->values;
            std::ranges::transform(steps, steps.begin(), usableStep);
            return steps;
        }
        std::vector<double> sums(count, 0.0);
        std::vector<double> counts(count, 0.0);
        forEachElement(layout, [&](std::size_t i, std::size_t scale) {
            const double size = std::abs(static_cast<double>(x.data[i]));
            if (std::isfinite(size)) {
                sums[scale] += size;
                counts[scale] += 1.0;
            }
        });
        for (std::size_t i = 0; i < count; ++i) {
            const double mean = sums[i] / std::max(counts[i], 1.0);
            const double step = 2.0 * mean / std::sqrt(static_cast<double>(m_high));
            // Values that are all 0 allow any step.
            steps.push_back(step > 0.0 ? usableStep(static_cast<float>(step)) : 1.0F);
        }
        return steps;
    }

    /// Calls visit(element, index of its step, its step).
    template <class Visit>
    void forEachStep(TensorView x, Visit visit) const
    {
        const std::vector<float> steps = stepsFor(x);
        forEachElement(layoutOf(x.shape),
                       [&](std::size_t i, std::size_t scale) { visit(i, scale, steps[scale]); });
    }

    int m_bits;
    bool m_perChannel;
    std::optional<GivenScale> m_steps;
    float m_low, m_high; ///< codes
};

Result<QuantizerPtr> make(const QuantizerInfo& info, Parameters parameters)
{
    constexpr std::int64_t kMostBits = 24; // codes are exact floats
    const bool isSigned = flagOf(parameters, "signed");
    if (auto ok = checkRange(info, parameters, "bits", isSigned ? 2 : 1, kMostBits); !ok) {
        return fail(std::move(ok).error());
    }
    if (const auto steps = givenScale(valueOf(parameters, "step"))) {
        const bool finite = std::ranges::all_of(
            steps->values, [](float step) { return std::isfinite(step) && step != 0.0F; });
        if (steps->values.empty() || !finite) {
            return badParameter(info, "step", valueOf(parameters, "step"),
                                "steps are finite and not 0");
        }
        if (!steps->isSingle() && !flagOf(parameters, "per_channel")) {
            return badParameter(info, "step", valueOf(parameters, "step"),
                                "a list needs per_channel");
        }
    }
    return std::make_shared<Lsq>(info, std::move(parameters));
}

} // namespace

QuantizerInfo lsqInfo()
{
    using Type = ParameterType;
    return {
        .name = "lsq",
        .origin = "Bitscape",
        .doc = "Integers with a step that is trained along with the weights (LSQ, learned step "
               "size quantization): the strongest choice at 2 to 4 bits if the network is trained. "
               "Use signed=False behind a rectifier.",
        .grid = "step · z, z = −2^(bits−1) … 2^(bits−1) − 1, or 0 … 2^bits − 1 without a sign",
        .parameters =
            {{"bits", Type::Integer, std::int64_t{8}, "Width of a code."},
             {"signed", Type::Boolean, true, "False: codes from 0 up, for rectified values."},
             {"per_channel", Type::Boolean, false,
              "A step per output channel (last axis) instead of one for the tensor."},
             {"step",
              Type::FrozenScale,
              {},
              "The learned step, or one per channel. None: 2 · mean|x| / √(largest code) of the "
              "values at hand, where training starts."}},
        .leadingParameters = 1,
        .dictionaryKeys = {"bits", "signed", "per_channel", "step"},
        .make = make};
}

} // namespace bitscape::quant
