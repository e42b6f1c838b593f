// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/op.h"

namespace bitscape::graph {

/// Rounds its input to 8 bits whose scale follows the values themselves, as LiteRT's hybrid kernels
/// do before they multiply with int8 weights. No class of Keras: made by the TFLite importer.
enum class DynamicRange {
    SymmetricSamples,  ///< −127 … 127, one scale per sample
    SymmetricRows,     ///< the same, one scale per row (all but the last axis)
    AsymmetricSamples, ///< −128 … 127 with a zero point
    AsymmetricRows
};
[[nodiscard]] Op dynamicRangeOp(DynamicRange range);

} // namespace bitscape::graph
