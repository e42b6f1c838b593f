// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/graph/configuration.h"
#include "core/graph/op.h"
#include "core/io/json_text.h"

#include <string>
#include <string_view>
#include <vector>

namespace bitscape::io {

/// What a layer of a Keras file means to us.
struct LayerMeaning {
    graph::Op op; ///< UnsupportedOp with a reason where it means nothing
    graph::LayerQuantizers quantizers;
    /// Axes that the op takes for the last one, as the file names them (counted with the batch);
    /// must turn out to be the last axis. 0: none.
    int lastAxis = 0;
};

/// What the meaning of a config depends on besides itself.
struct KerasDialect {
    int major = 2; ///< of the Keras version that wrote the file
};

/// Reads one layer. `className` and `config` as in the file; wrappers whose meaning is clear
/// (PruneLowMagnitude) are looked through. Classes that are not covered, foreign ones, and settings
/// that are not covered become UnsupportedOp; values of a wrong type or out of range are
/// CorruptFile naming the key.
[[nodiscard]] Result<LayerMeaning> readLayerConfig(const std::string& className, const Json& config,
                                                   const KerasDialect& dialect);

/// Short names of the weights that an op stores, in Keras' order.
[[nodiscard]] std::vector<std::string_view> weightNames(const graph::Op& op);

/// Whether the config of a quantized class holds quantizer fields (QDense, QConv2D, …).
[[nodiscard]] bool isQuantizedClass(std::string_view className);

/// Keras' name of a function as an activation string ("relu"); empty if it takes an object.
[[nodiscard]] std::string_view activationName(const graph::Function& function);

} // namespace bitscape::io
