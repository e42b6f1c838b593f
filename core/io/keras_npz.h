// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/io/keras_content.h"

#include <string>
#include <string_view>

namespace bitscape::io {

/// Reads `model.weights.npz`: per group an .npy whose one element is a pickled dictionary of
/// arrays. The pickle is not run: only what Python writes for such a dictionary is understood, and
/// nothing is looked up or called. CorruptFile: anything else in it, or damage; names the group.
[[nodiscard]] Result<KerasContent> readKerasNpz(std::string_view bytes, const std::string& where);

} // namespace bitscape::io
