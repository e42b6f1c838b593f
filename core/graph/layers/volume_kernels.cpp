// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layers/volume_kernels.h"

#include "core/graph/layers/partial_sums.h"

#include <algorithm>

namespace bitscape::graph {

namespace {

ConvolutionGeometry sliceGeometry(const Shape& input, const Shape& output, const VolumeWindow& w,
                                  int groups)
{
    return {.height = input[1],
            .width = input[2],
            .channels = input[3],
            .outHeight = output[1],
            .outWidth = output[2],
            .filters = output[3],
            .kernelHeight = w.size[1],
            .kernelWidth = w.size[2],
            .strideHeight = w.stride[1],
            .strideWidth = w.stride[2],
            .dilationHeight = w.dilation[1],
            .dilationWidth = w.dilation[2],
            .padTop = paddingBefore(input[1], w.size[1], w.stride[1], w.dilation[1], w.padding),
            .padLeft = paddingBefore(input[2], w.size[2], w.stride[2], w.dilation[2], w.padding),
            .groups = groups};
}

/// A sum of convolutions of images: of every slice of the kernel over the slice of the input that
/// it meets.
class VolumeConvolutionKernel final : public LayerKernel {
public:
    VolumeConvolutionKernel(const Shape& input, const Shape& output, const VolumeWindow& w,
                            int groups, bool useBias)
        : m_slice(makeConvolution(sliceGeometry(input, output, w, groups))), m_depth(input[0]),
          m_outDepth(output[0]), m_taps(w.size[0]), m_stride(w.stride[0]),
          m_dilation(w.dilation[0]),
          m_padding(paddingBefore(input[0], w.size[0], w.stride[0], w.dilation[0], w.padding)),
          m_useBias(useBias), m_packed(Shape{m_taps * m_slice->packedSize()})
    {
    }

    Index scratchFloats() const override { return m_slice->scratchSize(); }

    void setWeights(LayerWeights weights) override
    {
        for (Index tap = 0; tap < m_taps; ++tap) {
            const float* kernel = weights[0].data + tap * m_slice->kernelSize();
            m_slice->pack(kernel, m_packed.data() + tap * m_slice->packedSize());
            if (m_packedGradient.size() > 0) {
                m_slice->packGradient(kernel, m_packedGradient.data() +
                                                  tap * m_slice->packedGradientSize());
            }
        }
        m_bias = m_useBias ? weights[1].data : nullptr;
    }

    void forward(int /*phase*/, const ForwardCall& call) override
    {
        const Index filters = m_slice->geometry().filters;
        const Index count = call.samples.count * m_outDepth * outputSlice();
        for (Index i = 0; i < count; i += filters) {
            if (m_useBias) {
                std::copy_n(m_bias, filters, call.output + i);
            } else {
                std::fill_n(call.output + i, filters, 0.0F);
            }
        }
        forEachSlice(call.samples.count, [&](Index in, Index out, Index tap) {
            m_slice->forward(call.inputs[0] + in * inputSlice(), 1,
                             m_packed.data() + tap * m_slice->packedSize(), {.adds = true},
                             call.output + out * outputSlice(), call.samples.scratch);
        });
    }

    void prepareTraining(int items, Index /*samples*/) override
    {
        m_packedGradient = Tensor(Shape{m_taps * m_slice->packedGradientSize()});
        m_kernelSums = PartialSums(items, m_taps * m_slice->kernelSize());
        if (m_useBias) {
            m_biasSums = ChannelSums(items, m_slice->geometry().filters);
        }
    }
    bool readsInput() const override { return true; }

    void backward(int /*phase*/, const BackwardCall& call) override
    {
        const SampleRange& s = call.samples;
        if (m_useBias) {
            m_biasSums.add(s.item, call.upstream,
                           s.count * m_outDepth * outputSlice() / m_slice->geometry().filters);
        }
        float* sums = m_kernelSums.part(s.item);
        if (!m_kernelSums.adds(s.item)) {
            std::fill_n(sums, m_taps * m_slice->kernelSize(), 0.0F);
        }
        float* target = call.inputGradients[0];
        if (target != nullptr && !call.adds[0]) {
            std::fill_n(target, s.count * m_depth * inputSlice(), 0.0F);
        }
        forEachSlice(s.count, [&](Index in, Index out, Index tap) {
            const float* upstream = call.upstream + out * outputSlice();
            m_slice->weightGradient(call.inputs[0] + in * inputSlice(), upstream, 1,
                                    sums + tap * m_slice->kernelSize(), true, s.scratch);
            if (target != nullptr) {
                m_slice->inputGradient(
                    upstream, 1, m_packedGradient.data() + tap * m_slice->packedGradientSize(),
                    target + in * inputSlice(), true, s.scratch);
            }
        });
    }
    void finishForward(int /*phase*/, int /*items*/, Index /*samples*/) override
    {
        m_kernelSums.clear();
        m_biasSums.clear();
    }

    int gradientTasks() const override { return m_kernelSums.tasks() + (m_useBias ? 1 : 0); }
    void gradientTask(int task, const GradientCall& call) override
    {
        if (task < m_kernelSums.tasks()) {
            m_kernelSums.total(task, call.items, call.gradients[0]);
        } else {
            m_biasSums.total(call.items, call.gradients[1]);
        }
    }

private:
    [[nodiscard]] Index inputSlice() const { return m_slice->geometry().inputSize(); }
    [[nodiscard]] Index outputSlice() const { return m_slice->geometry().outputSize(); }

    /// visit(input slice, output slice, tap), slices counted through all samples.
    template <class Visit>
    void forEachSlice(Index samples, const Visit& visit) const
    {
        for (Index sample = 0; sample < samples; ++sample) {
            for (Index out = 0; out < m_outDepth; ++out) {
                for (Index tap = 0; tap < m_taps; ++tap) {
                    const Index in = out * m_stride - m_padding + tap * m_dilation;
                    if (in >= 0 && in < m_depth) {
                        visit(sample * m_depth + in, sample * m_outDepth + out, tap);
                    }
                }
            }
        }
    }

    std::unique_ptr<const Convolution> m_slice;
    Index m_depth, m_outDepth, m_taps, m_stride, m_dilation, m_padding;
    bool m_useBias;
    Tensor m_packed, m_packedGradient;
    const float* m_bias = nullptr;
    PartialSums m_kernelSums;
    ChannelSums m_biasSums;
};

class VolumePoolKernel final : public LayerKernel {
public:
    VolumePoolKernel(PoolKind kind, const Shape& input, const Shape& output, const VolumeWindow& w)
        : m_kind(kind), m_input(input), m_output(output), m_window(w)
    {
        for (int axis = 0; axis < 3; ++axis) {
            const auto at = static_cast<std::size_t>(axis);
            m_padding[at] = paddingBefore(input[axis], w.size[at], w.stride[at], 1, w.padding);
        }
    }

    bool readsInput() const override { return m_kind == PoolKind::Max; }
    bool readsOutput() const override { return m_kind == PoolKind::Max; }

    void forward(int /*phase*/, const ForwardCall& call) override
    {
        const Index channels = m_input[3];
        forEachWindow(call.samples.count, [&](Index out, const Window& window) {
            float* y = call.output + out;
            const float share = 1.0F / static_cast<float>(window.count());
            bool isFirst = true;
            forEachPlace(window, [&](Index in) {
                const float* x = call.inputs[0] + in;
                for (Index c = 0; c < channels; ++c) {
                    const bool isMax = m_kind == PoolKind::Max;
                    y[c] = isFirst ? x[c] : isMax ? std::max(y[c], x[c]) : y[c] + x[c];
                }
                isFirst = false;
            });
            for (Index c = 0; m_kind == PoolKind::Average && c < channels; ++c) {
                y[c] *= share;
            }
        });
    }

    void backward(int /*phase*/, const BackwardCall& call) override
    {
        const Index channels = m_input[3];
        float* target = call.inputGradients[0];
        if (!call.adds[0]) {
            std::fill_n(target, call.samples.count * m_input.elementCount(), 0.0F);
        }
        forEachWindow(call.samples.count, [&](Index out, const Window& window) {
            const float share = 1.0F / static_cast<float>(window.count());
            for (Index c = 0; c < channels; ++c) {
                bool isOpen = true; // the first of the largest takes it all
                forEachPlace(window, [&](Index in) {
                    if (m_kind == PoolKind::Average) {
                        target[in + c] += call.upstream[out + c] * share;
                    } else if (isOpen && call.inputs[0][in + c] == call.output[out + c]) {
                        target[in + c] += call.upstream[out + c];
                        isOpen = false;
                    }
                });
            }
        });
    }

private:
    /// The part of a window that lies inside the volume; `last` is exclusive.
    struct Window {
        Index sample = 0;
        std::array<Index, 3> first{}, last{};
        [[nodiscard]] Index count() const
        {
            return (last[0] - first[0]) * (last[1] - first[1]) * (last[2] - first[2]);
        }
    };

    /// visit(first output element of the pixel, window)
    template <class Visit>
    void forEachWindow(Index samples, const Visit& visit) const
    {
        const Index places = m_output[0] * m_output[1] * m_output[2];
        for (Index place = 0; place < samples * places; ++place) {
            Window window{.sample = place / places};
            Index rest = place % places;
            for (int axis = 2; axis >= 0; --axis) {
                const auto at = static_cast<std::size_t>(axis);
                const Index start = rest % m_output[axis] * m_window.stride[at] - m_padding[at];
                rest /= m_output[axis];
                window.first[at] = std::max<Index>(start, 0);
                window.last[at] = std::min(start + m_window.size[at], m_input[axis]);
            }
            visit(place * m_output[3], window);
        }
    }
    /// visit(first input element of the pixel)
    template <class Visit>
    void forEachPlace(const Window& window, const Visit& visit) const
    {
        for (Index d = window.first[0]; d < window.last[0]; ++d) {
            for (Index h = window.first[1]; h < window.last[1]; ++h) {
                for (Index w = window.first[2]; w < window.last[2]; ++w) {
                    visit((((window.sample * m_input[0] + d) * m_input[1] + h) * m_input[2] + w) *
                          m_input[3]);
                }
            }
        }
    }

    PoolKind m_kind;
    Shape m_input, m_output;
    VolumeWindow m_window;
    std::array<Index, 3> m_padding{};
};

} // namespace

std::unique_ptr<LayerKernel> makeVolumeConvolutionKernel(const Shape& input, const Shape& output,
                                                         const VolumeWindow& window, int groups,
                                                         bool useBias)
{
    return std::make_unique<VolumeConvolutionKernel>(input, output, window, groups, useBias);
}

std::unique_ptr<LayerKernel> makeVolumePoolKernel(PoolKind kind, const Shape& input,
                                                  const Shape& output, const VolumeWindow& window)
{
    return std::make_unique<VolumePoolKernel>(kind, input, output, window);
}

} // namespace bitscape::graph
