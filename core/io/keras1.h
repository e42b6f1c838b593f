// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/base/json_text.h"
#include "core/io/keras_content.h"

#include <string>
#include <vector>

// What changed since old files were written: layers of Keras 1, and kernels of its backends.
namespace bitscape::io {

/// The model JSON of Keras 1 in the words of Keras 2: classes, keys of their configs, and what is
/// inside wrappers and merges. What has no counterpart stays as it is.
[[nodiscard]] Json asKeras2(Json model);

/// A Merge layer that holds the models it merges, as Keras 1 allowed first in a Sequential model.
[[nodiscard]] bool isMergeOfModels(const std::string& className, const Json& config);

/// Who wrote the weights.
struct WeightsOrigin {
    int major = 2;
    std::string backend; ///< "theano" turned its kernels; empty: not said
};

/// The weights of a layer in the form of Keras 2 on TensorFlow: kernels in the order (spatial
/// axes, in, out) and not turned, gates side by side. `className`, `config`: as asKeras2() says
/// them. Returns whether anything changed. CorruptFile: a kernel of another rank.
[[nodiscard]] Result<bool> modernize(const WeightsOrigin& origin, const std::string& className,
                                     const Json& config, std::vector<StoredWeight>& weights);

} // namespace bitscape::io
