// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"

#include <string>
#include <string_view>

namespace bitscape::io {

enum class FileFormat { Hdf5, Json, KerasZip, Onnx, TfLite, Unknown };

/// What the bytes are, whatever the file is called. Onnx has no mark of its own: it is said where
/// the bytes are a well-formed message with ONNX' fields.
[[nodiscard]] FileFormat formatOf(std::string_view bytes);

/// "a Keras zip (.keras)", …
[[nodiscard]] std::string_view describe(FileFormat format);

/// The refusal for bytes that are no model of ours: Unsupported naming the format where they are a
/// sound file of another kind, CorruptFile where they are damaged or not what `path` claims.
[[nodiscard]] Failure refuseForeign(std::string_view bytes, const std::string& path);

} // namespace bitscape::io
