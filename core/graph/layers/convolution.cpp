// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layers/layer_kernel.h"
#include "core/graph/layers/partial_sums.h"

#include <algorithm>
#include <tuple>

namespace bitscape::graph {

namespace {

constexpr Index kLatePixels = 16;    // outputs of at most this size: gradient over the whole batch
constexpr Index kLateMacs = 1 << 19; // per task of the last pass
constexpr Index kLateRowStep = 24;   // whole tiles of any variant

/// Rows of the kernel that one task of a late gradient works on.
Index lateRows(const ConvolutionGeometry& g, Index samples, Index rows)
{
    const Index macsPerRow = std::max<Index>(samples * g.outHeight * g.outWidth * g.filters, 1);
    const Index wanted = (kLateMacs / macsPerRow / kLateRowStep + 1) * kLateRowStep;
    return std::min(rows, wanted);
}

kernels::Finish finishOf(const float* bias, const ForwardCall& call)
{
    kernels::Finish finish{.bias = bias};
    if (call.affine) {
        finish.scale = call.affine->scale.data();
        finish.shift = call.affine->shift.data();
    }
    finish.addend = call.addend;
    if (call.clamp) {
        finish.clamps = true;
        std::tie(finish.low, finish.high) = *call.clamp;
    }
    return finish;
}

/// Conv1D, Conv2D, DepthwiseConv2D and Dense.
class ConvolutionKernel final : public LayerKernel {
public:
    ConvolutionKernel(std::unique_ptr<const Convolution> convolution, bool useBias, bool mayBeLate,
                      std::vector<float> mask)
        : m_convolution(std::move(convolution)), m_useBias(useBias),
          m_mayBeLate(mayBeLate && mask.empty()), m_packed(Shape{m_convolution->packedSize()}),
          m_mask(std::move(mask))
    {
        m_masked = Tensor(Shape{m_mask.empty() ? 0 : m_convolution->kernelSize()});
    }

    bool callsBlockDone() const override { return true; }
    bool finishes() const override { return true; }
    bool clamps() const override { return true; }
    Index scratchFloats() const override
    {
        return std::max(m_convolution->scratchSize(), m_bytes ? m_bytes->scratchSize() : 0);
    }
    void expectLevels(const ByteConvolution::InputGrid& grid) override
    {
        const auto& g = m_convolution->geometry();
        if (m_convolution->kernelSize() != g.taps() * g.channels * g.filters) {
            return; // depth-wise
        }
        m_levels = grid;
        m_bytes = ByteConvolution::make(g);
    }

    void setWeights(LayerWeights weights) override
    {
        const float* kernel = weights[0].data;
        if (!m_mask.empty()) {
            maskInto(kernel, m_masked.data());
            kernel = m_masked.data();
        }
        m_convolution->pack(kernel, m_packed.data());
        m_fitsBytes = m_bytes && m_bytes->pack(kernel, m_levels);
        m_bias = m_useBias ? weights[1].data : nullptr;
        if (m_packedGradient.size() > 0) {
            m_convolution->packGradient(kernel, m_packedGradient.data());
        }
    }

    void forward(int /*phase*/, const ForwardCall& call) override
    {
        const auto& g = m_convolution->geometry();
        const SampleRange& s = call.samples;
        kernels::Finish finish = finishOf(m_bias, call);
        const Index quick = m_fitsBytes ? m_bytes->forward(call.inputs[0], s.count, finish,
                                                           call.output, s.scratch, call.done)
                                        : 0;
        if (quick == s.count) {
            return;
        }
        const Index before = quick * g.outputSize();
        finish.addend = finish.addend == nullptr ? nullptr : finish.addend + before;
        const auto done = [&](Index first, Index count) { call.done(before + first, count); };
        m_convolution->forward(call.inputs[0] + quick * g.inputSize(), s.count - quick,
                               m_packed.data(), finish, call.output + before, s.scratch,
                               call.done ? BlockDone(done) : BlockDone());
    }

    void prepareTraining(int items, Index samples) override
    {
        const auto& g = m_convolution->geometry();
        m_packedGradient = Tensor(Shape{m_convolution->packedGradientSize()});
        m_isLate = m_mayBeLate && g.outHeight * g.outWidth <= kLatePixels;
        if (m_isLate) {
            m_lateRows = lateRows(g, samples, kernelRows());
        } else {
            m_kernelSums = PartialSums(items, m_convolution->kernelSize());
        }
        if (m_useBias) {
            m_biasSums = ChannelSums(items, g.filters);
        }
    }

    bool readsInput() const override { return true; }
    bool readsBatchLate() const override { return m_isLate; }

    void backward(int /*phase*/, const BackwardCall& call) override
    {
        const auto& g = m_convolution->geometry();
        const SampleRange& s = call.samples;
        if (m_useBias) {
            m_biasSums.add(s.item, call.upstream, s.count * g.outHeight * g.outWidth);
        }
        if (!m_isLate) {
            m_convolution->weightGradient(call.inputs[0], call.upstream, s.count,
                                          m_kernelSums.part(s.item), m_kernelSums.adds(s.item),
                                          s.scratch);
        }
        if (call.inputGradients[0] != nullptr) {
            m_convolution->inputGradient(call.upstream, s.count, m_packedGradient.data(),
                                         call.inputGradients[0], call.adds[0], s.scratch);
        }
    }

    void finishForward(int /*phase*/, int /*items*/, Index /*samples*/) override
    {
        m_kernelSums.clear();
        m_biasSums.clear();
    }

    int gradientTasks() const override
    {
        int kernelTasks = m_isLate ? static_cast<int>((kernelRows() + m_lateRows - 1) / m_lateRows)
                                   : m_kernelSums.tasks();
        if (!m_mask.empty()) {
            kernelTasks = 1; // masked as a whole
        }
        return kernelTasks + (m_useBias ? 1 : 0);
    }

    void gradientTask(int task, const GradientCall& call) override
    {
        if (m_useBias && task == 0) {
            m_biasSums.total(call.items, call.gradients[1]);
            return;
        }
        task -= m_useBias ? 1 : 0;
        if (!m_mask.empty()) {
            for (int piece = 0; piece < m_kernelSums.tasks(); ++piece) {
                m_kernelSums.total(piece, call.items, call.gradients[0]);
            }
            maskInto(call.gradients[0], call.gradients[0]);
            return;
        }
        if (!m_isLate) {
            m_kernelSums.total(task, call.items, call.gradients[0]);
            return;
        }
        const Index first = task * m_lateRows;
        m_convolution->weightGradientRows(call.input, call.upstream, call.samples, first,
                                          std::min(m_lateRows, kernelRows() - first),
                                          call.gradients[0], false, call.scratch);
    }

private:
    void maskInto(const float* kernel, float* masked) const
    {
        const Index perTap = m_convolution->kernelSize() / std::ssize(m_mask);
        for (Index i = 0; i < m_convolution->kernelSize(); ++i) {
            masked[i] = kernel[i] * m_mask[static_cast<std::size_t>(i / perTap)];
        }
    }
    [[nodiscard]] Index kernelRows() const
    {
        return m_convolution->kernelSize() / m_convolution->geometry().filters;
    }

    std::unique_ptr<const Convolution> m_convolution;
    bool m_useBias, m_mayBeLate;
    Tensor m_packed, m_packedGradient;
    std::vector<float> m_mask;
    Tensor m_masked;
    const float* m_bias = nullptr;
    std::unique_ptr<ByteConvolution> m_bytes; ///< null: the input is not expected on a grid
    ByteConvolution::InputGrid m_levels;
    bool m_fitsBytes = false; ///< the kernel, that is
    bool m_isLate = false;
    Index m_lateRows = 0;
    PartialSums m_kernelSums;
    ChannelSums m_biasSums;
};

/// A depth-wise convolution whose result a point-wise one reads at once.
class SeparableKernel final : public LayerKernel {
public:
    SeparableKernel(std::unique_ptr<const Convolution> depthwise,
                    std::unique_ptr<const Convolution> pointwise, bool useBias)
        : m_depthwise(std::move(depthwise)), m_pointwise(std::move(pointwise)),
          m_useBias(useBias), m_packed{Tensor(Shape{m_depthwise->packedSize()}),
                                       Tensor(Shape{m_pointwise->packedSize()})}
    {
    }

    bool callsBlockDone() const override { return true; }
    bool finishes() const override { return true; }
    bool clamps() const override { return true; }
    Index scratchFloats() const override
    {
        // The middle tensor of one sample, and (backward) its gradient.
        return 2 * middleSize() + std::max(m_depthwise->scratchSize(), m_pointwise->scratchSize());
    }

    void setWeights(LayerWeights weights) override
    {
        m_depthwise->pack(weights[0].data, m_packed[0].data());
        m_pointwise->pack(weights[1].data, m_packed[1].data());
        m_bias = m_useBias ? weights[2].data : nullptr;
        if (m_packedGradient[0].size() > 0) {
            m_depthwise->packGradient(weights[0].data, m_packedGradient[0].data());
            m_pointwise->packGradient(weights[1].data, m_packedGradient[1].data());
        }
    }

    void forward(int /*phase*/, const ForwardCall& call) override
    {
        const SampleRange& s = call.samples;
        float* middle = s.scratch;
        float* scratch = s.scratch + 2 * middleSize();
        const kernels::Finish finish = finishOf(m_bias, call);
        for (Index i = 0; i < s.count; ++i) {
            m_depthwise->forward(input(call.inputs[0], i), 1, m_packed[0].data(), {}, middle,
                                 scratch);
            const Index before = i * m_pointwise->geometry().outputSize();
            const auto done = [&](Index first, Index count) { call.done(before + first, count); };
            kernels::Finish here = finish;
            here.addend = finish.addend == nullptr ? nullptr : finish.addend + before;
            m_pointwise->forward(middle, 1, m_packed[1].data(), here, call.output + before, scratch,
                                 call.done ? BlockDone(done) : BlockDone());
        }
    }

    void prepareTraining(int items, Index /*samples*/) override
    {
        m_packedGradient[0] = Tensor(Shape{m_depthwise->packedGradientSize()});
        m_packedGradient[1] = Tensor(Shape{m_pointwise->packedGradientSize()});
        m_kernelSums[0] = PartialSums(items, m_depthwise->kernelSize());
        m_kernelSums[1] = PartialSums(items, m_pointwise->kernelSize());
        if (m_useBias) {
            m_biasSums = ChannelSums(items, m_pointwise->geometry().filters);
        }
    }

    bool readsInput() const override { return true; }

    void backward(int /*phase*/, const BackwardCall& call) override
    {
        const SampleRange& s = call.samples;
        const auto& g = m_pointwise->geometry();
        float* middle = s.scratch;
        float* gradient = middle + middleSize();
        float* scratch = gradient + middleSize();
        if (m_useBias) {
            m_biasSums.add(s.item, call.upstream, s.count * g.outHeight * g.outWidth);
        }
        for (Index i = 0; i < s.count; ++i) {
            const float* x = input(call.inputs[0], i);
            const float* upstream = call.upstream + i * g.outputSize();
            m_depthwise->forward(x, 1, m_packed[0].data(), {}, middle, scratch);
            m_pointwise->weightGradient(middle, upstream, 1, m_kernelSums[1].part(s.item),
                                        m_kernelSums[1].adds(s.item), scratch);
            m_pointwise->inputGradient(upstream, 1, m_packedGradient[1].data(), gradient, false,
                                       scratch);
            m_depthwise->weightGradient(x, gradient, 1, m_kernelSums[0].part(s.item),
                                        m_kernelSums[0].adds(s.item), scratch);
            if (call.inputGradients[0] != nullptr) {
                m_depthwise->inputGradient(gradient, 1, m_packedGradient[0].data(),
                                           call.inputGradients[0] +
                                               i * m_depthwise->geometry().inputSize(),
                                           call.adds[0], scratch);
            }
        }
    }

    void finishForward(int /*phase*/, int /*items*/, Index /*samples*/) override
    {
        m_kernelSums[0].clear();
        m_kernelSums[1].clear();
        m_biasSums.clear();
    }

    int gradientTasks() const override
    {
        return m_kernelSums[0].tasks() + m_kernelSums[1].tasks() + (m_useBias ? 1 : 0);
    }

    void gradientTask(int task, const GradientCall& call) override
    {
        for (const std::size_t kernel : {0, 1}) {
            if (task < m_kernelSums[kernel].tasks()) {
                m_kernelSums[kernel].total(task, call.items, call.gradients[kernel]);
                return;
            }
            task -= m_kernelSums[kernel].tasks();
        }
        m_biasSums.total(call.items, call.gradients[2]);
    }

private:
    [[nodiscard]] Index middleSize() const { return m_depthwise->geometry().outputSize(); }
    [[nodiscard]] const float* input(const float* x, Index sample) const
    {
        return x + sample * m_depthwise->geometry().inputSize();
    }

    std::unique_ptr<const Convolution> m_depthwise, m_pointwise;
    bool m_useBias;
    Tensor m_packed[2], m_packedGradient[2];
    const float* m_bias = nullptr;
    PartialSums m_kernelSums[2];
    ChannelSums m_biasSums;
};

} // namespace

std::unique_ptr<LayerKernel> makeConvolutionKernel(std::unique_ptr<const Convolution> c,
                                                   bool useBias, bool mayBeLate,
                                                   std::vector<float> mask)
{
    return std::make_unique<ConvolutionKernel>(std::move(c), useBias, mayBeLate, std::move(mask));
}

std::unique_ptr<LayerKernel> makeSeparableKernel(std::unique_ptr<const Convolution> depthwise,
                                                 std::unique_ptr<const Convolution> pointwise,
                                                 bool useBias)
{
    return std::make_unique<SeparableKernel>(std::move(depthwise), std::move(pointwise), useBias);
}

} // namespace bitscape::graph
