// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/functions/function_registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

// Functions whose result does not depend on the numbers of their inputs, or on a few settings only.
namespace bitscape::graph {

namespace {

ArrayValue integersOf(const std::vector<std::int64_t>& values, Sizes sizes)
{
    ArrayValue result = zeros(ElementType::Int64, std::move(sizes));
    result.integers = values;
    return result;
}

ArrayValue realsOf(const std::vector<double>& values, Sizes sizes)
{
    ArrayValue result = zeros(ElementType::Float32, std::move(sizes));
    for (std::size_t i = 0; i < values.size(); ++i) {
        result.set(static_cast<Index>(i), values[i]);
    }
    return result;
}

void constant(Evaluation& e)
{
    if (const Attribute* value = e.attribute("value")) {
        if (const auto* array = std::get_if<ArrayValue>(value)) {
            return e.give(*array);
        }
    }
    if (e.hasAttribute("value_float")) {
        return e.give(realsOf({e.real("value_float", 0.0)}, {}));
    }
    if (e.hasAttribute("value_floats")) {
        const auto values = e.reals("value_floats");
        return e.give(realsOf(values, {std::ssize(values)}));
    }
    if (e.hasAttribute("value_int")) {
        return e.give(integersOf({e.integer("value_int", 0)}, {}));
    }
    if (e.hasAttribute("value_ints")) {
        const auto values = e.integers("value_ints");
        return e.give(integersOf(values, {std::ssize(values)}));
    }
    e.refuseSetting("a constant that is no array of numbers is not covered");
}

void constantOfShape(Evaluation& e)
{
    const auto sizes = e.constants(0);
    ArrayValue y = zeros(ElementType::Float32, {1});
    if (const Attribute* value = e.attribute("value")) {
        if (const auto* array = std::get_if<ArrayValue>(value); array && array->count() == 1) {
            y = *array;
        } else {
            return e.refuse("Its value is no single number.");
        }
    }
    ArrayValue result = e.make(y.type, {sizes.begin(), sizes.end()});
    for (Index i = 0; e.computes() && i < result.count(); ++i) {
        result.copy(i, y, 0);
    }
    e.give(std::move(result));
}

/// Sizes are known whether or not the numbers are.
void shape(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const auto clamped = [&](std::int64_t axis) {
        return std::clamp<std::int64_t>(axis < 0 ? axis + x.rank() : axis, 0, x.rank());
    };
    const std::int64_t start = clamped(e.integer("start", 0));
    const std::int64_t end = clamped(e.integer("end", x.rank()));
    std::vector<std::int64_t> sizes;
    for (std::int64_t axis = start; axis < end; ++axis) {
        sizes.push_back(x.sizes[static_cast<std::size_t>(axis)]);
    }
    e.give(integersOf(sizes, {std::ssize(sizes)}));
}

void size(Evaluation& e)
{
    e.give(integersOf({e.input(0).count()}, {}));
}

void range(Evaluation& e)
{
    const ArrayValue& start = e.input(0);
    for (const std::size_t input : {0, 1, 2}) {
        if (e.constants(input).size() != 1) {
            return e.refuse("Its start, limit or delta is no single number.");
        }
    }
    const ArrayValue& limit = e.input(1);
    const ArrayValue& delta = e.input(2);
    const double steps = std::ceil((limit.real(0) - start.real(0)) / delta.real(0));
    if (delta.real(0) == 0.0 || !std::isfinite(steps)) {
        return e.refuse("Its delta leads nowhere.");
    }
    ArrayValue y = e.make(
        start.type, {static_cast<Index>(saturatedTo(ElementType::Int64, std::max(steps, 0.0)))});
    for (Index i = 0; i < std::ssize(y.reals) + std::ssize(y.integers); ++i) {
        if (isReal(y.type)) {
            y.set(i, start.real(0) + static_cast<double>(i) * delta.real(0));
        } else {
            y.setInteger(i, start.integer(0) + i * delta.integer(0));
        }
    }
    e.give(std::move(y));
}

ElementType typeOr(Evaluation& e, ElementType fallback)
{
    const std::int64_t code = e.integer("dtype", static_cast<std::int64_t>(fallback));
    const auto type =
        code > 0 && code < 1000 ? elementTypeOf(static_cast<int>(code)) : std::nullopt;
    if (!type) {
        e.refuseSetting(fmt::format("the element type {} is not covered", code));
    }
    return type.value_or(fallback);
}

void eyeLike(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const std::int64_t k = e.integer("k", 0);
    if (x.rank() != 2) {
        return e.refuse("Its input is no matrix.");
    }
    ArrayValue y = zeros(typeOr(e, x.type), x.sizes);
    for (Index row = 0; row < x.sizes[0]; ++row) {
        if (k > -x.sizes[0] && k < x.sizes[1] && row + k >= 0 && row + k < x.sizes[1]) {
            y.setInteger(row * x.sizes[1] + row + k, 1);
        }
    }
    e.give(std::move(y));
}

void trilu(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const bool isUpper = e.flag("upper", true);
    const auto shift = e.has(1) ? e.constants(1) : std::vector<std::int64_t>{0};
    if (x.rank() < 2 || shift.size() != 1) {
        return e.refuse("Its input is no matrix, or its k no number.");
    }
    const auto rank = static_cast<std::size_t>(x.rank());
    const Index columns = x.sizes[rank - 1];
    const Index rows = x.sizes[rank - 2];
    const Index k =
        static_cast<Index>(std::clamp<std::int64_t>(shift[0], -(rows + 1), columns + 1));
    ArrayValue y = e.make(x.type, x.sizes);
    for (Index i = 0; e.computes() && i < x.count(); ++i) {
        const Index distance = i % columns - i / columns % rows;
        if (isUpper ? distance >= k : distance <= k) {
            y.copy(i, x, i);
        }
    }
    e.give(std::move(y));
}

void oneHot(Evaluation& e)
{
    const ArrayValue& indices = e.input(0);
    const auto depths = e.constants(1);
    const ArrayValue& values = e.input(2);
    if (!e.ok() || depths.size() != 1 || values.count() != 2 || depths[0] < 0) {
        return e.refuse("Its depth or its values do not fit.");
    }
    const Index depth = static_cast<Index>(depths[0]);
    const Index axis = e.axis(e.integer("axis", -1), indices.rank() + 1);
    if (!e.ok()) {
        return;
    }
    Sizes sizes = indices.sizes;
    sizes.insert(sizes.begin() + axis, depth);
    ArrayValue y = e.make(values.type, sizes);
    const Index inner = countOf(std::span(indices.sizes).subspan(static_cast<std::size_t>(axis)));
    for (Index i = 0; e.computes() && i < y.count(); ++i) {
        const Index place = i / inner % depth;
        std::int64_t hot = indices.integer(i / (inner * depth) * inner + i % inner);
        hot = hot < 0 ? hot + depth : hot;
        y.copy(i, values, hot == place ? 1 : 0);
    }
    e.give(std::move(y));
}

} // namespace

std::span<const FunctionInfo> constantFunctions()
{
    static const std::array rows{
        FunctionInfo{"", "Constant", 1, "a stored array", constant},
        FunctionInfo{"", "ConstantOfShape", 9, "one number everywhere", constantOfShape},
        FunctionInfo{"", "Shape", 1, "the sizes", shape},
        FunctionInfo{"", "Size", 1, "the number of elements", size},
        FunctionInfo{"", "Range", 11, "start, start + delta, … below limit", range},
        FunctionInfo{"", "EyeLike", 9, "ones on a diagonal", eyeLike},
        FunctionInfo{"", "Trilu", 14, "a triangle of a matrix, 0 elsewhere", trilu},
        FunctionInfo{"", "OneHot", 9, "indices as ones among zeros", oneHot},
    };
    return rows;
}

} // namespace bitscape::graph
