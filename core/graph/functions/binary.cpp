// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/functions/function_registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

// Functions of several arrays, element by element, after NumPy's broadcasting.
namespace bitscape::graph {

namespace {

/// Which element of each input belongs to an element of the output.
struct Pairing {
    Sizes sizes;
    std::vector<Index> a, b;
};

/// Before operator set 7 the second array could be aligned at an axis of the first; PRelu's slope
/// was one of channels.
Sizes alignedSizes(Evaluation& e, const ArrayValue& a, const ArrayValue& b, std::int64_t fallback)
{
    const std::int64_t axis = e.opset() < 7 ? e.integer("axis", fallback) : -1;
    Sizes sizes = b.sizes;
    if (axis > 0 || (axis == 0 && e.hasAttribute("axis"))) {
        while (std::ssize(sizes) < a.rank() - axis) {
            sizes.push_back(1);
        }
    }
    return sizes;
}

Pairing pair(Evaluation& e, const ArrayValue& a, const ArrayValue& b, std::int64_t axis = -1)
{
    const Sizes sizes = alignedSizes(e, a, b, axis);
    Pairing pairing{.sizes = e.broadcast(a.sizes, sizes), .a = {}, .b = {}};
    if (e.computes()) {
        pairing.a = broadcastElements(a.sizes, pairing.sizes);
        pairing.b = broadcastElements(sizes, pairing.sizes);
    }
    return pairing;
}

template <class F>
ArrayValue joined(Evaluation& e, const ArrayValue& a, const ArrayValue& b, ElementType type,
                  const F& each, std::int64_t axis = -1)
{
    const Pairing pairing = pair(e, a, b, axis);
    ArrayValue y = e.make(type, pairing.sizes);
    if (e.computes()) {
        for (std::size_t i = 0; i < pairing.a.size(); ++i) {
            each(y, static_cast<Index>(i), pairing.a[i], pairing.b[i]);
        }
    }
    return y;
}

bool requireSameTypes(Evaluation& e, const ArrayValue& a, const ArrayValue& b)
{
    if (a.type != b.type) {
        e.refuse(fmt::format("Its inputs are of the types {} and {}.", name(a.type), name(b.type)));
    }
    return e.ok();
}

// ---- arithmetic: integers wrap as in C

struct Sum {
    static double of(double a, double b) { return a + b; }
    static std::int64_t of(ElementType /*type*/, std::int64_t a, std::int64_t b)
    {
        return std::bit_cast<std::int64_t>(std::uint64_t(a) + std::uint64_t(b));
    }
};

struct Difference {
    static double of(double a, double b) { return a - b; }
    static std::int64_t of(ElementType /*type*/, std::int64_t a, std::int64_t b)
    {
        return std::bit_cast<std::int64_t>(std::uint64_t(a) - std::uint64_t(b));
    }
};

struct Product {
    static double of(double a, double b) { return a * b; }
    static std::int64_t of(ElementType /*type*/, std::int64_t a, std::int64_t b)
    {
        return std::bit_cast<std::int64_t>(std::uint64_t(a) * std::uint64_t(b));
    }
};

/// Integers towards zero; by 0 and the one overflow: what processors without a trap give, 0 and the
/// dividend.
struct Quotient {
    static double of(double a, double b) { return a / b; }
    static std::int64_t of(ElementType type, std::int64_t a, std::int64_t b)
    {
        if (b == 0) {
            return 0;
        }
        if (type == ElementType::UInt64) {
            return std::bit_cast<std::int64_t>(std::uint64_t(a) / std::uint64_t(b));
        }
        return b == -1 ? Difference::of(type, 0, a) : a / b;
    }
};

struct Largest {
    static double of(double a, double b) { return std::isnan(a) || a > b ? a : b; }
    static std::int64_t of(ElementType type, std::int64_t a, std::int64_t b)
    {
        return type == ElementType::UInt64
                   ? std::bit_cast<std::int64_t>(std::max(std::uint64_t(a), std::uint64_t(b)))
                   : std::max(a, b);
    }
};

struct Smallest {
    static double of(double a, double b) { return std::isnan(a) || a < b ? a : b; }
    static std::int64_t of(ElementType type, std::int64_t a, std::int64_t b)
    {
        return type == ElementType::UInt64
                   ? std::bit_cast<std::int64_t>(std::min(std::uint64_t(a), std::uint64_t(b)))
                   : std::min(a, b);
    }
};

template <class Operation>
ArrayValue combined(Evaluation& e, const ArrayValue& a, const ArrayValue& b)
{
    if (!requireSameTypes(e, a, b)) {
        return {};
    }
    const ElementType type = a.type;
    if (isReal(type)) {
        return joined(e, a, b, type, [&](ArrayValue& y, Index i, Index ia, Index ib) {
            y.reals[static_cast<std::size_t>(i)] =
                roundedTo(type, Operation::of(a.reals[static_cast<std::size_t>(ia)],
                                              b.reals[static_cast<std::size_t>(ib)]));
        });
    }
    return joined(e, a, b, type, [&](ArrayValue& y, Index i, Index ia, Index ib) {
        y.integers[static_cast<std::size_t>(i)] =
            wrappedTo(type, Operation::of(type, a.integers[static_cast<std::size_t>(ia)],
                                          b.integers[static_cast<std::size_t>(ib)]));
    });
}

template <class Operation>
void arithmetic(Evaluation& e)
{
    e.give(combined<Operation>(e, e.input(0), e.input(1)));
}

template <class Operation>
ArrayValue overAll(Evaluation& e)
{
    ArrayValue y = e.input(0);
    for (std::size_t i = 1; i < e.inputCount() && e.ok(); ++i) {
        y = combined<Operation>(e, y, e.input(i));
    }
    return y;
}

template <class Operation>
void variadic(Evaluation& e)
{
    e.give(overAll<Operation>(e));
}

void mean(Evaluation& e)
{
    ArrayValue y = overAll<Sum>(e);
    for (double& value : y.reals) {
        value = roundedTo(y.type, value / static_cast<double>(e.inputCount()));
    }
    e.give(std::move(y));
}

// ---- powers and remainders

std::int64_t integerPower(std::int64_t base, std::int64_t exponent)
{
    if (exponent < 0) {
        return base == 1 ? 1 : base == -1 ? (exponent % 2 == 0 ? 1 : -1) : 0;
    }
    std::int64_t result = 1;
    for (auto left = static_cast<std::uint64_t>(exponent); left > 0; left >>= 1U) {
        if ((left & 1U) != 0) {
            result = Product::of(ElementType::Int64, result, base);
        }
        base = Product::of(ElementType::Int64, base, base);
    }
    return result;
}

/// The result is of the base's type; the exponent may be of any.
void power(Evaluation& e)
{
    const ArrayValue& a = e.input(0);
    const ArrayValue& b = e.input(1);
    const bool isWhole = !isReal(a.type) && !isReal(b.type);
    e.give(joined(e, a, b, a.type, [&](ArrayValue& y, Index i, Index ia, Index ib) {
        if (isWhole) {
            y.setInteger(i, integerPower(a.integer(ia), b.integer(ib)));
        } else {
            y.set(i, std::pow(a.real(ia), b.real(ib)));
        }
    }));
}

/// The sign of the divisor, or with fmod of the dividend.
void remainder(Evaluation& e)
{
    const ArrayValue& a = e.input(0);
    const ArrayValue& b = e.input(1);
    const bool isLikeC = e.flag("fmod");
    if (!requireSameTypes(e, a, b)) {
        return;
    }
    const auto ofReals = [isLikeC](double x, double y) {
        const double rest = std::fmod(x, y);
        return !isLikeC && rest != 0.0 && (rest < 0.0) != (y < 0.0) ? rest + y : rest;
    };
    const auto ofIntegers = [&](std::int64_t x, std::int64_t y) -> std::int64_t {
        if (y == 0 || y == -1) {
            return 0;
        }
        if (a.type == ElementType::UInt64) {
            return std::bit_cast<std::int64_t>(std::uint64_t(x) % std::uint64_t(y));
        }
        const std::int64_t rest = x % y;
        return !isLikeC && rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
    };
    e.give(joined(e, a, b, a.type, [&](ArrayValue& y, Index i, Index ia, Index ib) {
        if (isReal(a.type)) {
            y.set(i, ofReals(a.real(ia), b.real(ib)));
        } else {
            y.setInteger(i, ofIntegers(a.integer(ia), b.integer(ib)));
        }
    }));
}

void prelu(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const ArrayValue& slope = e.input(1);
    if (!requireSameTypes(e, x, slope)) {
        return;
    }
    const auto each = [&](ArrayValue& y, Index i, Index ix, Index is) {
        const double value = x.real(ix);
        y.set(i, value < 0.0 ? value * slope.real(is) : value);
    };
    e.give(joined(e, x, slope, x.type, each, slope.rank() == 1 ? 1 : -1));
}

// ---- bits and truth

template <class F>
void onIntegers(Evaluation& e, const F& f)
{
    const ArrayValue& a = e.input(0);
    const ArrayValue& b = e.input(1);
    if (!requireSameTypes(e, a, b)) {
        return;
    }
    if (isReal(a.type)) {
        return e.refuse("It takes integers.");
    }
    e.give(joined(e, a, b, a.type, [&](ArrayValue& y, Index i, Index ia, Index ib) {
        y.setInteger(i, f(a.integer(ia), b.integer(ib)));
    }));
}

void bitAnd(Evaluation& e)
{
    onIntegers(e, [](std::int64_t a, std::int64_t b) { return a & b; });
}

void bitOr(Evaluation& e)
{
    onIntegers(e, [](std::int64_t a, std::int64_t b) { return a | b; });
}

void bitXor(Evaluation& e)
{
    onIntegers(e, [](std::int64_t a, std::int64_t b) { return a ^ b; });
}

/// Of signed numbers the sign is shifted in. Further than all bits is what comes of all bits.
void bitShift(Evaluation& e)
{
    const std::string direction = e.text("direction", "");
    const bool isLeft = direction == "LEFT";
    if (!isLeft && direction != "RIGHT") {
        return e.refuse("Its direction is neither LEFT nor RIGHT.");
    }
    const bool isUnsigned = !isSigned(e.input(0).type);
    onIntegers(e, [=](std::int64_t a, std::int64_t b) -> std::int64_t {
        const bool isFar = b < 0 || b > 63;
        if (isLeft || isUnsigned) {
            const auto bits = std::uint64_t(a);
            return isFar ? 0 : std::bit_cast<std::int64_t>(isLeft ? bits << b : bits >> b);
        }
        return a >> (isFar ? 63 : b);
    });
}

template <class OfReals, class OfIntegers>
void compare(Evaluation& e, const OfReals& ofReals, const OfIntegers& ofIntegers)
{
    const ArrayValue& a = e.input(0);
    const ArrayValue& b = e.input(1);
    if (!requireSameTypes(e, a, b)) {
        return;
    }
    // Flipping the highest bit gives unsigned numbers the order of signed ones.
    const std::uint64_t flip = a.type == ElementType::UInt64 ? std::uint64_t{1} << 63U : 0;
    const auto ordered = [flip](std::int64_t x) {
        return std::bit_cast<std::int64_t>(std::uint64_t(x) ^ flip);
    };
    e.give(joined(e, a, b, ElementType::Bool, [&](ArrayValue& y, Index i, Index ia, Index ib) {
        const bool holds = isReal(a.type)
                               ? ofReals(a.real(ia), b.real(ib))
                               : ofIntegers(ordered(a.integer(ia)), ordered(b.integer(ib)));
        y.setInteger(i, holds ? 1 : 0);
    }));
}

template <class Operation>
void comparison(Evaluation& e)
{
    compare(e, Operation(), Operation());
}

template <class F>
void onTruth(Evaluation& e, const F& f)
{
    const ArrayValue& a = e.input(0);
    const ArrayValue& b = e.input(1);
    e.give(joined(e, a, b, ElementType::Bool, [&](ArrayValue& y, Index i, Index ia, Index ib) {
        y.setInteger(i, f(a.integer(ia) != 0, b.integer(ib) != 0) ? 1 : 0);
    }));
}

void logicalAnd(Evaluation& e)
{
    onTruth(e, [](bool a, bool b) { return a && b; });
}

void logicalOr(Evaluation& e)
{
    onTruth(e, [](bool a, bool b) { return a || b; });
}

void logicalXor(Evaluation& e)
{
    onTruth(e, [](bool a, bool b) { return a != b; });
}

void where(Evaluation& e)
{
    const ArrayValue& condition = e.input(0);
    const ArrayValue& a = e.input(1);
    const ArrayValue& b = e.input(2);
    if (!requireSameTypes(e, a, b)) {
        return;
    }
    const Sizes sizes = e.broadcast(e.broadcast(condition.sizes, a.sizes), b.sizes);
    ArrayValue y = e.make(a.type, sizes);
    if (e.computes()) {
        const auto choices = broadcastElements(condition.sizes, sizes);
        const auto ofA = broadcastElements(a.sizes, sizes);
        const auto ofB = broadcastElements(b.sizes, sizes);
        for (std::size_t i = 0; i < choices.size(); ++i) {
            const bool takesA = condition.integer(choices[i]) != 0;
            y.copy(static_cast<Index>(i), takesA ? a : b, takesA ? ofA[i] : ofB[i]);
        }
    }
    e.give(std::move(y));
}

} // namespace

std::span<const FunctionInfo> binaryFunctions()
{
    static const std::array rows{
        FunctionInfo{"", "Add", 1, "a + b", arithmetic<Sum>},
        FunctionInfo{"", "Sub", 1, "a − b", arithmetic<Difference>},
        FunctionInfo{"", "Mul", 1, "a · b", arithmetic<Product>},
        FunctionInfo{"", "Div", 1, "a / b, integers towards zero", arithmetic<Quotient>},
        FunctionInfo{"", "Pow", 1, "a to the power b", power},
        FunctionInfo{"", "Mod", 10, "remainder of a / b", remainder},
        FunctionInfo{"", "Sum", 1, "sum of all", variadic<Sum>},
        FunctionInfo{"", "Max", 1, "largest of all", variadic<Largest>},
        FunctionInfo{"", "Min", 1, "smallest of all", variadic<Smallest>},
        FunctionInfo{"", "Mean", 1, "mean of all", mean},
        FunctionInfo{"", "PRelu", 1, "x, below 0 slope·x", prelu},
        FunctionInfo{"", "BitwiseAnd", 18, "a & b", bitAnd},
        FunctionInfo{"", "BitwiseOr", 18, "a | b", bitOr},
        FunctionInfo{"", "BitwiseXor", 18, "a ^ b", bitXor},
        FunctionInfo{"", "BitShift", 11, "a shifted by b bits", bitShift},
        FunctionInfo{"", "Equal", 1, "a = b", comparison<std::equal_to<>>},
        FunctionInfo{"", "Less", 1, "a < b", comparison<std::less<>>},
        FunctionInfo{"", "LessOrEqual", 12, "a ≤ b", comparison<std::less_equal<>>},
        FunctionInfo{"", "Greater", 1, "a > b", comparison<std::greater<>>},
        FunctionInfo{"", "GreaterOrEqual", 12, "a ≥ b", comparison<std::greater_equal<>>},
        FunctionInfo{"", "And", 1, "a and b", logicalAnd},
        FunctionInfo{"", "Or", 1, "a or b", logicalOr},
        FunctionInfo{"", "Xor", 1, "one of a and b", logicalXor},
        FunctionInfo{"", "Where", 9, "a where the condition holds, else b", where},
    };
    return rows;
}

} // namespace bitscape::graph
