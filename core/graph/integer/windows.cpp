// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/integer/builder.h"
#include "core/graph/shape_rules.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace bitscape::graph {

namespace {

constexpr std::int64_t kLargestCode = std::numeric_limits<std::int32_t>::max();
/// Bound of all exact numbers: what a requantization can multiply.
constexpr double kLargestSum = 9.0e15;

/// kernel (kh, kw, ci, filters) → (filters, kh, kw, ci)
std::vector<std::int32_t> filterMajor(const std::vector<std::int64_t>& codes, std::size_t filters)
{
    const std::size_t depth = codes.size() / filters;
    std::vector<std::int32_t> out(codes.size());
    for (std::size_t k = 0; k < depth; ++k) {
        for (std::size_t f = 0; f < filters; ++f) {
            out[f * depth + k] = static_cast<std::int32_t>(codes[k * filters + f]);
        }
    }
    return out;
}

/// log2 of a power of two.
int exponentOf(double power)
{
    int exponent = 0;
    (void)std::frexp(power, &exponent);
    return exponent - 1;
}

/// Biases on the grid of the sums, which a finer bias makes finer.
struct BiasOnSums {
    WeightCodes codes;
    std::vector<int> sumShifts, biasShifts;
    std::vector<double> steps; ///< of the sums, one per filter
};

bool fitsCode(double value)
{
    return std::abs(value) < static_cast<double>(kLargestCode);
}

/// Own codes of the bias, moved onto the grid of the sums by shifts alone; nullopt if that cannot
/// be.
std::optional<BiasOnSums> shiftedBias(const WholeNumbers& own, const std::vector<double>& steps)
{
    constexpr int kLongest = 30;
    BiasOnSums out;
    out.codes = {"bias", {}, own.bits};
    for (std::size_t f = 0; f < steps.size(); ++f) {
        const double step = own.grid.steps[f % own.grid.steps.size()];
        const double ratio = step / steps[f];
        if (!isPowerOfTwo(ratio) || std::abs(exponentOf(ratio)) > kLongest) {
            return std::nullopt;
        }
        const int shift = exponentOf(ratio);
        out.codes.codes.push_back(static_cast<std::int32_t>(own.codes[f]));
        out.biasShifts.push_back(std::max(shift, 0));
        out.sumShifts.push_back(std::max(-shift, 0));
        out.steps.push_back(shift < 0 ? step : steps[f]);
    }
    return out;
}

/// The nearest whole number on the grid of the sums; nullopt if it is too large.
std::optional<BiasOnSums> roundedBias(std::span<const float> values,
                                      const std::vector<double>& steps)
{
    constexpr int kBits = 32;
    BiasOnSums out;
    out.codes = {"bias", {}, kBits};
    out.steps = steps;
    for (std::size_t f = 0; f < steps.size(); ++f) {
        const double code = static_cast<double>(values[f]) / steps[f];
        if (!fitsCode(code)) {
            return std::nullopt;
        }
        out.codes.codes.push_back(static_cast<std::int32_t>(std::llround(code)));
    }
    return out;
}

bool areAll(const std::vector<int>& values, int one)
{
    return std::ranges::all_of(values, [one](int value) { return value == one; });
}

/// Bounds of the sums.
struct Bounds {
    double products = 0.0; ///< before the shift
    double all = 0.0;
};

Bounds boundsOf(const ConvolveWork& work, double largestInput)
{
    Bounds out;
    const auto filters = static_cast<std::size_t>(work.geometry.filters);
    const std::size_t depth = work.weights.codes.size() / filters;
    for (std::size_t f = 0; f < filters; ++f) {
        double sum = 0.0;
        for (std::size_t k = 0; k < depth; ++k) {
            const std::size_t at = work.isDepthwise ? k * filters + f : f * depth + k;
            sum += std::abs(static_cast<double>(work.weights.codes[at]));
        }
        sum *= largestInput;
        out.products = std::max(out.products, sum);
        const double shifted = std::ldexp(sum, work.shifts.empty() ? 0 : work.shifts[f]);
        const double bias = work.bias.codes.empty()
                                ? 0.0
                                : std::ldexp(std::abs(static_cast<double>(work.bias.codes[f])),
                                             work.biasShifts.empty() ? 0 : work.biasShifts[f]);
        out.all = std::max(out.all, shifted + bias);
    }
    return out;
}

/// No window reaches over an edge.
bool isWhole(const kernels::Pool& p)
{
    return p.padTop == 0 && p.padLeft == 0 &&
           (p.outHeight - 1) * p.strideHeight + p.windowHeight <= p.height &&
           (p.outWidth - 1) * p.strideWidth + p.windowWidth <= p.width;
}

} // namespace

/// One convolution of codes x with weight `weight` of layer l (and weight `bias`, −1: none).
std::optional<int> ProgramBuilder::convolve(int l, const ConvolutionGeometry& geometry,
                                            bool isDepthwise, int weight, int bias,
                                            const std::vector<float>& mask, int x)
{
    if (tensor(x).isFloat()) {
        return refuse("its input has no codes");
    }
    const CodeGrid from = tensor(x).grid;
    if (from.steps.size() != 1) {
        return refuse("the channels of its input have scales of their own");
    }
    const std::size_t slot = slotOf(l, weight);
    if (!m_weightQuantizers[slot]) {
        return refuse("its weights are not quantized");
    }
    const auto filters = static_cast<std::size_t>(geometry.filters);
    const auto kernelCodes =
        wholeNumbers(*m_weightQuantizers[slot], m_stored[slot]->view(),
                     m_program.weights[slot]->view(), geometry.filters, m_call);
    if (!kernelCodes) {
        return refuse("its weights lie on no grid of codes");
    }
    ConvolveWork work;
    work.geometry = geometry;
    work.isDepthwise = isDepthwise;
    work.isDense = std::holds_alternative<DenseOp>(layer(l).op);
    std::vector<std::int64_t> codes = kernelCodes->codes;
    for (std::size_t i = 0; i < codes.size() && !mask.empty(); ++i) {
        const float factor = mask[i / (codes.size() / mask.size())];
        if (factor != 0.0F && factor != 1.0F) {
            return refuse("its mask has factors other than 0 and 1");
        }
        codes[i] = factor == 0.0F ? 0 : codes[i];
    }
    work.weights = {"kernel", filterMajor(codes, isDepthwise ? 1 : filters), kernelCodes->bits};
    std::vector<double> steps(filters);
    for (std::size_t f = 0; f < filters; ++f) {
        steps[f] = from.steps.front() * kernelCodes->grid.steps[f % kernelCodes->grid.steps.size()];
    }
    if (bias >= 0) {
        const std::size_t at = slotOf(l, bias);
        std::optional<BiasOnSums> placed;
        if (m_weightQuantizers[at]) {
            const auto own = wholeNumbers(*m_weightQuantizers[at], m_stored[at]->view(),
                                          m_program.weights[at]->view(), geometry.filters, m_call);
            placed = own ? shiftedBias(*own, steps) : std::nullopt;
        }
        if (!placed) {
            placed = roundedBias(m_program.weights[at]->values(), steps);
        }
        if (!placed) {
            return refuse("its bias is too large for the scale of its sums");
        }
        work.bias = std::move(placed->codes);
        work.shifts = areAll(placed->sumShifts, 0) ? std::vector<int>() : placed->sumShifts;
        work.biasShifts = areAll(placed->biasShifts, 0) ? std::vector<int>() : placed->biasShifts;
        steps = std::move(placed->steps);
    }
    const Bounds bounds = boundsOf(work, static_cast<double>(from.largest()));
    if (bounds.all > kLargestSum) {
        return refuse("its sums need more than 53 bits");
    }
    work.largestWeightSum = static_cast<std::int64_t>(bounds.products);
    work.largestSum = static_cast<std::int64_t>(bounds.all);
    CodeGrid sums{std::move(steps), 0, -static_cast<std::int64_t>(bounds.all),
                  static_cast<std::int64_t>(bounds.all)};
    if (std::ranges::all_of(sums.steps, [&](double s) { return s == sums.steps.front(); })) {
        sums.steps.resize(1);
    }
    const Shape shape{geometry.outHeight, geometry.outWidth, geometry.filters};
    const int output = addCodes(l, shape, std::move(sums));
    return addStep(l, {x}, output, std::move(work));
}

template <class Make>
std::optional<int> ProgramBuilder::channelsLast(int l, bool isChannelsFirst, const Make& make)
{
    if (!isChannelsFirst) {
        return make(input(l), asImage(inputShape(l)), asImage(layer(l).outputShape));
    }
    if (tensor(input(l)).isFloat()) {
        return refuse("its input has no codes");
    }
    const Shape in = asImage(toChannelsLast(inputShape(l)));
    const Shape out = asImage(toChannelsLast(layer(l).outputShape));
    const auto turned = [](const Shape& image, bool toLast) {
        const Index pixels = image[0] * image[1];
        GatherWork work;
        for (Index e = 0; e < pixels * image[2]; ++e) {
            work.sources.push_back(
                static_cast<std::int32_t>(toLast ? e % image[2] * pixels + e / image[2]
                                                 : e % pixels * image[2] + e / pixels));
        }
        return work;
    };
    const int last = addCodes(l, in, tensor(input(l)).grid);
    addStep(l, {input(l)}, last, turned(in, true));
    const std::optional<int> made = make(last, in, out);
    if (!made) {
        return std::nullopt;
    }
    if (m_quantizer && tensor(*made).grid.steps.size() > 1) {
        const auto codes = requantizeCodes(l, *made, m_quantizer);
        if (!codes) {
            return std::nullopt;
        }
        m_isActivated = true;
        const int first = addCodes(l, layer(l).outputShape, tensor(*codes).grid);
        return addStep(l, {*codes}, first, turned(out, false));
    }
    if (tensor(*made).grid.steps.size() > 1) {
        return refuse("its channels come first and have scales of their own");
    }
    const int first = addCodes(l, layer(l).outputShape, tensor(*made).grid);
    return addStep(l, {*made}, first, turned(out, false));
}

std::optional<int> ProgramBuilder::convolution(int l, const ConvOp& op)
{
    return channelsLast(l, op.channelsFirst, [&](int x, const Shape& in, const Shape& out) {
        ConvolutionGeometry g =
            geometryOf(in, out, {op.kernel, op.stride, op.dilation, op.padding});
        g.groups = op.groups;
        return convolve(l, g, false, 0, op.useBias ? 1 : -1, op.mask, x);
    });
}

std::optional<int> ProgramBuilder::convolution(int l, const DenseOp& op)
{
    ConvolutionGeometry g;
    g.channels = inputShape(l).channels();
    g.filters = op.units;
    g.width = g.outWidth = layer(l).outputShape.elementCount() / op.units;
    return convolve(l, g, false, 0, op.useBias ? 1 : -1, {}, input(l));
}

std::optional<int> ProgramBuilder::convolution(int l, const DepthwiseOp& op)
{
    return channelsLast(l, op.channelsFirst, [&](int x, const Shape& in, const Shape& out) {
        const ConvolutionGeometry g =
            geometryOf(in, out, {op.kernel, op.stride, op.dilation, op.padding});
        return convolve(l, g, true, 0, op.useBias ? 1 : -1, {}, x);
    });
}

std::optional<int> ProgramBuilder::convolution(int l, const SeparableOp& op)
{
    return channelsLast(
        l, op.channelsFirst, [&](int x, const Shape& in, const Shape& out) -> std::optional<int> {
            Shape middle = out;
            middle[2] = in[2] * op.multiplier;
            const auto between =
                convolve(l, geometryOf(in, middle, {op.kernel, op.stride, op.dilation, op.padding}),
                         true, 0, -1, {}, x);
            return between ? convolve(l, geometryOf(middle, out, {}), false, 1, op.useBias ? 2 : -1,
                                      {}, *between)
                           : std::nullopt;
        });
}

std::optional<int> ProgramBuilder::pool(int l, PoolKind kind, const kernels::Pool& pool,
                                        bool /*isGlobal*/)
{
    const int x = input(l);
    if (tensor(x).isFloat()) {
        return refuse("its input has no codes");
    }
    const CodeGrid from = tensor(x).grid;
    const Shape shape{pool.outHeight, pool.outWidth, pool.channels};
    if (kind == PoolKind::Max) {
        const int output = addCodes(l, shape, from);
        return addStep(l, {x}, output, PoolWork{pool, kind, false});
    }
    const auto uniform =
        m_quantizer && isAffine(*m_quantizer) ? uniformGrid(*m_quantizer, m_call) : std::nullopt;
    if (uniform && uniform->grid.steps == from.steps && uniform->grid.zero == from.zero &&
        hasGivenScale(*m_quantizer)) {
        m_isActivated = true;
        const int output = addCodes(l, shape, uniform->grid);
        return addStep(l, {x}, output, PoolWork{pool, kind, true});
    }
    if (!isWhole(pool)) {
        return refuse("the windows of its mean reach over the edges");
    }
    const auto count = static_cast<double>(pool.windowHeight * pool.windowWidth);
    double share = 1.0 / count;
    if (const auto quantizer = effectiveQuantizer(quantizers(l), Slot::Average)) {
        Tensor one(Shape{});
        one.data()[0] = static_cast<float>(share);
        quantizer->apply(one.view(), one.mutableView(), m_call);
        share = static_cast<double>(one.data()[0]);
        if (!(share > 0.0)) {
            return refuse("the quantized share of a pixel is 0");
        }
    }
    CodeGrid sums;
    for (const double step : from.steps) {
        sums.steps.push_back(step * share);
    }
    sums.high = from.largest() * static_cast<std::int64_t>(count);
    sums.low = from.low - from.zero >= 0 ? 0 : -sums.high;
    const int output = addCodes(l, shape, std::move(sums));
    return addStep(l, {x}, output, PoolWork{pool, kind, false});
}

std::optional<int> ProgramBuilder::pool(int l, const PoolOp& op)
{
    if (op.channelsFirst) {
        return refuse("pooling with the channels first");
    }
    return pool(l, op.kind,
                poolOf(geometryOf(inputShape(l), layer(l).outputShape,
                                  {op.window, op.stride, {}, op.padding})),
                false);
}

std::optional<int> ProgramBuilder::pool(int l, const GlobalPoolOp& op)
{
    if (op.channelsFirst) {
        return refuse("pooling with the channels first");
    }
    const Shape image = asImage(inputShape(l));
    return pool(l, op.kind,
                {.height = image[0],
                 .width = image[1],
                 .channels = image[2],
                 .outHeight = 1,
                 .outWidth = 1,
                 .windowHeight = image[0],
                 .windowWidth = image[1]},
                true);
}

} // namespace bitscape::graph
