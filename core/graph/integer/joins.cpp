// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/integer/builder.h"
#include "core/graph/integer/litert.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace bitscape::graph {

namespace {

constexpr double kLargestSum = 1e15; // what a requantization can still multiply

/// Steps as whole multiples of one step: `multiples[i] · step`.
struct CommonStep {
    double step = 1.0;
    std::vector<std::int64_t> multiples;
};

std::optional<CommonStep> commonStep(const std::vector<double>& steps)
{
    constexpr int kFinest = 16;
    constexpr double kLargest = 1 << 30;
    const double smallest = *std::ranges::min_element(steps);
    for (int halvings = 0; halvings <= kFinest; ++halvings) {
        CommonStep out;
        out.step = std::ldexp(smallest, -halvings);
        for (const double step : steps) {
            const double multiple = step / out.step;
            if (multiple == std::nearbyint(multiple) && multiple < kLargest &&
                multiple * out.step == step) {
                out.multiples.push_back(std::llround(multiple));
            }
        }
        if (out.multiples.size() == steps.size()) {
            return out;
        }
    }
    return std::nullopt;
}

Scaling times(std::int64_t multiple)
{
    return {ScaleRule::HalfEven, {static_cast<std::int32_t>(multiple)}, {0}, {}};
}

/// The element of `from` for every element of `to`, whose sizes are the same or stand in for a 1;
/// axes that `from` lacks are the first ones.
std::optional<std::vector<std::int32_t>> repeatedSources(const Shape& from, const Shape& to)
{
    const int missing = to.rank() - from.rank();
    if (missing < 0 || to.elementCount() > std::numeric_limits<std::int32_t>::max()) {
        return std::nullopt;
    }
    std::vector<std::int32_t> sources(static_cast<std::size_t>(to.elementCount()), 0);
    Index toPitch = 1;
    Index fromPitch = 1;
    for (int axis = to.rank() - 1; axis >= missing; --axis) {
        const Index size = from[axis - missing];
        if (size != to[axis] && size != 1) {
            return std::nullopt;
        }
        for (std::size_t e = 0; size != 1 && e < sources.size(); ++e) {
            const Index place = static_cast<Index>(e) / toPitch % size;
            sources[e] += static_cast<std::int32_t>(place * fromPitch);
        }
        toPitch *= to[axis];
        fromPitch *= size;
    }
    return sources;
}

/// Where the numbers of a layer that only moves values come from: it is given numbers that tell
/// their places, of both signs, and once more in another order.
std::optional<std::vector<std::int32_t>>
sourcesOf(LayerKernel& kernel, const std::vector<Index>& inputSizes, Index outputSize)
{
    Index total = 0;
    for (const Index size : inputSizes) {
        total += size;
    }
    constexpr Index kExact = 1 << 23;
    if (total == 0 || total >= kExact || outputSize >= kExact) {
        return std::nullopt;
    }
    const auto run = [&](const auto& numberOf) {
        Tensor given(Shape{total});
        for (Index i = 0; i < total; ++i) {
            given.data()[i] = numberOf(i);
        }
        std::vector<const float*> inputs;
        const float* from = given.data();
        for (const Index size : inputSizes) {
            inputs.push_back(from);
            from += size;
        }
        Tensor out(Shape{outputSize});
        Tensor scratch(Shape{std::max<Index>(kernel.scratchFloats(), 1)});
        kernel.forward(0, {.samples = {.first = 0, .count = 1, .scratch = scratch.data()},
                           .inputs = inputs,
                           .output = out.data()});
        return out;
    };
    const Tensor first = run([](Index i) { return static_cast<float>(i + 1); });
    const Tensor second = run([&](Index i) { return -static_cast<float>(total - i); });
    std::vector<std::int32_t> sources;
    for (Index e = 0; e < outputSize; ++e) {
        const float place = first.data()[e];
        const bool isZero = place == 0.0F && second.data()[e] == 0.0F;
        const bool isPlace = place >= 1.0F && place <= static_cast<float>(total) &&
                             place == std::nearbyint(place) &&
                             second.data()[e] == place - 1.0F - static_cast<float>(total);
        if (!isZero && !isPlace) {
            return std::nullopt;
        }
        sources.push_back(isZero ? -1 : static_cast<std::int32_t>(place) - 1);
    }
    return sources;
}

} // namespace

std::optional<int> ProgramBuilder::sum(int l, const std::vector<char>& isNegative)
{
    const std::size_t count = layer(l).inputs.size();
    std::vector<double> steps;
    std::vector<int> inputs;
    for (std::size_t i = 0; i < count; ++i) {
        const auto whole = repeated(l, i);
        if (!whole) {
            return std::nullopt;
        }
        inputs.push_back(*whole);
        const CodeTensor& term = tensor(*whole);
        steps.insert(steps.end(), term.grid.steps.begin(), term.grid.steps.end());
    }
    const auto uniform = m_quantizer ? uniformGrid(*m_quantizer, m_call) : std::nullopt;
    if (uniform && steps.size() == 2 && count == 2 &&
        followsLiteRt(*m_quantizer, steps, uniform->grid)) {
        m_isActivated = true;
        return liteRtSum(l, isNegative, inputs, *uniform);
    }
    const auto common = steps.size() == count ? commonStep(steps) : std::nullopt;
    if (!common && uniform) {
        return sumOnFinerGrid(l, isNegative, inputs, *uniform);
    }
    if (!common) {
        return refuse("the scales of its inputs have no common step");
    }
    SumWork work;
    work.isNegative = isNegative;
    double bound = 0.0;
    for (std::size_t i = 0; i < count; ++i) {
        work.terms.push_back(times(common->multiples[i]));
        bound += static_cast<double>(common->multiples[i]) *
                 static_cast<double>(tensor(inputs[i]).grid.largest());
    }
    if (bound > kLargestSum) {
        return refuse("its sums need too many bits");
    }
    const auto high = static_cast<std::int64_t>(bound);
    const int output = addCodes(l, layer(l).outputShape, {{common->step}, 0, -high, high});
    return addStep(l, std::move(inputs), output, std::move(work));
}

/// Scales that have no common step: every term goes to a grid much finer than the output's first.
std::optional<int> ProgramBuilder::sumOnFinerGrid(int l, const std::vector<char>& isNegative,
                                                  const std::vector<int>& inputs,
                                                  const UniformGrid& to)
{
    constexpr int kFiner = 16;
    const double step = std::ldexp(to.grid.steps.front(), -kFiner);
    SumWork work;
    work.isNegative = isNegative;
    double bound = 0.0;
    for (const int t : inputs) {
        const CodeGrid& grid = tensor(t).grid;
        std::vector<double> factors;
        for (const double own : grid.steps) {
            factors.push_back(own / step);
        }
        work.terms.push_back(makeScaling(factors, ScaleRule::HalfEven, grid.largest()));
        bound += *std::ranges::max_element(factors) * static_cast<double>(grid.largest()) + 1.0;
    }
    if (bound > kLargestSum) {
        return refuse("its sums need too many bits");
    }
    const auto high = static_cast<std::int64_t>(bound);
    const int output = addCodes(l, layer(l).outputShape, {{step}, 0, -high, high});
    return addStep(l, inputs, output, std::move(work));
}

std::optional<int> ProgramBuilder::liteRtSum(int l, const std::vector<char>& isNegative,
                                             const std::vector<int>& inputs, const UniformGrid& to)
{
    const LiteRtSum made = liteRtSumOf(tensor(inputs[0]).grid, tensor(inputs[1]).grid, to.grid,
                                       isNegative, m_options.kernels);
    const int output = addCodes(l, layer(l).outputShape, to.grid);
    return addStep(l, inputs, output, made.work, made.rule);
}

std::optional<int> ProgramBuilder::repeated(int l, std::size_t number)
{
    const int t = input(l, number);
    if (tensor(t).isFloat()) {
        return refuse("an input has no codes");
    }
    const Shape from = inputShape(l, number);
    const Shape& to = layer(l).outputShape;
    if (from == to) {
        return t;
    }
    auto sources = repeatedSources(from, to);
    if (!sources || tensor(t).grid.steps.size() != 1) {
        return refuse("its inputs have different shapes");
    }
    const int output = addCodes(l, to, tensor(t).grid);
    return addStep(l, {t}, output, GatherWork{std::move(*sources)});
}

std::optional<int> ProgramBuilder::product(int l)
{
    if (layer(l).inputs.size() != 2) {
        return refuse("it multiplies more than two inputs");
    }
    std::vector<int> inputs;
    double bound = 1.0;
    double step = 1.0;
    for (std::size_t i = 0; i < 2; ++i) {
        const auto whole = repeated(l, i);
        if (!whole) {
            return std::nullopt;
        }
        inputs.push_back(*whole);
        const CodeTensor& factor = tensor(*whole);
        if (factor.grid.steps.size() != 1) {
            return refuse("an input has several scales");
        }
        bound *= static_cast<double>(factor.grid.largest());
        step *= factor.grid.steps.front();
    }
    if (bound > kLargestSum) {
        return refuse("its products need too many bits");
    }
    const auto high = static_cast<std::int64_t>(bound);
    const int output = addCodes(l, layer(l).outputShape, {{step}, 0, -high, high});
    return addStep(l, std::move(inputs), output, ProductWork{});
}

std::optional<std::vector<int>> ProgramBuilder::aligned(int l)
{
    std::vector<int> inputs;
    std::vector<double> steps;
    bool isSame = true;
    for (std::size_t i = 0; i < layer(l).inputs.size(); ++i) {
        inputs.push_back(input(l, i));
        const CodeTensor& one = tensor(inputs[i]);
        if (one.isFloat()) {
            return refuse("an input has no codes");
        }
        if (one.grid.steps.size() != 1) {
            return refuse("the channels of an input have scales of their own");
        }
        isSame = isSame && one.grid.steps == tensor(inputs[0]).grid.steps &&
                 one.grid.zero == tensor(inputs[0]).grid.zero;
        steps.push_back(one.grid.steps.front());
    }
    if (isSame) {
        return inputs;
    }
    if (m_quantizer && uniformGrid(*m_quantizer, m_call)) {
        for (int& t : inputs) { // each to the codes of the output
            const auto codes = requantizeCodes(l, t, m_quantizer);
            if (!codes) {
                return std::nullopt;
            }
            t = *codes;
        }
        m_isActivated = true;
        return inputs;
    }
    const auto common = commonStep(steps);
    if (!common) {
        return refuse("the scales of its inputs have no common step");
    }
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        const std::int64_t high = tensor(inputs[i]).grid.largest() * common->multiples[i];
        const int output = addCodes(l, tensor(inputs[i]).shape, {{common->step}, 0, -high, high});
        Requantization rule{times(common->multiples[i]), 0, -high, high, {}, {}};
        inputs[i] = addStep(l, {inputs[i]}, output, RescaleWork{}, std::move(rule));
    }
    return inputs;
}

std::optional<int> ProgramBuilder::constant(int l)
{
    const quant::QuantizerPtr& quantizer = m_weightQuantizers[slotOf(l, 0)];
    if (!quantizer) {
        return refuse("it has no quantizer");
    }
    return quantizeFloats(l, layerFloats(l), quantizer);
}

std::optional<int> ProgramBuilder::moved(int l)
{
    if (layer(l).inputs.empty() || !layer(l).weights.empty()) {
        return refuse("it has no whole-number form");
    }
    std::vector<Index> sizes;
    for (std::size_t i = 0; i < layer(l).inputs.size(); ++i) {
        if (tensor(input(l, i)).isFloat()) {
            return refuse("its input has no codes");
        }
        sizes.push_back(tensor(input(l, i)).shape.elementCount());
    }
    if (tensor(input(l)).grid.steps.size() != 1) {
        return refuse("the channels of its input have scales of their own");
    }
    auto sources = sourcesOf(*kernel(l), sizes, layer(l).outputShape.elementCount());
    if (!sources) {
        return refuse("it has no whole-number form");
    }
    const auto inputs = aligned(l);
    if (!inputs) {
        return std::nullopt;
    }
    CodeGrid grid = tensor(inputs->front()).grid;
    for (const int t : *inputs) {
        grid.low = std::min(grid.low, tensor(t).grid.low);
        grid.high = std::max(grid.high, tensor(t).grid.high);
    }
    grid.low = std::min(grid.low, grid.zero); // padding
    grid.high = std::max(grid.high, grid.zero);
    const int output = addCodes(l, layer(l).outputShape, std::move(grid));
    return addStep(l, *inputs, output, GatherWork{std::move(*sources)});
}

} // namespace bitscape::graph
