// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/io/tflite/tflite_model.h"

#include <string>

namespace bitscape::io {

/// The FlatBuffer of a model with one subgraph. Constants are aligned to 16 bytes; tensors without
/// data take any number of samples along their first axis. Operator names are ignored, their
/// options complete. `runtime`: the oldest release of the runtime that knows the operators.
[[nodiscard]] std::string writeTflite(const TfliteModel& model, const std::string& runtime);

} // namespace bitscape::io
