// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/functions/convolution.h"

#include "core/graph/functions/function_registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

// Convolutions over any number of axes, channels first.
namespace bitscape::graph {

namespace {

/// Channels of a convolution by groups.
struct Channels {
    Index groups = 1;
    Index input = 1, output = 1; ///< of one group
};

std::int64_t macsOfConv(std::span<const ArrayValue* const> inputs,
                        std::span<const ArrayValue> outputs, std::size_t weights)
{
    const ArrayValue& w = *inputs[weights];
    return w.sizes.empty() || w.sizes[0] == 0 ? 0 : outputs[0].count() * (w.count() / w.sizes[0]);
}

std::int64_t convMacs(std::span<const ArrayValue* const> inputs,
                      std::span<const ArrayValue> outputs)
{
    return macsOfConv(inputs, outputs, 1);
}

std::int64_t transposedMacs(std::span<const ArrayValue* const> inputs,
                            std::span<const ArrayValue> /*outputs*/)
{
    const ArrayValue& w = *inputs[1];
    return w.sizes.empty() || w.sizes[0] == 0 ? 0 : inputs[0]->count() * (w.count() / w.sizes[0]);
}

void conv(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const ArrayValue& w = e.input(1);
    const Sizes sizes = convolutionSizes(e, x, w);
    ArrayValue y = e.make(x.type, sizes);
    const ArrayValue* bias = e.optional(2);
    if (bias != nullptr && e.ok() && bias->sizes != Sizes{w.sizes[0]}) {
        return e.refuse("Its bias does not fit its weights.");
    }
    if (e.computes()) {
        const auto sums = convolve(e, x.reals, w.reals, x, w);
        const Index plane = y.count() / (sizes[0] * sizes[1]);
        for (Index i = 0; i < y.count(); ++i) {
            const double offset = bias == nullptr ? 0.0 : bias->real(i / plane % sizes[1]);
            y.set(i, sums[static_cast<std::size_t>(i)] + offset);
        }
    }
    e.give(std::move(y));
}

void convTranspose(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const ArrayValue& w = e.input(1);
    const Sizes spatial = spatialSizes(e, x);
    const std::int64_t groups = e.integer("group", 1);
    if (!e.ok() || w.rank() != x.rank() || groups < 1 || w.sizes[0] != x.sizes[1] ||
        x.sizes[1] % groups != 0) {
        return e.refuse("Its weights do not fit its input.");
    }
    const Windows windows = transposedWindows(e, spatial, {w.sizes.begin() + 2, w.sizes.end()});
    const Channels c{static_cast<Index>(groups), x.sizes[1] / groups, w.sizes[1]};
    const Index outputs = c.output * c.groups;
    const ArrayValue* bias = e.optional(2);
    if (bias != nullptr && e.ok() && bias->sizes != Sizes{outputs}) {
        return e.refuse("Its bias does not fit its weights.");
    }
    ArrayValue y = e.make(x.type, withChannels(x.sizes[0], outputs, windows.input));
    if (e.computes()) {
        const WindowTaps taps = tapsOf(windows);
        const Index from = countOf(windows.output);
        const Index to = countOf(windows.input);
        const Index kernel = countOf(windows.kernel);
        std::vector<double> sums(static_cast<std::size_t>(y.count()), 0.0);
        for (Index n = 0; n < x.sizes[0]; ++n) {
            for (Index ci = 0; ci < x.sizes[1]; ++ci) {
                const double* source = x.reals.data() + (n * x.sizes[1] + ci) * from;
                for (Index co = 0; co < c.output; ++co) {
                    const Index channel = ci / c.input * c.output + co;
                    double* target = sums.data() + (n * outputs + channel) * to;
                    const double* weights = w.reals.data() + (ci * c.output + co) * kernel;
                    for (Index p = 0; p < from; ++p) {
                        for (const Tap& tap : taps.of(static_cast<std::size_t>(p))) {
                            target[tap.element] += source[p] * weights[tap.tap];
                        }
                    }
                }
            }
        }
        for (Index i = 0; i < y.count(); ++i) {
            const double offset = bias == nullptr ? 0.0 : bias->real(i / to % outputs);
            y.set(i, sums[static_cast<std::size_t>(i)] + offset);
        }
    }
    e.give(std::move(y));
}

void convInteger(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const ArrayValue& w = e.input(1);
    ArrayValue y = e.make(ElementType::Int32, convolutionSizes(e, x, w));
    if (e.computes()) {
        const auto sums = convolve(e, withoutZeroPoint(e, x, e.optional(2), false),
                                   withoutZeroPoint(e, w, e.optional(3), true), x, w);
        for (Index i = 0; i < y.count() && e.ok(); ++i) {
            y.set(i, sums[static_cast<std::size_t>(i)]);
        }
    }
    e.give(std::move(y));
}

} // namespace

Sizes convolutionSizes(Evaluation& e, const ArrayValue& x, const ArrayValue& w)
{
    const Sizes spatial = spatialSizes(e, x);
    const std::int64_t groups = e.integer("group", 1);
    if (!e.ok() || w.rank() != x.rank() || groups < 1 || w.sizes[1] * groups != x.sizes[1] ||
        w.sizes[0] % groups != 0) {
        e.refuse(fmt::format("Weights of the sizes {} do not fit an input of {} in {} groups.",
                             describeSizes(w.sizes), describeSizes(x.sizes), groups));
        return {0};
    }
    const Windows windows = windowsOf(e, spatial, {w.sizes.begin() + 2, w.sizes.end()});
    return withChannels(x.sizes[0], w.sizes[0], windows.output);
}

std::vector<double> convolve(Evaluation& e, std::span<const double> x, std::span<const double> w,
                             const ArrayValue& xSizes, const ArrayValue& wSizes)
{
    const Windows windows =
        windowsOf(e, spatialSizes(e, xSizes), {wSizes.sizes.begin() + 2, wSizes.sizes.end()});
    const WindowTaps taps = tapsOf(windows);
    const Index batch = xSizes.sizes[0];
    const Channels c{static_cast<Index>(e.integer("group", 1)), wSizes.sizes[1],
                     wSizes.sizes[0] / static_cast<Index>(e.integer("group", 1))};
    const Index from = countOf(windows.input);
    const Index to = countOf(windows.output);
    const Index kernel = countOf(windows.kernel);
    std::vector<double> sums(static_cast<std::size_t>(batch * wSizes.sizes[0] * to), 0.0);
    for (Index n = 0; n < batch; ++n) {
        for (Index co = 0; co < wSizes.sizes[0]; ++co) {
            double* target = sums.data() + (n * wSizes.sizes[0] + co) * to;
            for (Index ci = 0; ci < c.input; ++ci) {
                const Index channel = co / c.output * c.input + ci;
                const double* source = x.data() + (n * xSizes.sizes[1] + channel) * from;
                const double* weights = w.data() + (co * c.input + ci) * kernel;
                for (Index p = 0; p < to; ++p) {
                    double sum = 0.0;
                    for (const Tap& tap : taps.of(static_cast<std::size_t>(p))) {
                        sum += source[tap.element] * weights[tap.tap];
                    }
                    target[p] += sum;
                }
            }
        }
    }
    return sums;
}

std::vector<double> withoutZeroPoint(Evaluation& e, const ArrayValue& x, const ArrayValue* zero,
                                     bool isPerFirstAxis)
{
    std::vector<double> values(static_cast<std::size_t>(x.count()));
    const Index zeros = zero == nullptr ? 1 : zero->count();
    if (zeros != 1 && !(isPerFirstAxis && x.rank() > 0 && zeros == x.sizes[0])) {
        e.refuse("Its zero point does not fit.");
        return values;
    }
    const Index step = std::max<Index>(x.count() / zeros, 1);
    for (Index i = 0; i < x.count(); ++i) {
        const double offset = zero == nullptr ? 0.0 : zero->real(i / step);
        values[static_cast<std::size_t>(i)] = x.real(i) - offset;
    }
    return values;
}

std::span<const FunctionInfo> convolutionFunctions()
{
    static const std::array rows{
        FunctionInfo{"", "Conv", 1, "convolution", conv, convMacs},
        FunctionInfo{"", "ConvTranspose", 1, "transposed convolution", convTranspose,
                     transposedMacs},
        FunctionInfo{"", "ConvInteger", 10, "convolution of integers", convInteger, convMacs},
    };
    return rows;
}

} // namespace bitscape::graph
