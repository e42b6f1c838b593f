// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/hw/qtools_operators.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <vector>

namespace bitscape::hw::qtools {

namespace {

enum class Kind { Multiply, Shift, Select, Gate, Exclusive, AddExponents };

struct Cell {
    Kind kind;
    Mode family; ///< of the output
};

constexpr Mode kFixed = Mode::FixedPoint;
constexpr Mode kPower = Mode::PowerOfTwo;
constexpr Mode kTernary = Mode::Ternary;
constexpr Mode kSign = Mode::PlusMinusOne;
constexpr Mode kBit = Mode::ZeroOne;

// Rows: the weight's mode; columns: the input's. Floats are handled before.
constexpr std::array<std::array<Cell, 5>, 5> kMultipliers{{
    {{{Kind::Multiply, kFixed},
      {Kind::Shift, kFixed},
      {Kind::Select, kFixed},
      {Kind::Select, kFixed},
      {Kind::Gate, kFixed}}},
    {{{Kind::Shift, kFixed},
      {Kind::AddExponents, kPower},
      {Kind::Select, kPower},
      {Kind::Select, kPower},
      {Kind::Gate, kPower}}},
    {{{Kind::Select, kFixed},
      {Kind::Select, kPower},
      {Kind::Select, kTernary},
      {Kind::Select, kTernary},
      {Kind::Gate, kTernary}}},
    {{{Kind::Select, kFixed},
      {Kind::Select, kPower},
      {Kind::Select, kTernary},
      {Kind::Exclusive, kSign},
      {Kind::Gate, kTernary}}},
    {{{Kind::Gate, kFixed},
      {Kind::Gate, kPower},
      {Kind::Gate, kTernary},
      {Kind::Gate, kTernary},
      {Kind::Gate, kBit}}},
}};

/// An output of the family, to be filled in.
DataType ofFamily(Mode family)
{
    DataType type;
    type.mode = family;
    switch (family) {
    case Mode::Ternary:
        return {.name = "ternary", .mode = family, .bits = 2, .integer = 2};
    case Mode::PlusMinusOne:
    case Mode::ZeroOne:
        return {.name = "binary",
                .mode = family,
                .bits = 1,
                .integer = 1,
                .isSigned = family == Mode::PlusMinusOne};
    case Mode::FixedPoint:
    case Mode::PowerOfTwo:
    case Mode::Float:
        break;
    }
    return type;
}

const DataType& powerOperand(const DataType& weight, const DataType& input)
{
    return weight.isPowerOfTwo() ? weight : input;
}

/// Name and cap of a power-of-two output.
void namePower(DataType& output, double maxValue)
{
    output.name = output.isSigned ? "quantized_po2" : "quantized_relu_po2";
    output.maxValue = maxValue;
}

std::int64_t widestFloat(const DataType& a, const DataType& b)
{
    return std::max<std::int64_t>(a.isFloat() ? a.bits : 0, b.isFloat() ? b.bits : 0);
}

Operator floatOperator(std::int64_t bits)
{
    return {"mul", floatingPoint(bits), 1, static_cast<double>(bits)};
}

Operator multiplyFixed(const DataType& weight, const DataType& input)
{
    const bool isSigned = weight.isSigned || input.isSigned;
    const std::int64_t integer = weight.integer + input.integer;
    const std::int64_t fraction = weight.fraction() + input.fraction();
    return {"mul", fixedPoint(integer + fraction + (isSigned ? 1 : 0), integer, isSigned), 1,
            std::sqrt(static_cast<double>(weight.bits) * static_cast<double>(input.bits))};
}

/// A barrel shifter; low and high are exchanged for a division.
Operator shift(const DataType& power, const DataType& fixed, const ExponentRange& range,
               bool isSigned)
{
    Operator made{.implementation = "shifter"};
    made.output.bits =
        fixed.bits + range.low + range.high + (!fixed.isSigned && power.isSigned ? 1 : 0);
    made.output.integer = fixed.integer + range.high;
    made.output.isSigned = isSigned;
    if (power.valueCount && *power.valueCount > 0) {
        made.gateFactor = 0.3 * static_cast<double>(*power.valueCount);
        made.gateBits = static_cast<double>(fixed.bits);
    } else {
        const double size =
            std::sqrt(std::exp2(static_cast<double>(power.bits)) * static_cast<double>(fixed.bits));
        made.gateBits = size * std::log10(size);
    }
    return made;
}

/// One operand picks the other, its negative or nothing.
Operator select(const DataType& weight, const DataType& input, Mode family)
{
    const auto contains = [](const DataType& type, const char* word) {
        return type.name.find(word) != std::string::npos;
    };
    const bool isWeightPicking = contains(weight, "binary") || contains(weight, "ternary");
    const DataType& picked = isWeightPicking ? input : weight;
    const DataType& picking = isWeightPicking ? weight : input;
    // Of weights any kind of binary counts as one gate, of inputs only the plain one.
    const bool isBinary = isWeightPicking ? contains(weight, "binary") : input.name == "binary";

    Operator made{.implementation = "mux", .output = ofFamily(family)};
    made.output.bits = picked.bits + (!picked.isSigned && picking.isSigned ? 1 : 0);
    made.output.integer = picked.integer;
    made.output.isSigned = weight.isSigned || input.isSigned;
    made.gateFactor = isBinary ? 0.3 : 0.6;
    made.gateBits = static_cast<double>(picked.bits);
    if (family == Mode::PowerOfTwo) {
        namePower(made.output, powerOperand(weight, input).maxValue);
        made.output.integer = made.output.bits;
    }
    return made;
}

/// A bit lets the other operand through or not.
Operator gate(const DataType& weight, const DataType& input, Mode family)
{
    Operator made{.implementation = "and", .output = ofFamily(family), .gateFactor = 0.1};
    if (family != Mode::Ternary) {
        made.output.bits = std::max(weight.bits, input.bits);
        made.output.integer = weight.name == "binary" ? input.integer : weight.integer;
        made.output.isSigned = weight.isSigned || input.isSigned;
    }
    if (family == Mode::PowerOfTwo) {
        namePower(made.output, powerOperand(weight, input).maxValue);
    }
    made.gateBits = static_cast<double>(made.output.bits);
    return made;
}

Operator exclusive(const DataType& weight, const DataType& input)
{
    Operator made{.implementation = "xor",
                  .output = ofFamily(Mode::PlusMinusOne),
                  .gateFactor = 0.3,
                  .gateBits = 1};
    made.output.bits = std::max(weight.bits, input.bits);
    made.output.integer = std::max(weight.integer, input.integer);
    return made;
}

/// Powers of two multiply and divide by adding and subtracting exponents.
Operator addExponents(const DataType& a, const DataType& b, bool isSigned, double maxValue)
{
    Operator made{.implementation = "add", .output = ofFamily(Mode::PowerOfTwo)};
    made.output.bits = std::max(a.bits, b.bits) + 1;
    made.output.isSigned = isSigned;
    namePower(made.output, maxValue);
    made.output.integer = std::max(a.integer, b.integer) + 1;
    made.gateBits = static_cast<double>(made.output.bits);
    return made;
}

Result<Operator> shiftProduct(const DataType& weight, const DataType& input)
{
    const DataType& power = powerOperand(weight, input);
    const DataType& fixed = weight.isPowerOfTwo() ? input : weight;
    const auto range = exponentRange(power);
    if (!range) {
        return fail(range.error());
    }
    return shift(power, fixed, *range, weight.isSigned || input.isSigned);
}

/// Maxima over fixed-point forms, each taken for itself as QTools does.
struct Widest {
    std::int64_t bits = 0, integer = -1;
    bool isSigned = false;
    std::int64_t floatBits = 0;
};

Result<Widest> widestOf(std::span<const DataType> inputs)
{
    Widest widest;
    for (const DataType& input : inputs) {
        if (input.isFloat()) {
            widest.floatBits = std::max(widest.floatBits, input.bits);
            continue;
        }
        const auto fixed = asFixedPoint(input);
        if (!fixed) {
            return fail(fixed.error());
        }
        widest.bits = std::max(widest.bits, fixed->bits);
        widest.integer = std::max(widest.integer, fixed->integer);
        widest.isSigned = widest.isSigned || fixed->isSigned;
    }
    return widest;
}

Result<Operator> mergeAdd(std::span<const DataType> inputs)
{
    const auto widest = widestOf(inputs);
    if (!widest) {
        return fail(widest.error());
    }
    Operator made{.implementation = "add"};
    made.output = widest->floatBits > 0
                      ? floatingPoint(widest->floatBits)
                      : fixedPoint(widest->bits + 1, widest->integer + 1, widest->isSigned);
    made.gateBits = static_cast<double>(made.output.bits);
    return made;
}

/// Maximum, Minimum, Average and Concatenate make one type of all inputs.
Result<Operator> mergeCommon(std::span<const DataType> inputs, double gateFactor)
{
    const auto same = [&first = inputs.front()](const DataType& other) {
        return other.name == first.name && other.bits == first.bits &&
               other.integer == first.integer && other.isSigned == first.isSigned;
    };
    Operator made{.implementation = "add", .gateFactor = gateFactor};
    if (std::ranges::all_of(inputs, same)) {
        made.output = inputs.front();
    } else {
        const auto widest = widestOf(inputs);
        if (!widest) {
            return fail(widest.error());
        }
        made.output = widest->floatBits > 0
                          ? floatingPoint(widest->floatBits)
                          : fixedPoint(widest->bits, widest->integer, widest->isSigned);
    }
    made.gateBits = static_cast<double>(made.output.bits);
    return made;
}

Result<Operator> mergeMultiply(std::span<const DataType> inputs)
{
    if (inputs.size() < 2) {
        return fail(ErrorCode::InvalidArgument, "A product needs two different inputs.");
    }
    Operator made{.output = inputs.front()};
    for (const DataType& input : inputs.subspan(1)) {
        auto next = multiplier(made.output, input);
        if (!next) {
            return next;
        }
        made = std::move(*next);
    }
    return made;
}

struct Merge {
    std::string_view className;
    Result<Operator> (*make)(std::span<const DataType>);
};
using Inputs = std::span<const DataType>;
constexpr std::array<Merge, 6> kMerges{{
    {"Add", mergeAdd},
    {"Multiply", mergeMultiply},
    {"Maximum", [](Inputs inputs) { return mergeCommon(inputs, 0.2); }},
    {"Minimum", [](Inputs inputs) { return mergeCommon(inputs, 0.2); }},
    {"Average", [](Inputs inputs) { return mergeCommon(inputs, 1.0); }},
    {"Concatenate", [](Inputs inputs) { return mergeCommon(inputs, 0.0); }},
}};

} // namespace

Result<Operator> multiplier(const DataType& weight, const DataType& input)
{
    if (weight.isFloat() || input.isFloat()) {
        return floatOperator(widestFloat(weight, input));
    }
    const Cell& cell =
        kMultipliers[static_cast<std::size_t>(weight.mode)][static_cast<std::size_t>(input.mode)];
    switch (cell.kind) {
    case Kind::Multiply:
        return multiplyFixed(weight, input);
    case Kind::Shift:
        return shiftProduct(weight, input);
    case Kind::Select:
        return select(weight, input, cell.family);
    case Kind::Gate:
        return gate(weight, input, cell.family);
    case Kind::Exclusive:
        return exclusive(weight, input);
    case Kind::AddExponents:
        break;
    }
    const bool isCapped = weight.maxValue != -1 && input.maxValue != -1;
    return addExponents(weight, input, weight.isSigned || input.isSigned,
                        isCapped ? weight.maxValue * input.maxValue : -1);
}

Result<Operator> adder(const DataType& first, const DataType& second)
{
    Operator made{.implementation = "add"};
    if (first.isFloat() || second.isFloat()) {
        made.output = floatingPoint(std::max(first.bits, second.bits)); // fixed widths count, too
        return made;
    }
    // QTools adds {0, 1} to a power of two as if the latter were fixed point.
    const bool isConverted = !(first.isPowerOfTwo() && second.mode == Mode::ZeroOne);
    const auto a = isConverted ? asFixedPoint(first) : Result<DataType>(first);
    const auto b = isConverted ? asFixedPoint(second) : Result<DataType>(second);
    if (!a || !b) {
        return fail(a ? b.error() : a.error());
    }
    const bool isSigned = a->isSigned || b->isSigned;
    const std::int64_t integer = std::max(a->integer, b->integer) + 1;
    const std::int64_t fraction = std::max(a->fraction(), b->fraction());
    made.output = fixedPoint(integer + fraction + (isSigned ? 1 : 0), integer, isSigned);
    return made;
}

Result<Operator> accumulator(const DataType& product, std::int64_t terms)
{
    Operator made{.implementation = "add"};
    if (product.isFloat()) {
        made.output = floatingPoint(product.bits);
        return made;
    }
    const auto fixed = asFixedPoint(product);
    if (!fixed) {
        return fail(fixed.error());
    }
    const int growth =
        terms <= 1 ? 0 : static_cast<int>(std::bit_width(static_cast<std::uint64_t>(terms - 1)));
    made.output = fixedPoint(fixed->bits + growth, fixed->integer + growth, fixed->isSigned);
    return made;
}

Result<Operator> divider(const DataType& numerator, const DataType& denominator)
{
    if (denominator.mode == Mode::Ternary || denominator.mode == Mode::PlusMinusOne ||
        denominator.mode == Mode::ZeroOne) {
        return fail(ErrorCode::InvalidArgument,
                    "A batch normalization cannot divide by a variance of the type " +
                        denominator.name + ".",
                    "", "Quantize the variance with a power-of-two quantizer or quantized_bits.");
    }
    if (numerator.isFloat() || denominator.isFloat()) {
        return floatOperator(widestFloat(numerator, denominator));
    }
    if (!denominator.isPowerOfTwo()) {
        return floatOperator(32); // no fixed-point divider is foreseen
    }
    if (numerator.isPowerOfTwo()) {
        const bool isCapped = numerator.maxValue != -1 && denominator.maxValue != -1;
        Operator made = addExponents(numerator, denominator, true,
                                     isCapped ? numerator.maxValue / denominator.maxValue : -1);
        if (numerator.valueCount && denominator.valueCount) {
            made.output.valueCount = *numerator.valueCount * *denominator.valueCount;
        }
        return made;
    }
    const auto range = exponentRange(denominator);
    if (!range) {
        return fail(range.error());
    }
    Operator made = shift(denominator, numerator, {range->high, range->low},
                          numerator.isSigned || denominator.isSigned);
    if (numerator.mode == Mode::PlusMinusOne || numerator.mode == Mode::ZeroOne) {
        made.output.mode = Mode::PowerOfTwo;
        made.output.name = "quantized_po2";
    }
    return made;
}

DataType squareRoot(DataType variance)
{
    if (variance.isPowerOfTwo()) {
        variance.bits -= 1;
        variance.integer = variance.bits;
        if (variance.maxValue >= 0) {
            variance.maxValue = std::nearbyint(std::sqrt(variance.maxValue));
        }
    }
    return variance;
}

const DataType& Normalization::output() const
{
    if (accumulator) {
        return accumulator->output;
    }
    return multiplier ? multiplier->output : divider.output;
}

Result<Normalization> normalization(const DataType& input, const DataType& gamma,
                                    const DataType& beta, const DataType& variance, bool scale,
                                    bool center)
{
    auto quotient = hw::qtools::divider(scale ? gamma : input, squareRoot(variance));
    if (!quotient) {
        return fail(quotient.error());
    }
    Normalization made{.divider = std::move(*quotient)};
    if (scale) {
        auto product = hw::qtools::multiplier(made.divider.output, input);
        if (!product) {
            return fail(product.error());
        }
        made.multiplier = std::move(*product);
    }
    if (center) {
        auto sum = adder(made.output(), beta);
        if (!sum) {
            return fail(sum.error());
        }
        made.accumulator = std::move(*sum);
    }
    return made;
}

Result<Operator> merge(std::string_view className, std::span<const DataType> inputs)
{
    ensure(!inputs.empty(), "merge: no inputs");
    const auto row = std::ranges::find(kMerges, className, &Merge::className);
    if (row == kMerges.end()) {
        return fail(ErrorCode::InvalidArgument,
                    "QTools knows no merge called " + std::string(className) + ".");
    }
    return row->make(inputs);
}

DataType scaled(DataType type, std::int64_t low, std::int64_t high)
{
    // QTools counts the sign among the bits right of the point here.
    const std::int64_t below = type.bits - type.integer - low;
    type.integer += high;
    type.bits = type.integer + below;
    return type;
}

} // namespace bitscape::hw::qtools
