// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/io/keras_content.h"

#include <functional>
#include <string>
#include <string_view>

namespace bitscape::io {

/// A `.keras` archive of Keras 2.12 or later.
struct KerasArchive {
    std::string config;   ///< config.json
    KerasContent content; ///< weights; `kerasVersion` from metadata.json
};

/// Unpacks in memory; nothing is written anywhere. Weights as one HDF5 file, in shards, or as npz.
/// CorruptFile: damaged, a name that leads outside, more inside than a model can hold, parts
/// missing.
[[nodiscard]] Result<KerasArchive> readKerasArchive(std::string_view bytes,
                                                    const std::string& where);

/// Bytes of a file beside the list of shards.
using ReadShard = std::function<Result<std::string>(const std::string& name)>;

/// Names of the shards that `model.weights.json` lists, each once; CorruptFile: it is no such list,
/// or a name leads to another folder.
[[nodiscard]] Result<std::vector<std::string>> shardNames(std::string_view json,
                                                          const std::string& where);
/// Whether JSON text lists shards of weights (and is no architecture).
[[nodiscard]] bool listsShards(std::string_view json);
/// All weights of all shards.
[[nodiscard]] Result<KerasContent> readShards(std::string_view json, const std::string& where,
                                              const ReadShard& read);

} // namespace bitscape::io
