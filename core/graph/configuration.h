// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/graph/graph.h"
#include "core/quant/quantizer.h"

#include <map>
#include <span>
#include <string>
#include <string_view>

namespace bitscape::graph {

/// Which tensor of a layer a quantizer sits on. Names in files: keyOf(slot).
enum class Slot {
    Kernel,
    Depthwise,
    Pointwise,
    Recurrent, ///< kernel of the state of a recurrent layer
    Weight,    ///< of QScaleShift
    Bias,
    Gamma,
    Beta,
    Mean,
    Variance,
    Inverse,
    State,               ///< of a recurrent layer, each time it enters
    Average,             ///< 1 / size of the window of QAveragePooling2D
    RecurrentActivation, ///< of the gates
    DepthwiseActivation, ///< between the stages of QSeparableConv2DTranspose
    PointwiseActivation,
    Activation, ///< of the layer's output; it replaces the layer's activation function
};

[[nodiscard]] std::string_view name(Slot slot); ///< "kernel", "depthwise", …, "activation"
[[nodiscard]] std::span<const Slot> allSlots();
/// Key in layer configs: "kernel_quantizer", …; activations "activation", "recurrent_activation", …
[[nodiscard]] std::string_view keyOf(Slot slot);
/// Whether QKeras promotes quantizers there (Quantizer::promotedForKernel()).
[[nodiscard]] bool isPromotedSlot(Slot slot);
/// "kernel_quantizer", "activation", … to the slot; activations also as "activation_quantizer", ….
[[nodiscard]] const Slot* findSlot(std::string_view key);
/// Slots that this layer has, in the order of its weights, Activation last.
[[nodiscard]] std::vector<Slot> slotsOf(const Layer& layer);
/// The slot whose quantizer applies to weight `index` of the layer; null if none.
[[nodiscard]] const Slot* slotOfWeight(const Layer& layer, int index);

using LayerQuantizers = std::map<Slot, quant::QuantizerPtr>; ///< no null entries

/// Which quantizer sits on which tensor of which layer: a value. A layer or slot that is absent is
/// float. Kernel-type slots hold the quantizer as written; execution applies promotedForKernel() to
/// layers that QKeras would build (all that carry a quantizer here).
struct Configuration {
    std::string name = "float";
    std::map<std::string, LayerQuantizers, std::less<>> layers; ///< by layer name
    quant::QuantizerPtr
        input; ///< applied to every network input before the first layer; may be null
    bool foldBatchNorm =
        false; ///< fold BN into the preceding convolution or dense layer before quantizing

    [[nodiscard]] quant::QuantizerPtr find(std::string_view layer, Slot slot) const;
    void set(const std::string& layer, Slot slot, quant::QuantizerPtr quantizer); ///< null erases
    [[nodiscard]] bool isFloat() const { return layers.empty() && !input && !foldBatchNorm; }
    /// Content without the name, as canonical JSON text: layer → slot → string.
    [[nodiscard]] std::string canonical() const;
    /// SHA-256 of canonical().
    [[nodiscard]] std::string hash() const;
};
/// Equal content, whatever the names.
[[nodiscard]] bool sameContent(const Configuration& a, const Configuration& b);

struct MapResult {
    Configuration configuration;
    Warnings warnings; ///< entries that matched nothing (with the nearest name), notes
};

/// Applies a MAP of the contract (QKeras' model_quantize dictionary and our "@" keys and "re:"
/// patterns) as JSON text on top of `base` (the quantizers the model came with). InvalidArgument
/// names the key and the nearest known one.
[[nodiscard]] Result<MapResult> applyMap(const Graph& graph, const Configuration& base,
                                         std::string_view json);
/// The configuration as a MAP: exact layer names, canonical strings; applyMap of it on an empty
/// base gives the same configuration.
[[nodiscard]] std::string toMap(const Graph& graph, const Configuration& configuration);

} // namespace bitscape::graph
