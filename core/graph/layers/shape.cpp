// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/rng.h"
#include "core/graph/layers/layer_kernel.h"
#include "core/tensor/kernels/training.h"

#include <algorithm>
#include <numeric>

namespace bitscape::graph {

namespace {

/// target = or += source.
void give(const float* source, Index count, bool adds, float* target)
{
    if (adds) {
        kernels::add(source, count, target);
    } else if (source != target) {
        std::copy_n(source, count, target);
    }
}

/// Input, Flatten, Reshape, Dropout outside training, and activation layers, whose function the
/// plan applies.
class IdentityKernel final : public LayerKernel {
public:
    explicit IdentityKernel(Index size) : m_size(size) {}

    bool isIdentity() const override { return true; }
    void forward(int /*phase*/, const ForwardCall& call) override
    {
        give(call.inputs[0], call.samples.count * m_size, false, call.output);
    }
    void backward(int /*phase*/, const BackwardCall& call) override
    {
        give(call.upstream, call.samples.count * m_size, call.adds[0], call.inputGradients[0]);
    }

private:
    Index m_size;
};

class DropoutKernel final : public LayerKernel {
public:
    DropoutKernel(float rate, Index size, std::uint64_t stream)
        : m_rate(rate), m_size(size), m_stream(stream)
    {
    }

    void forward(int /*phase*/, const ForwardCall& call) override
    {
        kernels::drop(call.inputs[0], call.samples.count * m_size, dropOf(call.samples),
                      call.output, false);
    }
    void backward(int /*phase*/, const BackwardCall& call) override
    {
        kernels::drop(call.upstream, call.samples.count * m_size, dropOf(call.samples),
                      call.inputGradients[0], call.adds[0]);
    }

private:
    [[nodiscard]] kernels::Drop dropOf(const SampleRange& samples) const
    {
        return {.seed = Rng(samples.seed).split(m_stream).next(),
                .first = static_cast<std::uint64_t>(samples.first * m_size),
                .rate = m_rate,
                .factor = m_rate < 1.0F ? 1.0F / (1.0F - m_rate) : 0.0F};
    }

    float m_rate;
    Index m_size;
    std::uint64_t m_stream;
};

class ZeroPaddingKernel final : public LayerKernel {
public:
    ZeroPaddingKernel(const ZeroPaddingOp& op, const Shape& image)
        : m_height(image[0]), m_rowSize(image[1] * image[2]), m_left(op.left * image[2]),
          m_top(op.top), m_paddedHeight(image[0] + op.top + op.bottom),
          m_paddedRowSize((image[1] + op.left + op.right) * image[2])
    {
    }

    void forward(int /*phase*/, const ForwardCall& call) override
    {
        const Index count = call.samples.count;
        std::fill_n(call.output, count * m_paddedHeight * m_paddedRowSize, 0.0F);
        for (Index i = 0; i < count; ++i) {
            for (Index row = 0; row < m_height; ++row) {
                std::copy_n(call.inputs[0] + (i * m_height + row) * m_rowSize, m_rowSize,
                            call.output + inside(i, row));
            }
        }
    }
    void backward(int /*phase*/, const BackwardCall& call) override
    {
        for (Index i = 0; i < call.samples.count; ++i) {
            for (Index row = 0; row < m_height; ++row) {
                give(call.upstream + inside(i, row), m_rowSize, call.adds[0],
                     call.inputGradients[0] + (i * m_height + row) * m_rowSize);
            }
        }
    }

private:
    [[nodiscard]] Index inside(Index image, Index row) const
    {
        return (image * m_paddedHeight + row + m_top) * m_paddedRowSize + m_left;
    }

    Index m_height, m_rowSize, m_left, m_top, m_paddedHeight, m_paddedRowSize;
};

class AddKernel final : public LayerKernel {
public:
    AddKernel(std::vector<Shape> inputs, const Shape& output)
        : m_size(output.elementCount()), m_inputs(inputs.size())
    {
        for (std::size_t i = 0; i < inputs.size(); ++i) {
            m_inputs[i].size = inputs[i].elementCount();
            if (!(inputs[i] == output)) {
                m_inputs[i].sources = sourcesOf(inputs[i], output);
            }
        }
    }

    bool isSumOfTwo() const override
    {
        return m_inputs.size() == 2 &&
               std::ranges::all_of(m_inputs, [](const Input& one) { return one.sources.empty(); });
    }
    void forward(int /*phase*/, const ForwardCall& call) override
    {
        for (std::size_t i = 0; i < m_inputs.size(); ++i) {
            const Input& input = m_inputs[i];
            if (input.sources.empty()) {
                give(call.inputs[i], call.samples.count * m_size, i > 0, call.output);
                continue;
            }
            for (Index sample = 0; sample < call.samples.count; ++sample) {
                const float* from = call.inputs[i] + sample * input.size;
                float* to = call.output + sample * m_size;
                for (Index e = 0; e < m_size; ++e) {
                    const float value = from[input.sources[static_cast<std::size_t>(e)]];
                    to[e] = i > 0 ? to[e] + value : value;
                }
            }
        }
    }

    void backward(int /*phase*/, const BackwardCall& call) override
    {
        for (std::size_t i = 0; i < m_inputs.size(); ++i) {
            const Input& input = m_inputs[i];
            float* target = call.inputGradients[i];
            if (target == nullptr) {
                continue;
            }
            if (input.sources.empty()) {
                give(call.upstream, call.samples.count * m_size, call.adds[i], target);
                continue;
            }
            if (!call.adds[i]) {
                std::fill_n(target, call.samples.count * input.size, 0.0F);
            }
            for (Index sample = 0; sample < call.samples.count; ++sample) {
                for (Index e = 0; e < m_size; ++e) {
                    target[sample * input.size + input.sources[static_cast<std::size_t>(e)]] +=
                        call.upstream[sample * m_size + e];
                }
            }
        }
    }

private:
    struct Input {
        Index size = 0;
        std::vector<Index> sources; // per output element; empty: the same shape
    };

    static std::vector<Index> sourcesOf(const Shape& input, const Shape& output)
    {
        std::vector<Index> sources(static_cast<std::size_t>(output.elementCount()), 0);
        Index outputStep = 1; // of the axis in the output
        Index inputStep = 1;
        for (int axis = 1; axis <= input.rank(); ++axis) {
            const Index size = output[output.rank() - axis];
            const Index own = input[input.rank() - axis];
            for (std::size_t e = 0; own > 1 && e < sources.size(); ++e) {
                sources[e] += static_cast<Index>(e) / outputStep % size * inputStep;
            }
            outputStep *= size;
            inputStep *= own;
        }
        return sources;
    }

    Index m_size;
    std::vector<Input> m_inputs;
};

class ConcatenateKernel final : public LayerKernel {
public:
    ConcatenateKernel(const std::vector<Shape>& inputs, int axis)
    {
        for (int before = 0; before < axis; ++before) {
            m_outer *= inputs[0][before];
        }
        for (const Shape& shape : inputs) {
            m_runs.push_back(shape.elementCount() / std::max<Index>(m_outer, 1));
        }
        m_total = std::accumulate(m_runs.begin(), m_runs.end(), Index{0});
    }

    void forward(int /*phase*/, const ForwardCall& call) override
    {
        forEachRun(call.samples.count, [&](std::size_t i, Index own, Index joined, Index count) {
            std::copy_n(call.inputs[i] + own, count, call.output + joined);
        });
    }
    void backward(int /*phase*/, const BackwardCall& call) override
    {
        forEachRun(call.samples.count, [&](std::size_t i, Index own, Index joined, Index count) {
            if (call.inputGradients[i] != nullptr) {
                give(call.upstream + joined, count, call.adds[i], call.inputGradients[i] + own);
            }
        });
    }

private:
    template <class Visit>
    void forEachRun(Index samples, const Visit& visit) const
    {
        Index start = 0;
        for (std::size_t i = 0; i < m_runs.size(); ++i) {
            for (Index row = 0; row < samples * m_outer; ++row) {
                visit(i, row * m_runs[i], row * m_total + start, m_runs[i]);
            }
            start += m_runs[i];
        }
    }

    Index m_outer = 1, m_total = 0;
    std::vector<Index> m_runs; // floats of each input that lie together in the output
};

/// Runs of elements that stay together, so that what moves whole rows copies whole rows.
class GatherKernel final : public LayerKernel {
public:
    GatherKernel(Index inputSize, const std::vector<Index>& sources)
        : m_inputSize(inputSize), m_outputSize(std::ssize(sources))
    {
        for (std::size_t e = 0; e < sources.size(); ++e) {
            const bool continues =
                e > 0 && (sources[e] < 0 ? sources[e - 1] < 0
                                         : sources[e - 1] >= 0 && sources[e] == sources[e - 1] + 1);
            if (continues) {
                ++m_runs.back().count;
            } else {
                m_runs.push_back({sources[e], 1});
            }
        }
    }

    void forward(int /*phase*/, const ForwardCall& call) override
    {
        for (Index i = 0; i < call.samples.count; ++i) {
            const float* from = call.inputs[0] + i * m_inputSize;
            float* to = call.output + i * m_outputSize;
            for (const Run& run : m_runs) {
                if (run.source < 0) {
                    std::fill_n(to, run.count, 0.0F);
                } else {
                    std::copy_n(from + run.source, run.count, to);
                }
                to += run.count;
            }
        }
    }
    void backward(int /*phase*/, const BackwardCall& call) override
    {
        float* target = call.inputGradients[0];
        if (target == nullptr) {
            return;
        }
        if (!call.adds[0]) {
            std::fill_n(target, call.samples.count * m_inputSize, 0.0F);
        }
        for (Index i = 0; i < call.samples.count; ++i) {
            const float* from = call.upstream + i * m_outputSize;
            for (const Run& run : m_runs) {
                if (run.source >= 0) {
                    kernels::add(from, run.count, target + i * m_inputSize + run.source);
                }
                from += run.count;
            }
        }
    }

private:
    struct Run {
        Index source = 0; // of its first element; −1: zeros
        Index count = 0;
    };
    Index m_inputSize, m_outputSize;
    std::vector<Run> m_runs;
};

} // namespace

std::unique_ptr<LayerKernel> makeGatherKernel(Index inputSize, const std::vector<Index>& sources)
{
    return std::make_unique<GatherKernel>(inputSize, sources);
}

std::unique_ptr<LayerKernel> makeSelectKernel(std::span<const Shape> parts, int part)
{
    Index total = 0;
    std::vector<Index> sources;
    for (std::size_t p = 0; p < parts.size(); ++p) {
        if (static_cast<int>(p) == part) {
            sources.resize(static_cast<std::size_t>(parts[p].elementCount()));
            std::iota(sources.begin(), sources.end(), total);
        }
        total += parts[p].elementCount();
    }
    return makeGatherKernel(total, sources);
}

std::unique_ptr<LayerKernel> makeIdentityKernel(Index inputSize)
{
    return std::make_unique<IdentityKernel>(inputSize);
}

std::unique_ptr<LayerKernel> makeDropoutKernel(float rate, Index inputSize, std::uint64_t stream)
{
    return std::make_unique<DropoutKernel>(rate, inputSize, stream);
}

std::unique_ptr<LayerKernel> makeZeroPaddingKernel(const ZeroPaddingOp& op, const Shape& image)
{
    return std::make_unique<ZeroPaddingKernel>(op, image);
}

std::unique_ptr<LayerKernel> makeAddKernel(std::vector<Shape> inputs, const Shape& output)
{
    return std::make_unique<AddKernel>(std::move(inputs), output);
}

std::unique_ptr<LayerKernel> makeConcatenateKernel(const std::vector<Shape>& inputs, int axis)
{
    return std::make_unique<ConcatenateKernel>(inputs, axis);
}

} // namespace bitscape::graph
