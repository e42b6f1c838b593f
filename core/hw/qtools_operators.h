// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/hw/qtools_types.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

// The operators that QTools puts between wires: what they are made of, what type leaves them, how
// large they count in the energy model. Pure functions.
namespace bitscape::hw::qtools {

struct Operator {
    std::string implementation; ///< "mul", "mux", "xor", "and", "shifter" or "add"
    DataType output;
    double gateFactor = 1; ///< energy = gateFactor · unit energy(implementation, gateBits)
    double gateBits = 0;   ///< need not be whole
};

/// weight × input.
[[nodiscard]] Result<Operator> multiplier(const DataType& weight, const DataType& input);
/// first + second, one bit wider.
[[nodiscard]] Result<Operator> adder(const DataType& first, const DataType& second);
/// Sum of `terms` products.
[[nodiscard]] Result<Operator> accumulator(const DataType& product, std::int64_t terms);
/// numerator / denominator. InvalidArgument: the denominator is binary or ternary.
[[nodiscard]] Result<Operator> divider(const DataType& numerator, const DataType& denominator);
/// Square root as QTools takes the standard deviation of a variance.
[[nodiscard]] DataType squareRoot(DataType variance);
/// The stages of a stand-alone batch normalization y = gamma / deviation · x + beta.
struct Normalization {
    Operator divider;                    ///< gamma (x without scale) over the deviation
    std::optional<Operator> multiplier;  ///< quotient × x; with scale
    std::optional<Operator> accumulator; ///< + beta; with center

    /// Type that leaves the last stage.
    [[nodiscard]] const DataType& output() const;
};
[[nodiscard]] Result<Normalization> normalization(const DataType& input, const DataType& gamma,
                                                  const DataType& beta, const DataType& variance,
                                                  bool scale, bool center);
/// Add, Concatenate, … by Keras class name; at least one input. InvalidArgument: no such merge.
[[nodiscard]] Result<Operator> merge(std::string_view className, std::span<const DataType> inputs);

/// The type with its range moved by the scales of auto_po2: 2^low … 2^high.
[[nodiscard]] DataType scaled(DataType type, std::int64_t low, std::int64_t high);

} // namespace bitscape::hw::qtools
