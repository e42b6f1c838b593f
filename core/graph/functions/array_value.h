// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/tensor/tensor.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bitscape::graph {

/// Types of elements that functions compute with; the values are ONNX' codes.
enum class ElementType {
    Float32 = 1,
    UInt8 = 2,
    Int8 = 3,
    UInt16 = 4,
    Int16 = 5,
    Int32 = 6,
    Int64 = 7,
    Bool = 9,
    Float16 = 10,
    Double = 11,
    UInt32 = 12,
    UInt64 = 13,
    BFloat16 = 16,
    UInt4 = 21,
    Int4 = 22,
    UInt2 = 25,
    Int2 = 26,
};

/// By ONNX' code; nothing for texts, complex numbers and what else no network computes with.
[[nodiscard]] std::optional<ElementType> elementTypeOf(int code);
/// numpy's name: "float32", "int4", "bool".
[[nodiscard]] std::string_view name(ElementType type);
[[nodiscard]] bool isReal(ElementType type);
/// Of integers: whether negative ones exist.
[[nodiscard]] bool isSigned(ElementType type);
/// Bits of one element; 1 for bool.
[[nodiscard]] int bitsOf(ElementType type);
/// Least and greatest integer; of uint64 the greatest as its bits, −1.
struct IntegerRange {
    std::int64_t least = 0, greatest = 0;
};
[[nodiscard]] IntegerRange rangeOf(ElementType type);

/// The number of the real type that is nearest (ties to even; beyond the range: infinite).
[[nodiscard]] double roundedTo(ElementType type, double value);
/// The integer that the type's bits hold, as C++ converts: modulo 2^bits. Bool: 0 or 1.
[[nodiscard]] std::int64_t wrappedTo(ElementType type, std::int64_t value);
/// The integer of the type that is nearest to a whole number: saturating; NaN is 0.
[[nodiscard]] std::int64_t saturatedTo(ElementType type, double value);

/// IEEE 754 half precision and bfloat16 as bits.
[[nodiscard]] double fromFloat16(std::uint16_t bits);
[[nodiscard]] std::uint16_t toFloat16(double value);
[[nodiscard]] double fromBFloat16(std::uint16_t bits);
[[nodiscard]] std::uint16_t toBFloat16(double value);

using Sizes = std::vector<Index>;

/// Product of all sizes; 1 for none.
[[nodiscard]] Index countOf(std::span<const Index> sizes);
/// "2×3"; "scalar" for none.
[[nodiscard]] std::string describeSizes(std::span<const Index> sizes);
/// Elements from one index to the next along every axis.
[[nodiscard]] Sizes stepsOf(const Sizes& sizes);
/// NumPy's rule, aligned at the last axis; nothing where sizes do not fit.
[[nodiscard]] std::optional<Sizes> broadcastSizes(const Sizes& a, const Sizes& b);
/// Per element of `output`, in order: which element of an array of `input` sizes is broadcast to
/// it.
[[nodiscard]] std::vector<Index> broadcastElements(const Sizes& input, const Sizes& output);

/// An array as ONNX means it: a type, all sizes with the batch, and numbers row-major; or type and
/// sizes alone, where numbers come later.
struct ArrayValue {
    ElementType type = ElementType::Float32;
    Sizes sizes;
    bool isKnown = true;                ///< false: no numbers
    std::vector<double> reals;          ///< of a real type, each a number of that type
    std::vector<std::int64_t> integers; ///< of the other types; uint64 by its bits

    [[nodiscard]] int rank() const { return static_cast<int>(sizes.size()); }
    [[nodiscard]] Index count() const { return countOf(sizes); }
    /// Element as a real number, whatever the type.
    [[nodiscard]] double real(Index element) const;
    /// Element as an integer: reals cut towards zero, clamped to what int64 holds.
    [[nodiscard]] std::int64_t integer(Index element) const;
    /// Stores a number: rounded to a real type; integers wrap.
    void set(Index element, double value);
    void setInteger(Index element, std::int64_t value);
    /// Element `from` of an array of the same type.
    void copy(Index element, const ArrayValue& source, Index from);

    bool operator==(const ArrayValue&) const = default;
};

/// All zero.
[[nodiscard]] ArrayValue zeros(ElementType type, Sizes sizes);
/// Converts as ONNX' Cast: reals to integers towards zero, wide integers wrap, any other than 0 is
/// true.
[[nodiscard]] ArrayValue converted(const ArrayValue& value, ElementType type);
/// Numbers as float32, and back: integers beyond 2^24 lose their last digits.
void toFloats(const ArrayValue& value, std::span<float> floats);
[[nodiscard]] ArrayValue fromFloats(ElementType type, Sizes sizes, std::span<const float> floats);

} // namespace bitscape::graph
