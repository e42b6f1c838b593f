// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layers/attention_core.h"
#include "core/graph/layers/attention_kernels.h"
#include "core/graph/layers/partial_sums.h"

#include <algorithm>
#include <array>

namespace bitscape::graph {

namespace {

class AttentionKernel final : public LayerKernel {
public:
    AttentionKernel(const AttentionSetup& setup, const KernelRequest& request)
        : m_setup(setup), m_features(request.inputs[0][1]), m_hasKey(request.inputs.size() > 2),
          m_stream(request.stream)
    {
        m_core = {.queries = request.inputs[0][0],
                  .keys = request.inputs[1][0],
                  .valueSize = request.inputs[1][1],
                  .isCausal = setup.isCausal,
                  .dropout = request.options.isTraining ? setup.dropout : 0.0F};
    }

    /// Of one sample: shares, what dropout leaves, the gradient of the scores; gradients of query,
    /// value and key.
    Index scratchFloats() const override
    {
        return 3 * m_core.shareCount() + querySize() + valueSize() + keySize();
    }

    void setWeights(LayerWeights weights) override
    {
        std::size_t at = 0;
        m_scale = m_setup.learnsScale ? weights[at++].data : nullptr;
        m_weight = m_setup.score == Score::Concat ? weights[at].data[0] : 1.0F;
    }

    void forward(int /*phase*/, const ForwardCall& call) override
    {
        for (Index sample = 0; sample < call.samples.count; ++sample) {
            const Sample s = sampleOf(call.inputs, call.samples, sample);
            const float* used = attend(s);
            m_core.mix(
                used, s.value,
                {call.output + sample * m_core.queries * m_core.valueSize, m_core.valueSize});
        }
    }

    void prepareTraining(int items, Index /*samples*/) override
    {
        m_sums = PartialSums(items, m_features + 1); // of the scale, then of the weight
        m_totals.assign(static_cast<std::size_t>(m_sums.size()), 0.0F);
    }
    bool readsInput() const override { return true; }

    void backward(int /*phase*/, const BackwardCall& call) override
    {
        float* sums = m_sums.part(call.samples.item);
        if (!m_sums.adds(call.samples.item)) {
            std::fill_n(sums, m_sums.size(), 0.0F);
        }
        for (Index sample = 0; sample < call.samples.count; ++sample) {
            const Sample s = sampleOf(call.inputs, call.samples, sample);
            const float* used = attend(s);
            std::fill_n(s.queryGradient.data, querySize() + valueSize() + keySize(), 0.0F);
            const Rows upstream{call.upstream + sample * m_core.queries * m_core.valueSize,
                                m_core.valueSize};
            m_core.pull(s.shares, used, s.seed, s.first, s.value, upstream, s.valueGradient,
                        s.scoreGradient);
            for (Index q = 0; q < m_core.queries; ++q) {
                for (Index k = 0; k < m_core.keys; ++k) {
                    pullScore(s, q, k, s.scoreGradient[q * m_core.keys + k], sums);
                }
            }
            if (!m_hasKey) {
                kernels::add(s.keyGradient.data, keySize(), s.valueGradient.data);
            }
            give(call, 0, sample, s.queryGradient.data, querySize());
            give(call, 1, sample, s.valueGradient.data, valueSize());
            if (m_hasKey) {
                give(call, 2, sample, s.keyGradient.data, keySize());
            }
        }
    }
    void finishForward(int /*phase*/, int /*items*/, Index /*samples*/) override { m_sums.clear(); }

    int gradientTasks() const override
    {
        return m_setup.learnsScale || m_setup.score == Score::Concat ? 1 : 0;
    }
    void gradientTask(int /*task*/, const GradientCall& call) override
    {
        for (int task = 0; task < m_sums.tasks(); ++task) {
            m_sums.total(task, call.items, m_totals.data());
        }
        std::size_t at = 0;
        if (m_setup.learnsScale) {
            const bool perFeature = m_setup.score == Score::Additive;
            std::copy_n(m_totals.data(), perFeature ? m_features : 1, call.gradients[at++]);
        }
        if (m_setup.score == Score::Concat) {
            call.gradients[at][0] = m_totals.back();
        }
    }

private:
    /// One sample's tensors and the scratch it works in.
    struct Sample {
        Rows query, value, key;
        float* shares;
        float* dropped;
        float* scoreGradient;
        MutableRows queryGradient, valueGradient, keyGradient;
        std::uint64_t seed = 0, first = 0; ///< of the dropout
    };

    [[nodiscard]] Index querySize() const { return m_core.queries * m_features; }
    [[nodiscard]] Index valueSize() const { return m_core.keys * m_core.valueSize; }
    [[nodiscard]] Index keySize() const { return m_core.keys * m_features; }

    [[nodiscard]] Sample sampleOf(std::span<const float* const> inputs, const SampleRange& range,
                                  Index sample) const
    {
        const Rows value{inputs[1] + sample * valueSize(), m_core.valueSize};
        float* shares = range.scratch;
        float* gradients = shares + 3 * m_core.shareCount();
        return {.query = {inputs[0] + sample * querySize(), m_features},
                .value = value,
                .key = m_hasKey ? Rows{inputs[2] + sample * keySize(), m_features} : value,
                .shares = shares,
                .dropped = shares + m_core.shareCount(),
                .scoreGradient = shares + 2 * m_core.shareCount(),
                .queryGradient = {gradients, m_features},
                .valueGradient = {gradients + querySize(), m_core.valueSize},
                .keyGradient = {gradients + querySize() + valueSize(), m_features},
                .seed = Rng(range.seed).split(m_stream).next(),
                .first = static_cast<std::uint64_t>((range.first + sample) * m_core.shareCount())};
    }

    const float* attend(const Sample& s) const
    {
        m_core.attend([&](Index q, Index k) { return score(s.query.row(q), s.key.row(k)); },
                      s.shares);
        return m_core.drop(s.shares, s.seed, s.first, s.dropped);
    }

    [[nodiscard]] float scale(Index feature) const
    {
        if (m_scale == nullptr) {
            return 1.0F;
        }
        return m_setup.score == Score::Additive ? m_scale[feature] : m_scale[0];
    }

    [[nodiscard]] float score(const float* query, const float* key) const
    {
        float sum = 0.0F;
        for (Index d = 0; d < m_features; ++d) {
            switch (m_setup.score) {
            case Score::Dot:
                sum += query[d] * key[d];
                break;
            case Score::Concat:
                sum += std::tanh(scale(d) * (query[d] + key[d]));
                break;
            case Score::Additive:
                sum += scale(d) * std::tanh(query[d] + key[d]);
                break;
            }
        }
        return m_setup.score == Score::Dot ? sum * scale(0) : sum * m_weight;
    }

    void pullScore(const Sample& s, Index q, Index k, float dy, float* sums) const
    {
        const float* query = s.query.row(q);
        const float* key = s.key.row(k);
        for (Index d = 0; d < m_features; ++d) {
            if (m_setup.score == Score::Dot) {
                sums[0] += dy * query[d] * key[d];
                s.queryGradient.row(q)[d] += dy * scale(d) * key[d];
                s.keyGradient.row(k)[d] += dy * scale(d) * query[d];
                continue;
            }
            const bool isConcat = m_setup.score == Score::Concat;
            const float sum = query[d] + key[d];
            const float value = std::tanh(isConcat ? scale(d) * sum : sum);
            const float slope = dy * m_weight * (1.0F - value * value);
            if (isConcat) {
                sums[0] += slope * sum;
                sums[m_features] += dy * value;
            } else {
                sums[d] += dy * value;
            }
            s.queryGradient.row(q)[d] += slope * scale(d);
            s.keyGradient.row(k)[d] += slope * scale(d);
        }
    }

    static void give(const BackwardCall& call, std::size_t input, Index sample,
                     const float* gradient, Index size)
    {
        if (call.inputGradients[input] == nullptr) {
            return;
        }
        float* target = call.inputGradients[input] + sample * size;
        if (call.adds[input]) {
            kernels::add(gradient, size, target);
        } else {
            std::copy_n(gradient, size, target);
        }
    }

    AttentionSetup m_setup;
    AttentionCore m_core;
    Index m_features;
    bool m_hasKey;
    std::uint64_t m_stream;
    const float* m_scale = nullptr;
    float m_weight = 1.0F;
    PartialSums m_sums;
    std::vector<float> m_totals;
};

} // namespace

std::unique_ptr<LayerKernel> makeAttentionKernel(const AttentionSetup& setup,
                                                 const KernelRequest& request)
{
    return std::make_unique<AttentionKernel>(setup, request);
}

} // namespace bitscape::graph
