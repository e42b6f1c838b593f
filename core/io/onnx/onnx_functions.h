// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/io/onnx/onnx_builder.h"

namespace bitscape::io {

/// Makes of a node what can always be made: constants if its outputs do not depend on the network's
/// inputs, else the layer that runs its function, else an unsupported layer with the reason.
[[nodiscard]] Result<void> mapFunction(OnnxBuilder& builder, const OnnxNode& node);

} // namespace bitscape::io
