// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/functions/function_registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

// Functions that change sizes and keep all elements in their order, or put whole axes in another
// order.
namespace bitscape::graph {

namespace {

/// The same elements with other sizes.
void reshaped(Evaluation& e, const ArrayValue& x, Sizes sizes)
{
    ArrayValue y = e.make(x.type, std::move(sizes));
    if (e.ok() && y.count() != x.count()) {
        return e.refuse(fmt::format("{} elements do not have the sizes {}.", x.count(),
                                    describeSizes(y.sizes)));
    }
    if (e.computes()) {
        y.reals = x.reals;
        y.integers = x.integers;
    }
    e.give(std::move(y));
}

/// Values of an attribute in old operator sets, of an input in newer ones.
std::vector<std::int64_t> attributeOrInput(Evaluation& e, std::string_view attribute,
                                           std::size_t input)
{
    if (e.hasAttribute(attribute)) {
        return e.integers(attribute);
    }
    return e.has(input) ? e.constants(input) : std::vector<std::int64_t>();
}

void reshape(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const auto target = attributeOrInput(e, "shape", 1);
    const bool takesZero = e.flag("allowzero");
    Sizes sizes;
    Index open = -1;
    Index known = 1;
    for (std::size_t axis = 0; axis < target.size() && e.ok(); ++axis) {
        Index size = static_cast<Index>(target[axis]);
        if (size == 0 && !takesZero) {
            if (axis >= x.sizes.size()) {
                return e.refuse(fmt::format("Its axis {} copies one that is not there.", axis));
            }
            size = x.sizes[axis];
        }
        if (size == -1 && open < 0) {
            open = static_cast<Index>(axis);
        } else if (size < 0) {
            return e.refuse("Its sizes make no sense.");
        } else if (size > 0 && known > (Index{1} << 40) / size) {
            return e.refuse("Its sizes are too large.");
        } else {
            known *= size;
        }
        sizes.push_back(size);
    }
    if (open >= 0 && e.ok()) {
        if (known == 0 || x.count() % known != 0) {
            return e.refuse(
                fmt::format("{} elements cannot be cut in parts of {}.", x.count(), known));
        }
        sizes[static_cast<std::size_t>(open)] = x.count() / known;
    }
    reshaped(e, x, std::move(sizes));
}

void flatten(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const Index axis = e.axis(e.integer("axis", 1), x.rank(), true);
    if (!e.ok()) {
        return;
    }
    const std::span<const Index> sizes(x.sizes);
    const auto cut = static_cast<std::size_t>(axis);
    reshaped(e, x, {countOf(sizes.first(cut)), countOf(sizes.subspan(cut))});
}

void squeeze(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const bool isGiven = e.hasAttribute("axes") || e.has(1);
    const auto axes = e.axes(attributeOrInput(e, "axes", 1), x.rank());
    Sizes sizes;
    for (Index axis = 0; axis < x.rank() && e.ok(); ++axis) {
        const Index size = x.sizes[static_cast<std::size_t>(axis)];
        const bool goes = isGiven ? std::ranges::find(axes, axis) != axes.end() : size == 1;
        if (goes && size != 1) {
            return e.refuse(fmt::format("Axis {} has the size {}, not 1.", axis, size));
        }
        if (!goes) {
            sizes.push_back(size);
        }
    }
    reshaped(e, x, std::move(sizes));
}

void unsqueeze(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const auto given = attributeOrInput(e, "axes", 1);
    const auto rank = x.sizes.size() + given.size();
    if (rank > Shape::kMaxRank) {
        return e.refuse(fmt::format("It would have {} axes.", rank));
    }
    const auto axes = e.axes(given, static_cast<int>(rank));
    if (!e.ok()) {
        return;
    }
    Sizes sizes = x.sizes;
    for (const Index axis : axes) {
        sizes.insert(sizes.begin() + axis, 1);
    }
    reshaped(e, x, std::move(sizes));
}

void transpose(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    std::vector<std::int64_t> order = e.integers("perm");
    if (!e.hasAttribute("perm")) {
        for (int axis = x.rank() - 1; axis >= 0; --axis) {
            order.push_back(axis);
        }
    }
    if (std::ssize(order) != x.rank()) {
        return e.refuse(
            fmt::format("It orders {} axes, its input has {}.", order.size(), x.rank()));
    }
    if (std::ssize(e.axes(order, x.rank())) != x.rank() || !e.ok()) {
        return;
    }
    const Sizes steps = stepsOf(x.sizes);
    Sizes sizes;
    Sizes taken;
    for (const std::int64_t axis : order) {
        const auto from = static_cast<std::size_t>(e.axis(axis, x.rank()));
        sizes.push_back(x.sizes[from]);
        taken.push_back(steps[from]);
    }
    ArrayValue y = e.make(x.type, sizes);
    if (e.computes()) {
        const Sizes outputSteps = stepsOf(sizes);
        for (Index i = 0; i < y.count(); ++i) {
            Index from = 0;
            for (std::size_t axis = 0; axis < sizes.size(); ++axis) {
                from += i / outputSteps[axis] % sizes[axis] * taken[axis];
            }
            y.copy(i, x, from);
        }
    }
    e.give(std::move(y));
}

/// An axis seen as outer × size × inner.
struct AxisView {
    Index outer = 1, size = 1, inner = 1;
};

AxisView viewAlong(const Sizes& sizes, Index axis)
{
    const std::span<const Index> all(sizes);
    const auto at = static_cast<std::size_t>(axis);
    return {countOf(all.first(at)), sizes[at], countOf(all.subspan(at + 1))};
}

void concat(Evaluation& e)
{
    const ArrayValue& first = e.input(0);
    if (!e.hasAttribute("axis")) {
        return e.refuse("It does not say its axis.");
    }
    const Index axis = e.axis(e.integer("axis", 0), first.rank());
    if (!e.ok()) {
        return;
    }
    Sizes sizes = first.sizes;
    auto& total = sizes[static_cast<std::size_t>(axis)];
    total = 0;
    for (std::size_t i = 0; i < e.inputCount(); ++i) {
        const ArrayValue& x = e.input(i);
        if (!e.ok() || x.type != first.type || x.rank() != first.rank()) {
            return e.refuse("Its inputs are of different types or ranks.");
        }
        for (std::size_t other = 0; other < sizes.size(); ++other) {
            if (other != static_cast<std::size_t>(axis) && x.sizes[other] != first.sizes[other]) {
                return e.refuse(fmt::format("Its inputs of the sizes {} and {} do not fit.",
                                            describeSizes(first.sizes), describeSizes(x.sizes)));
            }
        }
        total += x.sizes[static_cast<std::size_t>(axis)];
    }
    ArrayValue y = e.make(first.type, sizes);
    if (e.computes()) {
        const AxisView whole = viewAlong(sizes, axis);
        Index offset = 0;
        for (std::size_t i = 0; i < e.inputCount(); ++i) {
            const ArrayValue& x = e.input(i);
            const AxisView part = viewAlong(x.sizes, axis);
            const Index block = part.size * part.inner;
            for (Index k = 0; k < part.outer * block; ++k) {
                y.copy(k / block * whole.size * whole.inner + offset + k % block, x, k);
            }
            offset += block;
        }
    }
    e.give(std::move(y));
}

/// How long each part is: said, or as equal as can be with the last one shorter.
std::vector<std::int64_t> partSizes(Evaluation& e, Index size)
{
    std::vector<std::int64_t> parts = attributeOrInput(e, "split", 1);
    if (e.hasAttribute("split") || e.has(1)) {
        return parts;
    }
    const std::int64_t count = e.integer("num_outputs", static_cast<std::int64_t>(e.outputCount()));
    if (count < 1 || count > 100000) {
        e.refuse("It makes no parts.");
        return {};
    }
    const Index each = (size + count - 1) / count;
    for (Index at = 0; at < count; ++at) {
        parts.push_back(std::max<Index>(std::min(each, size - at * each), 0));
    }
    return parts;
}

void split(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const Index axis = e.axis(e.integer("axis", 0), x.rank());
    if (!e.ok()) {
        return;
    }
    const AxisView whole = viewAlong(x.sizes, axis);
    const auto parts = partSizes(e, whole.size);
    Index offset = 0;
    for (const std::int64_t part : parts) {
        if (part < 0 || part > whole.size - offset) {
            return e.refuse("Its parts are longer than the axis.");
        }
        Sizes sizes = x.sizes;
        sizes[static_cast<std::size_t>(axis)] = part;
        ArrayValue y = e.make(x.type, sizes);
        const Index block = part * whole.inner;
        for (Index k = 0; e.computes() && k < whole.outer * block; ++k) {
            y.copy(k, x, k / block * whole.size * whole.inner + offset * whole.inner + k % block);
        }
        offset += part;
        e.give(std::move(y));
    }
    if (e.ok() && offset != whole.size) {
        e.refuse(fmt::format("Its parts cover {} of {} elements of the axis.", offset, whole.size));
    }
}

void expand(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const auto target = e.constants(1);
    const Sizes sizes = e.broadcast(x.sizes, {target.begin(), target.end()});
    ArrayValue y = e.make(x.type, sizes);
    if (e.computes()) {
        const auto elements = broadcastElements(x.sizes, sizes);
        for (std::size_t i = 0; i < elements.size(); ++i) {
            y.copy(static_cast<Index>(i), x, elements[i]);
        }
    }
    e.give(std::move(y));
}

void tile(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const auto repeats = e.constants(1);
    if (e.ok() && std::ssize(repeats) != x.rank()) {
        return e.refuse("It repeats another number of axes than there are.");
    }
    Sizes sizes = x.sizes;
    for (std::size_t axis = 0; axis < repeats.size() && e.ok(); ++axis) {
        if (repeats[axis] < 0 || repeats[axis] > (Index{1} << 30)) {
            return e.refuse("Its repeats make no sense.");
        }
        sizes[axis] *= repeats[axis];
    }
    ArrayValue y = e.make(x.type, sizes);
    if (e.computes()) {
        const Sizes steps = stepsOf(x.sizes);
        const Sizes outputSteps = stepsOf(sizes);
        for (Index i = 0; i < y.count(); ++i) {
            Index from = 0;
            for (std::size_t axis = 0; axis < sizes.size(); ++axis) {
                from += i / outputSteps[axis] % sizes[axis] % x.sizes[axis] * steps[axis];
            }
            y.copy(i, x, from);
        }
    }
    e.give(std::move(y));
}

/// Blocks of channels as blocks of pixels (N×C×H×W), and back.
struct Blocks {
    Index batch = 1, channels = 1, height = 1, width = 1, size = 1; ///< of the deep side
    bool columnsFirst = false; ///< CRD: channel, row, column; else DCR
};

/// Channel of the deep side for a place in the block.
Index deepChannel(const Blocks& b, Index channel, Index row, Index column)
{
    return b.columnsFirst ? (channel * b.size + row) * b.size + column
                          : (row * b.size + column) * b.channels + channel;
}

template <class F>
void eachOfBlocks(const Blocks& b, const F& f)
{
    const Index wide = b.width * b.size;
    const Index tall = b.height * b.size;
    Index flat = 0;
    for (Index n = 0; n < b.batch; ++n) {
        for (Index c = 0; c < b.channels; ++c) {
            for (Index y = 0; y < tall; ++y) {
                for (Index x = 0; x < wide; ++x, ++flat) {
                    const Index deep = deepChannel(b, c, y % b.size, x % b.size);
                    const Index channel = n * b.channels * b.size * b.size + deep;
                    f(flat, (channel * b.height + y / b.size) * b.width + x / b.size);
                }
            }
        }
    }
}

void depthToSpace(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const std::int64_t size = e.integer("blocksize", 0);
    const std::string mode = e.text("mode", "DCR");
    if (x.rank() != 4 || size < 1 || size > 10000 || x.sizes[1] % (size * size) != 0) {
        return e.refuse("Its input's channels make no blocks.");
    }
    const Blocks b{x.sizes[0],   x.sizes[1] / (size * size), x.sizes[2], x.sizes[3], size,
                   mode == "CRD"};
    ArrayValue y = e.make(x.type, {b.batch, b.channels, b.height * size, b.width * size});
    if (e.computes()) {
        eachOfBlocks(b, [&](Index wide, Index deep) { y.copy(wide, x, deep); });
    }
    e.give(std::move(y));
}

void spaceToDepth(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const std::int64_t size = e.integer("blocksize", 0);
    const std::string mode = e.text("mode", "DCR");
    if (x.rank() != 4 || size < 1 || x.sizes[2] % size != 0 || x.sizes[3] % size != 0) {
        return e.refuse("Its input's pixels make no blocks.");
    }
    const Blocks b{x.sizes[0], x.sizes[1], x.sizes[2] / size, x.sizes[3] / size, size,
                   mode == "CRD"};
    ArrayValue y = e.make(x.type, {b.batch, b.channels * size * size, b.height, b.width});
    if (e.computes()) {
        eachOfBlocks(b, [&](Index wide, Index deep) { y.copy(deep, x, wide); });
    }
    e.give(std::move(y));
}

} // namespace

std::span<const FunctionInfo> shapeFunctions()
{
    static const std::array rows{
        FunctionInfo{"", "Reshape", 1, "the same elements with other sizes", reshape},
        FunctionInfo{"", "Flatten", 1, "the axes before one and those from it on as two", flatten},
        FunctionInfo{"", "Squeeze", 1, "without axes of size 1", squeeze},
        FunctionInfo{"", "Unsqueeze", 1, "with further axes of size 1", unsqueeze},
        FunctionInfo{"", "Transpose", 1, "the axes in another order", transpose},
        FunctionInfo{"", "Concat", 4, "the inputs one after the other along an axis", concat},
        FunctionInfo{"", "Split", 1, "cut in parts along an axis", split},
        FunctionInfo{"", "Expand", 8, "broadcast to given sizes", expand},
        FunctionInfo{"", "Tile", 6, "repeated along the axes", tile},
        FunctionInfo{"", "DepthToSpace", 1, "blocks of channels as pixels", depthToSpace},
        FunctionInfo{"", "SpaceToDepth", 1, "blocks of pixels as channels", spaceToDepth},
    };
    return rows;
}

} // namespace bitscape::graph
