// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/op.h"

namespace bitscape::graph {

/// A layer without inputs that gives its one weight, "value" (Slot::Weight), to every sample. No
/// class of Keras: importers make it of constants that a network computes with.
[[nodiscard]] Op constantOp(const Shape& shape);
/// Whether the op is one of these.
[[nodiscard]] bool isConstant(const Op& op);

} // namespace bitscape::graph
