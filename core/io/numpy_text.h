// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/tensor/tensor.h"

#include <span>
#include <string>

namespace bitscape::io {

/// An array of float64 as numpy prints it with unlimited threshold, precision 128 and suppressed
/// small numbers: in columns, nested in brackets, lines of at most 75 characters.
/// `values` are row-major and fill the shape; all finite.
[[nodiscard]] std::string numpyText(std::span<const double> values, const Shape& shape);

} // namespace bitscape::io
