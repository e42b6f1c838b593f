// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/integer/program.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

// Pieces of C text. Used inside core/io only.
namespace bitscape::io {

/// A C identifier: other characters become '_', a leading digit gets one before it.
[[nodiscard]] std::string identifier(std::string_view text);
/// "int8_t", …; "float".
[[nodiscard]] std::string_view cType(graph::Storage storage);
/// A number that C reads back as exactly this.
[[nodiscard]] std::string cNumber(double value);
[[nodiscard]] std::string cNumber(float value);
[[nodiscard]] std::string cNumber(std::int64_t value);

/// `static const TYPE NAME[N] = {…};` with lines of bounded length.
[[nodiscard]] std::string cArray(std::string_view type, std::string_view name,
                                 std::span<const std::string> values);
template <class Number>
[[nodiscard]] std::string cNumbers(std::string_view type, std::string_view name,
                                   std::span<const Number> numbers)
{
    std::vector<std::string> values;
    for (const Number number : numbers) {
        if constexpr (std::is_floating_point_v<Number>) {
            values.push_back(cNumber(number));
        } else {
            values.push_back(cNumber(static_cast<std::int64_t>(number)));
        }
    }
    return cArray(type, name, values);
}

/// Codes in their own width: whole bytes in arrays of that type, others packed in uint32_t.
struct PackedArray {
    std::string declaration;
    std::string prefix, suffix; ///< of the expression that reads the code whose index is between
};
[[nodiscard]] PackedArray packedArray(std::string_view net, std::string_view name,
                                      const graph::WeightCodes& codes);

/// What every header begins with: rounding and unpacking.
[[nodiscard]] std::string cHelpers(std::string_view net);
/// The name of a rule in those helpers.
[[nodiscard]] std::string cRule(std::string_view net, graph::ScaleRule rule);

} // namespace bitscape::io
