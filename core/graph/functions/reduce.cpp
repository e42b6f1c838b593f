// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/functions/function_registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

// Functions that make one number, or a few, of many along axes.
namespace bitscape::graph {

namespace {

using Reals = std::span<const double>;
using Integers = std::span<const std::int64_t>;
using OfReals = double (*)(Reals);
using OfIntegers = std::int64_t (*)(Integers);

double sum(Reals x)
{
    return std::accumulate(x.begin(), x.end(), 0.0);
}

std::int64_t integerSum(Integers x)
{
    std::uint64_t total = 0;
    for (const std::int64_t value : x) {
        total += std::uint64_t(value);
    }
    return static_cast<std::int64_t>(total);
}

double meanOf(Reals x)
{
    return sum(x) / static_cast<double>(x.size());
}

double product(Reals x)
{
    return std::accumulate(x.begin(), x.end(), 1.0, std::multiplies<>());
}

std::int64_t integerProduct(Integers x)
{
    std::uint64_t total = 1;
    for (const std::int64_t value : x) {
        total *= std::uint64_t(value);
    }
    return static_cast<std::int64_t>(total);
}

double largest(Reals x)
{
    double found = -std::numeric_limits<double>::infinity();
    for (const double value : x) {
        found = std::isnan(value) || value > found ? value : found;
    }
    return found;
}

double smallest(Reals x)
{
    double found = std::numeric_limits<double>::infinity();
    for (const double value : x) {
        found = std::isnan(value) || value < found ? value : found;
    }
    return found;
}

std::int64_t integerLargest(Integers x)
{
    return x.empty() ? std::numeric_limits<std::int64_t>::min() : *std::ranges::max_element(x);
}

std::int64_t integerSmallest(Integers x)
{
    return x.empty() ? std::numeric_limits<std::int64_t>::max() : *std::ranges::min_element(x);
}

double sumOfSquares(Reals x)
{
    return std::inner_product(x.begin(), x.end(), x.begin(), 0.0);
}

double sumOfMagnitudes(Reals x)
{
    return std::accumulate(x.begin(), x.end(), 0.0,
                           [](double total, double value) { return total + std::fabs(value); });
}

double norm(Reals x)
{
    return std::sqrt(sumOfSquares(x));
}

double logOfSum(Reals x)
{
    return std::log(sum(x));
}

double logOfSumOfPowers(Reals x)
{
    const double top = largest(x);
    if (!std::isfinite(top)) {
        return top;
    }
    return top + std::log(std::accumulate(x.begin(), x.end(), 0.0, [top](double total, double v) {
               return total + std::exp(v - top);
           }));
}

/// Places of the elements that one output is made of: those of `first`, moved by each offset.
struct Groups {
    Sizes kept;                ///< sizes with 1 along the axes
    std::vector<Index> starts; ///< per output
    std::vector<Index> offsets;
};

std::vector<Index> placesWithin(const Sizes& sizes, const Sizes& steps)
{
    std::vector<Index> places{0};
    for (std::size_t axis = 0; axis < sizes.size(); ++axis) {
        std::vector<Index> next;
        next.reserve(places.size() * static_cast<std::size_t>(sizes[axis]));
        for (const Index place : places) {
            for (Index i = 0; i < sizes[axis]; ++i) {
                next.push_back(place + i * steps[axis]);
            }
        }
        places = std::move(next);
    }
    return places;
}

Groups groupsAlong(const Sizes& sizes, const std::vector<Index>& axes)
{
    const Sizes steps = stepsOf(sizes);
    Groups groups{.kept = sizes, .starts = {}, .offsets = {}};
    Sizes reduced(sizes.size(), 1);
    for (const Index axis : axes) {
        const auto at = static_cast<std::size_t>(axis);
        groups.kept[at] = 1;
        reduced[at] = sizes[at];
    }
    groups.starts = placesWithin(groups.kept, steps);
    groups.offsets = placesWithin(reduced, steps);
    return groups;
}

Sizes without(const Sizes& sizes, const std::vector<Index>& axes)
{
    Sizes rest;
    for (Index axis = 0; axis < std::ssize(sizes); ++axis) {
        if (std::ranges::find(axes, axis) == axes.end()) {
            rest.push_back(sizes[static_cast<std::size_t>(axis)]);
        }
    }
    return rest;
}

template <class T, class Store>
void eachGroup(const Groups& groups, const std::vector<T>& values, const Store& store)
{
    std::vector<T> group(groups.offsets.size());
    for (std::size_t i = 0; i < groups.starts.size(); ++i) {
        for (std::size_t k = 0; k < group.size(); ++k) {
            group[k] = values[static_cast<std::size_t>(groups.starts[i] + groups.offsets[k])];
        }
        store(static_cast<Index>(i), std::span<const T>(group));
    }
}

void reduceAlong(Evaluation& e, const std::vector<Index>& axes, OfReals ofReals,
                 OfIntegers ofIntegers)
{
    const ArrayValue& x = e.input(0);
    const bool keeps = e.flag("keepdims", true);
    Sizes sizes = x.sizes;
    for (const Index axis : axes) {
        sizes[static_cast<std::size_t>(axis)] = 1;
    }
    ArrayValue y = e.make(x.type, keeps ? sizes : without(x.sizes, axes));
    if (e.computes()) {
        const Groups groups = groupsAlong(x.sizes, axes);
        if (isReal(x.type)) {
            eachGroup(groups, x.reals, [&](Index i, Reals group) { y.set(i, ofReals(group)); });
        } else if (ofIntegers != nullptr) {
            eachGroup(groups, x.integers,
                      [&](Index i, Integers group) { y.setInteger(i, ofIntegers(group)); });
        } else {
            const ArrayValue reals = converted(x, ElementType::Double);
            eachGroup(groups, reals.reals, [&](Index i, Reals group) { y.set(i, ofReals(group)); });
        }
    }
    e.give(std::move(y));
}

/// Axes from an attribute or an input; none means all, or with noop_with_empty_axes none.
void reduce(Evaluation& e, OfReals ofReals, OfIntegers ofIntegers)
{
    const ArrayValue& x = e.input(0);
    std::vector<std::int64_t> given = e.integers("axes");
    if (!e.hasAttribute("axes") && e.has(1)) {
        given = e.constants(1);
    }
    if (!e.ok()) {
        return;
    }
    if (given.empty() && !e.flag("noop_with_empty_axes")) {
        given.resize(x.sizes.size());
        std::iota(given.begin(), given.end(), 0);
    }
    const auto axes = e.axes(given, x.rank());
    if (e.ok()) {
        reduceAlong(e, axes, ofReals, ofIntegers);
    }
}

template <OfReals F, OfIntegers G = nullptr>
void reduction(Evaluation& e)
{
    reduce(e, F, G);
}

// ---- places

/// The first of equals, or the last with select_last_index.
template <bool IsLargest>
void place(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const Index axis = e.axis(e.integer("axis", 0), x.rank());
    const bool takesLast = e.flag("select_last_index");
    const bool keeps = e.flag("keepdims", true);
    if (!e.ok()) {
        return;
    }
    const std::vector<Index> axes{axis};
    const Groups groups = groupsAlong(x.sizes, axes);
    ArrayValue y = e.make(ElementType::Int64, keeps ? groups.kept : without(x.sizes, axes));
    for (std::size_t i = 0; e.computes() && i < y.integers.size(); ++i) {
        std::size_t best = 0;
        for (std::size_t k = 1; k < groups.offsets.size(); ++k) {
            const double value = x.real(groups.starts[i] + groups.offsets[k]);
            const double held = x.real(groups.starts[i] + groups.offsets[best]);
            const bool beats = IsLargest ? value > held : value < held;
            best = beats || (takesLast && value == held) ? k : best;
        }
        y.integers[i] = static_cast<std::int64_t>(best);
    }
    e.give(std::move(y));
}

template <bool IsProduct>
void cumulate(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const auto given = e.constants(1);
    if (e.ok() && given.size() != 1) {
        return e.refuse("Its axis is no single number.");
    }
    const Index axis = e.ok() ? e.axis(given[0], x.rank()) : 0;
    const bool isExclusive = e.flag("exclusive");
    const bool isReverse = e.flag("reverse");
    ArrayValue y = e.make(x.type, x.sizes);
    if (e.computes()) {
        const Groups groups = groupsAlong(x.sizes, {axis});
        const std::size_t length = groups.offsets.size();
        for (const Index start : groups.starts) {
            double real = IsProduct ? 1.0 : 0.0;
            std::uint64_t whole = IsProduct ? 1 : 0;
            for (std::size_t k = 0; k < length; ++k) {
                const Index at = start + groups.offsets[isReverse ? length - 1 - k : k];
                const auto store = [&] {
                    if (isReal(x.type)) {
                        y.set(at, real);
                    } else {
                        y.setInteger(at, static_cast<std::int64_t>(whole));
                    }
                };
                if (isExclusive) {
                    store();
                }
                if (isReal(x.type)) {
                    real = IsProduct ? real * x.real(at) : real + x.real(at);
                } else {
                    const auto next = std::uint64_t(x.integer(at));
                    whole = IsProduct ? whole * next : whole + next;
                }
                if (!isExclusive) {
                    store();
                }
            }
        }
    }
    e.give(std::move(y));
}

/// Of equals the lower index first; always sorted, which also fits sorted = 0.
void topK(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const Index axis = e.axis(e.integer("axis", -1), x.rank());
    const bool isLargest = e.flag("largest", true);
    const auto given =
        e.hasAttribute("k") ? std::vector<std::int64_t>{e.integer("k", 0)} : e.constants(1);
    if (!e.ok()) {
        return;
    }
    Sizes sizes = x.sizes;
    Index& size = sizes[static_cast<std::size_t>(axis)];
    if (given.size() != 1 || given[0] < 0 || given[0] > size) {
        return e.refuse("Its k is no number of elements of the axis.");
    }
    const Index k = given[0];
    size = k;
    ArrayValue values = e.make(x.type, sizes);
    ArrayValue indices = e.make(ElementType::Int64, sizes);
    if (e.computes()) {
        const Groups from = groupsAlong(x.sizes, {axis});
        const Groups to = groupsAlong(sizes, {axis});
        for (std::size_t i = 0; i < from.starts.size() && k > 0; ++i) {
            std::vector<Index> order(from.offsets.size());
            std::iota(order.begin(), order.end(), 0);
            const auto value = [&](Index n) {
                return x.real(from.starts[i] + from.offsets[static_cast<std::size_t>(n)]);
            };
            std::ranges::stable_sort(order, [&](Index a, Index b) {
                return isLargest ? value(a) > value(b) : value(a) < value(b);
            });
            for (std::size_t n = 0; n < static_cast<std::size_t>(k); ++n) {
                const Index at = to.starts[i] + to.offsets[n];
                values.copy(at, x,
                            from.starts[i] + from.offsets[static_cast<std::size_t>(order[n])]);
                indices.setInteger(at, order[n]);
            }
        }
    }
    e.give(std::move(values));
    e.give(std::move(indices));
}

} // namespace

std::span<const FunctionInfo> reduceFunctions()
{
    static const std::array rows{
        FunctionInfo{"", "ReduceSum", 1, "sum", reduction<sum, integerSum>},
        FunctionInfo{"", "ReduceMean", 1, "mean", reduction<meanOf>},
        FunctionInfo{"", "ReduceProd", 1, "product", reduction<product, integerProduct>},
        FunctionInfo{"", "ReduceMax", 1, "largest", reduction<largest, integerLargest>},
        FunctionInfo{"", "ReduceMin", 1, "smallest", reduction<smallest, integerSmallest>},
        FunctionInfo{"", "ReduceSumSquare", 1, "sum of squares", reduction<sumOfSquares>},
        FunctionInfo{"", "ReduceL1", 1, "sum of magnitudes", reduction<sumOfMagnitudes>},
        FunctionInfo{"", "ReduceL2", 1, "root of the sum of squares", reduction<norm>},
        FunctionInfo{"", "ReduceLogSum", 1, "logarithm of the sum", reduction<logOfSum>},
        FunctionInfo{"", "ReduceLogSumExp", 1, "ln Σ eˣ", reduction<logOfSumOfPowers>},
        FunctionInfo{"", "ArgMax", 1, "index of the largest", place<true>},
        FunctionInfo{"", "ArgMin", 1, "index of the smallest", place<false>},
        FunctionInfo{"", "CumSum", 11, "sums so far", cumulate<false>},
        FunctionInfo{"", "CumProd", 26, "products so far", cumulate<true>},
        FunctionInfo{"", "TopK", 1, "the k largest or smallest and their indices", topK},
    };
    return rows;
}

} // namespace bitscape::graph
