// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/layer_registry.h"
#include "core/graph/layer_rule.h"

namespace bitscape::graph {

/// Keras' RepeatVector: a vector becomes a sequence of copies.
[[nodiscard]] LayerInfo repeatVectorLayer();
/// Keras' Masking: steps whose values all equal a number are left out further on.
[[nodiscard]] LayerInfo maskingLayer();
/// Keras' Embedding: a table looked up by index; indices come as floats. What is no index of the
/// table gives NaN, as TensorFlow has no value for it either.
[[nodiscard]] LayerInfo embeddingLayer();

/// The step of a sequence counts only if all its masks say so: n masks to one. A layer of its own,
/// "Mask", that no file names.
[[nodiscard]] RuleOp joinedMasks();
/// A layer made by LayerRule::mask().
[[nodiscard]] RuleOp maskLayer(std::shared_ptr<const LayerRule> rule);
/// GlobalAveragePooling1D of a masked sequence: the mean of the steps that count.
[[nodiscard]] RuleOp maskedMean(bool keepDimensions);

} // namespace bitscape::graph
