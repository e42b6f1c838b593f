// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace bitscape::train {

/// An argument as Python would hold it; monostate is None.
using CallValue = std::variant<std::monostate, bool, double, std::string>;

/// `name(0.01,momentum=0.9)` in parts; the name in lower case. Values are numbers, True, False,
/// None and quoted strings.
struct KerasCall {
    std::string name;
    std::vector<CallValue> positional;
    std::vector<std::pair<std::string, CallValue>> keywords;
};

/// InvalidArgument; `where` (the option the text came from) stands in every error.
[[nodiscard]] Result<KerasCall> parseKerasCall(std::string_view text, std::string_view where);

/// parseKerasCall(toString(c)) is c.
[[nodiscard]] std::string toString(const KerasCall& call);

/// A parameter of a row: name in the order of Keras' constructor, and its default.
struct CallParameter {
    std::string_view name;
    CallValue defaultValue;
};

/// The arguments of a call, bound to a row's parameters.
class CallArguments {
public:
    /// InvalidArgument: too many, unknown (nearest known one named) or doubled arguments.
    [[nodiscard]] static Result<CallArguments>
    bind(const KerasCall& call, std::span<const CallParameter> parameters, std::string_view where);

    /// The value of a parameter of the row (ensured). Booleans read as 0 and 1.
    [[nodiscard]] double number(std::string_view name) const;
    [[nodiscard]] bool flag(std::string_view name) const { return number(name) != 0.0; }
    /// Absent for None.
    [[nodiscard]] std::optional<double> optionalNumber(std::string_view name) const;

private:
    [[nodiscard]] const CallValue& value(std::string_view name) const;
    std::vector<std::pair<std::string, CallValue>> m_values;
};

} // namespace bitscape::train
