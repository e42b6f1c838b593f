// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/layer_registry.h"
#include "core/graph/layer_rule.h"
#include "core/graph/layers/recurrent_cell.h"

#include <memory>
#include <span>
#include <vector>

namespace bitscape::graph {

/// Keras' SimpleRNN, LSTM and GRU and their twins in QKeras. Stateful layers start every sample
/// from zero, as the first batch after reset_states(); dropout draws one mask per sequence, the
/// same for all gates.
[[nodiscard]] LayerInfo simpleRnnLayer();
[[nodiscard]] LayerInfo lstmLayer();
[[nodiscard]] LayerInfo gruLayer();

/// What the layers above have in common.
struct RecurrentSetting {
    CellKind cell = CellKind::Simple;
    Index units = 1;
    bool useBias = true;
    bool resetAfter = false;
    Function activation, gateActivation;
    bool goesBackwards = false;
    bool returnsSequences = false;
    bool returnsState = false;
    bool isStateful = false;
    bool unitForgetBias = true;
    float dropout = 0.0F;
    float stateDropout = 0.0F;
    bool zeroesMasked = false; ///< output of masked steps: 0, else that of the step before
};

class LayerReading;
/// All of a config but the sizes.
[[nodiscard]] RecurrentSetting readRecurrentSetting(LayerReading& reading, CellKind kind);

/// A layer that walks along a sequence: what a wrapper for two directions must know of it. Its
/// inputs are the sequence, its initial states if they are given, and the mask if isMasked().
class SequenceRule : public LayerRule {
public:
    [[nodiscard]] virtual bool goesBackwards() const = 0;
    [[nodiscard]] virtual bool returnsSequences() const = 0;
    [[nodiscard]] virtual bool returnsState() const = 0;
    [[nodiscard]] virtual Index stateCount() const = 0;
    [[nodiscard]] virtual bool isMasked() const = 0;
    /// The same layer inside Bidirectional, which fixes the direction and makes the output of
    /// masked steps 0.
    [[nodiscard]] virtual std::shared_ptr<const SequenceRule> directed(bool backwards,
                                                                       bool masked) const = 0;
};

/// Kernel, recurrent kernel, bias: the weights of every recurrent layer.
[[nodiscard]] std::vector<RuleWeight> recurrentWeights(bool useBias);
/// Keras' unit_forget_bias: the bias of an LSTM's second gate, of `units` values, starts at 1.
void rememberAtFirst(std::span<float> bias, Index units);

/// Sizes of a kernel that walks along a sequence.
struct RecurrentSizes {
    Index steps = 1;
    Index inputSize = 1; ///< floats of a step of the input
    Index pixels = 1;    ///< of a state that is an image
    bool hasInitialStates = false;
    bool isMasked = false;
};
/// The products of input and state where these are images; else null.
struct RecurrentMaps {
    std::unique_ptr<StepMap> input, state;
};
[[nodiscard]] std::unique_ptr<LayerKernel> makeRecurrentKernel(const RecurrentSetting& setting,
                                                               const RecurrentSizes& sizes,
                                                               const KernelRequest& request,
                                                               RecurrentMaps maps = {});

} // namespace bitscape::graph
