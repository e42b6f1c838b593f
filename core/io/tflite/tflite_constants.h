// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/io/tflite/tflite_model.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace bitscape::io {

/// The integers (or codes) of a constant; int4 is unpacked. Nothing for other types.
[[nodiscard]] std::optional<std::vector<std::int64_t>> integersOf(const TfliteTensor& tensor);
/// The values of a constant as float32: code less zero point, times scale, where it is quantized.
[[nodiscard]] std::optional<std::vector<float>> realsOf(const TfliteTensor& tensor);

} // namespace bitscape::io
