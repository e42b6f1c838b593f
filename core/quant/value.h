// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quant/quantizer.h"

#include <nlohmann/json.hpp>

#include <optional>

// Parameters between Python's types, text and JSON.
namespace bitscape::quant {

[[nodiscard]] inline bool isNone(const Value& value)
{
    return std::holds_alternative<std::monostate>(value);
}
/// The text of a string value; null for anything else.
[[nodiscard]] const std::string* textOf(const Value& value);
/// Numbers and booleans as double.
[[nodiscard]] std::optional<double> numberOf(const Value& value);
/// Numbers of a list or nested list (with its shape), or of a single number (shape {1}).
[[nodiscard]] std::optional<NestedList> listOf(const Value& value);
/// Whether Python's truth test of the value is true.
[[nodiscard]] bool isTruthy(const Value& value);

[[nodiscard]] nlohmann::ordered_json toJson(const ParameterInfo& parameter, const Value& value);
/// nullopt for an object or a ragged list; Keras' objects for arrays and {"__ndarray__": list}
/// count as their list.
[[nodiscard]] std::optional<Value> fromJson(const nlohmann::ordered_json& json);

/// Given parameters with the defaults filled in, converted to the type of their row.
/// InvalidArgument names an unknown parameter and the nearest one, or a value of a wrong type.
[[nodiscard]] Result<Parameters> completeParameters(const QuantizerInfo& info, Parameters given);
[[nodiscard]] const ParameterInfo* findParameter(const QuantizerInfo& info, std::string_view name);

/// How many parameters may be given by position.
[[nodiscard]] std::size_t positionalCount(const QuantizerInfo& info);

/// Failure "NAME: PARAMETER = VALUE, but RULE."
[[nodiscard]] Failure badParameter(const QuantizerInfo& info, std::string_view parameter,
                                   const Value& value, std::string_view rule);

} // namespace bitscape::quant
