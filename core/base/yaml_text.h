// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/base/json_text.h"

#include <string>
#include <string_view>

namespace bitscape {

/// Parses foreign YAML into the values JSON has: plain scalars become null, booleans, integers and
/// numbers as in YAML 1.2's core schema, quoted ones stay texts. CorruptFile naming `where` and the
/// line: bad syntax, nested deeper than any configuration is, keys that are no texts, or aliases
/// that would grow beyond a bounded number of values.
[[nodiscard]] Result<Json> parseYaml(std::string_view text, const std::string& where);

/// YAML of a JSON value: objects in blocks, lists of plain values in one line.
[[nodiscard]] std::string toYaml(const Json& value);

} // namespace bitscape
