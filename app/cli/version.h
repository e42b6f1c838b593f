// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <nlohmann/json.hpp>

#include <string>

namespace bitscape::cli {

/// Commit, engine variant and library versions as JSON.
[[nodiscard]] nlohmann::ordered_json versionFacts();
[[nodiscard]] std::string versionText();

} // namespace bitscape::cli
