// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/io/keras_architecture.h"
#include "core/io/keras_content.h"

namespace bitscape::io {

/// Attaches stored weights, in whichever layout they are. Legacy: by the layers' names, or in
/// their order where the names differ (as Keras does); models inside have all of theirs under
/// their own name. Keras 3: by the names that groups carry, else by class and count. Weights of
/// Keras 1 and of the Theano backend are brought into today's form. CorruptFile: missing, too
/// many, not finite; names layer and weight.
[[nodiscard]] Result<void> attachWeights(KerasArchitecture& network, KerasContent content);

} // namespace bitscape::io
