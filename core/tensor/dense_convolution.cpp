// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/error.h"
#include "core/tensor/windows.h"

namespace bitscape {

namespace {

using namespace windows;

class DenseConvolution final : public Convolution {
public:
    explicit DenseConvolution(const ConvolutionGeometry& g)
        : m_windows(g, 1), m_inputChannels(g.channels / g.groups), m_filters(g.filters / g.groups)
    {
        const std::vector<Tap> taps = forwardTaps(g);
        // Taps side by side read one run of memory.
        m_isMerged = g.groups == 1 && g.dilationWidth == 1;
        m_segmentLength = m_isMerged ? g.kernelWidth * g.channels : m_inputChannels;
        const std::size_t stride = m_isMerged ? static_cast<std::size_t>(g.kernelWidth) : 1;
        for (int group = 0; group < g.groups; ++group) {
            std::vector<Index> segments;
            for (std::size_t t = 0; t < taps.size(); t += stride) {
                segments.push_back(m_windows.input.offset(taps[t].row, taps[t].column) +
                                   group * m_inputChannels);
            }
            m_segments.push_back(std::move(segments));
            std::vector<std::vector<Index>> phases;
            for (const Phase& phase : m_windows.phases) {
                std::vector<Index> offsets;
                for (const Tap& tap : phase.taps) {
                    offsets.push_back(m_windows.gradient.offset(tap.row, tap.column) +
                                      group * m_filters);
                }
                phases.push_back(std::move(offsets));
            }
            m_gradientSegments.push_back(std::move(phases));
        }
    }

    const ConvolutionGeometry& geometry() const override { return m_windows.g; }
    Index kernelSize() const override { return depth() * m_windows.g.filters; }
    Index packedSize() const override { return groupSize() * m_windows.g.groups; }

    Index packedGradientSize() const override
    {
        Index size = 0;
        for (const Phase& phase : m_windows.phases) {
            size += phaseSize(phase) * m_windows.g.groups;
        }
        return size;
    }

    void pack(const float* kernel, float* packed) const override
    {
        for (int group = 0; group < m_windows.g.groups; ++group) {
            kernels::pack(kernel + group * m_filters, m_windows.g.filters, 1, 0, depth(), depth(),
                          m_filters, packed + group * groupSize());
        }
    }

    void packGradient(const float* kernel, float* packed) const override
    {
        const Index filters = m_windows.g.filters;
        for (const Phase& phase : m_windows.phases) {
            const Index depth = static_cast<Index>(phase.taps.size()) * m_filters;
            for (int group = 0; group < m_windows.g.groups; ++group, packed += phaseSize(phase)) {
                Index first = 0;
                for (const Tap& tap : phase.taps) {
                    kernels::pack(kernel + tap.index * m_inputChannels * filters +
                                      group * m_filters,
                                  1, filters, first, m_filters, depth, m_inputChannels, packed);
                    first += m_filters;
                }
            }
        }
    }

    Index scratchSize() const override { return m_windows.scratchSize(); }

    void forward(const float* x, Index images, const float* packed, const kernels::Finish& finish,
                 float* y, float* scratch, BlockDone done) const override
    {
        const auto& g = m_windows.g;
        const Index block = m_windows.blockPixels();
        m_windows.forGroups(m_windows.input, x, g.inputSize(), images, scratch,
                            [&](const float* framed, Index first, Index count) {
                                const Index before = first * g.outputSize();
                                const kernels::Finish groupFinish = behind(finish, before);
                                const Index pixels = count * m_windows.pixels();
                                for (Index p = 0; p < pixels; p += block) {
                                    const Index here = std::min(block, pixels - p);
                                    multiplyBlock(framed, p, here, packed, groupFinish, y + before);
                                    if (done) {
                                        done(before + p * g.filters, here * g.filters);
                                    }
                                }
                            });
    }

    void inputGradient(const float* dy, Index images, const float* packed, float* dx, bool adds,
                       float* scratch) const override
    {
        const auto& g = m_windows.g;
        m_windows.forGroups(m_windows.gradient, dy, g.outputSize(), images, scratch,
                            [&](const float* framed, Index first, Index count) {
                                const float* panel = packed;
                                for (std::size_t p = 0; p < m_windows.phases.size(); ++p) {
                                    const Phase& phase = m_windows.phases[p];
                                    float* target = dx + first * g.inputSize();
                                    if (phase.taps.empty()) {
                                        if (!adds) {
                                            clear(m_windows.gradientWrites[p], g.channels,
                                                  g.inputSize(), count, target);
                                        }
                                        continue;
                                    }
                                    for (int group = 0; group < g.groups;
                                         ++group, panel += phaseSize(phase)) {
                                        phaseGradient(framed, p, group, count, panel, target, adds);
                                    }
                                }
                            });
    }

    void weightGradient(const float* x, const float* dy, Index images, float* dw, bool adds,
                        float* scratch) const override
    {
        weightGradientRows(x, dy, images, 0, depth(), dw, adds, scratch);
    }

    void weightGradientRows(const float* x, const float* dy, Index images, Index firstRow,
                            Index rowCount, float* dw, bool adds, float* scratch) const override
    {
        const auto& g = m_windows.g;
        m_windows.forGroups(
            m_windows.input, x, g.inputSize(), images, scratch,
            [&](const float* framed, Index first, Index count) {
                for (int group = 0; group < g.groups; ++group) {
                    const auto at = static_cast<std::size_t>(group);
                    const float* upstream = dy + first * g.outputSize();
                    kernels::multiplyTransposed(
                        m_windows.gatherInput(framed, m_segments[at], m_segmentLength), 0,
                        count * m_windows.pixels(),
                        m_windows.upstream(upstream + group * m_filters), m_filters, firstRow,
                        rowCount, dw + group * m_filters, g.filters, adds || first > 0);
                }
            });
    }

private:
    [[nodiscard]] Index depth() const { return m_windows.g.taps() * m_inputChannels; }
    [[nodiscard]] Index groupSize() const { return kernels::packedSize(depth(), m_filters); }
    [[nodiscard]] Index phaseSize(const Phase& phase) const
    {
        return kernels::packedSize(static_cast<Index>(phase.taps.size()) * m_filters,
                                   m_inputChannels);
    }

    void multiplyBlock(const float* framed, Index first, Index count, const float* packed,
                       const kernels::Finish& finish, float* output) const
    {
        for (int group = 0; group < m_windows.g.groups; ++group) {
            const auto at = static_cast<std::size_t>(group);
            kernels::multiply(m_windows.gatherInput(framed, m_segments[at], m_segmentLength), first,
                              count, packed + group * groupSize(), m_filters,
                              finish.from(group * m_filters),
                              m_windows.output(output + group * m_filters));
        }
    }

    void phaseGradient(const float* framed, std::size_t phase, int group, Index images,
                       const float* panel, float* dx, bool adds) const
    {
        const auto& g = m_windows.g;
        const auto& segments = m_gradientSegments[static_cast<std::size_t>(group)][phase];
        const auto& reads = m_windows.gradientReads[phase];
        const Index rows = static_cast<Index>(reads.size());
        const kernels::Gather gather{
            framed,          m_windows.gradient.pitch(),          reads.data(), rows,
            segments.data(), static_cast<Index>(segments.size()), m_filters};
        kernels::multiply(
            gather, 0, images * rows, panel, m_inputChannels, {.adds = adds},
            {dx + group * m_inputChannels, g.inputSize(), m_windows.gradientWrites[phase].data()});
    }

    Windows m_windows;
    Index m_inputChannels, m_filters; // per group
    bool m_isMerged = false;
    Index m_segmentLength = 0;
    std::vector<std::vector<Index>> m_segments;                      // [group]
    std::vector<std::vector<std::vector<Index>>> m_gradientSegments; // [group][phase]
};

} // namespace

std::unique_ptr<const Convolution> makeConvolution(const ConvolutionGeometry& g)
{
    ensure(g.groups >= 1 && g.channels % g.groups == 0 && g.filters % g.groups == 0,
           "makeConvolution: groups divide channels and filters");
    return std::make_unique<const DenseConvolution>(g);
}

} // namespace bitscape
