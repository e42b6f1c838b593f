// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quant/quantizer.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bitscape::quant {

/// An argument of a call as written.
struct ParsedArgument {
    std::string key; ///< empty: by position
    Value value;
    std::size_t position = 0; ///< of its first character in the text
};

/// `name` or `name(arguments)`.
struct ParsedCall {
    std::string name;
    std::vector<ParsedArgument> arguments;
};

/// Reads QKeras' grammar: numbers, True, False, None, quoted texts, lists `[a b]` (separated by
/// blanks; ours may be nested and short); positional arguments before keywords. InvalidArgument:
/// `where` holds the text and the position, counted from 1.
[[nodiscard]] Result<ParsedCall> parseCall(std::string_view text);

/// A whole or decimal number as Python writes it, as std::int64_t or double; nullopt for other
/// words and for NaN.
[[nodiscard]] std::optional<Value> numberFrom(std::string_view word);

/// "TEXT, position N".
[[nodiscard]] std::string placeIn(std::string_view text, std::size_t position);

} // namespace bitscape::quant
