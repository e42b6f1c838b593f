// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/op.h"
#include "core/tensor/tensor.h"

#include <string>

namespace bitscape::io {

/// Statements that make y[] of x0[], rows × channels floats.
[[nodiscard]] std::string cFunction(const graph::Function& function, Index rows, Index channels);

} // namespace bitscape::io
