// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/io/keras_architecture.h"
#include "core/io/keras_content.h"

#include <functional>
#include <vector>

// Weights in the layout of Keras 2.12 and later: groups named by the classes of the layers.
namespace bitscape::io {

/// "QConv2DBatchnorm" → "q_conv2d_batchnorm", as Keras names groups.
[[nodiscard]] std::string snakeCase(std::string_view className);

/// Gives every layer of `units` that has a group its weights, in the order in which Keras saves
/// them: `attach(unit, weights)` is called once per layer that has some, and stops at an error.
/// `wants`: whether a layer has weights. CorruptFile naming the layer whose group is missing.
using WantsWeights = std::function<bool(const KerasUnit&)>;
using AttachWeights = std::function<Result<void>(const KerasUnit&, std::vector<StoredWeight>)>;
[[nodiscard]] Result<void> matchTree(std::vector<StoredGroup> groups,
                                     const std::vector<KerasUnit>& units, const WantsWeights& wants,
                                     const AttachWeights& attach);

} // namespace bitscape::io
