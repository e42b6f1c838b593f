// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/io/model_file.h"

namespace bitscape::io {

struct LoadOptions {
    /// Where the architecture is read from, for files that hold weights only: architecture JSON, a
    /// Keras model (its weights are left), or a SavedModel folder. Empty: from the model itself.
    std::string architecture = {};
};

/// loadModel() with options. Keras models may be a `.keras` zip, an HDF5 file, a SavedModel folder
/// (structure only, with a warning), or `arch.json,weights.h5`; weights in the legacy layout or in
/// that of `.weights.h5`, in shards as well (`weights.json`). CorruptFile: weights alone.
[[nodiscard]] Result<ModelFile> loadModel(std::string_view argument, const LoadOptions& options);

} // namespace bitscape::io
