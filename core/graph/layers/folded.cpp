// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layers/layer_kernel.h"
#include "core/graph/layers/partial_sums.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace bitscape::graph {

namespace {

/// QConv2DBatchnorm, QDepthwiseConv2DBatchnorm and QDenseBatchnorm: the kernel times inv = γ/sqrt(v
/// + ε) is quantized, not the kernel. In training one pass computes the float convolution y0 and
/// its batch mean μ and variance v, a second one uses the folded kernel:
///   batch_stats: out = x∗Q(W·invB) + Q(invB·(b − μ) + β)
///   ema_stats:   out = x∗Q(W·invM) · sqrt(vm + ε)/sqrt(v + ε) + Q(invB·(b − μ) + β)
/// invM uses the moving variance vm after its update, through which no gradient flows. Outside
/// training, and once the statistics are frozen, everything uses the moving statistics.
class FoldedKernel final : public LayerKernel {
public:
    FoldedKernel(std::unique_ptr<const Convolution> convolution, const FoldedConvOp& op,
                 const Shape& kernelShape, const LayerQuantizers& quantizers,
                 const KernelOptions& options)
        : m_convolution(std::move(convolution)), m_norm(op.norm),
          m_useBias(std::visit([](const auto& conv) { return conv.useBias; }, op.conv)),
          m_usesEma(op.emaStatsFolding), m_freezeDelay(op.emaFreezeDelay),
          m_isTraining(options.isTraining), m_call{.training = options.isTraining,
                                                   .sigmoid = options.sigmoid},
          m_usesFusedNorm(!std::holds_alternative<DenseOp>(op.conv)),
          m_kernelQuantizer(effectiveQuantizer(
              quantizers,
              std::holds_alternative<DepthwiseOp>(op.conv) ? Slot::Depthwise : Slot::Kernel)),
          m_biasQuantizer(effectiveQuantizer(quantizers, Slot::Bias)), m_kernelShape(kernelShape),
          m_folded(kernelShape), m_quantized(kernelShape),
          m_packed(Shape{m_convolution->packedSize()})
    {
        for (Tensor* tensor : {&m_mean, &m_variance, &m_movingInverse, &m_batchInverse,
                               &m_foldedBias, &m_quantizedBias, &m_rescale, &m_zero}) {
            *tensor = Tensor(channelShape());
        }
        std::ranges::fill(m_rescale.values(), 1.0F);
    }

    bool callsBlockDone() const override { return !rescales(); }
    Index scratchFloats() const override
    {
        return m_convolution->scratchSize() + (m_isTraining ? outputSize() : 0);
    }
    bool takesRaw(int /*weight*/) const override { return true; }
    void setCall(const quant::CallContext& call) override { m_call = call; }

    void setWeights(LayerWeights weights) override
    {
        std::size_t at = 0;
        const auto next = [&](bool isThere) {
            return isThere ? weights[at++].data : static_cast<const float*>(nullptr);
        };
        m_kernel = next(true);
        m_bias = next(m_useBias);
        m_gamma = next(m_norm.scale);
        m_beta = next(m_norm.center);
        m_iteration = *next(true);
        m_movingMean = next(true);
        m_movingVariance = next(true);
        if (m_isTraining) {
            m_learns = m_freezeDelay < 0 || m_iteration <= static_cast<float>(m_freezeDelay);
            m_convolution->pack(m_kernel, m_packedFloat.data());
            m_convolution->packGradient(m_kernel, m_packedFloatGradient.data());
        } else {
            useMoving(m_movingMean, m_movingVariance);
            fold();
        }
    }

    void prepareTraining(int items, Index /*samples*/) override
    {
        m_packedGradient = Tensor(Shape{m_convolution->packedGradientSize()});
        m_packedFloat = Tensor(Shape{m_convolution->packedSize()});
        m_packedFloatGradient = Tensor(Shape{m_convolution->packedGradientSize()});
        m_kernelSums = PartialSums(items, m_convolution->kernelSize());
        m_statisticsSums = PartialSums(items, m_convolution->kernelSize());
        m_sums = ChannelSums(items, channels());
        m_kernelGradient = Tensor(m_kernelShape);
        for (Tensor* tensor : {&m_biasGradient, &m_gammaGradient, &m_betaGradient, &m_first,
                               &m_second, &m_third, &m_newMean, &m_newVariance}) {
            *tensor = Tensor(channelShape());
        }
        m_newIteration = Tensor(Shape{});
        m_inverseGradient.reserve(static_cast<std::size_t>(channels()));
    }

    int forwardPhases() const override { return m_isTraining ? 2 : 1; }
    int backwardPhases() const override { return m_isTraining ? 2 : 1; }
    bool readsInput() const override { return true; }
    bool readsOutput() const override { return rescales(); }
    Index savedFloats() const override { return m_isTraining ? outputSize() : 0; }

    void forward(int phase, const ForwardCall& call) override
    {
        const SampleRange& s = call.samples;
        const Index rows = s.count * pixels();
        if (phase + 1 < forwardPhases()) {
            m_convolution->forward(call.inputs[0], s.count, m_packedFloat.data(), {.bias = m_bias},
                                   call.saved, s.scratch);
            m_sums.add(s.item, call.saved, rows, call.saved);
            return;
        }
        const bool scalesHere = rescales();
        m_convolution->forward(call.inputs[0], s.count, m_packed.data(),
                               {.bias = scalesHere ? nullptr : m_quantizedBias.data()}, call.output,
                               s.scratch, call.done);
        if (scalesHere) {
            kernels::affine(call.output, rows, channels(), m_rescale.data(), m_quantizedBias.data(),
                            call.output);
        }
    }

    void finishForward(int phase, int items, Index samples) override
    {
        if (m_isTraining && phase == 0) {
            takeStatistics(items, samples);
            fold();
        }
        m_sums.clear();
        m_kernelSums.clear();
        m_statisticsSums.clear();
    }

    void backward(int phase, const BackwardCall& call) override
    {
        if (phase == 0) {
            backwardThroughFolded(call);
        } else if (m_learns) {
            backwardThroughStatistics(call);
        }
    }

    void finishBackward(int phase, int items, Index samples) override
    {
        if (phase == 0) {
            takeGradients(items, samples);
            m_sums.clear();
        }
    }

    int gradientTasks() const override { return 1; }

    void gradientTask(int /*task*/, const GradientCall& call) override
    {
        std::size_t at = 0;
        const auto give = [&](const Tensor& gradient, bool isThere) {
            if (isThere) {
                std::ranges::copy(gradient.values(), call.gradients[at++]);
            }
        };
        give(m_kernelGradient, true);
        if (m_isTraining && m_learns) {
            float* kernel = call.gradients[0];
            for (int task = 0; task < m_statisticsSums.tasks(); ++task) {
                m_statisticsSums.total(task, call.items, m_folded.data());
            }
            kernels::add(m_folded.data(), m_folded.size(), kernel);
        }
        give(m_biasGradient, m_useBias);
        give(m_gammaGradient, m_norm.scale);
        give(m_betaGradient, m_norm.center);
    }

    const Tensor* updatedWeight(int index) const override
    {
        const int iteration =
            1 + (m_useBias ? 1 : 0) + (m_norm.scale ? 1 : 0) + (m_norm.center ? 1 : 0);
        if (!m_isTraining || index < iteration) {
            return nullptr;
        }
        if (index == iteration) {
            return &m_newIteration;
        }
        return index == iteration + 1 ? &m_newMean : &m_newVariance;
    }

private:
    [[nodiscard]] Index channels() const { return m_convolution->geometry().filters; }
    [[nodiscard]] Shape channelShape() const { return Shape{channels()}; }
    [[nodiscard]] Index outputSize() const { return m_convolution->geometry().outputSize(); }
    [[nodiscard]] Index pixels() const { return outputSize() / channels(); }
    [[nodiscard]] bool rescales() const { return m_isTraining && m_usesEma; }
    [[nodiscard]] float gamma(Index c) const { return m_gamma != nullptr ? m_gamma[c] : 1.0F; }
    [[nodiscard]] float root(float variance) const
    {
        return 1.0F / std::sqrt(variance + m_norm.epsilon);
    }

    void useMoving(const float* mean, const float* variance)
    {
        for (Index c = 0; c < channels(); ++c) {
            m_mean.data()[c] = mean[c];
            m_variance.data()[c] = variance[c];
            m_movingInverse.data()[c] = gamma(c) * root(variance[c]);
            m_batchInverse.data()[c] = m_movingInverse.data()[c];
            m_rescale.data()[c] = 1.0F;
        }
    }

    void takeStatistics(int items, Index samples)
    {
        const double count = static_cast<double>(samples * pixels());
        const double bessel = m_usesFusedNorm && count > 1.0 ? count / (count - 1.0) : 1.0;
        const float keep = m_norm.momentum;
        m_newIteration.data()[0] = m_iteration + 1.0F;
        std::copy_n(m_movingMean, channels(), m_newMean.data());
        std::copy_n(m_movingVariance, channels(), m_newVariance.data());
        if (!m_learns) {
            useMoving(m_movingMean, m_movingVariance);
            return;
        }
        for (Index c = 0; c < channels(); ++c) {
            const double mean = m_sums.sum(items, c) / count;
            const double variance = std::max(m_sums.product(items, c) / count - mean * mean, 0.0);
            m_mean.data()[c] = static_cast<float>(mean);
            m_variance.data()[c] = static_cast<float>(variance);
            m_newMean.data()[c] = m_movingMean[c] * keep + m_mean.data()[c] * (1.0F - keep);
            m_newVariance.data()[c] =
                m_movingVariance[c] * keep + static_cast<float>(variance * bessel) * (1.0F - keep);
            const float batchRoot = root(m_variance.data()[c]);
            const float movingRoot = root(m_newVariance.data()[c]);
            m_batchInverse.data()[c] = gamma(c) * batchRoot;
            m_movingInverse.data()[c] =
                m_usesEma ? gamma(c) * movingRoot : m_batchInverse.data()[c];
            m_rescale.data()[c] = m_usesEma ? batchRoot / movingRoot : 1.0F;
        }
    }

    /// Folded, quantized and packed kernel, and bias, from the inverses and the mean.
    void fold()
    {
        const Index count = channels();
        for (Index i = 0; i < m_folded.size(); ++i) {
            m_folded.data()[i] = m_movingInverse.data()[i % count] * m_kernel[i];
        }
        for (Index c = 0; c < count; ++c) {
            const float bias = m_bias != nullptr ? m_bias[c] : 0.0F;
            const float beta = m_beta != nullptr ? m_beta[c] : 0.0F;
            m_foldedBias.data()[c] = m_batchInverse.data()[c] * (bias - m_mean.data()[c]) + beta;
        }
        quantize(m_kernelQuantizer, m_folded, m_quantized);
        quantize(m_biasQuantizer, m_foldedBias, m_quantizedBias);
        m_convolution->pack(m_quantized.data(), m_packed.data());
        if (m_packedGradient.size() > 0) {
            m_convolution->packGradient(m_quantized.data(), m_packedGradient.data());
        }
    }

    void quantize(const quant::QuantizerPtr& quantizer, const Tensor& from, Tensor& to) const
    {
        if (quantizer) {
            quantizer->apply(from.view(), to.mutableView(), m_call);
        } else {
            std::ranges::copy(from.values(), to.data());
        }
    }

    /// Gradient of the folded kernel and of x; sums of dy and dy·out.
    void backwardThroughFolded(const BackwardCall& call)
    {
        const SampleRange& s = call.samples;
        const Index rows = s.count * pixels();
        m_sums.add(s.item, call.upstream, rows, rescales() ? call.output : nullptr);
        for (Index i = 0; i < s.count; ++i) {
            const float* upstream = call.upstream + i * outputSize();
            if (rescales()) {
                float* scaled = s.scratch + m_convolution->scratchSize();
                kernels::affine(upstream, pixels(), channels(), m_rescale.data(), m_zero.data(),
                                scaled);
                upstream = scaled;
            }
            gradients(call, i, upstream, m_packedGradient, m_kernelSums, call.adds[0]);
        }
    }

    /// What flows through the batch mean and variance: d y0 = dy0·first + y0·second + third.
    void backwardThroughStatistics(const BackwardCall& call)
    {
        const SampleRange& s = call.samples;
        float* through = s.scratch + m_convolution->scratchSize();
        for (Index i = 0; i < s.count; ++i) {
            kernels::affine(call.saved + i * outputSize(), pixels(), channels(), m_second.data(),
                            m_third.data(), through);
            gradients(call, i, through, m_packedFloatGradient, m_statisticsSums, true);
        }
    }

    void gradients(const BackwardCall& call, Index sample, const float* upstream,
                   const Tensor& packed, PartialSums& sums, bool adds) const
    {
        const SampleRange& s = call.samples;
        const Index inputSize = m_convolution->geometry().inputSize();
        m_convolution->weightGradient(call.inputs[0] + sample * inputSize, upstream, 1,
                                      sums.part(s.item), sums.adds(s.item), s.scratch);
        if (call.inputGradients[0] != nullptr) {
            m_convolution->inputGradient(upstream, 1, packed.data(),
                                         call.inputGradients[0] + sample * inputSize, adds,
                                         s.scratch);
        }
    }

    void takeGradients(int items, Index samples)
    {
        for (int task = 0; task < m_kernelSums.tasks(); ++task) {
            m_kernelSums.total(task, items, m_kernelGradient.data());
        }
        m_sums.total(items, m_betaGradient.data()); // of the quantized folded bias
        pull(m_kernelQuantizer, m_folded, m_kernelGradient);
        Tensor& rawBiasGradient = m_first;
        std::ranges::copy(m_betaGradient.values(), rawBiasGradient.data());
        pull(m_biasQuantizer, m_foldedBias, m_betaGradient);

        const Index count = channels();
        std::vector<double>& inverse = m_inverseGradient; // of the kernel's inverse
        inverse.assign(static_cast<std::size_t>(count), 0.0);
        for (Index i = 0; i < m_kernelGradient.size(); ++i) {
            float& gradient = m_kernelGradient.data()[i];
            inverse[static_cast<std::size_t>(i % count)] +=
                static_cast<double>(gradient) * static_cast<double>(m_kernel[i]);
            gradient *= m_movingInverse.data()[i % count];
        }
        const double elements = static_cast<double>(samples * pixels());
        for (Index c = 0; c < count; ++c) {
            channelGradients(c, items, elements, rawBiasGradient.data()[c],
                             inverse[static_cast<std::size_t>(c)]);
        }
    }

    void channelGradients(Index c, int items, double elements, float outputSum,
                          double kernelInverseGradient)
    {
        const float bias = m_bias != nullptr ? m_bias[c] : 0.0F;
        const double biasGradient = static_cast<double>(m_betaGradient.data()[c]); // folded
        const double batchInverse = static_cast<double>(m_batchInverse.data()[c]);
        const double batchRoot = static_cast<double>(root(m_variance.data()[c]));
        const double offset = static_cast<double>(bias) - static_cast<double>(m_mean.data()[c]);
        const double biasInverseGradient = biasGradient * offset;
        const bool isSplit = m_isTraining && m_learns && m_usesEma; // kernel and bias use two
        const double kernelRoot =
            isSplit ? static_cast<double>(root(m_newVariance.data()[c])) : batchRoot;

        m_gammaGradient.data()[c] = static_cast<float>(kernelInverseGradient * kernelRoot +
                                                       biasInverseGradient * batchRoot);
        m_biasGradient.data()[c] = static_cast<float>(batchInverse * biasGradient);
        if (!m_isTraining || !m_learns) {
            return;
        }
        const double meanGradient = -batchInverse * biasGradient;
        double inverseGradient = biasInverseGradient;
        double varianceGradient = 0.0;
        if (m_usesEma) {
            // Σ dy·(x∗Q) from the output: out = x∗Q · rescale + bias.
            const double rescale = static_cast<double>(m_rescale.data()[c]);
            const double unscaled =
                (m_sums.product(items, c) -
                 static_cast<double>(m_quantizedBias.data()[c]) * static_cast<double>(outputSum)) /
                rescale;
            varianceGradient += -0.5 * unscaled * rescale * batchRoot * batchRoot;
        } else {
            inverseGradient += kernelInverseGradient;
        }
        varianceGradient += -0.5 * inverseGradient * static_cast<double>(gamma(c)) * batchRoot *
                            batchRoot * batchRoot;
        const double slope = 2.0 * varianceGradient / elements;
        m_second.data()[c] = static_cast<float>(slope);
        m_third.data()[c] = static_cast<float>(meanGradient / elements -
                                               slope * static_cast<double>(m_mean.data()[c]));
        // y0 holds the bias, and Σ d y0 is the gradient of the mean.
        m_biasGradient.data()[c] += static_cast<float>(meanGradient);
    }

    void pull(const quant::QuantizerPtr& quantizer, const Tensor& at, Tensor& gradient) const
    {
        if (quantizer) {
            quantizer->gradient(at.view(), gradient.view(), gradient.mutableView(), m_call);
        }
    }

    std::unique_ptr<const Convolution> m_convolution;
    BatchNormOp m_norm;
    bool m_useBias, m_usesEma;
    int m_freezeDelay;
    bool m_isTraining;
    quant::CallContext m_call; ///< of the quantizers of kernel and bias
    bool m_usesFusedNorm;      // Keras' fused kernel, which learns N/(N−1)·v
    quant::QuantizerPtr m_kernelQuantizer, m_biasQuantizer;
    Shape m_kernelShape;

    const float* m_kernel = nullptr;
    const float* m_bias = nullptr;
    const float* m_gamma = nullptr;
    const float* m_beta = nullptr;
    const float* m_movingMean = nullptr;
    const float* m_movingVariance = nullptr;
    float m_iteration = -1.0F;
    bool m_learns = true; // batch statistics; false once frozen

    Tensor m_mean, m_variance;              // in use: of the batch, or moving
    Tensor m_movingInverse, m_batchInverse; // of the kernel; of the bias
    Tensor m_folded, m_quantized, m_packed, m_packedGradient, m_packedFloat, m_packedFloatGradient;
    Tensor m_foldedBias, m_quantizedBias, m_rescale, m_zero;
    PartialSums m_kernelSums, m_statisticsSums;
    ChannelSums m_sums;
    std::vector<double> m_inverseGradient;
    Tensor m_kernelGradient, m_biasGradient, m_gammaGradient, m_betaGradient;
    Tensor m_first, m_second, m_third;
    Tensor m_newMean, m_newVariance, m_newIteration;
};

} // namespace

std::unique_ptr<LayerKernel> makeFoldedKernel(std::unique_ptr<const Convolution> c,
                                              const FoldedConvOp& op, const Shape& kernel,
                                              const LayerQuantizers& quantizers,
                                              const KernelOptions& options)
{
    return std::make_unique<FoldedKernel>(std::move(c), op, kernel, quantizers, options);
}

} // namespace bitscape::graph
