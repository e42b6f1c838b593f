// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layers/layer_kernel.h"

#include <algorithm>

namespace bitscape::graph {

namespace {

class PoolKernel final : public LayerKernel {
public:
    PoolKernel(PoolKind kind, const kernels::Pool& pool, float factor)
        : m_kind(kind), m_pool(pool), m_factor(factor),
          m_inputSize(pool.height * pool.width * pool.channels),
          m_outputSize(pool.outHeight * pool.outWidth * pool.channels)
    {
    }

    /// Of one call: what maxPoolGradient() needs, or a scaled gradient of one sample.
    Index scratchFloats() const override
    {
        return std::max(m_pool.channels, m_factor == 1.0F ? 0 : m_outputSize);
    }
    bool readsInput() const override { return m_kind == PoolKind::Max; }
    bool readsOutput() const override { return m_kind == PoolKind::Max; }

    void forward(int /*phase*/, const ForwardCall& call) override
    {
        const auto pool = m_kind == PoolKind::Max ? kernels::maxPool : kernels::averagePool;
        for (Index i = 0; i < call.samples.count; ++i) {
            pool(m_pool, call.inputs[0] + i * m_inputSize, call.output + i * m_outputSize);
        }
        if (m_factor != 1.0F) {
            kernels::scale(call.output, m_factor, call.samples.count * m_outputSize, call.output);
        }
    }

    void backward(int /*phase*/, const BackwardCall& call) override
    {
        float* target = call.inputGradients[0];
        if (!call.adds[0]) {
            std::fill_n(target, call.samples.count * m_inputSize, 0.0F);
        }
        for (Index i = 0; i < call.samples.count; ++i) {
            const float* upstream = call.upstream + i * m_outputSize;
            float* gradient = target + i * m_inputSize;
            if (m_kind == PoolKind::Max) {
                kernels::maxPoolGradient(m_pool, call.inputs[0] + i * m_inputSize,
                                         call.output + i * m_outputSize, upstream, gradient,
                                         call.samples.scratch);
                continue;
            }
            if (m_factor != 1.0F) {
                kernels::scale(upstream, m_factor, m_outputSize, call.samples.scratch);
                upstream = call.samples.scratch;
            }
            kernels::averagePoolGradient(m_pool, upstream, gradient);
        }
    }

private:
    PoolKind m_kind;
    kernels::Pool m_pool;
    float m_factor;
    Index m_inputSize, m_outputSize;
};

} // namespace

std::unique_ptr<LayerKernel> makePoolKernel(PoolKind kind, const kernels::Pool& pool, float factor)
{
    return std::make_unique<PoolKernel>(kind, pool, factor);
}

} // namespace bitscape::graph
