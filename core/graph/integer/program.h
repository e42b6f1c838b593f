// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/graph/activation.h"
#include "core/graph/graph.h"
#include "core/graph/integer/code_grid.h"
#include "core/graph/layers/layer_kernel.h"
#include "core/tensor/convolution.h"

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

// A network as whole numbers: data that IntegerPlan executes and the header export prints as C.
namespace bitscape::graph {

/// In what a tensor's elements are kept.
enum class Storage { Int8, Int16, Int32, Int64, Float };

/// What a step writes and others read. Sizes are per sample.
struct CodeTensor {
    int layer = 0; ///< of the program's graph
    Shape shape;
    Storage storage = Storage::Float;
    CodeGrid grid; ///< of codes

    [[nodiscard]] bool isFloat() const { return storage == Storage::Float; }
};

/// Weights or biases as whole numbers.
struct WeightCodes {
    std::string name; ///< "kernel"
    std::vector<std::int32_t> codes;
    int bits = 0; ///< of one code, as packed
};

/// sum[f] = bias[f] + (Σ weights · (x − zero of x)) · 2^shifts[f]
struct ConvolveWork {
    ConvolutionGeometry geometry;
    bool isDepthwise = false;
    bool isDense = false; ///< a dense layer, as a 1×1 convolution
    /// (filters, kh, kw, channels / groups); depth-wise (kh, kw, channels · multiplier).
    WeightCodes weights;
    WeightCodes bias;                    ///< empty: none; times 2^biasShifts[f]
    std::vector<int> shifts, biasShifts; ///< one per filter, or empty: none
    std::int64_t largestWeightSum = 0;   ///< bound of |Σ| before the shift
    std::int64_t largestSum = 0;         ///< bound of |sum|
};

/// sum = Σ scaled((x_i − zero of x_i) · 2^lift), scaled by terms[i] (multiplied by −1 where
/// negative).
struct SumWork {
    std::vector<Scaling> terms;
    std::vector<char> isNegative; ///< per term
    int lift = 0;
};

/// product = (x_0 − zero) · (x_1 − zero)
struct ProductWork {};

/// Maximum of codes, or sum of (x − zero) over the window.
struct PoolWork {
    kernels::Pool pool;
    PoolKind kind = PoolKind::Max;
    /// Average of the codes themselves as LiteRT takes it: divided by the pixels under the window,
    /// ties away from zero.
    bool divides = false;
};

/// y_e = x[sources[e]]; −1 is the value 0. Several inputs count as one after the other.
struct GatherWork {
    std::vector<std::int32_t> sources;
};

/// x − zero of x: what follows is the step's requantization.
struct RescaleWork {};

/// y = levels[x − lowest]
struct TableWork {
    std::int64_t lowest = 0;
    std::vector<std::int64_t> levels;
};

/// LiteRT's softmax along the last axis, from codes to codes.
struct SoftmaxWork {
    std::vector<float> exponentials; ///< of −i steps, i = 0 … 255
    float outputScale = 1.0F;
};

/// Floats to codes.
struct QuantizeWork {
    UniformGrid uniform;
};

/// Codes to floats.
struct DequantizeWork {};

/// A layer on floats: its kernel, if any, then its activation.
struct FloatWork {
    std::shared_ptr<LayerKernel> kernel; ///< null: identity
    Activation activation;
};

using Work = std::variant<ConvolveWork, SumWork, ProductWork, PoolWork, GatherWork, RescaleWork,
                          TableWork, SoftmaxWork, QuantizeWork, DequantizeWork, FloatWork>;

struct IntegerStep {
    int layer = 0;           ///< that it belongs to
    std::vector<int> inputs; ///< tensors
    int output = 0;
    Work work;
    /// What becomes of the work's exact numbers; absent: they are kept.
    std::optional<Requantization> requantization;
};

struct IntegerProgram {
    GraphPtr graph; ///< as run: with batch normalization folded if the configuration says so
    std::vector<CodeTensor> tensors;
    std::vector<IntegerStep> steps;
    std::vector<int> inputs;       ///< tensor of each network input; floats
    std::vector<int> results;      ///< tensor of each result: outputs, then taps
    std::vector<int> resultLayers; ///< layers whose outputs they are
    WeightSet weights;             ///< quantized, in the order of the graph's weightSlots()
    quant::InternalSigmoid sigmoid = quant::InternalSigmoid::Hard;
    Warnings warnings; ///< "float_layer": which layers run on floats, and why
};

struct IntegerOptions {
    std::vector<int> taps; ///< layers whose outputs are kept besides the network's
    quant::InternalSigmoid sigmoid = quant::InternalSigmoid::Hard;
    LiteRtKernels kernels = LiteRtKernels::Optimised; ///< whose rounding affine quantizers follow
};

/// Whole-number meaning of graph + configuration + weights. Quantizers of fixed grids are followed
/// exactly; where the scales of an `affine` quantizer are no powers of two, or given, LiteRT's
/// arithmetic counts. Layers without such a meaning run on floats and are named in the warnings.
/// Errors as InferencePlan::make().
[[nodiscard]] Result<IntegerProgram> makeIntegerProgram(GraphPtr graph,
                                                        const Configuration& configuration,
                                                        const WeightSet& weights,
                                                        const IntegerOptions& options = {});

/// Bits that all weights and biases of the program take, each in its own width.
[[nodiscard]] std::int64_t packedBits(const IntegerProgram& program);

} // namespace bitscape::graph
