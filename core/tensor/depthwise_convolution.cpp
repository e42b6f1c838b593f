// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/error.h"
#include "core/tensor/windows.h"

namespace bitscape {

namespace {

using namespace windows;

class DepthwiseConvolution final : public Convolution {
public:
    explicit DepthwiseConvolution(const ConvolutionGeometry& g)
        : m_windows(g, g.filters / g.channels), m_multiplier(g.filters / g.channels)
    {
        for (const Tap& tap : forwardTaps(g)) {
            m_segments.push_back(m_windows.input.offset(tap.row, tap.column));
        }
        for (const Phase& phase : m_windows.phases) {
            std::vector<Index> offsets;
            for (const Tap& tap : phase.taps) {
                offsets.push_back(m_windows.gradient.offset(tap.row, tap.column));
            }
            m_gradientSegments.push_back(std::move(offsets));
        }
    }

    const ConvolutionGeometry& geometry() const override { return m_windows.g; }
    Index kernelSize() const override { return m_windows.g.taps() * m_windows.g.filters; }
    Index packedSize() const override { return kernelSize(); }
    Index packedGradientSize() const override { return kernelSize(); } // every tap is in one phase

    void pack(const float* kernel, float* packed) const override
    {
        std::copy_n(kernel, kernelSize(), packed);
    }

    void packGradient(const float* kernel, float* packed) const override
    {
        const Index filters = m_windows.g.filters;
        for (const Phase& phase : m_windows.phases) {
            for (const Tap& tap : phase.taps) {
                packed = std::copy_n(kernel + tap.index * filters, filters, packed);
            }
        }
    }

    Index scratchSize() const override
    {
        // With a multiplier the gradient of the repeated channels is made beside the framed dy.
        const Index repeated =
            m_multiplier > 1 ? m_windows.g.height * m_windows.g.width * m_windows.g.filters : 0;
        return m_windows.scratchSize() + repeated;
    }

    void forward(const float* x, Index images, const float* packed, const kernels::Finish& finish,
                 float* y, float* scratch, BlockDone done) const override
    {
        const auto& g = m_windows.g;
        const Index block = m_windows.blockPixels();
        m_windows.forGroups(
            m_windows.input, x, g.inputSize(), images, scratch,
            [&](const float* framed, Index first, Index count) {
                float* output = y + first * g.outputSize();
                const Index pixels = count * m_windows.pixels();
                for (Index p = 0; p < pixels; p += block) {
                    const Index here = std::min(block, pixels - p);
                    kernels::depthwise(m_windows.gatherInput(framed, m_segments, g.filters), p,
                                       here, packed, finish, m_windows.output(output));
                    if (done) {
                        done(first * g.outputSize() + p * g.filters, here * g.filters);
                    }
                }
            });
    }

    void inputGradient(const float* dy, Index images, const float* packed, float* dx, bool adds,
                       float* scratch) const override
    {
        const auto& g = m_windows.g;
        float* repeated = scratch + m_windows.scratchSize();
        m_windows.forGroups(m_windows.gradient, dy, g.outputSize(), images, scratch,
                            [&](const float* framed, Index first, Index count) {
                                float* target = dx + first * g.inputSize();
                                if (m_multiplier == 1) {
                                    phaseGradients(framed, count, packed, target, adds);
                                    return;
                                }
                                for (Index i = 0; i < count; ++i) {
                                    phaseGradients(framed + i * m_windows.gradient.pitch(), 1,
                                                   packed, repeated, false);
                                    collect(repeated, target + i * g.inputSize(), adds);
                                }
                            });
    }

    void weightGradient(const float* x, const float* dy, Index images, float* dw, bool adds,
                        float* scratch) const override
    {
        weightGradientRows(x, dy, images, 0, m_windows.g.taps(), dw, adds, scratch);
    }

    void weightGradientRows(const float* x, const float* dy, Index images, Index firstRow,
                            Index rowCount, float* dw, bool adds, float* scratch) const override
    {
        const auto& g = m_windows.g;
        m_windows.forGroups(
            m_windows.input, x, g.inputSize(), images, scratch,
            [&](const float* framed, Index first, Index count) {
                kernels::Gather gather = m_windows.gatherInput(framed, m_segments, g.filters);
                gather.segments += firstRow;
                gather.segmentCount = rowCount;
                const float* upstream = dy + first * g.outputSize();
                kernels::depthwiseTransposed(gather, 0, count * m_windows.pixels(),
                                             m_windows.upstream(upstream),
                                             dw + firstRow * g.filters, adds || first > 0);
            });
    }

private:
    void phaseGradients(const float* framed, Index images, const float* packed, float* dx,
                        bool adds) const
    {
        const Index channels = m_windows.g.filters;
        const Index size = m_windows.g.height * m_windows.g.width * channels;
        for (std::size_t p = 0; p < m_windows.phases.size(); ++p) {
            const auto& segments = m_gradientSegments[p];
            const auto& reads = m_windows.gradientReads[p];
            if (segments.empty()) {
                if (!adds) {
                    clear(m_windows.gradientWrites[p], channels, size, images, dx);
                }
                continue;
            }
            const Index taps = static_cast<Index>(segments.size());
            const Index rows = static_cast<Index>(reads.size());
            const kernels::Gather gather{
                framed,  m_windows.gradient.pitch(), reads.data(), rows, segments.data(), taps,
                channels};
            kernels::depthwise(gather, 0, images * rows, packed, {.adds = adds},
                               {dx, size, m_windows.gradientWrites[p].data()});
            packed += taps * channels;
        }
    }

    /// Sums the gradients of the copies of every channel.
    void collect(const float* repeated, float* dx, bool adds) const
    {
        const Index size = m_windows.g.inputSize();
        for (Index i = 0; i < size; ++i, repeated += m_multiplier) {
            float sum = 0.0F;
            for (Index m = 0; m < m_multiplier; ++m) {
                sum += repeated[m];
            }
            dx[i] = adds ? dx[i] + sum : sum;
        }
    }

    Windows m_windows;
    Index m_multiplier;
    std::vector<Index> m_segments;
    std::vector<std::vector<Index>> m_gradientSegments; // [phase]
};

} // namespace

std::unique_ptr<const Convolution> makeDepthwiseConvolution(const ConvolutionGeometry& g)
{
    ensure(g.channels >= 1 && g.filters % g.channels == 0,
           "makeDepthwiseConvolution: filters are a multiple of the channels");
    return std::make_unique<const DepthwiseConvolution>(g);
}

} // namespace bitscape
