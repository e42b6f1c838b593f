// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layers/layer_kernel.h"

#include <algorithm>
#include <array>

namespace bitscape::graph {

namespace {

/// target[c][r] = source[r][c]
void transpose(const float* source, Index rows, Index columns, float* target)
{
    for (Index r = 0; r < rows; ++r) {
        for (Index c = 0; c < columns; ++c) {
            target[c * rows + r] = source[r * columns + c];
        }
    }
}

/// A tensor of one sample that lies channels first outside and channels last inside.
struct Turn {
    Index channels = 1;
    Index pixels = 1;

    explicit Turn(const Shape& shape)
        : channels(shape.rank() < 2 ? 1 : shape[0]), pixels(shape.elementCount() / channels)
    {
    }
    [[nodiscard]] Index size() const { return channels * pixels; }
    void in(const float* outside, float* inside) const
    {
        transpose(outside, channels, pixels, inside);
    }
    void out(const float* inside, float* outside) const
    {
        transpose(inside, pixels, channels, outside);
    }
};

/// Turns every tensor of the kernel inside, sample by sample. For kernels of one input that need
/// no whole batch in the last pass.
class ChannelsFirstKernel final : public LayerKernel {
public:
    ChannelsFirstKernel(std::unique_ptr<LayerKernel> kernel, const Shape& input,
                        const Shape& output)
        : m_kernel(std::move(kernel)), m_input(input), m_output(output)
    {
    }

    bool clampTo(float low, float high) override { return m_kernel->clampTo(low, high); }
    Index scratchFloats() const override
    {
        return 2 * (m_input.size() + m_output.size()) + m_kernel->scratchFloats();
    }
    bool takesRaw(int weight) const override { return m_kernel->takesRaw(weight); }
    void setWeights(LayerWeights weights) override { m_kernel->setWeights(weights); }

    void forward(int phase, const ForwardCall& call) override
    {
        const Index saved = m_kernel->savedFloats();
        for (Index i = 0; i < call.samples.count; ++i) {
            Buffers buffers = buffersOf(call.samples, i);
            m_input.in(call.inputs[0] + i * m_input.size(), buffers.input);
            const std::array<const float*, 1> inputs{buffers.input};
            m_kernel->forward(phase, {.samples = buffers.samples,
                                      .inputs = inputs,
                                      .output = buffers.output,
                                      .saved = saved > 0 ? call.saved + i * saved : nullptr});
            if (phase + 1 == forwardPhases()) {
                m_output.out(buffers.output, call.output + i * m_output.size());
            }
        }
    }

    void prepareTraining(int items, Index samples) override
    {
        m_kernel->prepareTraining(items, samples);
        ensure(!m_kernel->readsBatchLate(), "ChannelsFirstKernel: the batch is never turned whole");
    }
    int forwardPhases() const override { return m_kernel->forwardPhases(); }
    void finishForward(int phase, int items, Index samples) override
    {
        m_kernel->finishForward(phase, items, samples);
    }
    int backwardPhases() const override { return m_kernel->backwardPhases(); }

    void backward(int phase, const BackwardCall& call) override
    {
        const Index saved = m_kernel->savedFloats();
        float* target = call.inputGradients[0];
        for (Index i = 0; i < call.samples.count; ++i) {
            Buffers buffers = buffersOf(call.samples, i);
            if (readsInput()) {
                m_input.in(call.inputs[0] + i * m_input.size(), buffers.input);
            }
            if (readsOutput()) {
                m_output.in(call.output + i * m_output.size(), buffers.output);
            }
            m_output.in(call.upstream + i * m_output.size(), buffers.upstream);
            const bool adds = call.adds[0];
            if (target != nullptr && adds) {
                m_input.in(target + i * m_input.size(), buffers.gradient);
            }
            const std::array<const float*, 1> inputs{buffers.input};
            const std::array<float*, 1> gradients{target != nullptr ? buffers.gradient : nullptr};
            m_kernel->backward(phase, {.samples = buffers.samples,
                                       .inputs = inputs,
                                       .output = buffers.output,
                                       .upstream = buffers.upstream,
                                       .inputGradients = gradients,
                                       .adds = {&adds, 1},
                                       .saved = saved > 0 ? call.saved + i * saved : nullptr});
            if (target != nullptr) {
                m_input.out(buffers.gradient, target + i * m_input.size());
            }
        }
    }

    void finishBackward(int phase, int items, Index samples) override
    {
        m_kernel->finishBackward(phase, items, samples);
    }
    bool readsInput() const override { return m_kernel->readsInput(); }
    bool readsOutput() const override { return m_kernel->readsOutput(); }
    Index savedFloats() const override { return m_kernel->savedFloats(); }
    int gradientTasks() const override { return m_kernel->gradientTasks(); }
    void gradientTask(int task, const GradientCall& call) override
    {
        m_kernel->gradientTask(task, call);
    }
    const Tensor* updatedWeight(int index) const override { return m_kernel->updatedWeight(index); }

private:
    /// Turned tensors of one sample, and the range the kernel inside sees.
    struct Buffers {
        float* input;
        float* gradient;
        float* output;
        float* upstream;
        SampleRange samples;
    };
    [[nodiscard]] Buffers buffersOf(const SampleRange& samples, Index sample) const
    {
        float* input = samples.scratch;
        float* gradient = input + m_input.size();
        float* output = gradient + m_input.size();
        float* upstream = output + m_output.size();
        return {input,
                gradient,
                output,
                upstream,
                {.first = samples.first + sample,
                 .count = 1,
                 .item = samples.item,
                 .seed = samples.seed,
                 .scratch = upstream + m_output.size()}};
    }

    std::unique_ptr<LayerKernel> m_kernel;
    Turn m_input, m_output;
};

} // namespace

std::unique_ptr<LayerKernel> makeChannelsFirstKernel(std::unique_ptr<LayerKernel> kernel,
                                                     const Shape& input, const Shape& output)
{
    return std::make_unique<ChannelsFirstKernel>(std::move(kernel), input, output);
}

} // namespace bitscape::graph
