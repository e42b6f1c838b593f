// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/project/exports.h"

namespace bitscape::project {

/// The network of a request for formats whose softmax, sigmoid and tanh read codes: where such a
/// function is part of a layer of weights and no quantizer takes its place, it becomes a layer of
/// its own, "NAME/softmax", and what it reads is quantized to 8 bits by the range that the project's
/// data show. Without data the network stays as it is.
[[nodiscard]] Result<io::ExportInput> withSplitFunctions(const ExportRequest& request,
                                                         const JobContext& job);

} // namespace bitscape::project
