// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layers/attention_core.h"
#include "core/graph/layers/attention_kernels.h"
#include "core/graph/layers/partial_sums.h"

#include <algorithm>
#include <array>

namespace bitscape::graph {

namespace {

/// A dense layer over the steps of a sequence.
class Projection {
public:
    Projection(Index steps, Index from, Index to, bool useBias)
        : m_convolution(makeConvolution(
              {.width = steps, .channels = from, .outWidth = steps, .filters = to})),
          m_useBias(useBias), m_packed(Shape{m_convolution->packedSize()})
    {
    }

    [[nodiscard]] Index inputSize() const { return m_convolution->geometry().inputSize(); }
    [[nodiscard]] Index outputSize() const { return m_convolution->geometry().outputSize(); }
    [[nodiscard]] Index features() const { return m_convolution->geometry().filters; }
    [[nodiscard]] Index scratchSize() const { return m_convolution->scratchSize(); }

    /// Takes its weights from the front of `weights`.
    void setWeights(LayerWeights& weights)
    {
        m_convolution->pack(weights[0].data, m_packed.data());
        if (m_packedGradient.size() > 0) {
            m_convolution->packGradient(weights[0].data, m_packedGradient.data());
        }
        m_bias = m_useBias ? weights[1].data : nullptr;
        weights = weights.subspan(m_useBias ? 2 : 1);
    }
    void forward(const float* x, float* y, float* scratch) const
    {
        m_convolution->forward(x, 1, m_packed.data(), {.bias = m_bias}, y, scratch);
    }

    void prepareTraining(int items)
    {
        m_packedGradient = Tensor(Shape{m_convolution->packedGradientSize()});
        m_kernelSums = PartialSums(items, m_convolution->kernelSize());
        m_biasSums = ChannelSums(items, features());
    }
    void backward(int item, const float* x, const float* dy, float* dx, bool adds, float* scratch)
    {
        m_biasSums.add(item, dy, outputSize() / features());
        m_convolution->weightGradient(x, dy, 1, m_kernelSums.part(item), m_kernelSums.adds(item),
                                      scratch);
        if (dx != nullptr) {
            m_convolution->inputGradient(dy, 1, m_packedGradient.data(), dx, adds, scratch);
        }
    }
    void clear()
    {
        m_kernelSums.clear();
        m_biasSums.clear();
    }
    void total(int items, std::span<float* const> gradients) const
    {
        for (int task = 0; task < m_kernelSums.tasks(); ++task) {
            m_kernelSums.total(task, items, gradients[0]);
        }
        if (m_useBias) {
            m_biasSums.total(items, gradients[1]);
        }
    }

private:
    std::unique_ptr<const Convolution> m_convolution;
    bool m_useBias;
    Tensor m_packed, m_packedGradient;
    const float* m_bias = nullptr;
    PartialSums m_kernelSums;
    ChannelSums m_biasSums;
};

constexpr std::size_t kQuery = 0, kKey = 1, kValue = 2, kOutput = 3;

class HeadsKernel final : public LayerKernel {
public:
    HeadsKernel(const HeadsSetup& setup, const KernelRequest& request)
        : m_setup(setup), m_stream(request.stream), m_keyInput(request.inputs.size() > 2 ? 2 : 1)
    {
        const Shape& query = request.inputs[0];
        const Shape& value = request.inputs[1];
        const Shape& key = request.inputs[m_keyInput];
        const Index keys = Index{setup.heads} * setup.keySize;
        const Index values = Index{setup.heads} * setup.valueSize;
        m_projections.emplace_back(query[0], query[1], keys, setup.useBias);
        m_projections.emplace_back(key[0], key[1], keys, setup.useBias);
        m_projections.emplace_back(value[0], value[1], values, setup.useBias);
        m_projections.emplace_back(query[0], values, setup.outputSize, setup.useBias);
        m_core = {.queries = query[0],
                  .keys = value[0],
                  .valueSize = setup.valueSize,
                  .dropout = request.options.isTraining ? setup.dropout : 0.0F};
    }

    Index scratchFloats() const override
    {
        Index own = 0;
        for (const Projection& projection : m_projections) {
            own = std::max(own, projection.scratchSize());
        }
        return own + 2 * projectedSize() + 3 * m_setup.heads * m_core.shareCount();
    }

    void setWeights(LayerWeights weights) override
    {
        for (Projection& projection : m_projections) {
            projection.setWeights(weights);
        }
    }

    void forward(int /*phase*/, const ForwardCall& call) override
    {
        const Parts parts = partsOf(call.samples.scratch);
        for (Index sample = 0; sample < call.samples.count; ++sample) {
            attend(call.inputs, call.samples, sample, parts);
            m_projections[kOutput].forward(
                parts.mixed, call.output + sample * m_projections[kOutput].outputSize(),
                parts.scratch);
        }
    }

    void prepareTraining(int items, Index /*samples*/) override
    {
        for (Projection& projection : m_projections) {
            projection.prepareTraining(items);
        }
    }
    bool readsInput() const override { return true; }

    void backward(int /*phase*/, const BackwardCall& call) override
    {
        const Parts parts = partsOf(call.samples.scratch);
        const int item = call.samples.item;
        for (Index sample = 0; sample < call.samples.count; ++sample) {
            attend(call.inputs, call.samples, sample, parts);
            m_projections[kOutput].backward(
                item, parts.mixed, call.upstream + sample * m_projections[kOutput].outputSize(),
                parts.gradients[kOutput], false, parts.scratch);
            pullHeads(call.samples, sample, parts);
            std::array<bool, 3> adds{};
            std::ranges::copy(call.adds, adds.begin());
            for (const std::size_t projection : {kQuery, kValue, kKey}) {
                const std::size_t input = inputOf(projection);
                const Index size = m_projections[projection].inputSize();
                float* target = call.inputGradients[input];
                m_projections[projection].backward(
                    item, call.inputs[input] + sample * size, parts.gradients[projection],
                    target != nullptr ? target + sample * size : nullptr, adds[input],
                    parts.scratch);
                adds[input] = true; // value and key may be one input
            }
        }
    }
    void finishForward(int /*phase*/, int /*items*/, Index /*samples*/) override
    {
        for (Projection& projection : m_projections) {
            projection.clear();
        }
    }

    int gradientTasks() const override { return static_cast<int>(m_projections.size()); }
    void gradientTask(int task, const GradientCall& call) override
    {
        const std::size_t perProjection = m_setup.useBias ? 2 : 1;
        m_projections[static_cast<std::size_t>(task)].total(
            call.items,
            call.gradients.subspan(static_cast<std::size_t>(task) * perProjection, perProjection));
    }

private:
    /// Of one sample.
    struct Parts {
        std::array<float*, 3> projected{}; ///< query, key, value
        float* mixed = nullptr;            ///< what the heads give
        std::array<float*, 4> gradients{}; ///< of the projections, and of mixed
        float* shares = nullptr;
        float* dropped = nullptr;
        float* scoreGradient = nullptr;
        float* scratch = nullptr;
    };

    [[nodiscard]] std::size_t inputOf(std::size_t projection) const
    {
        return projection == kQuery ? 0 : projection == kKey ? m_keyInput : 1;
    }
    /// Query, key, value and mixed.
    [[nodiscard]] Index projectedSize() const
    {
        return m_projections[kQuery].outputSize() + m_projections[kKey].outputSize() +
               m_projections[kValue].outputSize() + m_projections[kOutput].inputSize();
    }
    [[nodiscard]] Parts partsOf(float* scratch) const
    {
        Parts parts;
        const auto take = [&](Index count) {
            float* taken = scratch;
            scratch += count;
            return taken;
        };
        for (const std::size_t p : {kQuery, kKey, kValue}) {
            parts.projected[p] = take(m_projections[p].outputSize());
            parts.gradients[p] = take(m_projections[p].outputSize());
        }
        parts.mixed = take(m_projections[kOutput].inputSize());
        parts.gradients[kOutput] = take(m_projections[kOutput].inputSize());
        const Index shares = m_setup.heads * m_core.shareCount();
        parts.shares = take(shares);
        parts.dropped = take(shares);
        parts.scoreGradient = take(shares);
        parts.scratch = scratch;
        return parts;
    }

    /// The part of a projection that belongs to one head.
    [[nodiscard]] Rows rows(const float* projected, std::size_t projection, int head) const
    {
        const Index size =
            projection == kQuery || projection == kKey ? m_setup.keySize : m_setup.valueSize;
        return {projected + head * size, m_setup.heads * size};
    }
    [[nodiscard]] MutableRows rows(float* projected, std::size_t projection, int head) const
    {
        const Index size =
            projection == kQuery || projection == kKey ? m_setup.keySize : m_setup.valueSize;
        return {projected + head * size, m_setup.heads * size};
    }
    [[nodiscard]] float scale() const
    {
        return 1.0F / std::sqrt(static_cast<float>(m_setup.keySize));
    }
    [[nodiscard]] std::uint64_t seedOf(const SampleRange& samples) const
    {
        return Rng(samples.seed).split(m_stream).next();
    }
    [[nodiscard]] std::uint64_t firstDraw(const SampleRange& samples, Index sample, int head) const
    {
        return static_cast<std::uint64_t>(((samples.first + sample) * m_setup.heads + head) *
                                          m_core.shareCount());
    }

    void attend(std::span<const float* const> inputs, const SampleRange& samples, Index sample,
                const Parts& parts) const
    {
        for (const std::size_t p : {kQuery, kKey, kValue}) {
            m_projections[p].forward(inputs[inputOf(p)] + sample * m_projections[p].inputSize(),
                                     parts.projected[p], parts.scratch);
        }
        const std::uint64_t seed = seedOf(samples);
        for (int head = 0; head < m_setup.heads; ++head) {
            const float* projectedQueries = parts.projected[kQuery];
            const float* projectedKeys = parts.projected[kKey];
            const Rows queries = rows(projectedQueries, kQuery, head);
            const Rows keys = rows(projectedKeys, kKey, head);
            float* shares = parts.shares + head * m_core.shareCount();
            m_core.attend(
                [&](Index q, Index k) {
                    float sum = 0.0F;
                    for (Index d = 0; d < m_setup.keySize; ++d) {
                        sum += queries.row(q)[d] * scale() * keys.row(k)[d];
                    }
                    return sum;
                },
                shares);
            const float* used = m_core.drop(shares, seed, firstDraw(samples, sample, head),
                                            parts.dropped + head * m_core.shareCount());
            const float* values = parts.projected[kValue];
            m_core.mix(used, rows(values, kValue, head), rows(parts.mixed, kOutput, head));
        }
    }

    void pullHeads(const SampleRange& samples, Index sample, const Parts& parts) const
    {
        for (const std::size_t p : {kQuery, kKey, kValue}) {
            std::fill_n(parts.gradients[p], m_projections[p].outputSize(), 0.0F);
        }
        const std::uint64_t seed = seedOf(samples);
        for (int head = 0; head < m_setup.heads; ++head) {
            const Index first = head * m_core.shareCount();
            const float* values = parts.projected[kValue];
            const float* upstream = parts.gradients[kOutput];
            const float* used = m_core.dropout > 0.0F ? parts.dropped : parts.shares;
            float* gradient = parts.scoreGradient + first;
            m_core.pull(parts.shares + first, used + first, seed, firstDraw(samples, sample, head),
                        rows(values, kValue, head), rows(upstream, kOutput, head),
                        rows(parts.gradients[kValue], kValue, head), gradient);
            pullScores(parts, head, gradient);
        }
    }

    void pullScores(const Parts& parts, int head, const float* gradient) const
    {
        const float* projectedQueries = parts.projected[kQuery];
        const float* projectedKeys = parts.projected[kKey];
        const Rows queries = rows(projectedQueries, kQuery, head);
        const Rows keys = rows(projectedKeys, kKey, head);
        const MutableRows queryGradient = rows(parts.gradients[kQuery], kQuery, head);
        const MutableRows keyGradient = rows(parts.gradients[kKey], kKey, head);
        for (Index q = 0; q < m_core.queries; ++q) {
            for (Index k = 0; k < m_core.keys; ++k) {
                const float dy = gradient[q * m_core.keys + k] * scale();
                for (Index d = 0; d < m_setup.keySize; ++d) {
                    queryGradient.row(q)[d] += dy * keys.row(k)[d];
                    keyGradient.row(k)[d] += dy * queries.row(q)[d];
                }
            }
        }
    }

    HeadsSetup m_setup;
    std::uint64_t m_stream;
    std::size_t m_keyInput;
    std::vector<Projection> m_projections;
    AttentionCore m_core;
};

} // namespace

std::unique_ptr<LayerKernel> makeHeadsKernel(const HeadsSetup& setup, const KernelRequest& request)
{
    return std::make_unique<HeadsKernel>(setup, request);
}

} // namespace bitscape::graph
