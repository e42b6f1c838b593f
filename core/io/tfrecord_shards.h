// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Names of TFRecord files.
namespace bitscape::io {

/// ".tfrecord" and its kin, also before ".gz".
[[nodiscard]] bool hasRecordEnding(std::string name);

/// "name-00001-of-00004" as ("name", 1, 4).
struct ShardName {
    std::string_view stem;
    int number = 0;
    int count = 0;
};
[[nodiscard]] std::optional<ShardName> shardName(std::string_view name);

/// Files of a folder that `wanted` takes, sorted by name.
[[nodiscard]] std::vector<std::string>
filesIn(const std::string& folder, const std::function<bool(const std::string& name)>& wanted);
/// The shards "PATH-00000-of-…".
[[nodiscard]] std::vector<std::string> shardsOf(const std::string& path);
/// NotFound unless all shards that their names promise are there, and of one writing.
[[nodiscard]] Result<void> checkShards(const std::vector<std::string>& paths,
                                       const std::string& where);

} // namespace bitscape::io
