// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/functions/function_registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

// Functions that pick elements by index, or put them.
namespace bitscape::graph {

namespace {

/// Index from the end if negative; −1 where it is outside, which is refused.
Index indexWithin(Evaluation& e, std::int64_t index, Index size)
{
    const std::int64_t positive = index < 0 ? index + size : index;
    if (positive < 0 || positive >= size) {
        e.refuse(fmt::format("The index {} is outside of {} elements.", index, size));
        return -1;
    }
    return static_cast<Index>(positive);
}

void gather(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const ArrayValue& indices = e.input(1);
    const Index axis = e.axis(e.integer("axis", 0), x.rank());
    if (!e.ok()) {
        return;
    }
    const auto at = static_cast<std::size_t>(axis);
    Sizes sizes(x.sizes.begin(), x.sizes.begin() + axis);
    sizes.insert(sizes.end(), indices.sizes.begin(), indices.sizes.end());
    sizes.insert(sizes.end(), x.sizes.begin() + axis + 1, x.sizes.end());
    ArrayValue y = e.make(x.type, sizes);
    const Index inner = countOf(std::span<const Index>(x.sizes).subspan(at + 1));
    const Index picked = indices.count();
    for (Index i = 0; e.computes() && i < y.count(); ++i) {
        const Index from = indexWithin(e, indices.integer(i / inner % picked), x.sizes[at]);
        if (from >= 0) {
            y.copy(i, x, (i / (inner * picked) * x.sizes[at] + from) * inner + i % inner);
        }
    }
    e.give(std::move(y));
}

/// Element of an array of `sizes` at the place that element `i` of an array of `shape` sizes has,
/// but for one axis.
Index movedAlong(const Sizes& shape, const Sizes& shapeSteps, const Sizes& steps, Index i,
                 std::size_t axis, Index index)
{
    Index place = index * steps[axis];
    for (std::size_t a = 0; a < shape.size(); ++a) {
        if (a != axis) {
            place += i / shapeSteps[a] % shape[a] * steps[a];
        }
    }
    return place;
}

bool fitsElsewhere(Evaluation& e, const Sizes& whole, const Sizes& part, std::size_t axis)
{
    bool fits = whole.size() == part.size();
    for (std::size_t a = 0; fits && a < whole.size(); ++a) {
        fits = a == axis || part[a] <= whole[a];
    }
    if (!fits) {
        e.refuse(fmt::format("Indices of the sizes {} do not fit {}.", describeSizes(part),
                             describeSizes(whole)));
    }
    return fits;
}

void gatherElements(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const ArrayValue& indices = e.input(1);
    const auto axis = static_cast<std::size_t>(e.axis(e.integer("axis", 0), x.rank()));
    if (!e.ok() || !fitsElsewhere(e, x.sizes, indices.sizes, axis)) {
        return;
    }
    ArrayValue y = e.make(x.type, indices.sizes);
    const Sizes steps = stepsOf(x.sizes);
    const Sizes own = stepsOf(indices.sizes);
    for (Index i = 0; e.computes() && i < y.count(); ++i) {
        const Index from = indexWithin(e, indices.integer(i), x.sizes[axis]);
        if (from >= 0) {
            y.copy(i, x, movedAlong(indices.sizes, own, steps, i, axis, from));
        }
    }
    e.give(std::move(y));
}

/// What is stored where something is already.
void putReduced(ArrayValue& y, Index at, const ArrayValue& updates, Index i,
                const std::string& reduction)
{
    if (reduction == "none") {
        return y.copy(at, updates, i);
    }
    const bool adds = reduction == "add";
    const bool multiplies = reduction == "mul";
    if (isReal(y.type)) {
        const double a = y.real(at);
        const double b = updates.real(i);
        y.set(at, adds                 ? a + b
                  : multiplies         ? a * b
                  : reduction == "max" ? std::max(a, b)
                                       : std::min(a, b));
    } else {
        const std::int64_t a = y.integer(at);
        const std::int64_t b = updates.integer(i);
        y.setInteger(at, adds ? static_cast<std::int64_t>(std::uint64_t(a) + std::uint64_t(b))
                         : multiplies
                             ? static_cast<std::int64_t>(std::uint64_t(a) * std::uint64_t(b))
                         : reduction == "max" ? std::max(a, b)
                                              : std::min(a, b));
    }
}

std::string reductionOf(Evaluation& e)
{
    std::string reduction = e.text("reduction", "none");
    constexpr std::array kKnown{"none", "add", "mul", "max", "min"};
    if (std::ranges::find(kKnown, reduction) == kKnown.end()) {
        e.refuseSetting(fmt::format("reduction '{}' is not known", reduction));
    }
    return reduction;
}

void scatterElements(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const ArrayValue& indices = e.input(1);
    const ArrayValue& updates = e.input(2);
    const std::string reduction = reductionOf(e);
    const auto axis = static_cast<std::size_t>(e.axis(e.integer("axis", 0), x.rank()));
    if (!e.ok() || !fitsElsewhere(e, x.sizes, indices.sizes, axis)) {
        return;
    }
    if (updates.sizes != indices.sizes || updates.type != x.type) {
        return e.refuse("Its updates do not fit its indices.");
    }
    ArrayValue y = e.make(x.type, x.sizes);
    if (e.computes()) {
        y.reals = x.reals;
        y.integers = x.integers;
    }
    const Sizes steps = stepsOf(x.sizes);
    const Sizes own = stepsOf(indices.sizes);
    for (Index i = 0; e.computes() && i < indices.count(); ++i) {
        const Index to = indexWithin(e, indices.integer(i), x.sizes[axis]);
        if (to >= 0) {
            putReduced(y, movedAlong(indices.sizes, own, steps, i, axis, to), updates, i,
                       reduction);
        }
    }
    e.give(std::move(y));
}

/// Start of the slice that the n-th row of indices names.
Index sliceStart(Evaluation& e, const ArrayValue& x, const ArrayValue& indices, Index row,
                 Index depth, std::size_t batchAxes)
{
    const Sizes steps = stepsOf(x.sizes);
    Index place = 0;
    for (Index d = 0; d < depth; ++d) {
        const std::size_t axis = batchAxes + static_cast<std::size_t>(d);
        const Index at = indexWithin(e, indices.integer(row * depth + d), x.sizes[axis]);
        place += std::max<Index>(at, 0) * steps[axis];
    }
    return place;
}

void gatherNd(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const ArrayValue& indices = e.input(1);
    const std::int64_t batch = e.integer("batch_dims", 0);
    if (!e.ok() || indices.rank() < 1 || batch < 0 || batch >= indices.rank() ||
        indices.sizes.back() + batch > x.rank() ||
        !std::equal(x.sizes.begin(), x.sizes.begin() + batch, indices.sizes.begin())) {
        return e.refuse("Its indices do not fit its data.");
    }
    const Index depth = indices.sizes.back();
    Sizes sizes(indices.sizes.begin(), indices.sizes.end() - 1);
    sizes.insert(sizes.end(), x.sizes.begin() + batch + depth, x.sizes.end());
    ArrayValue y = e.make(x.type, sizes);
    if (e.computes() && y.count() > 0) {
        const std::span<const Index> all(x.sizes);
        const Index slice = countOf(all.subspan(static_cast<std::size_t>(batch + depth)));
        const Index batches = countOf(all.first(static_cast<std::size_t>(batch)));
        const Index rows = y.count() / slice;
        const Index perBatch = x.count() / batches;
        for (Index row = 0; row < rows; ++row) {
            const Index from =
                row / (rows / batches) * perBatch +
                sliceStart(e, x, indices, row, depth, static_cast<std::size_t>(batch));
            for (Index k = 0; k < slice && e.ok(); ++k) {
                y.copy(row * slice + k, x, from + k);
            }
        }
    }
    e.give(std::move(y));
}

void scatterNd(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const ArrayValue& indices = e.input(1);
    const ArrayValue& updates = e.input(2);
    const std::string reduction = reductionOf(e);
    if (!e.ok() || indices.rank() < 1 || indices.sizes.back() > x.rank() ||
        updates.type != x.type) {
        return e.refuse("Its indices do not fit its data.");
    }
    const Index depth = indices.sizes.back();
    Sizes wanted(indices.sizes.begin(), indices.sizes.end() - 1);
    wanted.insert(wanted.end(), x.sizes.begin() + depth, x.sizes.end());
    if (updates.sizes != wanted) {
        return e.refuse("Its updates do not fit its indices.");
    }
    ArrayValue y = e.make(x.type, x.sizes);
    if (e.computes()) {
        y.reals = x.reals;
        y.integers = x.integers;
        const Index slice =
            countOf(std::span<const Index>(x.sizes).subspan(static_cast<std::size_t>(depth)));
        for (Index i = 0; i < updates.count() && e.ok(); ++i) {
            const Index to = sliceStart(e, x, indices, i / slice, depth, 0);
            if (e.ok()) {
                putReduced(y, to + i % slice, updates, i, reduction);
            }
        }
    }
    e.give(std::move(y));
}

// ---- parts of axes

struct SliceAxis {
    Index start = 0, step = 1, count = 0;
};

/// As Python slices; bounds far outside mean the end.
SliceAxis sliceOf(std::int64_t start, std::int64_t end, std::int64_t step, Index size)
{
    const auto clamped = [size](std::int64_t at, std::int64_t least, std::int64_t most) {
        return std::clamp<std::int64_t>(at < 0 ? at + size : at, least, most);
    };
    if (step > 0) {
        const std::int64_t first = clamped(start, 0, size);
        const std::int64_t last = clamped(end, 0, size);
        const std::int64_t span = std::max<std::int64_t>(last - first, 0);
        return {static_cast<Index>(first),
                static_cast<Index>(std::min<std::int64_t>(step, size + 1)),
                static_cast<Index>(span == 0 ? 0 : (span - 1) / step + 1)};
    }
    const std::int64_t first = clamped(start, -1, size - 1);
    const std::int64_t last = clamped(end, -1, size - 1);
    const std::int64_t span = std::max<std::int64_t>(first - last, 0);
    const std::int64_t back = std::max<std::int64_t>(step, -(size + 1));
    return {static_cast<Index>(first), static_cast<Index>(back),
            static_cast<Index>(span == 0 ? 0 : (span - 1) / -back + 1)};
}

void slice(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const bool isOld = e.hasAttribute("starts");
    const auto starts = isOld ? e.integers("starts") : e.constants(1);
    const auto ends = isOld ? e.integers("ends") : e.constants(2);
    std::vector<std::int64_t> axes = isOld ? e.integers("axes") : std::vector<std::int64_t>();
    std::vector<std::int64_t> steps(starts.size(), 1);
    if (!isOld && e.has(3)) {
        axes = e.constants(3);
    }
    if (axes.empty()) {
        axes.resize(starts.size());
        std::iota(axes.begin(), axes.end(), 0);
    }
    if (!isOld && e.has(4)) {
        steps = e.constants(4);
    }
    if (!e.ok()) {
        return;
    }
    if (ends.size() != starts.size() || axes.size() != starts.size() ||
        steps.size() != starts.size() || std::ranges::find(steps, 0) != steps.end()) {
        return e.refuse("Its starts, ends, axes and steps do not fit each other.");
    }
    Sizes sizes = x.sizes;
    std::vector<SliceAxis> cuts;
    for (const Index size : x.sizes) {
        cuts.push_back({0, 1, size});
    }
    for (std::size_t i = 0; i < axes.size(); ++i) {
        const auto axis = static_cast<std::size_t>(e.axis(axes[i], x.rank()));
        if (!e.ok()) {
            return;
        }
        cuts[axis] = sliceOf(starts[i], ends[i], steps[i], x.sizes[axis]);
        sizes[axis] = cuts[axis].count;
    }
    ArrayValue y = e.make(x.type, sizes);
    if (e.computes()) {
        const Sizes from = stepsOf(x.sizes);
        const Sizes to = stepsOf(sizes);
        for (Index i = 0; i < y.count(); ++i) {
            Index place = 0;
            for (std::size_t axis = 0; axis < sizes.size(); ++axis) {
                place +=
                    (cuts[axis].start + i / to[axis] % sizes[axis] * cuts[axis].step) * from[axis];
            }
            y.copy(i, x, place);
        }
    }
    e.give(std::move(y));
}

/// Where an element of a padded axis comes from; −1: nowhere.
Index paddedSource(const std::string& mode, Index at, Index size)
{
    if (at >= 0 && at < size) {
        return at;
    }
    if (mode == "constant" || size == 0) {
        return -1;
    }
    if (mode == "edge") {
        return std::clamp<Index>(at, 0, size - 1);
    }
    if (mode == "wrap") {
        return (at % size + size) % size;
    }
    if (size == 1) {
        return 0;
    }
    const Index period = 2 * (size - 1);
    const Index within = (at % period + period) % period;
    return within < size ? within : period - within;
}

std::vector<std::int64_t> padsOf(Evaluation& e, int rank)
{
    const bool isOld = e.hasAttribute("pads") || e.hasAttribute("paddings");
    const auto given =
        isOld ? e.integers(e.hasAttribute("pads") ? "pads" : "paddings") : e.constants(1);
    std::vector<std::int64_t> axes(static_cast<std::size_t>(rank));
    std::iota(axes.begin(), axes.end(), 0);
    if (!isOld && e.has(3)) {
        axes = e.constants(3);
    }
    if (e.ok() && given.size() != 2 * axes.size()) {
        e.refuse("Its pads do not fit its axes.");
    }
    std::vector<std::int64_t> pads(2 * static_cast<std::size_t>(rank), 0);
    for (std::size_t i = 0; i < axes.size() && e.ok(); ++i) {
        const auto axis = static_cast<std::size_t>(e.axis(axes[i], rank));
        pads[axis] = given[i];
        pads[axis + static_cast<std::size_t>(rank)] = given[i + axes.size()];
    }
    return pads;
}

void pad(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const std::string mode = e.text("mode", "constant");
    constexpr std::array kModes{"constant", "reflect", "edge", "wrap"};
    if (std::ranges::find(kModes, mode) == kModes.end()) {
        return e.refuseSetting(fmt::format("mode '{}' is not known", mode));
    }
    const auto pads = padsOf(e, x.rank());
    if (!e.ok()) {
        return;
    }
    constexpr std::int64_t kMost = std::int64_t{1} << 30;
    const auto rank = x.sizes.size();
    Sizes sizes;
    for (std::size_t axis = 0; axis < rank; ++axis) {
        if (std::abs(pads[axis]) > kMost || std::abs(pads[axis + rank]) > kMost) {
            return e.refuse("Its pads make no sense.");
        }
        sizes.push_back(static_cast<Index>(pads[axis] + x.sizes[axis] + pads[axis + rank]));
    }
    ArrayValue fill = zeros(x.type, {});
    fill.set(0, e.real("value", 0.0));
    if (const ArrayValue* value = e.optional(2); value != nullptr && value->count() == 1) {
        fill = value->isKnown ? *value : fill;
    }
    ArrayValue y = e.make(x.type, sizes);
    if (e.computes()) {
        const Sizes from = stepsOf(x.sizes);
        const Sizes to = stepsOf(sizes);
        for (Index i = 0; i < y.count(); ++i) {
            Index place = 0;
            for (std::size_t axis = 0; axis < rank && place >= 0; ++axis) {
                const Index at = i / to[axis] % sizes[axis] - static_cast<Index>(pads[axis]);
                const Index source = paddedSource(mode, at, x.sizes[axis]);
                place = source < 0 ? -1 : place + source * from[axis];
            }
            y.copy(i, place < 0 ? fill : x, std::max<Index>(place, 0));
        }
    }
    e.give(std::move(y));
}

/// Only with a condition that is known: sizes depend on it.
void compress(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const auto condition = e.constants(1);
    const bool isFlat = !e.hasAttribute("axis");
    const Index axis = isFlat ? 0 : e.axis(e.integer("axis", 0), x.rank());
    if (!e.ok()) {
        return;
    }
    Sizes sizes = isFlat ? Sizes{x.count()} : x.sizes;
    const auto at = static_cast<std::size_t>(axis);
    const Index size = sizes[at];
    std::vector<Index> kept;
    for (Index i = 0; i < std::min<Index>(size, std::ssize(condition)); ++i) {
        if (condition[static_cast<std::size_t>(i)] != 0) {
            kept.push_back(i);
        }
    }
    const Index inner = countOf(std::span<const Index>(sizes).subspan(at + 1));
    sizes[at] = std::ssize(kept);
    ArrayValue y = e.make(x.type, sizes);
    for (Index i = 0; e.computes() && i < y.count(); ++i) {
        const Index row = i / inner;
        const Index from = kept[static_cast<std::size_t>(row % std::ssize(kept))];
        y.copy(i, x, (row / std::ssize(kept) * size + from) * inner + i % inner);
    }
    e.give(std::move(y));
}

void nonZero(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    if (!x.isKnown) {
        const auto values = e.constants(0);
        return e.give(e.make(ElementType::Int64, {x.rank(), std::ssize(values)}));
    }
    std::vector<Index> found;
    for (Index i = 0; i < x.count(); ++i) {
        if (x.real(i) != 0.0) {
            found.push_back(i);
        }
    }
    const Sizes steps = stepsOf(x.sizes);
    ArrayValue y = e.make(ElementType::Int64, {x.rank(), std::ssize(found)});
    for (std::size_t axis = 0; axis < x.sizes.size() && e.computes(); ++axis) {
        for (std::size_t n = 0; n < found.size(); ++n) {
            y.integers[axis * found.size() + n] = found[n] / steps[axis] % x.sizes[axis];
        }
    }
    e.give(std::move(y));
}

void reverseSequence(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const ArrayValue& lengths = e.input(1);
    const std::int64_t batch = e.integer("batch_axis", 1);
    const std::int64_t time = e.integer("time_axis", 0);
    if (!e.ok() || x.rank() < 2 || batch + time != 1 || batch * time != 0 ||
        lengths.count() != x.sizes[static_cast<std::size_t>(batch)]) {
        return e.refuse("Its axes or its lengths do not fit.");
    }
    ArrayValue y = e.make(x.type, x.sizes);
    const Sizes steps = stepsOf(x.sizes);
    const auto timeAxis = static_cast<std::size_t>(time);
    const auto batchAxis = static_cast<std::size_t>(batch);
    for (Index i = 0; e.computes() && i < y.count(); ++i) {
        const Index at = i / steps[timeAxis] % x.sizes[timeAxis];
        const Index length =
            static_cast<Index>(lengths.integer(i / steps[batchAxis] % x.sizes[batchAxis]));
        const Index from = at < length && length <= x.sizes[timeAxis] ? length - 1 - at : at;
        y.copy(i, x, i + (from - at) * steps[timeAxis]);
    }
    e.give(std::move(y));
}

} // namespace

std::span<const FunctionInfo> gatherFunctions()
{
    static const std::array rows{
        FunctionInfo{"", "Gather", 1, "slices of an axis by index", gather},
        FunctionInfo{"", "GatherElements", 11, "elements of an axis by index", gatherElements},
        FunctionInfo{"", "GatherND", 11, "slices by several indices", gatherNd},
        FunctionInfo{"", "Scatter", 9, "elements put along an axis", scatterElements},
        FunctionInfo{"", "ScatterElements", 11, "elements put along an axis", scatterElements},
        FunctionInfo{"", "ScatterND", 11, "slices put by several indices", scatterNd},
        FunctionInfo{"", "Slice", 1, "from start to end by steps", slice},
        FunctionInfo{"", "Pad", 1, "more elements at the ends of axes", pad},
        FunctionInfo{"", "Compress", 9, "where the condition holds", compress},
        FunctionInfo{"", "NonZero", 9, "indices of elements other than 0", nonZero},
        FunctionInfo{"", "ReverseSequence", 10, "the first elements backwards", reverseSequence},
    };
    return rows;
}

} // namespace bitscape::graph
