// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/io/model_file.h"
#include "core/io/onnx/onnx_model.h"

#include <map>
#include <memory>
#include <span>
#include <string>

namespace bitscape::io {

struct OnnxMapping;

/// Makes a network of an ONNX model. Layers are named by the tensors they give, inputs by theirs.
/// Samples are run one by one where every input's first size is open or 1 and every output keeps
/// it; otherwise each array is taken whole (graph::BatchAxis::None). What is not covered becomes an
/// UnsupportedOp with its reason. CorruptFile: a tensor that nothing makes or two nodes do, a
/// cycle.
[[nodiscard]] Result<ModelFile> importOnnx(const OnnxModel& model, const std::string& where);
/// The same with other ways to make layers of nodes than nativeMappings(); none: every node becomes
/// the layer that runs its function.
[[nodiscard]] Result<ModelFile> importOnnx(const OnnxModel& model, const std::string& where,
                                           std::span<const OnnxMapping> mappings);

/// Arrays for the inputs of a network, by name, whole as ONNX means them.
using OnnxFeed = std::map<std::string, Tensor>;

/// The network for these inputs alone: what they decide is computed while it is made, sizes among
/// it, and its outputs are constants. For files whose sizes depend on numbers or sizes that are
/// fed; `file` is of the format "onnx" and holds its bytes. ShapeMismatch: an array is missing.
[[nodiscard]] Result<ModelFile> computeOnnx(const ModelFile& file, const OnnxFeed& feed);

/// Reads and imports the bytes of a file; they are kept in ModelFile::bytes.
[[nodiscard]] Result<ModelFile> readOnnxModel(const std::string& where,
                                              const std::shared_ptr<const std::string>& bytes);

} // namespace bitscape::io
