// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/base/json_text.h"
#include "core/graph/configuration.h"
#include "core/graph/op.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bitscape::graph {

class LayerReading;

/// A row of the registry: a kind of layer by its names in files.
struct LayerInfo {
    std::string_view className;     ///< Keras' class
    std::string_view quantizedName; ///< QKeras' class of the same layer with quantizers; empty:
                                    ///< none; the same as className: only QKeras has the layer
    std::string_view doc;           ///< one sentence: what it computes
    void (*read)(LayerReading& reading); ///< config → reading.meaning
};

/// All rows, in the order of documentation.
[[nodiscard]] std::span<const LayerInfo> layerKinds();
/// By either name; null if unknown.
[[nodiscard]] const LayerInfo* findLayerKind(std::string_view className);

/// What a layer of a Keras file means to us.
struct LayerMeaning {
    Op op = UnsupportedOp{}; ///< UnsupportedOp with a reason where it means nothing
    LayerQuantizers quantizers;
    /// Axes that the op takes for the last one, as the file names them (counted with the batch);
    /// must turn out to be the last axis. 0: none.
    int lastAxis = 0;
    /// What it is if that is not the last axis.
    Op otherwise = UnsupportedOp{};
    /// How many tensors it gives; more than one: the graph layer gives them as one flat tensor,
    /// SelectOp layers take it apart.
    int outputs = 1;
    Warnings notes = {}; ///< where the tool of origin does otherwise; `where` is still empty
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
/// The same through given rows instead of layerKinds().
[[nodiscard]] Result<LayerMeaning> readLayerConfig(const std::string& className, const Json& config,
                                                   const KerasDialect& dialect,
                                                   std::span<const LayerInfo> kinds);

/// No layer of the file: a part of another layer's output, or a mask that Keras passes silently.
[[nodiscard]] bool isImplied(const Op& op);

/// Short names of the weights that files hold of an op, in Keras' order.
[[nodiscard]] std::vector<std::string> weightNames(const Op& op);

/// Keras' name of a function as an activation string ("relu"); empty if it takes an object.
[[nodiscard]] std::string_view activationName(const Function& function);
/// Parameters of a ReLU object.
[[nodiscard]] Json reluConfig(const Function& function);
/// The activation field of a config: a name, or an object where a name does not say enough.
[[nodiscard]] Json activationField(const Function& function);

} // namespace bitscape::graph
