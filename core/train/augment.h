// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/base/rng.h"
#include "core/tensor/tensor.h"
#include "core/train/keras_call.h"

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bitscape::train {

/// Changes one image H×W×C in place, at random.
using Augmentation = std::function<void(MutableTensorView image, Rng& rng)>;

/// A row of the registry.
struct AugmentationInfo {
    std::string_view name; ///< as written: "flip"
    std::string_view shortName;
    std::string_view doc;
    std::vector<CallParameter> parameters;
    Augmentation (*make)(const CallArguments& arguments);
};

[[nodiscard]] std::span<const AugmentationInfo> augmentations();

/// Calls one after another, as "flip,crop(2)" gives them. Empty for an empty text.
/// InvalidArgument names --augment.
[[nodiscard]] Result<std::vector<Augmentation>> makeAugmentations(std::string_view text);

} // namespace bitscape::train
