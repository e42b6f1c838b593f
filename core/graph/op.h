// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/tensor/tensor.h"

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace bitscape::graph {

/// Element-wise function of Keras without weights. Softmax runs over the last axis.
enum class FunctionKind {
    Linear,
    Relu, ///< min(maxValue, x ≥ threshold ? x : negativeSlope·(x − threshold))
    Softmax,
    Sigmoid,
    Tanh,
    HardSigmoidKeras2, ///< clip(0.2x + 0.5)
    HardSigmoidKeras3, ///< clip(x/6 + 0.5)
    Elu,
    Selu,
    Softplus,
    Softsign,
    Swish,
    Gelu,
    Exponential,
};

struct Function {
    FunctionKind kind = FunctionKind::Linear;
    float negativeSlope = 0.0F; ///< relu, leaky relu; alpha of elu
    float maxValue = 0.0F;      ///< relu; ≤ 0: none
    float threshold = 0.0F;     ///< relu

    [[nodiscard]] bool isLinear() const { return kind == FunctionKind::Linear; }
    bool operator==(const Function&) const = default;
};

enum class Padding { Valid, Same, Causal };

/// Data lie channels last (N×H×W×C) unless an op says `channelsFirst` (N×C×H×W, Keras'
/// data_format); kernels have the same layout in both.

/// Sizes along height and width; 1-dimensional layers have height 1.
struct Extent {
    int height = 1;
    int width = 1;
    bool operator==(const Extent&) const = default;
};

struct InputOp {
    Shape shape; ///< without batch; −1 where the file leaves a size open
    bool operator==(const InputOp&) const = default;
};

struct DenseOp {
    Index units = 0;
    bool useBias = true;
    Function function;
    bool operator==(const DenseOp&) const = default;
};

/// Conv1D and Conv2D. Kernel (kh, kw, ci/groups, filters); Conv1D kernels (k, ci, filters) keep
/// their rank in files and are used as (1, k, ci, filters).
struct ConvOp {
    int spatialRank = 2;
    Index filters = 0;
    Extent kernel, stride, dilation;
    Padding padding = Padding::Valid;
    int groups = 1;
    bool useBias = true;
    Function function;
    bool channelsFirst = false;
    std::vector<float> mask; ///< kh × kw factors of the kernel after its quantizer; empty: none
    bool operator==(const ConvOp&) const = default;
};

/// Kernel (kh, kw, ci, multiplier); output channel c·multiplier + m. 1-dimensional ones keep
/// kernels of rank 3 in files.
struct DepthwiseOp {
    Extent kernel, stride, dilation;
    Padding padding = Padding::Valid;
    int multiplier = 1;
    bool useBias = true;
    Function function;
    bool channelsFirst = false;
    int spatialRank = 2;
    bool operator==(const DepthwiseOp&) const = default;
};

/// Depth-wise kernel (kh, kw, ci, multiplier), then point-wise kernel (1, 1, ci·multiplier,
/// filters). 1-dimensional ones keep kernels of rank 3 in files.
struct SeparableOp {
    Index filters = 0;
    Extent kernel, stride, dilation;
    Padding padding = Padding::Valid;
    int multiplier = 1;
    bool useBias = true;
    Function function;
    bool channelsFirst = false;
    int spatialRank = 2;
    bool operator==(const SeparableOp&) const = default;
};

/// Activation, ReLU, LeakyReLU, Softmax and QActivation (whose quantizer is in the Configuration).
struct ActivationOp {
    Function function;
    bool operator==(const ActivationOp&) const = default;
};

/// Weights in order: gamma (if scale), beta (if center), moving_mean, moving_variance.
struct BatchNormOp {
    float momentum = 0.99F;
    float epsilon = 1e-3F;
    bool center = true;
    bool scale = true;
    std::vector<int> axes; ///< that keep their own statistics, ascending, counted with the batch;
                           ///< empty: the last
    bool operator==(const BatchNormOp&) const = default;
};

enum class PoolKind { Max, Average };

struct PoolOp {
    PoolKind kind = PoolKind::Max;
    int spatialRank = 2;
    Extent window, stride;
    Padding padding = Padding::Valid;
    bool channelsFirst = false;
    Function function; ///< QKeras' pools have one
    bool operator==(const PoolOp&) const = default;
};

struct GlobalPoolOp {
    PoolKind kind = PoolKind::Average;
    int spatialRank = 2;
    bool keepDimensions = false;
    bool channelsFirst = false;
    Function function; ///< QKeras' pools have one
    bool operator==(const GlobalPoolOp&) const = default;
};

struct ZeroPaddingOp {
    int spatialRank = 2;
    int top = 0, bottom = 0, left = 0, right = 0;
    bool channelsFirst = false;
    bool operator==(const ZeroPaddingOp&) const = default;
};

struct FlattenOp {
    bool channelsFirst = false; ///< put the channels last before flattening
    bool operator==(const FlattenOp&) const = default;
};

struct ReshapeOp {
    std::vector<Index> target; ///< without batch; one −1 allowed
    bool operator==(const ReshapeOp&) const = default;
};

struct DropoutOp {
    float rate = 0.5F; ///< identity but in training
    bool operator==(const DropoutOp&) const = default;
};

struct AddOp {
    bool operator==(const AddOp&) const = default;
};

/// Along the last axis unless `axis` says otherwise (counted with the batch axis, may be negative).
struct ConcatenateOp {
    int axis = -1;
    bool operator==(const ConcatenateOp&) const = default;
};

/// QConv2DBatchnorm, QDepthwiseConv2DBatchnorm and QDenseBatchnorm: a convolution or dense layer
/// whose batch normalization is folded into its weights at every call (inference: from the moving
/// statistics).
struct FoldedConvOp {
    std::variant<ConvOp, DepthwiseOp, DenseOp> conv;
    BatchNormOp norm;
    bool emaStatsFolding = true; ///< folding_mode "ema_stats_folding"; else "batch_stats_folding"
    int emaFreezeDelay = -1; ///< training calls use batch statistics while the iteration counter is
                             ///< at most this; < 0: always
    bool operator==(const FoldedConvOp&) const = default;
};

class LayerRule;
struct LayerInfo;

/// A layer of the registry: what it computes is said by its rule (layer_rule.h). Ops of their own
/// above are those that folding, the hardware model or the search look inside.
struct RuleOp {
    const LayerInfo* info = nullptr; ///< its row
    std::shared_ptr<const LayerRule> rule;
    bool operator==(const RuleOp& other) const; ///< same row, same config
};

/// One of the tensors of a layer that gives several (OpShape::parts). Its input is that layer.
struct SelectOp {
    int part = 0;
    bool operator==(const SelectOp&) const = default;
};

/// A layer that is known by name only: it is listed, shown and refused when run.
struct UnsupportedOp {
    std::string reason;
    bool operator==(const UnsupportedOp&) const = default;
};

using Op =
    std::variant<InputOp, DenseOp, ConvOp, DepthwiseOp, SeparableOp, ActivationOp, BatchNormOp,
                 PoolOp, GlobalPoolOp, ZeroPaddingOp, FlattenOp, ReshapeOp, DropoutOp, AddOp,
                 ConcatenateOp, FoldedConvOp, RuleOp, SelectOp, UnsupportedOp>;

} // namespace bitscape::graph
