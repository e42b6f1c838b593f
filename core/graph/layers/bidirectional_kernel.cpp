// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layers/bidirectional_kernel.h"

#include <algorithm>

namespace bitscape::graph {

namespace {

constexpr Index kBlock = 64;                   // samples
constexpr Index kBlockFloats = Index{1} << 21; // of both directions' outputs in scratch
constexpr std::size_t kMostInputs = 8;

class BidirectionalKernel final : public LayerKernel {
public:
    BidirectionalKernel(std::array<Direction, 2> directions, std::vector<Index> inputSizes,
                        const DirectedSizes& sizes, Merge merge)
        : m_directions(std::move(directions)), m_inputSizes(std::move(inputSizes)), m_sizes(sizes),
          m_merge(merge), m_block(std::clamp<Index>(kBlockFloats / (2 * sizes.output()), 1, kBlock))
    {
    }

    bool wantsBatch() const override { return either(&LayerKernel::wantsBatch); }
    bool readsInput() const override { return either(&LayerKernel::readsInput); }
    Index scratchFloats() const override
    {
        return 2 * m_block * m_sizes.output() +
               std::max(kernel(0).scratchFloats(), kernel(1).scratchFloats());
    }

    void setWeights(LayerWeights weights) override
    {
        kernel(0).setWeights(weights.first(m_directions[0].weights));
        kernel(1).setWeights(weights.last(m_directions[1].weights));
    }

    void forward(int /*phase*/, const ForwardCall& call) override
    {
        forEachBlock(call.samples, [&](Index first, Index count) {
            const std::array outputs = outputsOf(call.saved, call.samples, first, count);
            for (std::size_t d = 0; d < 2; ++d) {
                std::array<const float*, kMostInputs> inputs{};
                kernel(d).forward(0, {.samples = rangeOf(call.samples, first, count),
                                      .inputs = inputsOf(call.inputs, d, first, inputs),
                                      .output = outputs[d],
                                      .saved = savedOf(call.saved, call.samples, d, first)});
            }
            for (Index s = 0; s < count; ++s) {
                merge(outputs[0] + s * m_sizes.output(), outputs[1] + s * m_sizes.output(),
                      call.output + (first + s) * outputFloats());
            }
        });
    }

    void prepareTraining(int items, Index samples) override
    {
        m_isTrained = true;
        kernel(0).prepareTraining(items, samples);
        kernel(1).prepareTraining(items, samples);
        if (wantsBatch()) {
            m_block = samples;
        }
    }
    Index savedFloats() const override
    {
        return kernel(0).savedFloats() + kernel(1).savedFloats() +
               (keepsOutputs() ? 2 * m_sizes.output() : 0);
    }
    void finishForward(int phase, int items, Index samples) override
    {
        kernel(0).finishForward(phase, items, samples);
        kernel(1).finishForward(phase, items, samples);
    }
    void finishBackward(int phase, int items, Index samples) override
    {
        kernel(0).finishBackward(phase, items, samples);
        kernel(1).finishBackward(phase, items, samples);
    }

    void backward(int /*phase*/, const BackwardCall& call) override
    {
        forEachBlock(call.samples, [&](Index first, Index count) {
            // Only read from here on.
            float* saved = const_cast<float*>(call.saved);
            const std::array<float*, 2> outputs = keepsOutputs()
                                                      ? outputsOf(saved, call.samples, first, count)
                                                      : std::array<float*, 2>{nullptr, nullptr};
            const std::array gradients = piecesOf(call.samples.scratch, count);
            for (Index s = 0; s < count; ++s) {
                const Index at = s * m_sizes.output();
                split(call.upstream + (first + s) * outputFloats(),
                      keepsOutputs() ? outputs[0] + at : nullptr,
                      keepsOutputs() ? outputs[1] + at : nullptr, gradients[0] + at,
                      gradients[1] + at);
            }
            for (std::size_t d = 0; d < 2; ++d) {
                walkBack(call, d, first, count, gradients[d],
                         savedOf(saved, call.samples, d, first));
            }
        });
    }

    int gradientTasks() const override
    {
        return kernel(0).gradientTasks() + kernel(1).gradientTasks();
    }
    void gradientTask(int task, const GradientCall& call) override
    {
        const bool isForward = task < kernel(0).gradientTasks();
        GradientCall own = call;
        own.gradients = isForward ? call.gradients.first(m_directions[0].weights)
                                  : call.gradients.last(m_directions[1].weights);
        kernel(isForward ? 0 : 1)
            .gradientTask(isForward ? task : task - kernel(0).gradientTasks(), own);
    }

private:
    [[nodiscard]] LayerKernel& kernel(std::size_t direction) const
    {
        return *m_directions[direction].kernel;
    }
    [[nodiscard]] bool either(bool (LayerKernel::*is)() const) const
    {
        return (kernel(0).*is)() || (kernel(1).*is)();
    }
    [[nodiscard]] bool isJoined() const
    {
        return m_merge == Merge::Concat || m_merge == Merge::None;
    }
    [[nodiscard]] Index outputFloats() const
    {
        return (isJoined() ? 2 : 1) * m_sizes.sequence() + 2 * m_sizes.states;
    }
    /// The gradient of a product reads both factors.
    [[nodiscard]] bool keepsOutputs() const { return m_isTrained && m_merge == Merge::Multiply; }

    template <class Visit>
    void forEachBlock(const SampleRange& samples, const Visit& visit) const
    {
        for (Index first = 0; first < samples.count; first += m_block) {
            visit(first, std::min(m_block, samples.count - first));
        }
    }

    [[nodiscard]] SampleRange rangeOf(const SampleRange& samples, Index first, Index count) const
    {
        SampleRange range = samples;
        range.first += first;
        range.count = count;
        range.scratch += 2 * m_block * m_sizes.output();
        return range;
    }
    [[nodiscard]] std::array<float*, 2> piecesOf(float* memory, Index count) const
    {
        return {memory, memory + count * m_sizes.output()};
    }
    /// Where both directions write: into what is saved, if it is read again.
    [[nodiscard]] std::array<float*, 2> outputsOf(float* saved, const SampleRange& samples,
                                                  Index first, Index count) const
    {
        if (!keepsOutputs()) {
            return piecesOf(samples.scratch, count);
        }
        const Index before = kernel(0).savedFloats() + kernel(1).savedFloats();
        return piecesOf(saved + samples.count * before + first * 2 * m_sizes.output(), count);
    }
    [[nodiscard]] float* savedOf(float* saved, const SampleRange& samples, std::size_t direction,
                                 Index first) const
    {
        if (saved == nullptr) {
            return nullptr;
        }
        const Index before = direction == 0 ? 0 : samples.count * kernel(0).savedFloats();
        return saved + before + first * kernel(direction).savedFloats();
    }
    std::span<const float* const> inputsOf(std::span<const float* const> given,
                                           std::size_t direction, Index first,
                                           std::array<const float*, kMostInputs>& inputs) const
    {
        const auto& read = m_directions[direction].inputs;
        for (std::size_t i = 0; i < read.size() && !given.empty(); ++i) {
            inputs[i] = given[read[i]] + first * m_inputSizes[read[i]];
        }
        return std::span(inputs).first(read.size());
    }

    void walkBack(const BackwardCall& call, std::size_t d, Index first, Index count,
                  const float* upstream, const float* saved) const
    {
        const auto& read = m_directions[d].inputs;
        std::array<const float*, kMostInputs> inputs{};
        std::array<float*, kMostInputs> gradients{};
        std::array<bool, kMostInputs> adds{};
        for (std::size_t i = 0; i < read.size(); ++i) {
            float* gradient = call.inputGradients[read[i]];
            gradients[i] = gradient == nullptr ? nullptr : gradient + first * m_inputSizes[read[i]];
            const auto& others = m_directions[0].inputs;
            const bool isShared = d == 1 && std::ranges::find(others, read[i]) != others.end();
            adds[i] = isShared || call.adds[read[i]];
        }
        kernel(d).backward(0, {.samples = rangeOf(call.samples, first, count),
                               .inputs = inputsOf(call.inputs, d, first, inputs),
                               .upstream = upstream,
                               .inputGradients = std::span(gradients).first(read.size()),
                               .adds = std::span(adds).first(read.size()),
                               .saved = saved});
    }

    /// One sample: the backward direction's steps come last first.
    void merge(const float* forward, const float* backward, float* target) const
    {
        const Index width = m_sizes.width;
        for (Index row = 0; row < m_sizes.rows(); ++row) {
            const float* a = forward + row * width;
            const float* b = backward + m_sizes.turned(row) * width;
            if (isJoined()) {
                const bool isConcat = m_merge == Merge::Concat;
                float* first = target + row * width * (isConcat ? 2 : 1);
                float* second = isConcat ? first + width : first + m_sizes.sequence();
                std::copy_n(a, width, first);
                std::copy_n(b, width, second);
                continue;
            }
            float* y = target + row * width;
            for (Index u = 0; u < width; ++u) {
                y[u] = m_merge == Merge::Multiply  ? a[u] * b[u]
                       : m_merge == Merge::Average ? (a[u] + b[u]) * 0.5F
                                                   : a[u] + b[u];
            }
        }
        float* states = target + (isJoined() ? 2 : 1) * m_sizes.sequence();
        std::copy_n(forward + m_sizes.sequence(), m_sizes.states, states);
        std::copy_n(backward + m_sizes.sequence(), m_sizes.states, states + m_sizes.states);
    }

    /// The way back: gradients of both directions' outputs; `forward` and `backward` are the
    /// outputs if they are factors.
    void split(const float* upstream, const float* forward, const float* backward, float* da,
               float* db) const
    {
        const Index width = m_sizes.width;
        for (Index row = 0; row < m_sizes.rows(); ++row) {
            const Index turned = m_sizes.turned(row) * width;
            float* a = da + row * width;
            float* b = db + turned;
            if (isJoined()) {
                const bool isConcat = m_merge == Merge::Concat;
                const float* first = upstream + row * width * (isConcat ? 2 : 1);
                std::copy_n(first, width, a);
                std::copy_n(isConcat ? first + width : first + m_sizes.sequence(), width, b);
                continue;
            }
            const float* dy = upstream + row * width;
            for (Index u = 0; u < width; ++u) {
                const bool isProduct = m_merge == Merge::Multiply;
                const float share = m_merge == Merge::Average ? 0.5F : 1.0F;
                a[u] = dy[u] * (isProduct ? backward[turned + u] : share);
                b[u] = dy[u] * (isProduct ? forward[row * width + u] : share);
            }
        }
        const float* states = upstream + (isJoined() ? 2 : 1) * m_sizes.sequence();
        std::copy_n(states, m_sizes.states, da + m_sizes.sequence());
        std::copy_n(states + m_sizes.states, m_sizes.states, db + m_sizes.sequence());
    }

    std::array<Direction, 2> m_directions;
    std::vector<Index> m_inputSizes; ///< floats per sample
    DirectedSizes m_sizes;
    Merge m_merge;
    Index m_block;
    bool m_isTrained = false;
};

} // namespace

std::unique_ptr<LayerKernel> makeBidirectionalKernel(std::array<Direction, 2> directions,
                                                     std::vector<Index> inputSizes,
                                                     const DirectedSizes& sizes, Merge merge)
{
    return std::make_unique<BidirectionalKernel>(std::move(directions), std::move(inputSizes),
                                                 sizes, merge);
}

} // namespace bitscape::graph
