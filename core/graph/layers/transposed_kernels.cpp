// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layers/transposed_kernels.h"

#include "core/base/rng.h"
#include "core/graph/layers/partial_sums.h"

#include <algorithm>
#include <array>

namespace bitscape::graph {

namespace {

/// One transposed convolution with the sums of its kernel's gradient.
class Stage {
public:
    explicit Stage(std::unique_ptr<const Convolution> c)
        : m_convolution(std::move(c)), m_packed(Shape{m_convolution->packedGradientSize()})
    {
    }

    [[nodiscard]] const ConvolutionGeometry& geometry() const { return m_convolution->geometry(); }
    [[nodiscard]] Index kernelSize() const { return m_convolution->kernelSize(); }
    [[nodiscard]] Index inputSize() const { return geometry().outputSize(); }
    [[nodiscard]] Index outputSize() const { return geometry().inputSize(); }
    [[nodiscard]] Index scratchSize() const { return m_convolution->scratchSize(); }

    void setKernel(const float* kernel)
    {
        m_convolution->packGradient(kernel, m_packed.data());
        if (m_packedBack.size() > 0) {
            m_convolution->pack(kernel, m_packedBack.data());
        }
    }
    void forward(const float* x, Index images, const float* bias, float* y, float* scratch) const
    {
        const Index channels = geometry().channels;
        for (Index i = 0; bias != nullptr && i < images * outputSize(); i += channels) {
            std::copy_n(bias, channels, y + i);
        }
        m_convolution->inputGradient(x, images, m_packed.data(), y, bias != nullptr, scratch);
    }

    void prepareTraining(int items)
    {
        m_packedBack = Tensor(Shape{m_convolution->packedSize()});
        m_sums = PartialSums(items, kernelSize());
    }
    void kernelGradient(int item, const float* x, const float* dy, Index images, float* scratch)
    {
        m_convolution->weightGradient(dy, x, images, m_sums.part(item), m_sums.adds(item), scratch);
    }
    void inputGradient(const float* dy, Index images, bool adds, float* dx, float* scratch) const
    {
        m_convolution->forward(dy, images, m_packedBack.data(), {.adds = adds}, dx, scratch);
    }
    void clear() { m_sums.clear(); }
    [[nodiscard]] int tasks() const { return m_sums.tasks(); }
    void total(int task, int items, float* target) const { m_sums.total(task, items, target); }

private:
    std::unique_ptr<const Convolution> m_convolution;
    Tensor m_packed, m_packedBack;
    PartialSums m_sums;
};

class TransposedKernel final : public LayerKernel {
public:
    TransposedKernel(std::unique_ptr<const Convolution> c, const TransposedOptions& options)
        : m_stage(std::move(c)), m_options(options)
    {
        if (isRegrouped()) {
            m_regrouped = Tensor(Shape{m_stage.kernelSize()});
        }
    }

    Index scratchFloats() const override { return m_stage.scratchSize(); }

    void setWeights(LayerWeights weights) override
    {
        m_bias = addsBias() ? weights[1].data : nullptr;
        if (!isRegrouped()) {
            m_stage.setKernel(weights[0].data);
            return;
        }
        forEachPlace([&](Index stored, Index grouped) {
            m_regrouped.data()[grouped] = weights[0].data[stored];
        });
        m_stage.setKernel(m_regrouped.data());
    }

    void forward(int /*phase*/, const ForwardCall& call) override
    {
        m_stage.forward(call.inputs[0], call.samples.count, m_bias, call.output,
                        call.samples.scratch);
    }

    void prepareTraining(int items, Index /*samples*/) override
    {
        m_stage.prepareTraining(items);
        if (addsBias()) {
            m_biasSums = ChannelSums(items, m_stage.geometry().channels);
        }
    }
    bool readsInput() const override { return true; }

    void backward(int /*phase*/, const BackwardCall& call) override
    {
        const SampleRange& s = call.samples;
        if (addsBias()) {
            m_biasSums.add(s.item, call.upstream,
                           s.count * m_stage.outputSize() / m_stage.geometry().channels);
        }
        m_stage.kernelGradient(s.item, call.inputs[0], call.upstream, s.count, s.scratch);
        if (call.inputGradients[0] != nullptr) {
            m_stage.inputGradient(call.upstream, s.count, call.adds[0], call.inputGradients[0],
                                  s.scratch);
        }
    }
    void finishForward(int /*phase*/, int /*items*/, Index /*samples*/) override
    {
        m_stage.clear();
        m_biasSums.clear();
    }

    int gradientTasks() const override
    {
        return (isRegrouped() ? 1 : m_stage.tasks()) + (m_options.useBias ? 1 : 0);
    }
    void gradientTask(int task, const GradientCall& call) override
    {
        if (m_options.useBias && task == 0) {
            if (m_options.addsBias) {
                m_biasSums.total(call.items, call.gradients[1]);
            }
            return; // without a part in the output it keeps its gradient of zeros
        }
        task -= m_options.useBias ? 1 : 0;
        if (!isRegrouped()) {
            m_stage.total(task, call.items, call.gradients[0]);
            return;
        }
        for (int piece = 0; piece < m_stage.tasks(); ++piece) {
            m_stage.total(piece, call.items, m_regrouped.data());
        }
        forEachPlace([&](Index stored, Index grouped) {
            call.gradients[0][stored] = m_regrouped.data()[grouped];
        });
    }

private:
    [[nodiscard]] bool addsBias() const { return m_options.useBias && m_options.addsBias; }
    [[nodiscard]] bool isRegrouped() const { return m_options.groupSize > 1; }

    /// Stored: (tap, group·size + output, input of the group); the convolution's: (tap, output of
    /// the group, group·size + input).
    template <class Visit>
    void forEachPlace(const Visit& visit) const
    {
        const Index size = m_options.groupSize;
        const Index channels = m_stage.geometry().channels;
        for (Index tap = 0; tap < m_stage.geometry().taps(); ++tap) {
            const Index first = tap * channels * size;
            for (Index channel = 0; channel < channels; ++channel) {
                for (Index in = 0; in < size; ++in) {
                    visit(first + channel * size + in,
                          first + channel % size * channels + channel / size * size + in);
                }
            }
        }
    }

    Stage m_stage;
    TransposedOptions m_options;
    const float* m_bias = nullptr;
    Tensor m_regrouped;
    ChannelSums m_biasSums;
};

class SeparableTransposedKernel final : public LayerKernel {
public:
    SeparableTransposedKernel(std::unique_ptr<const Convolution> depthwise,
                              std::unique_ptr<const Convolution> pointwise, bool useBias,
                              Activation middle, const KernelRequest& request)
        : m_stages{Stage(std::move(depthwise)), Stage(std::move(pointwise))}, m_useBias(useBias),
          m_middle(std::move(middle)),
          m_stream(request.stream), m_context{.training = request.options.isTraining,
                                              .sigmoid = request.options.sigmoid}
    {
    }

    Index scratchFloats() const override
    {
        // Of one sample: the middle before and after its activation, and its gradient.
        return 3 * middleSize() + std::max(m_stages[0].scratchSize(), m_stages[1].scratchSize());
    }

    void setWeights(LayerWeights weights) override
    {
        m_stages[0].setKernel(weights[0].data);
        m_stages[1].setKernel(weights[1].data);
        m_bias = m_useBias ? weights[2].data : nullptr;
    }

    void forward(int /*phase*/, const ForwardCall& call) override
    {
        const SampleRange& s = call.samples;
        const Parts parts = partsOf(s);
        for (Index i = 0; i < s.count; ++i) {
            makeMiddle(call.inputs[0], s, i, parts);
            m_stages[1].forward(parts.activated, 1, m_bias,
                                call.output + i * m_stages[1].outputSize(), parts.scratch);
        }
    }

    void prepareTraining(int items, Index /*samples*/) override
    {
        m_stages[0].prepareTraining(items);
        m_stages[1].prepareTraining(items);
        if (m_useBias) {
            m_biasSums = ChannelSums(items, m_stages[1].geometry().channels);
        }
    }
    bool readsInput() const override { return true; }

    void backward(int /*phase*/, const BackwardCall& call) override
    {
        const SampleRange& s = call.samples;
        const Parts parts = partsOf(s);
        if (m_useBias) {
            m_biasSums.add(s.item, call.upstream,
                           s.count * m_stages[1].outputSize() / m_stages[1].geometry().channels);
        }
        for (Index i = 0; i < s.count; ++i) {
            const float* x = call.inputs[0] + i * m_stages[0].inputSize();
            const float* upstream = call.upstream + i * m_stages[1].outputSize();
            const quant::CallContext context = makeMiddle(call.inputs[0], s, i, parts);
            m_stages[1].kernelGradient(s.item, parts.activated, upstream, 1, parts.scratch);
            m_stages[1].inputGradient(upstream, 1, false, parts.gradient, parts.scratch);
            const bool readsOutput = m_middle.reads() == GradientReads::Output;
            m_middle.gradient(readsOutput ? parts.activated : parts.middle, parts.gradient,
                              middleShape(), parts.gradient, context);
            m_stages[0].kernelGradient(s.item, x, parts.gradient, 1, parts.scratch);
            if (call.inputGradients[0] != nullptr) {
                m_stages[0].inputGradient(parts.gradient, 1, call.adds[0],
                                          call.inputGradients[0] + i * m_stages[0].inputSize(),
                                          parts.scratch);
            }
        }
    }
    void finishForward(int /*phase*/, int /*items*/, Index /*samples*/) override
    {
        m_stages[0].clear();
        m_stages[1].clear();
        m_biasSums.clear();
    }

    int gradientTasks() const override
    {
        return m_stages[0].tasks() + m_stages[1].tasks() + (m_useBias ? 1 : 0);
    }
    void gradientTask(int task, const GradientCall& call) override
    {
        for (const std::size_t stage : {0, 1}) {
            if (task < m_stages[stage].tasks()) {
                m_stages[stage].total(task, call.items, call.gradients[stage]);
                return;
            }
            task -= m_stages[stage].tasks();
        }
        m_biasSums.total(call.items, call.gradients[2]);
    }

private:
    struct Parts {
        float* middle;
        float* activated;
        float* gradient;
        float* scratch;
    };
    [[nodiscard]] Index middleSize() const { return m_stages[0].outputSize(); }
    [[nodiscard]] Shape middleShape() const
    {
        const Index channels = m_stages[0].geometry().channels;
        return {middleSize() / channels, channels};
    }
    [[nodiscard]] Parts partsOf(const SampleRange& s) const
    {
        float* first = s.scratch;
        return {first, first + middleSize(), first + 2 * middleSize(), first + 3 * middleSize()};
    }
    /// What the activation of this sample ran with.
    quant::CallContext makeMiddle(const float* x, const SampleRange& s, Index sample,
                                  const Parts& parts) const
    {
        quant::CallContext context = m_context;
        if (context.training) {
            context.seed = Rng(s.seed).split(m_stream).next() +
                           static_cast<std::uint64_t>((s.first + sample) * middleSize());
        }
        m_stages[0].forward(x + sample * m_stages[0].inputSize(), 1, nullptr, parts.middle,
                            parts.scratch);
        m_middle.apply(parts.middle, middleShape(), parts.activated, context);
        return context;
    }

    std::array<Stage, 2> m_stages;
    bool m_useBias;
    Activation m_middle;
    std::uint64_t m_stream;
    quant::CallContext m_context;
    const float* m_bias = nullptr;
    ChannelSums m_biasSums;
};

} // namespace

std::unique_ptr<LayerKernel> makeTransposedKernel(std::unique_ptr<const Convolution> c,
                                                  const TransposedOptions& options)
{
    return std::make_unique<TransposedKernel>(std::move(c), options);
}

std::unique_ptr<LayerKernel>
makeSeparableTransposedKernel(std::unique_ptr<const Convolution> depthwise,
                              std::unique_ptr<const Convolution> pointwise, bool useBias,
                              Activation middle, const KernelRequest& request)
{
    return std::make_unique<SeparableTransposedKernel>(std::move(depthwise), std::move(pointwise),
                                                       useBias, std::move(middle), request);
}

} // namespace bitscape::graph
