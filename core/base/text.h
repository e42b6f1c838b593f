// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bitscape {

/// The known word with the least edit distance to `word`; empty if none is near.
[[nodiscard]] std::string nearest(std::string_view word, std::span<const std::string_view> known);
[[nodiscard]] std::string nearest(std::string_view word, std::span<const std::string> known);

[[nodiscard]] std::string join(std::span<const std::string> parts, std::string_view separator);
[[nodiscard]] std::vector<std::string> split(std::string_view text, char separator);
/// Without blanks, tabs and line ends at both ends.
[[nodiscard]] std::string_view trimmed(std::string_view text);

/// Shortest decimal text that reads back as the same double, as Python's repr prints it:
/// "0.5", "1.0", "1e-05", "inf". Not dependent on the locale.
[[nodiscard]] std::string pythonRepr(double value);

/// SHA-256 as 64 lower-case hexadecimal digits.
[[nodiscard]] std::string sha256(std::string_view bytes);

} // namespace bitscape
