// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layers/layer_kernel.h"
#include "core/graph/layers/partial_sums.h"

#include <algorithm>
#include <cmath>

namespace bitscape::graph {

namespace {

/// BatchNormalization and QBatchNormalization:
/// y = x·inv + (β − μ·inv), inv = Qinv(γ / sqrt(σ² + ε)).
/// With batch statistics μ and σ² are those of the batch, quantized; the moving ones learn from
/// the unquantized.
class BatchNormKernel final : public LayerKernel {
public:
    explicit BatchNormKernel(BatchNormSetup setup)
        : m_setup(std::move(setup)), m_mean(channels()), m_variance(channels()),
          m_usedMean(channels()), m_usedVariance(channels()), m_root(channels()),
          m_rawInverse(channels()), m_inverse(channels()), m_shift(channels())
    {
    }

    bool worksOnPixels() const override { return !m_setup.usesBatch; }
    void forwardPixels(const float* x, Index pixels, float* y) override
    {
        kernels::affine(x, pixels, m_setup.channels, m_inverse.data(), m_shift.data(), y);
    }

    std::optional<ChannelAffine> affine() const override
    {
        if (m_setup.usesBatch) {
            return std::nullopt;
        }
        return ChannelAffine{m_inverse.values(), m_shift.values()};
    }

    bool takesRaw(int weight) const override { return m_setup.usesBatch && weight >= meanIndex(); }

    void setCall(const quant::CallContext& call) override { m_call = call; }
    void setWeights(LayerWeights weights) override
    {
        m_gamma = m_setup.op.scale ? weights[0].data : nullptr;
        m_beta = m_setup.op.center ? weights[m_setup.op.scale ? 1 : 0].data : nullptr;
        m_movingMean = weights[static_cast<std::size_t>(meanIndex())].data;
        m_movingVariance = weights[static_cast<std::size_t>(meanIndex() + 1)].data;
        if (!m_setup.usesBatch) {
            std::copy_n(m_movingMean, m_setup.channels, m_usedMean.data());
            std::copy_n(m_movingVariance, m_setup.channels, m_usedVariance.data());
            derive();
        }
    }

    void prepareTraining(int items, Index /*samples*/) override
    {
        m_sums = ChannelSums(items, m_setup.channels);
        m_newMean = m_newVariance = Tensor(m_setup.stored);
        for (Tensor* tensor : {&m_first, &m_second, &m_third, &m_gammaGradient, &m_betaGradient}) {
            *tensor = Tensor(channels());
        }
    }

    int forwardPhases() const override { return m_setup.usesBatch ? 2 : 1; }
    int backwardPhases() const override { return m_setup.usesBatch ? 2 : 1; }
    bool readsInput() const override { return true; }

    void forward(int phase, const ForwardCall& call) override
    {
        const Index rows = call.samples.count * m_setup.rows;
        if (phase + 1 < forwardPhases()) {
            m_sums.add(call.samples.item, call.inputs[0], rows, call.inputs[0]);
            return;
        }
        kernels::affine(call.inputs[0], rows, m_setup.channels, m_inverse.data(), m_shift.data(),
                        call.output);
    }

    void finishForward(int phase, int items, Index samples) override
    {
        if (m_setup.usesBatch && phase == 0) {
            takeStatistics(items, samples);
            derive();
        }
        m_sums.clear();
    }

    void backward(int phase, const BackwardCall& call) override
    {
        const Index rows = call.samples.count * m_setup.rows;
        if (phase == 0) {
            m_sums.add(call.samples.item, call.upstream, rows, call.inputs[0]);
        }
        if (phase + 1 < backwardPhases() || call.inputGradients[0] == nullptr) {
            return;
        }
        if (!m_setup.usesBatch) {
            std::ranges::copy(m_inverse.values(), m_first.data());
        }
        kernels::affine2(call.upstream, m_first.data(), call.inputs[0], m_second.data(),
                         m_third.data(), rows, m_setup.channels, call.inputGradients[0],
                         call.adds[0]);
    }

    void finishBackward(int phase, int items, Index samples) override
    {
        if (phase == 0) {
            takeGradients(items, samples);
            m_sums.clear();
        }
    }

    int gradientTasks() const override { return m_setup.op.scale || m_setup.op.center ? 1 : 0; }

    void gradientTask(int /*task*/, const GradientCall& call) override
    {
        if (m_gamma != nullptr) {
            std::ranges::copy(m_gammaGradient.values(), call.gradients[0]);
        }
        if (m_beta != nullptr) {
            std::ranges::copy(m_betaGradient.values(), call.gradients[m_gamma != nullptr ? 1 : 0]);
        }
    }

    const Tensor* updatedWeight(int index) const override
    {
        if (!m_setup.usesBatch || index < meanIndex()) {
            return nullptr;
        }
        return index == meanIndex() ? &m_newMean : &m_newVariance;
    }

private:
    [[nodiscard]] Shape channels() const { return Shape{m_setup.channels}; }
    [[nodiscard]] int meanIndex() const
    {
        return (m_setup.op.scale ? 1 : 0) + (m_setup.op.center ? 1 : 0);
    }
    void takeStatistics(int items, Index samples)
    {
        const double count = static_cast<double>(samples * m_setup.rows);
        const double bessel = m_setup.learnsUnbiased && count > 1.0 ? count / (count - 1.0) : 1.0;
        const float keep = m_setup.op.momentum;
        for (Index c = 0; c < m_setup.channels; ++c) {
            const double mean = m_sums.sum(items, c) / count;
            const double variance = std::max(m_sums.product(items, c) / count - mean * mean, 0.0);
            m_mean.data()[c] = static_cast<float>(mean);
            m_variance.data()[c] = static_cast<float>(variance);
            m_newMean.data()[c] = m_movingMean[c] * keep + static_cast<float>(mean) * (1.0F - keep);
            m_newVariance.data()[c] =
                m_movingVariance[c] * keep + static_cast<float>(variance * bessel) * (1.0F - keep);
        }
        quantize(m_setup.mean, m_mean, m_usedMean);
        quantize(m_setup.variance, m_variance, m_usedVariance);
    }

    void quantize(const quant::QuantizerPtr& quantizer, const Tensor& from, Tensor& to) const
    {
        if (quantizer) {
            quantizer->apply(from.view(), to.mutableView(), m_call);
        } else {
            std::ranges::copy(from.values(), to.data());
        }
    }

    /// Inverse and shift from the statistics in use.
    void derive()
    {
        for (Index c = 0; c < m_setup.channels; ++c) {
            const float root = 1.0F / std::sqrt(m_usedVariance.data()[c] + m_setup.op.epsilon);
            m_root.data()[c] = root;
            m_rawInverse.data()[c] = m_gamma != nullptr ? m_gamma[c] * root : root;
        }
        quantize(m_setup.inverse, m_rawInverse, m_inverse);
        for (Index c = 0; c < m_setup.channels; ++c) {
            const float beta = m_beta != nullptr ? m_beta[c] : 0.0F;
            m_shift.data()[c] = beta - m_usedMean.data()[c] * m_inverse.data()[c];
        }
    }

    /// Straight through a quantizer of the statistics.
    void pull(const quant::QuantizerPtr& quantizer, const Tensor& at, Tensor& gradient) const
    {
        if (quantizer) {
            quantizer->gradient(at.view(), gradient.view(), gradient.mutableView(), m_call);
        }
    }

    /// Gradients of γ and β, and the coefficients of dx = dy·first + x·second + third.
    void takeGradients(int items, Index samples)
    {
        const double count = static_cast<double>(samples * m_setup.rows);
        Tensor& inverseGradient = m_gammaGradient; // turned into γ's below
        for (Index c = 0; c < m_setup.channels; ++c) {
            const double sum = m_sums.sum(items, c);
            m_betaGradient.data()[c] = static_cast<float>(sum);
            inverseGradient.data()[c] = static_cast<float>(
                m_sums.product(items, c) - static_cast<double>(m_usedMean.data()[c]) * sum);
        }
        pull(m_setup.inverse, m_rawInverse, inverseGradient);
        if (m_setup.usesBatch) {
            takeInputCoefficients(count, inverseGradient);
        }
        for (Index c = 0; c < m_setup.channels; ++c) {
            m_gammaGradient.data()[c] *= m_root.data()[c];
        }
    }

    void takeInputCoefficients(double count, const Tensor& inverseGradient)
    {
        Tensor& meanGradient = m_third; // both are overwritten with the coefficients
        Tensor& varianceGradient = m_second;
        for (Index c = 0; c < m_setup.channels; ++c) {
            const float root = m_root.data()[c];
            const float gamma = m_gamma != nullptr ? m_gamma[c] : 1.0F;
            meanGradient.data()[c] = -m_inverse.data()[c] * m_betaGradient.data()[c];
            varianceGradient.data()[c] =
                -0.5F * inverseGradient.data()[c] * gamma * root * root * root;
        }
        pull(m_setup.mean, m_mean, meanGradient);
        pull(m_setup.variance, m_variance, varianceGradient);
        for (Index c = 0; c < m_setup.channels; ++c) {
            const double slope = 2.0 * static_cast<double>(varianceGradient.data()[c]) / count;
            const double constant = static_cast<double>(meanGradient.data()[c]) / count -
                                    slope * static_cast<double>(m_mean.data()[c]);
            m_first.data()[c] = m_inverse.data()[c];
            m_second.data()[c] = static_cast<float>(slope);
            m_third.data()[c] = static_cast<float>(constant);
        }
    }

    BatchNormSetup m_setup;
    quant::CallContext m_call{.training = m_setup.usesBatch, .sigmoid = m_setup.sigmoid};
    const float* m_gamma = nullptr;
    const float* m_beta = nullptr;
    const float* m_movingMean = nullptr;
    const float* m_movingVariance = nullptr;
    Tensor m_mean, m_variance;         // of the batch
    Tensor m_usedMean, m_usedVariance; // quantized
    Tensor m_root, m_rawInverse, m_inverse, m_shift;
    ChannelSums m_sums;
    Tensor m_first, m_second, m_third;
    Tensor m_gammaGradient, m_betaGradient;
    Tensor m_newMean, m_newVariance;
};

} // namespace

std::unique_ptr<LayerKernel> makeBatchNormKernel(BatchNormSetup setup)
{
    return std::make_unique<BatchNormKernel>(std::move(setup));
}

} // namespace bitscape::graph
