// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/integer/code_grid.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>

namespace bitscape::graph {

namespace {

constexpr std::int64_t kMostCodes = std::int64_t{1} << 24; // whole numbers of float32
constexpr std::size_t kMostLevels = std::size_t{1} << 16;
constexpr double kFarOut = 1e30;

/// One number through an element-wise quantizer.
float quantizedOne(const quant::Quantizer& quantizer, float x, const quant::CallContext& call)
{
    float y = 0.0F;
    quantizer.apply({&x, Shape{1}}, {&y, Shape{1}}, call);
    return y;
}

std::vector<std::int64_t> samplePoints(std::int64_t low, std::int64_t high)
{
    constexpr std::int64_t kDense = 300;
    constexpr std::int64_t kSparse = 64;
    std::vector<std::int64_t> out;
    const auto around = [&](std::int64_t center, std::int64_t reach) {
        for (std::int64_t i = center - reach; i <= center + reach; ++i) {
            out.push_back(i);
        }
    };
    if (high - low <= 2 * kDense) {
        around((low + high) / 2, (high - low) / 2 + 4);
        return out;
    }
    for (const std::int64_t center : {low, std::int64_t{0}, high}) {
        around(center, kSparse);
    }
    for (std::int64_t i = 0; i < kDense; ++i) {
        out.push_back(low + (high - low) / kDense * i);
    }
    return out;
}

/// Integer exponent e and odd mantissa of a finite float that is not 0: value = mantissa · 2^e.
int lowestExponent(float value)
{
    int exponent = 0;
    const float fraction = std::frexp(value, &exponent);
    constexpr int kMantissa = 24;
    const auto mantissa = static_cast<std::uint32_t>(std::abs(std::ldexp(fraction, kMantissa)));
    return exponent - kMantissa + std::countr_zero(mantissa);
}

void takeRange(WholeNumbers& out)
{
    const auto [low, high] = std::ranges::minmax(out.codes);
    out.grid.low = low;
    out.grid.high = high;
}

/// Element e of a tensor that broadcasts against `shape`.
float broadcastAt(const Tensor& small, const Shape& shape, Index element)
{
    Index at = 0;
    Index stride = 1;
    for (int axis = shape.rank() - 1, own = small.shape().rank() - 1; axis >= 0; --axis, --own) {
        const Index place = element % shape[axis];
        element /= shape[axis];
        if (own >= 0) {
            at += small.shape()[own] == 1 ? 0 : place * stride;
            stride *= small.shape()[own];
        }
    }
    return small.data()[at];
}

/// Steps as one number or `period` ones.
std::optional<std::vector<double>> periodicSteps(const Tensor& step, const Shape& shape,
                                                 Index period)
{
    const auto isStep = [](float value) { return value > 0.0F && std::isfinite(value); };
    if (std::ranges::none_of(step.values(), isStep)) {
        return std::nullopt;
    }
    if (step.size() == 1) {
        return std::vector{static_cast<double>(step.data()[0])};
    }
    std::vector<double> out(static_cast<std::size_t>(period));
    for (Index e = 0; e < shape.elementCount(); ++e) {
        const float found = broadcastAt(step, shape, e);
        const double value = isStep(found) ? static_cast<double>(found) : 1.0; // a channel of zeros
        double& kept = out[static_cast<std::size_t>(e % period)];
        if (e >= period && kept != value) {
            return std::nullopt;
        }
        kept = value;
    }
    return out;
}

} // namespace

std::int64_t CodeGrid::largest() const
{
    return std::max(std::abs(low - zero), std::abs(high - zero));
}

bool isPowerOfTwo(double value)
{
    int exponent = 0;
    return std::frexp(value, &exponent) == 0.5;
}

int bitsOf(std::int64_t low, std::int64_t high)
{
    if (low >= 0) {
        return std::max(1, static_cast<int>(std::bit_width(static_cast<std::uint64_t>(high))));
    }
    const auto reach =
        static_cast<std::uint64_t>(std::max(-(low + 1), std::max(high, std::int64_t{0})));
    return 1 + static_cast<int>(std::bit_width(reach));
}

std::optional<UniformGrid> uniformGrid(const quant::Quantizer& quantizer,
                                       const quant::CallContext& call)
{
    if (!quantizer.isElementwise() || !quantizer.learned().empty()) {
        return std::nullopt;
    }
    Tensor ends(Shape{3});
    ends.data()[0] = static_cast<float>(-kFarOut);
    ends.data()[1] = static_cast<float>(kFarOut);
    const quant::Fit fit = quantizer.fit(ends.view(), call);
    const auto endCodes = quantizer.codes(ends.view(), call);
    if (!endCodes || fit.step.size() != 1 || !(fit.step.data()[0] > 0.0F)) {
        return std::nullopt;
    }
    UniformGrid out;
    const double step = static_cast<double>(fit.step.data()[0]);
    out.grid.steps = {step};
    out.grid.zero = std::llround(fit.zeroPoint.data()[0]);
    out.grid.low = std::llround(endCodes->data()[0]);
    out.grid.high = std::llround(endCodes->data()[1]);
    if (out.grid.low >= out.grid.high || out.grid.high - out.grid.low >= kMostCodes) {
        return std::nullopt;
    }
    const auto points = samplePoints(out.grid.low - out.grid.zero, out.grid.high - out.grid.zero);
    constexpr int kParts = 4; // quarters of a step, so that every rounding shows itself
    Tensor x(Shape{static_cast<Index>(points.size()) * kParts});
    for (std::size_t i = 0; i < points.size() * kParts; ++i) {
        const double at =
            static_cast<double>(points[i / kParts]) + static_cast<double>(i % kParts) / kParts;
        x.values()[i] = static_cast<float>(step * at);
    }
    const auto codes = quantizer.codes(x.view(), call);
    Tensor y(x.shape());
    quantizer.apply(x.view(), y.mutableView(), call);
    if (!codes) {
        return std::nullopt;
    }
    constexpr std::array kRules{ScaleRule::HalfEven, ScaleRule::HalfAway, ScaleRule::Floor,
                                ScaleRule::Zero, ScaleRule::Ceil};
    const bool isExact = isPowerOfTwo(step); // else a tie of x / step may fall to either side
    for (const ScaleRule rule : kRules) {
        bool fits = true;
        for (std::size_t i = 0; fits && i < points.size() * kParts; ++i) {
            const bool isBetween = i % kParts != 0;
            if (!isExact && (!isBetween || i % kParts == 2)) {
                continue;
            }
            const std::int64_t quarters =
                points[i / kParts] * kParts + static_cast<int>(i % kParts);
            const std::int64_t wanted = std::clamp(shiftRight(quarters, 2, rule) + out.grid.zero,
                                                   out.grid.low, out.grid.high);
            fits = static_cast<double>(codes->values()[i]) == static_cast<double>(wanted) &&
                   y.values()[i] == realValue(out.grid, wanted, 0);
        }
        if (fits) {
            out.rounding = rule;
            return out;
        }
    }
    return std::nullopt;
}

std::optional<WholeNumbers> dyadicNumbers(std::span<const float> values, int bits)
{
    int exponent = std::numeric_limits<int>::max();
    for (const float value : values) {
        if (!std::isfinite(value)) {
            return std::nullopt;
        }
        if (value != 0.0F) {
            exponent = std::min(exponent, lowestExponent(value));
        }
    }
    exponent = exponent == std::numeric_limits<int>::max() ? 0 : exponent;
    WholeNumbers out;
    out.grid.steps = {std::ldexp(1.0, exponent)};
    const double limit = std::ldexp(1.0, bits - 1);
    for (const float value : values) {
        const double code = static_cast<double>(value) / out.grid.steps.front();
        if (std::abs(code) >= limit) {
            return std::nullopt;
        }
        out.codes.push_back(std::llround(code));
    }
    if (out.codes.empty()) {
        return std::nullopt;
    }
    takeRange(out);
    out.bits = bitsOf(out.grid.low, out.grid.high);
    return out;
}

std::optional<WholeNumbers> wholeNumbers(const quant::Quantizer& quantizer, TensorView stored,
                                         TensorView quantized, Index period,
                                         const quant::CallContext& call)
{
    constexpr int kDyadicBits = 24;
    const auto fallback = [&] { return dyadicNumbers(quantized.values(), kDyadicBits); };
    const auto codes = quantizer.codes(stored, call);
    if (!codes || stored.size() == 0) {
        return fallback();
    }
    const quant::Fit fit = quantizer.fit(stored, call);
    const auto steps = periodicSteps(fit.step, stored.shape, period);
    if (!steps) {
        return fallback();
    }
    WholeNumbers out;
    out.grid.steps = *steps;
    bool isShifted = false;
    for (std::size_t i = 0; i < codes->values().size(); ++i) {
        const auto element = static_cast<Index>(i);
        const float zero = fit.zeroPoint.size() == 1
                               ? fit.zeroPoint.data()[0]
                               : broadcastAt(fit.zeroPoint, stored.shape, element);
        const float code = codes->values()[i] - zero;
        if (!(std::abs(code) < static_cast<float>(kMostCodes)) || code != std::nearbyint(code)) {
            return fallback();
        }
        isShifted = isShifted || zero != 0.0F;
        out.codes.push_back(std::llround(code));
        const float value = realValue(out.grid, out.codes.back(), i);
        // Codes may be read with a step that is itself rounded: a last bit may differ.
        if (std::abs(value - quantized.values()[i]) > std::abs(value) * 1e-6F) {
            return fallback();
        }
    }
    takeRange(out);
    constexpr int kWidest = 32;
    const int own = bitsOf(out.grid.low, out.grid.high);
    out.bits = isShifted ? own : std::max(own, std::min(quantizer.bits(), kWidest));
    return out;
}

std::optional<Thresholds> thresholdsOf(const quant::Quantizer& quantizer, const CodeGrid& input,
                                       const quant::CallContext& call)
{
    if (!quantizer.isElementwise() || input.steps.size() != 1) {
        return std::nullopt;
    }
    const auto level = [&](std::int64_t code) {
        return quantizedOne(quantizer, realValue(input, code, 0), call);
    };
    std::vector<std::int64_t> starts; // first codes of the levels but the lowest
    std::vector<float> values{level(input.low)};
    bool isMonotonic = std::isfinite(values.front());
    const std::function<void(std::int64_t, std::int64_t, float, float)> split =
        [&](std::int64_t from, std::int64_t to, float low, float high) {
            if (low == high || !isMonotonic) {
                return;
            }
            if (to - from == 1) {
                starts.push_back(to);
                values.push_back(high);
                isMonotonic = high > low && values.size() <= kMostLevels;
                return;
            }
            const std::int64_t middle = from + (to - from) / 2;
            const float between = level(middle);
            isMonotonic = isMonotonic && low <= between && between <= high;
            split(from, middle, low, between);
            split(middle, to, between, high);
        };
    split(input.low, input.high, values.front(), level(input.high));
    constexpr int kLevelBits = 24;
    const auto codes = isMonotonic ? dyadicNumbers(values, kLevelBits) : std::nullopt;
    if (!codes) {
        return std::nullopt;
    }
    const auto levelAt = [&](std::int64_t code) {
        return values[static_cast<std::size_t>(std::ranges::upper_bound(starts, code) -
                                               starts.begin())];
    };
    constexpr std::int64_t kProbes = 1024; // a dip between equal ends shows itself here
    for (std::int64_t i = 0; i <= kProbes; ++i) {
        const std::int64_t code =
            input.low + static_cast<std::int64_t>(static_cast<double>(input.high - input.low) *
                                                  static_cast<double>(i) / kProbes);
        if (levelAt(code) != level(code)) {
            return std::nullopt;
        }
    }
    Thresholds out;
    out.grid = codes->grid;
    out.rule.thresholds = std::move(starts);
    out.rule.levels = codes->codes;
    out.rule.low = out.grid.low;
    out.rule.high = out.grid.high;
    if (out.rule.thresholds.empty()) { // one level for all
        out.rule.thresholds.push_back(input.low);
        out.rule.levels.push_back(out.rule.levels.front());
    }
    return out;
}

} // namespace bitscape::graph
