// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/integer/litert.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace bitscape::graph {

ScaleRule liteRtRule(LiteRtKernels kernels)
{
    switch (kernels) {
    case LiteRtKernels::Reference:
        return ScaleRule::Twice;
    case LiteRtKernels::Optimised:
        return ScaleRule::HalfUp;
    case LiteRtKernels::Xnnpack:
        break;
    }
    return ScaleRule::Float;
}

Scaling liteRtScaling(std::span<const double> factors, LiteRtKernels kernels)
{
    return makeLiteRtScaling(factors, liteRtRule(kernels));
}

LiteRtSum liteRtSumOf(const CodeGrid& a, const CodeGrid& b, const CodeGrid& to,
                      const std::vector<char>& isNegative, LiteRtKernels kernels)
{
    // LiteRT holds scales as float32 and divides them as double.
    constexpr int kLift = 20;
    constexpr int kWideLift = 15; // codes of 16 bits
    LiteRtSum out;
    out.work.isNegative = isNegative;
    const bool isWide = std::max({a.high - a.low, b.high - b.low, to.high - to.low}) > 255;
    out.work.lift = isWide ? kWideLift : kLift;
    const double twice = 2.0 * std::max(a.steps.front(), b.steps.front());
    for (const CodeGrid* grid : {&a, &b}) {
        const std::array factors{grid->steps.front() / twice};
        out.work.terms.push_back(makeLiteRtScaling(factors, ScaleRule::Twice));
    }
    const std::array factors{twice / std::ldexp(to.steps.front(), out.work.lift)};
    out.rule.scaling = makeLiteRtScaling(factors, ScaleRule::Twice);
    out.rule.zero = to.zero;
    out.rule.low = to.low;
    out.rule.high = to.high;
    (void)kernels;
    return out;
}

std::optional<SoftmaxWork> liteRtSoftmax(const CodeGrid& from, const CodeGrid& to)
{
    constexpr std::int64_t kMostSteps = 255;
    if (from.high - from.low > kMostSteps || to.high - to.low > kMostSteps) {
        return std::nullopt;
    }
    SoftmaxWork work;
    for (std::int64_t i = 0; i <= kMostSteps; ++i) {
        const float below = static_cast<float>(from.steps.front()) * static_cast<float>(-i);
        work.exponentials.push_back(std::exp(below));
    }
    work.outputScale = static_cast<float>(to.steps.front());
    return work;
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
