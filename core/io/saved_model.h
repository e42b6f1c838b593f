// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"

#include <string>
#include <string_view>

namespace bitscape::io {

/// The model JSON (class_name, config) of a TensorFlow SavedModel folder that Keras 2 wrote: it is
/// in keras_metadata.pb. Unsupported: a SavedModel without it. NotFound: no SavedModel.
[[nodiscard]] Result<std::string> savedModelConfig(const std::string& folder);

/// The same from the bytes of keras_metadata.pb. CorruptFile: damaged, or no model in it.
[[nodiscard]] Result<std::string> readKerasMetadata(std::string_view bytes,
                                                    const std::string& where);

} // namespace bitscape::io
