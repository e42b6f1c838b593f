// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace bitscape {

using Json = nlohmann::ordered_json;

/// Parses foreign JSON. Python's NaN and Infinity are taken as null. CorruptFile naming `where` and
/// the byte: bad syntax, invalid UTF-8, or nested deeper than any model is.
[[nodiscard]] Result<Json> parseJson(std::string_view text, const std::string& where);

/// Member of an object; null if it is absent or `object` is none.
[[nodiscard]] const Json& member(const Json& object, const char* key);

} // namespace bitscape
