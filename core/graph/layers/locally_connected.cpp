// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layers/locally_connected.h"

#include "core/graph/layer_reading.h"
#include "core/graph/layers/partial_sums.h"
#include "core/graph/layers/rule_support.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace bitscape::graph {

namespace {

/// Kernel (pixels of the output, taps × ci, filters), bias (pixels, filters).
class LocallyConnectedKernel final : public LayerKernel {
public:
    LocallyConnectedKernel(const Shape& input, const Shape& output, const Extent& kernel,
                           const Extent& stride, bool useBias)
        : m_inputSize(input.elementCount()), m_filters(output[2]), m_useBias(useBias)
    {
        for (Index row = 0; row < output[0]; ++row) {
            for (Index column = 0; column < output[1]; ++column) {
                m_corners.push_back((row * stride.height * input[1] + column * stride.width) *
                                    input[2]);
            }
        }
        for (Index row = 0; row < kernel.height; ++row) {
            for (Index e = 0; e < kernel.width * input[2]; ++e) {
                m_taps.push_back(row * input[1] * input[2] + e);
            }
        }
    }

    void setWeights(LayerWeights weights) override
    {
        m_kernel = weights[0].data;
        m_bias = m_useBias ? weights[1].data : nullptr;
    }

    void forward(int /*phase*/, const ForwardCall& call) override
    {
        for (Index sample = 0; sample < call.samples.count; ++sample) {
            float* out = call.output + sample * outputSize();
            if (m_useBias) {
                std::copy_n(m_bias, outputSize(), out);
            } else {
                std::fill_n(out, outputSize(), 0.0F);
            }
            forEachTap(sample, [&](Index in, Index kernel, Index pixel) {
                const float x = call.inputs[0][in];
                for (Index f = 0; f < m_filters; ++f) {
                    out[pixel * m_filters + f] += x * m_kernel[kernel + f];
                }
            });
        }
    }

    void prepareTraining(int items, Index /*samples*/) override
    {
        m_kernelSums = PartialSums(items, outputSize() * std::ssize(m_taps));
        m_biasSums = PartialSums(items, m_useBias ? outputSize() : 0);
    }
    bool readsInput() const override { return true; }

    void backward(int /*phase*/, const BackwardCall& call) override
    {
        const SampleRange& s = call.samples;
        float* kernelSums = m_kernelSums.part(s.item);
        if (!m_kernelSums.adds(s.item)) {
            std::fill_n(kernelSums, m_kernelSums.size(), 0.0F);
        }
        float* target = call.inputGradients[0];
        if (target != nullptr && !call.adds[0]) {
            std::fill_n(target, s.count * m_inputSize, 0.0F);
        }
        for (Index sample = 0; sample < s.count; ++sample) {
            const float* upstream = call.upstream + sample * outputSize();
            if (m_useBias) {
                addBias(s.item, upstream);
            }
            forEachTap(sample, [&](Index in, Index kernel, Index pixel) {
                const float x = call.inputs[0][in];
                float sum = 0.0F;
                for (Index f = 0; f < m_filters; ++f) {
                    const float dy = upstream[pixel * m_filters + f];
                    kernelSums[kernel + f] += x * dy;
                    sum += dy * m_kernel[kernel + f];
                }
                if (target != nullptr) {
                    target[in] += sum;
                }
            });
        }
    }
    void finishForward(int /*phase*/, int /*items*/, Index /*samples*/) override
    {
        m_kernelSums.clear();
        m_biasSums.clear();
    }

    int gradientTasks() const override { return m_kernelSums.tasks() + m_biasSums.tasks(); }
    void gradientTask(int task, const GradientCall& call) override
    {
        if (task < m_kernelSums.tasks()) {
            m_kernelSums.total(task, call.items, call.gradients[0]);
        } else {
            m_biasSums.total(task - m_kernelSums.tasks(), call.items, call.gradients[1]);
        }
    }

private:
    [[nodiscard]] Index outputSize() const { return std::ssize(m_corners) * m_filters; }

    void addBias(int item, const float* upstream)
    {
        float* sums = m_biasSums.part(item);
        if (m_biasSums.adds(item)) {
            kernels::add(upstream, outputSize(), sums);
        } else {
            std::copy_n(upstream, outputSize(), sums);
        }
    }

    /// visit(input element, first weight, output pixel)
    template <class Visit>
    void forEachTap(Index sample, const Visit& visit) const
    {
        Index kernel = 0;
        for (std::size_t pixel = 0; pixel < m_corners.size(); ++pixel) {
            for (const Index tap : m_taps) {
                visit(sample * m_inputSize + m_corners[pixel] + tap, kernel,
                      static_cast<Index>(pixel));
                kernel += m_filters;
            }
        }
    }

    Index m_inputSize, m_filters;
    bool m_useBias;
    std::vector<Index> m_corners; // per output pixel: first element of its window
    std::vector<Index> m_taps;    // elements of a window, from there
    const float* m_kernel = nullptr;
    const float* m_bias = nullptr;
    PartialSums m_kernelSums, m_biasSums;
};

class LocallyConnectedRule final : public SpatialRule {
public:
    LocallyConnectedRule(int rank, Index filters, const Extent& kernel, const Extent& stride,
                         bool useBias, const Function& function)
        : SpatialRule(rank, false), m_filters(filters), m_kernel(kernel), m_stride(stride),
          m_useBias(useBias), m_function(function)
    {
    }

    std::vector<RuleWeight> weights() const override
    {
        return m_useBias ? std::vector<RuleWeight>{{"kernel"}, {"bias"}}
                         : std::vector<RuleWeight>{{"kernel"}};
    }
    std::vector<Slot> slots() const override { return {}; } // QKeras has no twin
    Function function() const override { return m_function; }
    Json config() const override
    {
        return {{"filters", m_filters},
                {"kernel_size", extentField(m_kernel, spatialRank())},
                {"strides", extentField(m_stride, spatialRank())},
                {"padding", "valid"},
                {"data_format", dataFormat()},
                {"activation", activationField(m_function)},
                {"use_bias", m_useBias},
                {"implementation", 1}};
    }

protected:
    Result<OpShape> lastShape(const Shape& input) const override
    {
        const Shape image = asImage(input);
        const Shape output{
            outputSize(image[0], m_kernel.height, m_stride.height, 1, Padding::Valid),
            outputSize(image[1], m_kernel.width, m_stride.width, 1, Padding::Valid), m_filters};
        if (closedCount(image) < 0 || output[0] < 1 || output[1] < 1) {
            return shapeMismatch(
                fmt::format("Its kernels do not fit the input {}.", input.toString()));
        }
        const Index depth = Index{m_kernel.height} * m_kernel.width * image[2];
        const Index pixels = output[0] * output[1];
        const bool is1D = spatialRank() == 1;
        OpShape result{.output = is1D ? output.sample() : output};
        result.macs = pixels * depth * m_filters;
        result.weights = {{"kernel", {pixels, depth, m_filters}}};
        if (m_useBias) {
            result.weights.push_back({"bias", result.output});
        }
        return result;
    }
    std::unique_ptr<LayerKernel> lastKernel(const KernelRequest& /*request*/, const Shape& input,
                                            const Shape& output) const override
    {
        return std::make_unique<LocallyConnectedKernel>(asImage(input), asImage(output), m_kernel,
                                                        m_stride, m_useBias);
    }

private:
    Index m_filters;
    Extent m_kernel, m_stride;
    bool m_useBias;
    Function m_function;
};

template <int rank>
void read(LayerReading& reading)
{
    KerasConfig& config = reading.config;
    const Index filters = config.integer("filters", 0, 1, kMaxChannels);
    const Extent kernel = config.extent("kernel_size", rank, {0, 0});
    if (filters == 0 || kernel.width == 0) {
        config.refuse(filters == 0 ? "filters" : "kernel_size", "It is missing.");
    }
    if (reading.padding() != Padding::Valid || config.integer("implementation", 1, 1, 3) != 1) {
        reading.lacks("only the first implementation, which stores a dense kernel, is covered");
    }
    if (reading.channelsFirst()) {
        reading.lacks("channels_first is not covered");
    }
    const Function function = reading.activation();
    reading.become<LocallyConnectedRule>(rank, filters, kernel, config.extent("strides", rank, {}),
                                         config.boolean("use_bias", true), function);
}

} // namespace

std::span<const LayerInfo> locallyConnectedLayers()
{
    static constexpr std::array kRows{
        LayerInfo{"LocallyConnected1D", "", "A convolution with a kernel for every step.", read<1>},
        LayerInfo{"LocallyConnected2D", "", "A convolution with a kernel for every pixel.",
                  read<2>},
    };
    return kRows;
}

} // namespace bitscape::graph
