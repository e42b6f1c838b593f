// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/configuration.h"
#include "core/graph/graph.h"
#include "core/tensor/byte_convolution.h"
#include "core/tensor/convolution.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace bitscape::graph {

/// Some samples of a batch, in one thread's hands. All pointers are to the first of them.
struct SampleRange {
    Index first = 0; ///< in the batch
    Index count = 0;
    int item = 0;           ///< work item that owns the partial sums
    std::uint64_t seed = 0; ///< of this step, for dropout
    float* scratch = nullptr;
};

/// One factor and one summand per channel, where a kernel keeps them: valid until its next
/// setWeights().
struct ChannelAffine {
    std::span<const float> scale, shift;
};

struct ForwardCall {
    SampleRange samples;
    std::span<const float* const> inputs;
    float* output = nullptr;
    float* saved = nullptr; ///< savedFloats() per sample, kept for backward() of the same samples
    BlockDone done;         ///< see callsBlockDone()
    // What is done to the results, in this order, by kernels that can.
    std::optional<ChannelAffine> affine;          ///< see finishes()
    const float* addend = nullptr;                ///< a tensor as the output; see finishes()
    std::optional<std::pair<float, float>> clamp; ///< see clamps()
};

struct BackwardCall {
    SampleRange samples;
    std::span<const float* const> inputs;   ///< valid if readsInput()
    const float* output = nullptr;          ///< before the activation; valid if readsOutput()
    const float* upstream = nullptr;        ///< gradient of the output
    std::span<float* const> inputGradients; ///< null where none is wanted
    std::span<const bool> adds;             ///< per input: add to what is there, else overwrite
    const float* saved = nullptr;
};

/// For the last pass, when all samples are through.
struct GradientCall {
    std::span<float* const> gradients; ///< one per weight of the layer; to be written
    int items = 0;                     ///< work items that hold partial sums
    Index samples = 0;
    const float* input = nullptr;    ///< whole batch, if readsBatchLate()
    const float* upstream = nullptr; ///< whole batch, if readsBatchLate()
    float* scratch = nullptr;
};

/// Weights of one layer for one call, in the layer's order; already quantized unless the kernel
/// takesRaw() ones.
using LayerWeights = std::span<const TensorView>;

/// A layer made ready to compute, without its activation: geometry, packed weights, partial sums.
/// Forward and backward are called for ranges of samples from several threads at once, each item
/// by one thread; everything else is called by one thread with no range in flight.
/// Inference uses forward(0) only and never asks for more than one phase.
class LayerKernel {
public:
    LayerKernel() = default;
    virtual ~LayerKernel() = default;
    LayerKernel(const LayerKernel&) = delete;
    LayerKernel& operator=(const LayerKernel&) = delete;
    LayerKernel(LayerKernel&&) = delete;
    LayerKernel& operator=(LayerKernel&&) = delete;

    /// Input and output are the same values in the same order: no call is needed.
    [[nodiscard]] virtual bool isIdentity() const { return false; }
    /// The layer treats every pixel alike and alone, so that it may follow another kernel's blocks.
    [[nodiscard]] virtual bool worksOnPixels() const { return isIdentity(); }
    /// y = layer(x) for some pixels; y may be x. For kernels that work on pixels, outside training.
    virtual void forwardPixels(const float* /*x*/, Index /*pixels*/, float* /*y*/) {}
    /// forward() reports finished blocks of the output, in order, all of it.
    [[nodiscard]] virtual bool callsBlockDone() const { return false; }
    /// The layer is y = x·scale[c] + shift[c] and no more, outside training.
    [[nodiscard]] virtual std::optional<ChannelAffine> affine() const { return std::nullopt; }
    /// The layer adds two inputs of the output's shape.
    [[nodiscard]] virtual bool isSumOfTwo() const { return false; }
    /// forward() scales and shifts the channels of its results as ForwardCall::affine says and adds
    /// ForwardCall::addend.
    [[nodiscard]] virtual bool finishes() const { return false; }
    /// forward() keeps its results in ForwardCall::clamp.
    [[nodiscard]] virtual bool clamps() const { return false; }
    /// The first input's values are expected to lie on this grid, which lets forward() take a
    /// quicker way to the same bits. Called before scratchFloats().
    virtual void expectLevels(const ByteConvolution::InputGrid& /*grid*/) {}
    /// A call must see all samples of a batch at once (inference: at most 32, as Keras predicts).
    [[nodiscard]] virtual bool wantsBatch() const { return false; }
    /// Floats of scratch one call needs.
    [[nodiscard]] virtual Index scratchFloats() const { return 0; }

    /// The kernel wants this weight as stored: it quantizes what it makes of it.
    [[nodiscard]] virtual bool takesRaw(int /*weight*/) const { return false; }
    /// How quantizers inside the kernel are called while training, from the next setWeights() on:
    /// seed and noise of the step.
    virtual void setCall(const quant::CallContext& /*call*/) {}
    /// Takes (and packs) the weights of the coming calls; the views stay valid as long.
    virtual void setWeights(LayerWeights /*weights*/) {}

    virtual void forward(int phase, const ForwardCall& call) = 0;

    // ---- training only
    /// Called once before anything below; `items` work items, batches of up to `samples`.
    virtual void prepareTraining(int /*items*/, Index /*samples*/) {}
    /// Passes over the batch, with finishForward() between them and after the last.
    [[nodiscard]] virtual int forwardPhases() const { return 1; }
    virtual void finishForward(int /*phase*/, int /*items*/, Index /*samples*/) {}
    [[nodiscard]] virtual int backwardPhases() const { return 1; }
    virtual void backward(int phase, const BackwardCall& call) = 0;
    virtual void finishBackward(int /*phase*/, int /*items*/, Index /*samples*/) {}
    [[nodiscard]] virtual bool readsInput() const { return false; }
    [[nodiscard]] virtual bool readsOutput() const { return false; }
    [[nodiscard]] virtual bool readsBatchLate() const { return false; }
    [[nodiscard]] virtual Index savedFloats() const { return 0; }
    /// Pieces of the last pass, which may run at once; together they write every gradient.
    [[nodiscard]] virtual int gradientTasks() const { return 0; }
    virtual void gradientTask(int /*task*/, const GradientCall& /*call*/) {}
    /// New value of weight `index` after finishForward(); null: it stays.
    [[nodiscard]] virtual const Tensor* updatedWeight(int /*index*/) const { return nullptr; }
};

/// How kernels are to behave.
struct KernelOptions {
    bool isTraining = false; ///< batch statistics, dropout; else as in inference
    quant::InternalSigmoid sigmoid = quant::InternalSigmoid::Hard;
};

/// How a window moves over an image.
struct WindowSteps {
    Extent kernel, stride, dilation;
    Padding padding = Padding::Valid;
};
/// Input and output as H×W×C or T×C.
[[nodiscard]] ConvolutionGeometry geometryOf(const Shape& input, const Shape& output,
                                             const WindowSteps& s);

/// Windows that pool each channel by itself.
[[nodiscard]] kernels::Pool poolOf(const ConvolutionGeometry& g);

/// A layer whose kernel is wanted.
struct KernelRequest {
    const Layer& layer;                ///< supported, with weights; shapes closed (ensured)
    std::vector<Shape> inputs;         ///< without batch, as the layer reads them
    std::span<const Shape> inputParts; ///< Layer::parts of the first input
    std::uint64_t stream = 0;          ///< its random draws: another number per layer of a graph
    /// As in the configuration; kernels take the ones that are none of a stored weight's: inverse,
    /// folded weights, states.
    const LayerQuantizers& quantizers;
    KernelOptions options;
};

[[nodiscard]] std::unique_ptr<LayerKernel> makeLayerKernel(const KernelRequest& request);
/// Of layer `index` of a graph.
[[nodiscard]] std::unique_ptr<LayerKernel> makeLayerKernel(const Graph& graph, int index,
                                                           const LayerQuantizers& quantizers,
                                                           const KernelOptions& options);

/// The quantizer as execution uses it: promoted for kernel-type slots. May be null.
[[nodiscard]] quant::QuantizerPtr effectiveQuantizer(const LayerQuantizers& quantizers, Slot slot);
/// The same for a layer that may promote others (LayerRule::promotes()).
[[nodiscard]] quant::QuantizerPtr effectiveQuantizer(const Layer& layer,
                                                     const LayerQuantizers& quantizers, Slot slot);

// Makers of the kernels, one file each.
[[nodiscard]] std::unique_ptr<LayerKernel> makeIdentityKernel(Index inputSize);
[[nodiscard]] std::unique_ptr<LayerKernel> makeDropoutKernel(float rate, Index inputSize,
                                                             std::uint64_t stream);
/// `mayBeLate`: small outputs take their weight gradients in the last pass, see readsBatchLate().
/// `mask`: a factor per tap of the kernel; empty: none.
[[nodiscard]] std::unique_ptr<LayerKernel>
makeConvolutionKernel(std::unique_ptr<const Convolution> c, bool useBias, bool mayBeLate = true,
                      std::vector<float> mask = {});
[[nodiscard]] std::unique_ptr<LayerKernel>
makeSeparableKernel(std::unique_ptr<const Convolution> depthwise,
                    std::unique_ptr<const Convolution> pointwise, bool useBias);
[[nodiscard]] std::unique_ptr<LayerKernel>
makeFoldedKernel(std::unique_ptr<const Convolution> c, const FoldedConvOp& op, const Shape& kernel,
                 const LayerQuantizers& quantizers, const KernelOptions& options);
/// Lets a kernel that works channels last read and write channels first. Shapes as the layer's.
[[nodiscard]] std::unique_ptr<LayerKernel>
makeChannelsFirstKernel(std::unique_ptr<LayerKernel> kernel, const Shape& input,
                        const Shape& output);
/// Lets a kernel that works along the last axis of tensors of one shape work along others, which it
/// sees as one: `axes` ascending, counted with the batch.
[[nodiscard]] std::unique_ptr<LayerKernel>
makeAxesKernel(std::unique_ptr<LayerKernel> kernel, const Shape& shape, std::span<const int> axes);
struct BatchNormSetup {
    BatchNormOp op;
    Index rows = 1; ///< per sample
    Index channels = 1;
    Shape stored;                                ///< of the weights
    bool usesBatch = false;                      ///< statistics of the batch, else the moving ones
    bool learnsUnbiased = false;                 ///< moving variance learns N/(N−1)·v
    quant::QuantizerPtr mean, variance, inverse; ///< of batch statistics; may be null
    quant::InternalSigmoid sigmoid = quant::InternalSigmoid::Hard;
};
[[nodiscard]] std::unique_ptr<LayerKernel> makeBatchNormKernel(BatchNormSetup setup);
/// `factor`: of every mean.
[[nodiscard]] std::unique_ptr<LayerKernel> makePoolKernel(PoolKind kind, const kernels::Pool& pool,
                                                          float factor = 1.0F);
[[nodiscard]] std::unique_ptr<LayerKernel> makeZeroPaddingKernel(const ZeroPaddingOp& op,
                                                                 const Shape& image);
[[nodiscard]] std::unique_ptr<LayerKernel> makeAddKernel(std::vector<Shape> inputs,
                                                         const Shape& output);
[[nodiscard]] std::unique_ptr<LayerKernel> makeConcatenateKernel(const std::vector<Shape>& inputs,
                                                                 int axis);
/// One part of a tensor that holds several, see OpShape::parts.
[[nodiscard]] std::unique_ptr<LayerKernel> makeSelectKernel(std::span<const Shape> parts, int part);
/// y_e = x[sources[e]], per sample; an element may be read more than once, −1 gives 0.
[[nodiscard]] std::unique_ptr<LayerKernel> makeGatherKernel(Index inputSize,
                                                            const std::vector<Index>& sources);

} // namespace bitscape::graph
