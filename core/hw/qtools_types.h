// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/quant/quantizer.h"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Data types as QTools thinks of them: what a wire carries. Names, numbers and quirks are QTools'.
namespace bitscape::hw::qtools {

/// Row and column of the operator tables.
enum class Mode { FixedPoint, PowerOfTwo, Ternary, PlusMinusOne, ZeroOne, Float };

struct DataType {
    std::string name = "quantized_bits"; ///< "quantized_bits", "binary", "floating_point", …
    Mode mode = Mode::FixedPoint;
    std::int64_t bits = 8;
    std::int64_t integer = 0; ///< bits left of the point, without sign
    bool isSigned = true;
    double maxValue = -1;                   ///< of powers of two; −1: no cap
    std::optional<std::int64_t> valueCount; ///< distinct values of a tensor, if they are known

    [[nodiscard]] bool isFloat() const { return mode == Mode::Float; }
    [[nodiscard]] bool isPowerOfTwo() const { return mode == Mode::PowerOfTwo; }
    [[nodiscard]] std::int64_t fraction() const { return bits - (isSigned ? 1 : 0) - integer; }
    bool operator==(const DataType&) const = default;
};

[[nodiscard]] DataType fixedPoint(std::int64_t bits, std::int64_t integer, bool isSigned);
[[nodiscard]] DataType floatingPoint(std::int64_t bits);
[[nodiscard]] DataType powerOfTwo(std::int64_t bits, bool isSigned, double maxValue);

/// Type of what a quantizer puts out. InvalidArgument: QTools knows no type for it.
[[nodiscard]] Result<DataType> typeOf(const quant::Quantizer& quantizer);
/// int8, int16, int32, fp16, fp32; null for other words.
[[nodiscard]] std::optional<DataType> namedType(std::string_view name);
/// A named type or a quantizer's string. InvalidArgument: neither.
[[nodiscard]] Result<DataType> parseType(std::string_view text);

/// What becomes of a type that QTools converts a second time: the same, but for four families that
/// turn into a two-bit ternary.
[[nodiscard]] DataType reconverted(DataType type);

/// Exponents run from −low to +high.
struct ExponentRange {
    std::int64_t low = 0, high = 0;
};
/// Of a power-of-two type. InvalidArgument if its cap is infinite or it has more than 48 bits.
[[nodiscard]] Result<ExponentRange> exponentRange(const DataType& type);
/// The fixed-point type that holds every value of a power-of-two type; other types as they are.
[[nodiscard]] Result<DataType> asFixedPoint(const DataType& type);

/// QTools' JSON of a type.
[[nodiscard]] nlohmann::ordered_json toJson(const DataType& type);

} // namespace bitscape::hw::qtools
