// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/io/model_file.h"

namespace bitscape::io {

/// A TFLite file as a network of our layers: its first subgraph, layers named by the tensors they
/// give. Quantized tensors become affine quantizers with the file's scales; constants are stored as
/// code · scale, which quantizes to the codes again. Errors as loadModel().
[[nodiscard]] Result<ModelFile> importTflite(const std::string& path,
                                             const std::shared_ptr<const std::string>& bytes);

} // namespace bitscape::io
