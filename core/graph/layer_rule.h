// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/json_text.h"
#include "core/graph/configuration.h"
#include "core/graph/layers/layer_kernel.h"
#include "core/graph/shape_rules.h"

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bitscape::graph {

/// A stored weight of a registered layer, in Keras' order.
struct RuleWeight {
    std::string name;              ///< short: "kernel", "recurrent_kernel"
    std::optional<Slot> slot = {}; ///< whose quantizer applies to it
    bool isStored = true;          ///< false: a state that Keras' files leave out
};

/// What a registered layer computes: an immutable value made from its configuration. One class and
/// one registry row (layer_registry.h) make a layer; the rest of the program knows it by these
/// functions alone. Shapes are without batch. Thread: any.
class LayerRule {
public:
    LayerRule() = default;
    virtual ~LayerRule() = default;
    LayerRule(const LayerRule&) = delete;
    LayerRule& operator=(const LayerRule&) = delete;
    LayerRule(LayerRule&&) = delete;
    LayerRule& operator=(LayerRule&&) = delete;

    /// How many inputs it takes: at least, at most.
    struct InputCount {
        std::size_t least = 1, most = 1;
    };
    [[nodiscard]] virtual InputCount inputCount() const { return {}; }
    /// Output, MACs and weights (same order as weights()) for inputs of known rank; sizes may be
    /// open (−1). Errors as shapeOf(). A layer of several outputs lists them in OpShape::parts.
    [[nodiscard]] virtual Result<OpShape> shape(std::span<const Shape> inputs) const = 0;
    [[nodiscard]] virtual std::vector<RuleWeight> weights() const { return {}; }
    /// Changes what an initializer drew for a weight, where a part of it starts otherwise.
    virtual void startWeight(std::size_t /*weight*/, std::span<float> /*values*/) const {}
    /// Where a quantizer may sit, in the order of Keras' arguments.
    [[nodiscard]] virtual std::vector<Slot> slots() const { return {Slot::Activation}; }
    /// Key of the slot's quantizer in QKeras' config.
    [[nodiscard]] virtual std::string_view configKey(Slot slot) const { return keyOf(slot); }
    /// Whether QKeras promotes the slot's quantizer here (see Quantizer::promotedForKernel()).
    [[nodiscard]] virtual bool promotes(Slot slot) const { return isPromotedSlot(slot); }
    /// Whether QKeras keeps quantized weights within ±max(1, quantizer.max()) while training.
    [[nodiscard]] virtual bool clipsWeights() const { return true; }
    /// Whether the plan applies the function, or the quantizer of Slot::Activation, to the output;
    /// false: the kernel itself uses them inside.
    [[nodiscard]] virtual bool activatesOutput() const { return true; }
    /// Function of the output, unless a quantizer replaces it.
    [[nodiscard]] virtual Function function() const { return {}; }
    // ---- masks of sequences, which Keras passes from layer to layer by itself (mask_flow.h)
    /// The layer that makes a mask of this layer's input; null: it makes none.
    [[nodiscard]] virtual std::shared_ptr<const LayerRule> mask() const { return nullptr; }
    /// The mask of its input is that of its output.
    [[nodiscard]] virtual bool passesMask() const { return false; }
    /// The same layer with a mask as its last input; null: it has no use for one.
    [[nodiscard]] virtual std::shared_ptr<const LayerRule> withMask() const { return nullptr; }
    /// No layer of the file: it and the edges from it are made anew when the file is read.
    [[nodiscard]] virtual bool isImplied() const { return false; }

    /// Whether the kernel has a backward pass; without it the layer cannot be trained.
    [[nodiscard]] virtual bool hasGradient() const { return true; }

    /// Holds a function whose name means what Keras 3 means by it.
    [[nodiscard]] virtual bool isOfKeras3() const
    {
        return function().kind == FunctionKind::HardSigmoidKeras3;
    }

    /// Made ready to compute; sizes are closed (ensured).
    [[nodiscard]] virtual std::unique_ptr<LayerKernel>
    kernel(const KernelRequest& request) const = 0;
    /// Keras' config without name, trainable, dtype and quantizers: reading it gives this rule.
    [[nodiscard]] virtual Json config() const = 0;
    /// Wrappers put the quantizers into the config of the layer inside (null: none), and say true.
    virtual bool placeQuantizers(const std::map<Slot, Json>& /*quantizers*/, Json& /*config*/) const
    {
        return false;
    }
};

} // namespace bitscape::graph
