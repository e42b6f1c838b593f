// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/onnx/onnx_builder.h"

namespace bitscape::io {

std::span<const OnnxMapping> nativeMappings()
{
    return {};
}

} // namespace bitscape::io
