// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layers/layer_kernel.h"

#include <algorithm>
#include <array>
#include <vector>

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

/// A tensor of one sample that lies channels first (or in any other order) outside and channels
/// last inside.
class Turn {
public:
    explicit Turn(const Shape& shape)
        : m_channels(shape.rank() < 2 ? 1 : shape[0]), m_pixels(shape.elementCount() / m_channels)
    {
    }
    /// `axes` outside are the channels inside.
    Turn(const Shape& shape, std::span<const int> axes)
        : m_channels(1), m_pixels(shape.elementCount())
    {
        std::vector<int> order; // axes outside, in their order inside
        for (int axis = 1; axis <= shape.rank(); ++axis) {
            if (std::ranges::find(axes, axis) == axes.end()) {
                order.push_back(axis - 1);
            }
        }
        for (const int axis : axes) {
            order.push_back(axis - 1);
        }
        m_places.assign(static_cast<std::size_t>(m_pixels), 0);
        Index inner = 1;
        for (auto axis = order.rbegin(); axis != order.rend(); ++axis) {
            Index step = 1;
            for (int after = *axis + 1; after < shape.rank(); ++after) {
                step *= shape[after];
            }
            for (std::size_t i = 0; i < m_places.size(); ++i) {
                m_places[i] += static_cast<Index>(i) / inner % shape[*axis] * step;
            }
            inner *= shape[*axis];
        }
    }

    [[nodiscard]] Index size() const { return m_channels * m_pixels; }
    void in(const float* outside, float* inside) const
    {
        if (m_places.empty()) {
            transpose(outside, m_channels, m_pixels, inside);
            return;
        }
        for (const Index place : m_places) {
            *inside++ = outside[place];
        }
    }
    void out(const float* inside, float* outside) const
    {
        if (m_places.empty()) {
            transpose(inside, m_pixels, m_channels, outside);
            return;
        }
        for (const Index place : m_places) {
            outside[place] = *inside++;
        }
    }

private:
    Index m_channels, m_pixels;
    std::vector<Index> m_places; // outside, per element inside; empty: channels first
};

/// Turns every tensor of the kernel inside, sample by sample. For kernels of one input that need
/// no whole batch in the last pass.
class TurningKernel final : public LayerKernel {
public:
    TurningKernel(std::unique_ptr<LayerKernel> kernel, Turn input, Turn output)
        : m_kernel(std::move(kernel)), m_input(std::move(input)), m_output(std::move(output))
    {
    }

    bool clamps() const override { return m_kernel->clamps(); }
    Index scratchFloats() const override
    {
        return 2 * (m_input.size() + m_output.size()) + m_kernel->scratchFloats();
    }
    bool takesRaw(int weight) const override { return m_kernel->takesRaw(weight); }
    void setCall(const quant::CallContext& call) override { m_kernel->setCall(call); }
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
                                      .saved = saved > 0 ? call.saved + i * saved : nullptr,
                                      .clamp = call.clamp});
            if (phase + 1 == forwardPhases()) {
                m_output.out(buffers.output, call.output + i * m_output.size());
            }
        }
    }

    void prepareTraining(int items, Index samples) override
    {
        m_kernel->prepareTraining(items, samples);
        ensure(!m_kernel->readsBatchLate(), "TurningKernel: the batch is never turned whole");
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
    return std::make_unique<TurningKernel>(std::move(kernel), Turn(input), Turn(output));
}

std::unique_ptr<LayerKernel> makeAxesKernel(std::unique_ptr<LayerKernel> kernel, const Shape& shape,
                                            std::span<const int> axes)
{
    return std::make_unique<TurningKernel>(std::move(kernel), Turn(shape, axes), Turn(shape, axes));
}

} // namespace bitscape::graph
