// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/graph/configuration.h"
#include "core/io/data_file.h"
#include "core/search/study.h"
#include "core/train/train.h"

#include <nlohmann/json.hpp>

#include <string_view>
#include <vector>

// Parts of a project as JSON, the way project files and JSON reports hold them (core/io/FORMAT.md).
// Writing never fails; reading answers CorruptFile and names the key. Numbers that JSON cannot hold
// (NaN, infinities) are written as null and read as NaN.
namespace bitscape::project {

using Json = nlohmann::ordered_json;

/// Text to JSON; CorruptFile naming `where` if it is none.
[[nodiscard]] Result<Json> parseJson(std::string_view text, const std::string& where);

/// One line; bytes that are no UTF-8 (in paths) are replaced.
[[nodiscard]] std::string dumped(const Json& json);

/// {"name", "input", "fold_batch_norm", "layers": {layer: {slot: quantizer string}}}.
[[nodiscard]] Json toJson(const graph::Configuration& configuration);
[[nodiscard]] Result<graph::Configuration> configurationFrom(const Json& json);

[[nodiscard]] Json toJson(const io::DataRecipe& recipe);
[[nodiscard]] Result<io::DataRecipe> recipeFrom(const Json& json);

[[nodiscard]] Json toJson(const search::StudyDescription& description);
[[nodiscard]] Result<search::StudyDescription> descriptionFrom(const Json& json);

/// The parts of a trial that are no measured numbers: state, seed, assignment, configuration,
/// failure.
[[nodiscard]] Json trialTexts(const search::Trial& trial);
/// Fills those parts.
[[nodiscard]] Result<void> readTrialTexts(const Json& json, search::Trial& trial);

[[nodiscard]] Json toJson(const std::vector<train::HistoryEntry>& history);
[[nodiscard]] Result<std::vector<train::HistoryEntry>> historyFrom(const Json& json);

/// Finite numbers as they are, others as null.
[[nodiscard]] Json finite(double value);

} // namespace bitscape::project
