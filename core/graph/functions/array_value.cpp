// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/functions/array_value.h"

#include "core/base/error.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

namespace bitscape::graph {

namespace {

struct TypeRow {
    ElementType type;
    std::string_view name;
    int bits;
    bool isReal;
    bool isSigned;
};

constexpr std::array kTypes{
    TypeRow{ElementType::Float32, "float32", 32, true, true},
    TypeRow{ElementType::UInt8, "uint8", 8, false, false},
    TypeRow{ElementType::Int8, "int8", 8, false, true},
    TypeRow{ElementType::UInt16, "uint16", 16, false, false},
    TypeRow{ElementType::Int16, "int16", 16, false, true},
    TypeRow{ElementType::Int32, "int32", 32, false, true},
    TypeRow{ElementType::Int64, "int64", 64, false, true},
    TypeRow{ElementType::Bool, "bool", 1, false, false},
    TypeRow{ElementType::Float16, "float16", 16, true, true},
    TypeRow{ElementType::Double, "float64", 64, true, true},
    TypeRow{ElementType::UInt32, "uint32", 32, false, false},
    TypeRow{ElementType::UInt64, "uint64", 64, false, false},
    TypeRow{ElementType::BFloat16, "bfloat16", 16, true, true},
    TypeRow{ElementType::UInt4, "uint4", 4, false, false},
    TypeRow{ElementType::Int4, "int4", 4, false, true},
    TypeRow{ElementType::UInt2, "uint2", 2, false, false},
    TypeRow{ElementType::Int2, "int2", 2, false, true},
};

const TypeRow& rowOf(ElementType type)
{
    const auto found = std::ranges::find(kTypes, type, &TypeRow::type);
    ensure(found != kTypes.end(), "ElementType: no row");
    return *found;
}

/// Rounds to a format with `digits` bits of significand whose least normal exponent is `least`
/// (value 2^least); beyond `greatest`: infinite.
double roundedToFormat(double value, int digits, int least, double greatest)
{
    if (!std::isfinite(value) || value == 0.0) {
        return value;
    }
    int exponent = 0;
    std::frexp(value, &exponent); // |value| in [2^(exponent−1), 2^exponent)
    const int unit = std::max(exponent - 1, least) - (digits - 1);
    const double rounded = std::ldexp(std::nearbyint(std::ldexp(value, -unit)), unit);
    return std::fabs(rounded) > greatest
               ? std::copysign(std::numeric_limits<double>::infinity(), value)
               : rounded;
}

constexpr double kGreatestHalf = 65504.0;
constexpr int kLeastHalf = -14;
constexpr int kHalfDigits = 11;

constexpr double kTwo63 = 9223372036854775808.0;

} // namespace

std::optional<ElementType> elementTypeOf(int code)
{
    const auto found = std::ranges::find_if(
        kTypes, [code](const TypeRow& row) { return static_cast<int>(row.type) == code; });
    return found == kTypes.end() ? std::nullopt : std::optional(found->type);
}

std::string_view name(ElementType type)
{
    return rowOf(type).name;
}

bool isReal(ElementType type)
{
    return rowOf(type).isReal;
}

bool isSigned(ElementType type)
{
    return rowOf(type).isSigned;
}

int bitsOf(ElementType type)
{
    return rowOf(type).bits;
}

IntegerRange rangeOf(ElementType type)
{
    const TypeRow& row = rowOf(type);
    if (row.bits == 64) {
        return row.isSigned ? IntegerRange{std::numeric_limits<std::int64_t>::min(),
                                           std::numeric_limits<std::int64_t>::max()}
                            : IntegerRange{0, -1};
    }
    const std::int64_t span = std::int64_t{1} << row.bits;
    return row.isSigned ? IntegerRange{-span / 2, span / 2 - 1} : IntegerRange{0, span - 1};
}

double roundedTo(ElementType type, double value)
{
    switch (type) {
    case ElementType::Float32:
        return static_cast<double>(static_cast<float>(value));
    case ElementType::Float16:
        return roundedToFormat(value, kHalfDigits, kLeastHalf, kGreatestHalf);
    case ElementType::BFloat16:
        return fromBFloat16(toBFloat16(value));
    default:
        return value;
    }
}

std::int64_t wrappedTo(ElementType type, std::int64_t value)
{
    const TypeRow& row = rowOf(type);
    if (type == ElementType::Bool) {
        return value != 0 ? 1 : 0;
    }
    if (row.bits == 64) {
        return value;
    }
    const int unused = 64 - row.bits;
    const auto bits = static_cast<std::uint64_t>(value) << unused;
    return row.isSigned ? static_cast<std::int64_t>(bits) >> unused
                        : static_cast<std::int64_t>(bits >> unused);
}

std::int64_t saturatedTo(ElementType type, double value)
{
    if (std::isnan(value)) {
        return 0;
    }
    const auto [least, greatest] = rangeOf(type);
    if (type == ElementType::UInt64) {
        return value <= 0.0 ? 0
               : value >= 2.0 * kTwo63
                   ? greatest
                   : std::bit_cast<std::int64_t>(static_cast<std::uint64_t>(value));
    }
    if (value >= kTwo63) {
        return greatest;
    }
    if (value < -kTwo63) {
        return least;
    }
    return std::clamp(static_cast<std::int64_t>(value), least, greatest);
}

double fromFloat16(std::uint16_t bits)
{
    constexpr int kInfinite = 31;
    const double sign = (bits & 0x8000U) != 0 ? -1.0 : 1.0;
    const int exponent = (bits >> 10U) & 31;
    const int fraction = bits & 1023;
    if (exponent == kInfinite) {
        return fraction == 0 ? sign * std::numeric_limits<double>::infinity()
                             : std::numeric_limits<double>::quiet_NaN();
    }
    return exponent == 0 ? sign * std::ldexp(fraction, kLeastHalf - 10)
                         : sign * std::ldexp(fraction + 1024, exponent - 25);
}

std::uint16_t toFloat16(double value)
{
    const unsigned sign = std::signbit(value) ? 0x8000U : 0U;
    if (std::isnan(value)) {
        return static_cast<std::uint16_t>(sign | 0x7E00U);
    }
    const double rounded = std::fabs(roundedTo(ElementType::Float16, value));
    if (std::isinf(rounded)) {
        return static_cast<std::uint16_t>(sign | 0x7C00U);
    }
    // Below the least normal number the exponent field is 0 and the unit the same: the sum of both
    // cases is one integer.
    const double units = std::ldexp(rounded, 10 - kLeastHalf);
    if (rounded < std::ldexp(1.0, kLeastHalf)) {
        return static_cast<std::uint16_t>(sign | static_cast<unsigned>(units));
    }
    int exponent = 0;
    const double fraction = std::frexp(rounded, &exponent); // [0.5, 1)
    const auto significand = static_cast<unsigned>(std::ldexp(fraction, kHalfDigits)) & 1023U;
    return static_cast<std::uint16_t>(sign | (static_cast<unsigned>(exponent + 14) << 10U) |
                                      significand);
}

double fromBFloat16(std::uint16_t bits)
{
    return static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16U));
}

std::uint16_t toBFloat16(double value)
{
    const auto narrow = static_cast<float>(value);
    const auto bits = std::bit_cast<std::uint32_t>(narrow);
    if (std::isnan(narrow)) {
        return static_cast<std::uint16_t>((bits >> 16U) | 0x40U);
    }
    const std::uint32_t half = 0x7FFFU + ((bits >> 16U) & 1U);
    return static_cast<std::uint16_t>((bits + half) >> 16U);
}

Index countOf(std::span<const Index> sizes)
{
    Index count = 1;
    for (const Index size : sizes) {
        count *= size;
    }
    return count;
}

std::string describeSizes(std::span<const Index> sizes)
{
    std::string text;
    for (const Index size : sizes) {
        text += (text.empty() ? "" : "×") + std::to_string(size);
    }
    return text.empty() ? "scalar" : text;
}

Sizes stepsOf(const Sizes& sizes)
{
    Sizes steps(sizes.size(), 1);
    for (std::size_t axis = sizes.size(); axis-- > 1;) {
        steps[axis - 1] = steps[axis] * sizes[axis];
    }
    return steps;
}

std::optional<Sizes> broadcastSizes(const Sizes& a, const Sizes& b)
{
    const Sizes& longer = a.size() >= b.size() ? a : b;
    const Sizes& shorter = a.size() >= b.size() ? b : a;
    Sizes output = longer;
    const std::size_t lead = longer.size() - shorter.size();
    for (std::size_t axis = 0; axis < shorter.size(); ++axis) {
        Index& size = output[lead + axis];
        const Index other = shorter[axis];
        if (size == 1) {
            size = other;
        } else if (other != 1 && other != size) {
            return std::nullopt;
        }
    }
    return output;
}

std::vector<Index> broadcastElements(const Sizes& input, const Sizes& output)
{
    std::vector<Index> elements(static_cast<std::size_t>(countOf(output)), 0);
    const Sizes steps = stepsOf(input);
    const std::size_t lead = output.size() - input.size();
    Index outputStep = 1;
    for (std::size_t axis = output.size(); axis-- > 0;) {
        const bool moves = axis >= lead && input[axis - lead] != 1;
        if (moves) {
            const Index step = steps[axis - lead];
            for (std::size_t e = 0; e < elements.size(); ++e) {
                elements[e] += static_cast<Index>(e) / outputStep % output[axis] * step;
            }
        }
        outputStep *= output[axis];
    }
    return elements;
}

double ArrayValue::real(Index element) const
{
    const auto at = static_cast<std::size_t>(element);
    if (isReal(type)) {
        return reals[at];
    }
    return type == ElementType::UInt64
               ? static_cast<double>(std::bit_cast<std::uint64_t>(integers[at]))
               : static_cast<double>(integers[at]);
}

std::int64_t ArrayValue::integer(Index element) const
{
    const auto at = static_cast<std::size_t>(element);
    return isReal(type) ? saturatedTo(ElementType::Int64, reals[at]) : integers[at];
}

void ArrayValue::set(Index element, double value)
{
    const auto at = static_cast<std::size_t>(element);
    if (isReal(type)) {
        reals[at] = roundedTo(type, value);
    } else if (type == ElementType::Bool) {
        integers[at] = value != 0.0 ? 1 : 0;
    } else if (type == ElementType::UInt64) {
        integers[at] = value < 0.0 ? saturatedTo(ElementType::Int64, value)
                                   : saturatedTo(ElementType::UInt64, value);
    } else {
        integers[at] = wrappedTo(type, saturatedTo(ElementType::Int64, value));
    }
}

void ArrayValue::setInteger(Index element, std::int64_t value)
{
    if (isReal(type)) {
        reals[static_cast<std::size_t>(element)] = roundedTo(type, static_cast<double>(value));
    } else {
        integers[static_cast<std::size_t>(element)] = wrappedTo(type, value);
    }
}

void ArrayValue::copy(Index element, const ArrayValue& source, Index from)
{
    if (isReal(type)) {
        reals[static_cast<std::size_t>(element)] = source.reals[static_cast<std::size_t>(from)];
    } else {
        integers[static_cast<std::size_t>(element)] =
            source.integers[static_cast<std::size_t>(from)];
    }
}

ArrayValue zeros(ElementType type, Sizes sizes)
{
    const auto count = static_cast<std::size_t>(countOf(sizes));
    ArrayValue value{.type = type, .sizes = std::move(sizes)};
    if (isReal(type)) {
        value.reals.resize(count);
    } else {
        value.integers.resize(count);
    }
    return value;
}

ArrayValue converted(const ArrayValue& value, ElementType type)
{
    if (type == value.type) {
        return value;
    }
    if (!value.isKnown) {
        return {.type = type, .sizes = value.sizes, .isKnown = false};
    }
    ArrayValue result = zeros(type, value.sizes);
    const Index count = value.count();
    const bool isWide = !isReal(value.type) && !isReal(type);
    for (Index e = 0; e < count; ++e) {
        if (isWide) {
            result.setInteger(e, value.integers[static_cast<std::size_t>(e)]);
        } else {
            result.set(e, value.real(e));
        }
    }
    return result;
}

void toFloats(const ArrayValue& value, std::span<float> floats)
{
    for (std::size_t e = 0; e < floats.size(); ++e) {
        floats[e] = static_cast<float>(value.real(static_cast<Index>(e)));
    }
}

ArrayValue fromFloats(ElementType type, Sizes sizes, std::span<const float> floats)
{
    ArrayValue value = zeros(type, std::move(sizes));
    for (std::size_t e = 0; e < floats.size(); ++e) {
        const auto number = static_cast<double>(floats[e]);
        if (isReal(type) || type == ElementType::Bool) {
            value.set(static_cast<Index>(e), number);
        } else {
            value.integers[e] = saturatedTo(type, std::nearbyint(number));
        }
    }
    return value;
}

} // namespace bitscape::graph
