// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/io/onnx/export_context.h"

#include <string>
#include <vector>

// Layers of several inputs, joined element by element.
namespace bitscape::io {

struct JoinedInputs {
    std::vector<std::string> tensors; ///< of the rank of the layer's output
    bool areTurned = false;
};

/// The inputs of a layer, turned if all of them lie so. Shorter shapes are broadcast at the last
/// axis, behind the batch.
[[nodiscard]] JoinedInputs inputsOf(ExportContext& context, int layer);
/// The operator between each and the next.
[[nodiscard]] std::string chained(ExportContext& context, const JoinedInputs& inputs,
                                  std::string_view type, const std::string& name);

} // namespace bitscape::io
