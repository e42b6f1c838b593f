// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/train/train.h"

#include <string>
#include <string_view>

namespace bitscape::io {

/// A training between two steps as bytes: a line that names the format and its version, a SHA-256
/// of the rest, the numbers in this machine's byte order. A checkpoint is for going on, not for
/// keeping: the trained network is saved by saveKerasH5().
[[nodiscard]] std::string checkpointBytes(const train::TrainState& state);
/// CorruptFile (no checkpoint, damaged), VersionTooNew; `where` names the bytes.
[[nodiscard]] Result<train::TrainState> parseCheckpoint(std::string_view bytes,
                                                        const std::string& where);

/// Atomic (NAME.part, rename). Io, OutOfResources.
[[nodiscard]] Result<void> saveCheckpoint(const std::string& path, const train::TrainState& state);
/// As parseCheckpoint(); NotFound.
[[nodiscard]] Result<train::TrainState> loadCheckpoint(const std::string& path);

} // namespace bitscape::io
