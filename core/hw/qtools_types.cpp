// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/hw/qtools_types.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>

namespace bitscape::hw::qtools {

namespace {

struct Conversion {
    std::string_view quantizer;
    DataType (*convert)(const quant::Quantizer&);
    bool survivesReconversion = true;
};

std::int64_t bitsOf(const quant::Quantizer& q)
{
    return static_cast<std::int64_t>(q.number("bits"));
}

std::int64_t integerOf(const quant::Quantizer& q)
{
    return static_cast<std::int64_t>(q.number("integer"));
}

DataType fixedOf(const quant::Quantizer& q, bool isSigned)
{
    DataType type = fixedPoint(bitsOf(q), integerOf(q), isSigned);
    type.name = q.info().name;
    return type;
}

DataType reluOf(const quant::Quantizer& q)
{
    DataType type = fixedOf(q, q.number("negative_slope") != 0.0);
    if (type.bits == 1 && type.integer == 1) {
        type.mode = Mode::ZeroOne;
    }
    return type;
}

DataType tanhOf(const quant::Quantizer& q)
{
    DataType type = fixedPoint(bitsOf(q), -1, true); // QTools never sets its integer bits
    type.name = q.info().name;
    return type;
}

DataType oneBit(std::string_view name, bool isZeroOne)
{
    return {.name = std::string(name),
            .mode = isZeroOne ? Mode::ZeroOne : Mode::PlusMinusOne,
            .bits = 1,
            .integer = 1,
            .isSigned = !isZeroOne};
}

DataType ternary(std::string_view name)
{
    return {.name = std::string(name), .mode = Mode::Ternary, .bits = 2, .integer = 2};
}

/// Codes of that many bits whose point is the scale's business.
DataType codesOf(const quant::Quantizer& q)
{
    return fixedPoint(q.bits(), 0, q.isSigned());
}

DataType tensorquantFixedOf(const quant::Quantizer& q)
{
    return fixedPoint(bitsOf(q), bitsOf(q) - 1 - static_cast<std::int64_t>(q.number("fraction")),
                      true);
}

/// QTools reads a cap of 0 as no cap.
double capOf(const quant::Quantizer& q)
{
    const double cap = q.number("max_value", 0.0);
    return cap == 0.0 ? -1.0 : cap;
}

using Q = const quant::Quantizer&;

constexpr std::array<Conversion, 24> kConversions{{
    {"quantized_bits", [](Q q) { return fixedOf(q, q.number("keep_negative", 1.0) != 0.0); }},
    {"quantized_tanh", tanhOf, false},
    {"quantized_ulaw", [](Q q) { return fixedOf(q, true); }, false},
    {"quantized_relu", reluOf},
    {"binary", [](Q q) { return oneBit("binary", q.number("use_01") != 0.0); }},
    {"stochastic_binary", [](Q) { return oneBit("stochastic_binary", false); }, false},
    {"bernoulli", [](Q) { return oneBit("bernoulli", true); }, false},
    {"ternary", [](Q) { return ternary("ternary"); }},
    {"stochastic_ternary", [](Q) { return ternary("stochastic_ternary"); }},
    {"quantized_po2", [](Q q) { return powerOfTwo(bitsOf(q), true, capOf(q)); }},
    {"quantized_relu_po2", [](Q q) { return powerOfTwo(bitsOf(q), false, capOf(q)); }},
    // Unknown to QTools: what they are in hardware.
    {"affine", codesOf},
    {"lsq", codesOf},
    {"pact", codesOf},
    {"quantized_bits_featuremap", codesOf},
    {"quantized_bits_learnable_po2", codesOf},
    {"quantized_bits_msqe_po2", codesOf},
    {"minifloat", [](Q q) { return floatingPoint(q.bits()); }},
    {"tensorquant_fixed", tensorquantFixedOf},
    {"tensorquant_logarithmic", [](Q q) { return powerOfTwo(q.bits(), true, -1.0); }},
    {"tensorquant_binary", [](Q) { return oneBit("binary", false); }},
    {"tensorquant_ternary", [](Q) { return ternary("ternary"); }},
    {"tensorquant_sparse", [](Q q) { return floatingPoint(q.bits()); }},
    {"tensorquant_none", [](Q q) { return floatingPoint(q.bits()); }},
}};

} // namespace

DataType fixedPoint(std::int64_t bits, std::int64_t integer, bool isSigned)
{
    return {.bits = bits, .integer = integer, .isSigned = isSigned};
}

DataType floatingPoint(std::int64_t bits)
{
    return {.name = "floating_point", .mode = Mode::Float, .bits = bits, .integer = -1};
}

DataType powerOfTwo(std::int64_t bits, bool isSigned, double maxValue)
{
    return {.name = isSigned ? "quantized_po2" : "quantized_relu_po2",
            .mode = Mode::PowerOfTwo,
            .bits = bits,
            .integer = bits,
            .isSigned = isSigned,
            .maxValue = maxValue};
}

Result<DataType> typeOf(const quant::Quantizer& quantizer)
{
    const auto row = std::ranges::find(kConversions, quantizer.info().name, &Conversion::quantizer);
    if (row == kConversions.end()) {
        return fail(ErrorCode::InvalidArgument,
                    "QTools knows no data type for the quantizer " + quantizer.toString() + ".", "",
                    "Estimates of energy need quantized_bits, quantized_relu, binary, ternary or a "
                    "power-of-two quantizer here.");
    }
    return row->convert(quantizer);
}

std::optional<DataType> namedType(std::string_view name)
{
    static constexpr std::array<std::string_view, 5> kNames{"int8", "int16", "int32", "fp16",
                                                            "fp32"};
    const std::array<DataType, 5> types{fixedPoint(8, 0, true), fixedPoint(16, 7, true),
                                        fixedPoint(32, 10, true), floatingPoint(16),
                                        floatingPoint(32)};
    const auto found = std::ranges::find(kNames, name);
    if (found == kNames.end()) {
        return std::nullopt;
    }
    return types[static_cast<std::size_t>(found - kNames.begin())];
}

Result<DataType> parseType(std::string_view text)
{
    if (const auto named = namedType(text)) {
        return *named;
    }
    const auto quantizer = quant::parseQuantizer(text);
    if (!quantizer) {
        Error error = quantizer.error();
        error.hint += std::string(error.hint.empty() ? "" : " ") +
                      "The named types are int8, int16, int32, fp16 and fp32.";
        return fail(std::move(error));
    }
    return typeOf(**quantizer);
}

DataType reconverted(DataType type)
{
    const auto row = std::ranges::find(kConversions, type.name, &Conversion::quantizer);
    if (row != kConversions.end() && !row->survivesReconversion) {
        return ternary("stochastic_ternary");
    }
    return type;
}

Result<ExponentRange> exponentRange(const DataType& type)
{
    constexpr std::int64_t kMaxBits = 48; // exponents of 2^47 stay far from int64's end
    const std::int64_t n = type.bits - (type.isSigned ? 1 : 0);
    if (n > kMaxBits) {
        return fail(ErrorCode::InvalidArgument, "A power of two with " + std::to_string(type.bits) +
                                                    " bits has exponents beyond all numbers.");
    }
    const std::int64_t low = n >= 1 ? std::int64_t{1} << (n - 1) : 1;
    std::int64_t high = low - 1;
    if (type.maxValue != -1) {
        if (!std::isfinite(type.maxValue)) {
            return fail(ErrorCode::InvalidArgument,
                        "The largest value of a power-of-two quotient is infinite.");
        }
        const double cap = type.maxValue <= 0 ? 0.0 : std::ceil(std::log2(type.maxValue));
        high = std::min(static_cast<std::int64_t>(cap), high);
    }
    return ExponentRange{low, std::max<std::int64_t>(0, high)};
}

Result<DataType> asFixedPoint(const DataType& type)
{
    if (!type.isPowerOfTwo()) {
        return type;
    }
    const auto range = exponentRange(type);
    if (!range) {
        return fail(range.error());
    }
    return fixedPoint((type.isSigned ? 1 : 0) + range->low + range->high, range->high,
                      type.isSigned);
}

nlohmann::ordered_json toJson(const DataType& type)
{
    nlohmann::ordered_json json;
    json["quantizer_type"] = type.name;
    const int sign = type.isSigned ? 1 : 0;
    switch (type.mode) {
    case Mode::Float:
        json["bits"] = type.bits;
        break;
    case Mode::PowerOfTwo:
        json["bits"] = type.bits;
        json["is_signed"] = sign;
        json["max_value"] = type.maxValue;
        break;
    case Mode::Ternary: // whatever it carries inside
        json["bits"] = 2;
        json["int_bits"] = 2;
        json["is_signed"] = 1;
        json["values"] = {0, -1, 1};
        break;
    case Mode::PlusMinusOne:
    case Mode::ZeroOne:
        json["bits"] = type.bits;
        json["int_bits"] = type.integer;
        json["is_signed"] = sign;
        json["values"] = type.mode == Mode::ZeroOne ? nlohmann::ordered_json{0, 1}
                                                    : nlohmann::ordered_json{-1, 1};
        break;
    case Mode::FixedPoint:
        json["bits"] = type.bits;
        json["int_bits"] = type.integer + sign; // as hardware libraries count it
        json["is_signed"] = sign;
        break;
    }
    return json;
}

} // namespace bitscape::hw::qtools
