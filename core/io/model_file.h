// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/graph/configuration.h"
#include "core/graph/graph.h"
#include "core/io/import_note.h"

#include <memory>
#include <string>
#include <string_view>

namespace bitscape::io {

/// A model as it was read: the graph with weights, the quantizers the file holds, and where it came
/// from.
struct ModelFile {
    graph::GraphPtr graph;
    graph::Configuration
        quantizers;           ///< as in the file; name "imported", or "float" if there are none
    std::string path;         ///< argument as given
    std::string format;       ///< "keras-h5", "keras-json", "keras-zip", "onnx", "tflite", …
    std::string producer;     ///< "keras 2.15.0", "tf.keras", …
    std::string kerasVersion; ///< may be empty
    std::string sha256;       ///< of the file (of architecture + weights for a pair)
    std::string architecture; ///< model JSON as in the file (class_name, config); empty: none
    /// Original bytes of the file (of the weights for a pair); kept in projects.
    std::shared_ptr<const std::string> bytes;
    Warnings warnings;
    ImportNotes notes; ///< what was read, converted, left out, in the order of the file
};

/// Reads MODEL: `x.h5`, `x.hdf5` or `arch.json,weights.h5` (or `arch.json` alone: shapes and
/// structure, weights zero, with a warning). Unsupported layers are kept as UnsupportedOp; nothing
/// is run. NotFound, CorruptFile (not HDF5, truncated, missing or wrong-shaped or NaN weights:
/// layer and weight named), Unsupported (format not covered).
[[nodiscard]] Result<ModelFile> loadModel(std::string_view argument);
/// From memory, as a project keeps it: ModelFile::architecture and ModelFile::bytes. Whatever the
/// bytes are, they are read by the reader of their format.
[[nodiscard]] Result<ModelFile> loadModelFromMemory(std::string_view architecture,
                                                    std::shared_ptr<const std::string> bytes);

/// Writes graph and weights as a full Keras model in the legacy HDF5 layout (the layer classes and
/// configs of the file it came from; quantizers of `quantizers` as QKeras layers). Atomic.
[[nodiscard]] Result<void> saveKerasH5(const std::string& path, const graph::Graph& graph,
                                       const graph::WeightSet& weights,
                                       const graph::Configuration& quantizers);
/// The bytes of such a file.
[[nodiscard]] Result<std::string> toKerasH5(const graph::Graph& graph,
                                            const graph::WeightSet& weights,
                                            const graph::Configuration& quantizers);
/// Keras model JSON (class_name, config, keras_version, backend).
[[nodiscard]] std::string toKerasJson(const graph::Graph& graph,
                                      const graph::Configuration& quantizers);

} // namespace bitscape::io
