// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/integer/litert.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace bitscape::graph {

namespace {

ScaleRule ruleOfProducts(const ConvolveWork& work, LiteRtKernels kernels)
{
    if (kernels == LiteRtKernels::Xnnpack) {
        return ScaleRule::Float;
    }
    // Grouped convolutions have no optimised kernel, depth-wise ones round as the reference's.
    const bool isMatrixProduct = !work.isDepthwise && work.geometry.groups == 1;
    if (kernels == LiteRtKernels::Optimised && isMatrixProduct) {
        return ScaleRule::TwiceUp;
    }
    return work.isDense ? ScaleRule::HalfUp : ScaleRule::Twice;
}

/// For sums of 64 bits: multipliers of 15 bits, ties upwards.
Scaling reducedScaling(const std::vector<double>& factors)
{
    constexpr int kDropped = 16;
    constexpr std::int32_t kLargest = 0x7FFF;
    Scaling out = makeLiteRtScaling(factors, ScaleRule::HalfUp);
    for (std::size_t i = 0; i < factors.size(); ++i) {
        const std::int64_t nearest = shiftRight(out.multipliers[i], kDropped, ScaleRule::HalfUp);
        out.multipliers[i] = static_cast<std::int32_t>(std::min<std::int64_t>(nearest, kLargest));
        out.exponents[i] += kDropped;
    }
    return out;
}

/// XNNPACK's change of scale between codes: 8 bits behind the point.
Scaling coarseScaling(const std::vector<double>& steps, double to)
{
    constexpr int kBits = 8;
    Scaling out;
    out.rule = ScaleRule::HalfUp;
    for (const double step : steps) {
        const float ratio = static_cast<float>(step) / static_cast<float>(to);
        out.multipliers.push_back(static_cast<std::int32_t>(std::lrint(std::ldexp(ratio, kBits))));
        out.exponents.push_back(-kBits);
    }
    return out;
}

/// XNNPACK's: whole multiples of both codes, of 20 to 21 bits, and one shift.
void xnnpackSum(const CodeGrid& a, const CodeGrid& b, const CodeGrid& to, LiteRtSum& out)
{
    constexpr int kBits = 20;
    const auto scale = static_cast<float>(to.steps.front());
    const std::array ratios{static_cast<float>(a.steps.front()) / scale,
                            static_cast<float>(b.steps.front()) / scale};
    int exponent = 0;
    (void)std::frexp(std::max(ratios[0], ratios[1]), &exponent);
    const int shift = kBits - (exponent - 1);
    for (const float ratio : ratios) {
        const auto multiplier = static_cast<std::int32_t>(std::lrint(std::ldexp(ratio, shift)));
        out.work.terms.push_back({ScaleRule::HalfUp, {multiplier}, {0}, {}});
    }
    out.rule.scaling = {ScaleRule::HalfUp, {1}, {-shift}, {}};
}

} // namespace

Scaling liteRtScaling(const Work& work, const std::vector<double>& steps, double to,
                      LiteRtKernels kernels, bool isWide)
{
    const auto* products = std::get_if<ConvolveWork>(&work);
    if (isWide && kernels == LiteRtKernels::Xnnpack) { // which leaves them to the others
        kernels = LiteRtKernels::Optimised;
    }
    const bool isPlain = std::holds_alternative<RescaleWork>(work);
    if (kernels == LiteRtKernels::Xnnpack && isPlain) {
        return coarseScaling(steps, to);
    }
    const bool isProduct = products != nullptr || std::holds_alternative<ProductWork>(work);
    const ScaleRule rule = products != nullptr ? ruleOfProducts(*products, kernels)
                           : isProduct && kernels == LiteRtKernels::Xnnpack ? ScaleRule::Float
                                                                            : ScaleRule::Twice;
    std::vector<double> factors;
    for (const double step : steps) {
        const bool isFloat = products != nullptr && products->isDense && steps.size() == 1;
        const float quotient = static_cast<float>(step) / static_cast<float>(to);
        factors.push_back(rule == ScaleRule::Float ? static_cast<double>(quotient)
                          : isFloat ? static_cast<double>(static_cast<float>(step)) / to
                                    : step / to);
    }
    return isWide && products != nullptr && !products->isDense ? reducedScaling(factors)
                                                               : makeLiteRtScaling(factors, rule);
}

bool isWideGrid(const CodeGrid& grid)
{
    constexpr std::int64_t kMostSteps = 255;
    return grid.high - grid.low > kMostSteps;
}

LiteRtSum liteRtSumOf(const CodeGrid& a, const CodeGrid& b, const CodeGrid& to,
                      const std::vector<char>& isNegative, LiteRtKernels kernels)
{
    LiteRtSum out;
    out.work.isNegative = isNegative;
    out.rule.zero = to.zero;
    out.rule.low = to.low;
    out.rule.high = to.high;
    const bool isWide = isWideGrid(a) || isWideGrid(b) || isWideGrid(to);
    if (kernels == LiteRtKernels::Xnnpack && !isWide) {
        xnnpackSum(a, b, to, out);
        return out;
    }
    constexpr int kLift = 20;
    constexpr int kWideLift = 15; // codes of 16 bits
    out.work.lift = isWide ? kWideLift : kLift;
    const double twice = 2.0 * std::max(a.steps.front(), b.steps.front());
    for (const CodeGrid* grid : {&a, &b}) {
        out.work.terms.push_back(
            makeLiteRtScaling(std::array{grid->steps.front() / twice}, ScaleRule::Twice));
    }
    const double factor = twice / std::ldexp(to.steps.front(), out.work.lift);
    out.rule.scaling = makeLiteRtScaling(std::array{factor}, ScaleRule::Twice);
    return out;
}

std::optional<SoftmaxWork> liteRtSoftmax(const CodeGrid& from, const CodeGrid& to)
{
    if (isWideGrid(from) || isWideGrid(to)) {
        return std::nullopt;
    }
    constexpr std::int64_t kMostSteps = 255;
    SoftmaxWork work;
    for (std::int64_t i = 0; i <= kMostSteps; ++i) {
        const float below = static_cast<float>(from.steps.front()) * static_cast<float>(-i);
        work.exponentials.push_back(std::exp(below));
    }
    work.outputScale = static_cast<float>(to.steps.front());
    return work;
}

bool isLeakyRelu(const Function& f)
{
    return f.kind == FunctionKind::Relu && f.negativeSlope != 0.0F && f.threshold == 0.0F &&
           f.maxValue <= 0.0F;
}

TableWork liteRtLeakyRelu(float slope, const CodeGrid& from, const CodeGrid& to,
                          LiteRtKernels kernels)
{
    const auto scaleFrom = static_cast<float>(from.steps.front());
    const auto scaleTo = static_cast<float>(to.steps.front());
    Scaling scaling; // of codes from 0 up, of codes below
    if (kernels == LiteRtKernels::Xnnpack && !isWideGrid(from)) {
        const float ratio = scaleFrom / scaleTo;
        scaling = coarseScaling({ratio, ratio * slope}, 1.0);
    } else {
        const std::array factors{static_cast<double>(scaleFrom / scaleTo),
                                 static_cast<double>(scaleFrom * slope / scaleTo)};
        scaling = makeLiteRtScaling(factors, ScaleRule::Twice);
    }
    TableWork table{from.low, {}};
    for (std::int64_t code = from.low; code <= from.high; ++code) {
        const std::int64_t x = code - from.zero;
        const std::int64_t y = scaled(scaling, x >= 0 ? 0 : 1, x) + to.zero;
        table.levels.push_back(std::clamp(y, to.low, to.high));
    }
    return table;
}

TableWork functionTable(const Function& f, const CodeGrid& from, const quant::Quantizer& q,
                        const quant::CallContext& call)
{
    const auto count = static_cast<Index>(from.high - from.low + 1);
    Tensor values(Shape{count});
    for (Index i = 0; i < count; ++i) {
        values.data()[i] = realValue(from, from.low + i, 0);
    }
    applyFunction(f, values.data(), count, 1, values.data());
    const auto codes = q.codes(values.view(), call);
    ensure(codes.has_value(), "functionTable: a quantizer without codes");
    TableWork table{from.low, {}};
    for (const float code : codes->values()) {
        table.levels.push_back(std::llround(code));
    }
    return table;
}

} // namespace bitscape::graph
