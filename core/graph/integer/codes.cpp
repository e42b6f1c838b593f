// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/integer/builder.h"
#include "core/graph/integer/litert.h"

#include <algorithm>
#include <cmath>

namespace bitscape::graph {

namespace {

constexpr std::int64_t kLongestTable = std::int64_t{1} << 16;

std::vector<double> ratios(const std::vector<double>& from, double to)
{
    std::vector<double> out;
    for (const double step : from) {
        out.push_back(step / to);
    }
    return out;
}

} // namespace

bool isAffine(const quant::Quantizer& quantizer)
{
    return &quantizer.info() == quant::findQuantizer("affine");
}

bool hasGivenScale(const quant::Quantizer& quantizer)
{
    return isAffine(quantizer) &&
           !std::holds_alternative<std::monostate>(quantizer.parameter("scale"));
}

bool ProgramBuilder::followsLiteRt(const quant::Quantizer& q, const std::vector<double>& steps,
                                   const CodeGrid& to) const
{
    if (!isAffine(q)) {
        return false;
    }
    const auto factors = ratios(steps, to.steps.front());
    return hasGivenScale(q) || !std::ranges::all_of(factors, isPowerOfTwo);
}

std::optional<int> ProgramBuilder::quantizeFloats(int l, int t, const quant::QuantizerPtr& q)
{
    const auto uniform = uniformGrid(*q, m_call);
    if (!uniform) {
        return std::nullopt;
    }
    if (const auto table = tabulate(l, t, *uniform, q)) {
        return table;
    }
    const int output = addCodes(l, tensor(t).shape, uniform->grid);
    addStep(l, {t}, output, QuantizeWork{*uniform});
    return output;
}

/// A function of few codes that is quantized again is a table.
std::optional<int> ProgramBuilder::tabulate(int l, int t, const UniformGrid& to,
                                            const quant::QuantizerPtr& q)
{
    const IntegerStep* function = producer(t);
    const auto* work = function == nullptr ? nullptr : std::get_if<FloatWork>(&function->work);
    if (work == nullptr || work->kernel || work->activation.quantizer) {
        return std::nullopt;
    }
    const IntegerStep* dequantize = producer(function->inputs.front());
    if (dequantize == nullptr || !std::holds_alternative<DequantizeWork>(dequantize->work)) {
        return std::nullopt;
    }
    const int source = dequantize->inputs.front();
    const CodeGrid& from = tensor(source).grid;
    if (from.steps.size() != 1 || from.high - from.low >= kLongestTable) {
        return std::nullopt;
    }
    const Function f = work->activation.function;
    Work made;
    if (f.kind == FunctionKind::Softmax) {
        auto softmax = liteRtSoftmax(from, to.grid);
        if (!softmax || !isAffine(*q)) {
            return std::nullopt;
        }
        made = std::move(*softmax);
    } else if (isLeakyRelu(f) && followsLiteRt(*q, from.steps, to.grid)) {
        made = liteRtLeakyRelu(f.negativeSlope, from, to.grid, m_options.kernels);
    } else {
        made = functionTable(f, from, *q, m_call);
    }
    const int output = addCodes(l, tensor(t).shape, to.grid);
    addStep(l, {source}, output, std::move(made));
    return output;
}

std::optional<int> ProgramBuilder::requantizeCodes(int l, int t, const quant::QuantizerPtr& q)
{
    const CodeGrid from = tensor(t).grid;
    const auto uniform = uniformGrid(*q, m_call);
    if (!uniform) {
        auto thresholds = thresholdsOf(*q, from, m_call);
        if (!thresholds) {
            return refuse(q->toString() + " follows no grid of codes");
        }
        return attach(l, t, std::move(thresholds->rule), std::move(thresholds->grid));
    }
    const CodeGrid& to = uniform->grid;
    Requantization rule;
    const auto factors = ratios(from.steps, to.steps.front());
    if (followsLiteRt(*q, from.steps, to)) {
        const IntegerStep* step = canJoin(l, t);
        const int source = step != nullptr ? step->inputs.front() : t;
        rule.scaling =
            liteRtScaling(step != nullptr ? step->work : Work(RescaleWork{}), from.steps,
                          to.steps.front(), m_options.kernels, isWideGrid(tensor(source).grid));
    } else {
        rule.scaling = makeScaling(factors, uniform->rounding, from.largest());
    }
    rule.zero = to.zero;
    rule.low = to.low;
    rule.high = to.high;
    return attach(l, t, std::move(rule), to);
}

std::optional<int> ProgramBuilder::clampCodes(int l, int t, std::pair<float, float> ends)
{
    CodeGrid grid = tensor(t).grid;
    const auto codeOf = [&](float end) -> std::int64_t {
        return grid.zero + std::llround(static_cast<double>(end) / grid.steps.front());
    };
    if (std::isfinite(ends.second) && grid.steps.size() > 1) {
        return refuse("its upper end is another code in every channel");
    }
    Requantization rule;
    rule.scaling = {ScaleRule::HalfEven, {1}, {0}, {}};
    rule.zero = grid.zero;
    rule.low = std::max(grid.low, codeOf(ends.first));
    rule.high = std::isfinite(ends.second) ? std::min(grid.high, codeOf(ends.second)) : grid.high;
    if (rule.low == grid.low && rule.high == grid.high) {
        return t;
    }
    if (rule.low > rule.high) {
        return refuse("its range holds no code");
    }
    grid.low = rule.low;
    grid.high = rule.high;
    return attach(l, t, std::move(rule), std::move(grid));
}

/// The step that makes the numbers of tensor t, if it may turn them into codes itself: nobody but
/// layer l reads them.
IntegerStep* ProgramBuilder::canJoin(int l, int t)
{
    IntegerStep* step = producer(t);
    if (step == nullptr || step->requantization || !isSoleReader(l, t)) {
        return nullptr;
    }
    const auto* pool = std::get_if<PoolWork>(&step->work);
    const bool isSum = pool != nullptr && pool->kind == PoolKind::Average && !pool->divides;
    const bool isExact = isSum || std::holds_alternative<ConvolveWork>(step->work) ||
                         std::holds_alternative<SumWork>(step->work) ||
                         std::holds_alternative<ProductWork>(step->work) ||
                         std::holds_alternative<RescaleWork>(step->work);
    return isExact ? step : nullptr;
}

int ProgramBuilder::attach(int l, int t, Requantization rule, CodeGrid grid)
{
    IntegerStep* step = canJoin(l, t);
    if (step == nullptr) {
        const int output = addCodes(l, tensor(t).shape, std::move(grid));
        return addStep(l, {t}, output, RescaleWork{}, std::move(rule));
    }
    step->requantization = std::move(rule);
    tensor(t).layer = l;
    tensor(t).storage = storageFor(grid.low, grid.high);
    tensor(t).grid = std::move(grid);
    return t;
}

/// Whether nobody but layer l reads the numbers of tensor t.
bool ProgramBuilder::isSoleReader(int l, int t) const
{
    int reader = l;
    while (layer(reader).inputs.size() == 1 && input(reader) == t) {
        const int source = layer(reader).inputs[0];
        const auto readers = m_graph->consumers(source);
        const auto needed = std::ranges::count_if(
            readers, [&](int one) { return m_needed[static_cast<std::size_t>(one)] != 0; });
        if (needed != 1 || isResult(source)) {
            return false;
        }
        reader = source;
    }
    return m_floats.find(t) == m_floats.end();
}

} // namespace bitscape::graph
