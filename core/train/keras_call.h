// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"

#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace bitscape::train {

/// An argument as Python would hold it; monostate is None.
using CallValue = std::variant<std::monostate, bool, double, std::string, std::vector<double>>;

/// `name(0.01,momentum=0.9)` in parts; the name in lower case. Values are numbers, True, False,
/// None, quoted strings and lists of numbers.
struct KerasCall {
    std::string name;
    std::vector<CallValue> positional;
    std::vector<std::pair<std::string, CallValue>> keywords;
};

/// InvalidArgument; `where` (the option the text came from) stands in every error.
[[nodiscard]] Result<KerasCall> parseKerasCall(std::string_view text, std::string_view where);

/// parseKerasCall(toString(c)) is c.
[[nodiscard]] std::string toString(const KerasCall& call);
/// As Python prints it: True, 0.5, None, [1.0,2.0].
[[nodiscard]] std::string toString(const CallValue& value);

/// A parameter of a row, in the order of Keras' constructor. Its default decides what it may be:
/// texts and lists stay such, True and False are numbers too, None may become a number.
struct CallParameter {
    std::string_view name;
    CallValue defaultValue;
    std::string_view doc = {};
    double low = -std::numeric_limits<double>::infinity();  ///< least number
    double below = std::numeric_limits<double>::infinity(); ///< numbers are less than this
};

/// The arguments of a call, bound to a row's parameters.
class CallArguments {
public:
    /// InvalidArgument: too many, unknown (nearest known one named) or doubled arguments, values of
    /// another type or beyond their range.
    [[nodiscard]] static Result<CallArguments>
    bind(const KerasCall& call, std::span<const CallParameter> parameters, std::string_view where);

    /// The value of a parameter of the row (ensured). Booleans read as 0 and 1.
    [[nodiscard]] double number(std::string_view name) const;
    [[nodiscard]] bool flag(std::string_view name) const { return number(name) != 0.0; }
    /// Absent for None.
    [[nodiscard]] std::optional<double> optionalNumber(std::string_view name) const;
    [[nodiscard]] const std::string& text(std::string_view name) const;
    [[nodiscard]] const std::vector<double>& list(std::string_view name) const;

private:
    [[nodiscard]] const CallValue& value(std::string_view name) const;
    std::vector<std::pair<std::string, CallValue>> m_values;
};

/// Whether a call means the row: by its name in any case, with or without underscores.
[[nodiscard]] bool isNamed(std::string_view row, std::string_view called);
/// InvalidArgument "There is no WHAT 'CALLED'." with the nearest known name.
[[nodiscard]] Failure unknownName(std::string_view what, std::string_view called,
                                  const std::vector<std::string>& known, std::string_view where);

/// The row of a registry (rows have `name` and `shortName`) that the call names.
template <class Row>
Result<const Row*> findRow(std::span<const Row> rows, const KerasCall& call, std::string_view what,
                           std::string_view where)
{
    std::vector<std::string> known;
    for (const Row& row : rows) {
        if (isNamed(row.name, call.name) || isNamed(row.shortName, call.name)) {
            return &row;
        }
        known.emplace_back(row.name);
    }
    return unknownName(what, call.name, known, where);
}

} // namespace bitscape::train
