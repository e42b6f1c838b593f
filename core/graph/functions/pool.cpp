// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/functions/function_registry.h"
#include "core/graph/functions/windows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

// Numbers made of windows of each channel.
namespace bitscape::graph {

namespace {

/// Calls f(output element, window's taps, first element of the channel) for every window.
template <class F>
void eachWindow(const ArrayValue& x, const Windows& w, const WindowTaps& taps, const F& f)
{
    const Index planes = x.sizes[0] * x.sizes[1];
    const Index from = countOf(w.input);
    const Index to = countOf(w.output);
    for (Index plane = 0; plane < planes; ++plane) {
        for (Index p = 0; p < to; ++p) {
            f(plane * to + p, taps.of(static_cast<std::size_t>(p)), plane * from);
        }
    }
}

void averagePool(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const bool countsPadding = e.flag("count_include_pad");
    const Windows w = windowsOf(e, spatialSizes(e, x), {}, true);
    if (!e.ok()) {
        return;
    }
    ArrayValue y = e.make(x.type, withChannels(x.sizes[0], x.sizes[1], w.output));
    if (e.computes()) {
        const WindowTaps taps = tapsOf(w, countsPadding);
        eachWindow(x, w, taps, [&](Index i, std::span<const Tap> window, Index start) {
            double sum = 0.0;
            for (const Tap& tap : window) {
                sum += tap.element < 0 ? 0.0 : x.real(start + tap.element);
            }
            y.set(i, window.empty() ? 0.0 : sum / static_cast<double>(window.size()));
        });
    }
    e.give(std::move(y));
}

void lpPool(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const auto p = static_cast<double>(e.integer("p", 2));
    const Windows w = windowsOf(e, spatialSizes(e, x), {}, true);
    if (!e.ok()) {
        return;
    }
    ArrayValue y = e.make(x.type, withChannels(x.sizes[0], x.sizes[1], w.output));
    if (e.computes()) {
        eachWindow(x, w, tapsOf(w), [&](Index i, std::span<const Tap> window, Index start) {
            double sum = 0.0;
            for (const Tap& tap : window) {
                sum += std::pow(std::fabs(x.real(start + tap.element)), p);
            }
            y.set(i, std::pow(sum, 1.0 / p));
        });
    }
    e.give(std::move(y));
}

/// A place counted with the first of the axes behind the channels running fastest.
Index columnMajor(Index element, const Sizes& sizes)
{
    const Sizes steps = stepsOf(sizes);
    Index place = 0;
    Index step = 1;
    for (std::size_t axis = 0; axis < sizes.size(); ++axis) {
        place += element / steps[axis] % sizes[axis] * step;
        step *= sizes[axis];
    }
    return place;
}

void maxPool(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const bool isColumnMajor = e.flag("storage_order");
    const Windows w = windowsOf(e, spatialSizes(e, x), {}, true);
    if (!e.ok()) {
        return;
    }
    const Sizes sizes = withChannels(x.sizes[0], x.sizes[1], w.output);
    ArrayValue y = e.make(x.type, sizes);
    ArrayValue indices = e.make(ElementType::Int64, sizes);
    if (e.computes()) {
        eachWindow(x, w, tapsOf(w), [&](Index i, std::span<const Tap> window, Index start) {
            if (window.empty()) {
                return y.set(i, isReal(x.type) ? -HUGE_VAL
                                               : static_cast<double>(rangeOf(x.type).least));
            }
            Index best = window.front().element;
            for (const Tap& tap : window) {
                best = x.real(start + tap.element) > x.real(start + best) ? tap.element : best;
            }
            y.copy(i, x, start + best);
            indices.setInteger(i, start + (isColumnMajor ? columnMajor(best, w.input) : best));
        });
    }
    e.give(std::move(y));
    if (e.outputCount() > 1) {
        e.give(std::move(indices));
    }
}

void maxUnpool(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const ArrayValue& indices = e.input(1);
    const Windows w = transposedWindows(e, spatialSizes(e, x), {});
    if (!e.ok()) {
        return;
    }
    Sizes sizes = withChannels(x.sizes[0], x.sizes[1], w.input);
    if (e.has(2)) {
        const auto wanted = e.constants(2);
        sizes.assign(wanted.begin(), wanted.end());
    }
    if (e.ok() && (indices.sizes != x.sizes || sizes.size() != x.sizes.size())) {
        return e.refuse("Its indices do not fit its input.");
    }
    ArrayValue y = e.make(x.type, sizes);
    if (e.computes()) {
        // Indices count in the tensor that was pooled; a larger output keeps their coordinates.
        const Sizes pooled = withChannels(x.sizes[0], x.sizes[1], w.input);
        const Sizes from = stepsOf(pooled);
        const Sizes to = stepsOf(sizes);
        for (Index i = 0; i < x.count(); ++i) {
            const Index flat = static_cast<Index>(indices.integer(i));
            Index place = 0;
            bool isInside = flat >= 0 && flat < countOf(pooled);
            for (std::size_t axis = 0; axis < sizes.size() && isInside; ++axis) {
                const Index at = flat / from[axis] % pooled[axis];
                isInside = at < sizes[axis];
                place += at * to[axis];
            }
            if (!isInside) {
                return e.refuse("An index is outside of the output.");
            }
            y.copy(place, x, i);
        }
    }
    e.give(std::move(y));
}

template <class F>
void overPlanes(Evaluation& e, const F& f)
{
    const ArrayValue& x = e.input(0);
    const Sizes spatial = spatialSizes(e, x);
    if (!e.ok()) {
        return;
    }
    ArrayValue y = e.make(x.type, withChannels(x.sizes[0], x.sizes[1], Sizes(spatial.size(), 1)));
    const Index plane = countOf(spatial);
    for (Index i = 0; e.computes() && i < y.count(); ++i) {
        y.set(i, f(x, i * plane, plane));
    }
    e.give(std::move(y));
}

void globalAverage(Evaluation& e)
{
    overPlanes(e, [](const ArrayValue& x, Index start, Index count) {
        double sum = 0.0;
        for (Index k = 0; k < count; ++k) {
            sum += x.real(start + k);
        }
        return sum / static_cast<double>(count);
    });
}

void globalMax(Evaluation& e)
{
    overPlanes(e, [](const ArrayValue& x, Index start, Index count) {
        double found = -HUGE_VAL;
        for (Index k = 0; k < count; ++k) {
            found = std::max(found, x.real(start + k));
        }
        return found;
    });
}

void globalLp(Evaluation& e)
{
    const auto p = static_cast<double>(e.integer("p", 2));
    overPlanes(e, [p](const ArrayValue& x, Index start, Index count) {
        double sum = 0.0;
        for (Index k = 0; k < count; ++k) {
            sum += std::pow(std::fabs(x.real(start + k)), p);
        }
        return std::pow(sum, 1.0 / p);
    });
}

} // namespace

std::span<const FunctionInfo> poolFunctions()
{
    static const std::array rows{
        FunctionInfo{"", "AveragePool", 1, "mean of each window", averagePool},
        FunctionInfo{"", "MaxPool", 1, "largest of each window", maxPool},
        FunctionInfo{"", "LpPool", 1, "p-norm of each window", lpPool},
        FunctionInfo{"", "MaxUnpool", 9, "numbers back to where MaxPool took them", maxUnpool},
        FunctionInfo{"", "GlobalAveragePool", 1, "mean of each channel", globalAverage},
        FunctionInfo{"", "GlobalMaxPool", 1, "largest of each channel", globalMax},
        FunctionInfo{"", "GlobalLpPool", 1, "p-norm of each channel", globalLp},
    };
    return rows;
}

} // namespace bitscape::graph
