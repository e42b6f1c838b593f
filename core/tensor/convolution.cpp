// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tensor/convolution.h"

#include "core/base/error.h"

#include <algorithm>
#include <vector>

namespace bitscape {

namespace {

constexpr Index kCopyFloats = 16384; // images are padded in groups of about this size (64 KiB)
constexpr Index kBlockFloats = 4096; // of output between two calls of BlockDone (16 KiB)
constexpr Index kBlockPixels = 24;   // blocks are multiples of this: whole tiles of any variant

/// A range of rows and columns read around an image; last is inclusive.
struct Extents {
    Index firstRow = 0, lastRow = 0, firstColumn = 0, lastColumn = 0;

    void include(const Extents& other)
    {
        firstRow = std::min(firstRow, other.firstRow);
        lastRow = std::max(lastRow, other.lastRow);
        firstColumn = std::min(firstColumn, other.firstColumn);
        lastColumn = std::max(lastColumn, other.lastColumn);
    }
};

/// The image as windows read it: itself if they stay inside, else a copy with zeros around.
/// `repeat` copies every channel that often in a row.
class Frame {
public:
    Frame(Index height, Index width, Index channels, const Extents& extents, Index repeat = 1)
        : m_height(height), m_width(width), m_channels(channels), m_repeat(repeat),
          m_framedHeight(height), m_framedWidth(width)
    {
        m_copies = repeat > 1 || extents.firstRow < 0 || extents.firstColumn < 0 ||
                   extents.lastRow >= height || extents.lastColumn >= width;
        if (m_copies) {
            m_top = std::max<Index>(0, -extents.firstRow);
            m_left = std::max<Index>(0, -extents.firstColumn);
            m_framedHeight = extents.lastRow + 1 + m_top;
            m_framedWidth = extents.lastColumn + 1 + m_left;
        }
    }

    [[nodiscard]] bool copies() const { return m_copies; }
    [[nodiscard]] Index pitch() const { return m_framedHeight * m_framedWidth * channels(); }
    [[nodiscard]] Index channels() const { return m_channels * m_repeat; }
    /// From the first framed element to the given place of the image, which may lie outside.
    [[nodiscard]] Index offset(Index row, Index column) const
    {
        return ((row + m_top) * m_framedWidth + column + m_left) * channels();
    }
    [[nodiscard]] Index step(Index row, Index column) const
    {
        return (row * m_framedWidth + column) * channels();
    }
    /// Images that are framed at once.
    [[nodiscard]] Index group(Index images) const
    {
        return m_copies ? std::clamp<Index>(kCopyFloats / std::max<Index>(pitch(), 1), 1, images)
                        : images;
    }
    [[nodiscard]] Index scratchSize() const
    {
        return m_copies ? std::max(kCopyFloats, pitch()) : 0;
    }

    /// Framed images: `scratch` after copying, or `images` as they are.
    const float* apply(const float* images, Index count, float* scratch) const
    {
        if (!m_copies) {
            return images;
        }
        const Index size = m_height * m_width * m_channels;
        for (Index i = 0; i < count; ++i) {
            copy(images + i * size, scratch + i * pitch());
        }
        return scratch;
    }

private:
    void copy(const float* image, float* to) const
    {
        const Index rowSize = m_framedWidth * channels();
        const Index left = m_left * channels();
        const Index columns = std::min(m_width, m_framedWidth - m_left);
        const Index used = columns * channels();
        for (Index r = 0; r < m_framedHeight; ++r, to += rowSize) {
            const Index row = r - m_top;
            if (row < 0 || row >= m_height) {
                std::fill_n(to, rowSize, 0.0F);
                continue;
            }
            const float* from = image + row * m_width * m_channels;
            std::fill_n(to, left, 0.0F);
            if (m_repeat == 1) {
                std::copy_n(from, used, to + left);
            } else {
                for (Index i = 0; i < used; ++i) {
                    to[left + i] = from[i / m_repeat];
                }
            }
            std::fill(to + left + used, to + rowSize, 0.0F);
        }
    }

    Index m_height, m_width, m_channels, m_repeat;
    Index m_framedHeight, m_framedWidth;
    Index m_top = 0, m_left = 0;
    bool m_copies = false;
};

struct Tap {
    Index row = 0, column = 0; ///< relative to the window's corner
    Index index = 0;           ///< kh·kernelWidth + kw
};

Extents extentsOf(const std::vector<Tap>& taps, Index lastRow, Index lastColumn)
{
    Extents all{taps.front().row, taps.front().row, taps.front().column, taps.front().column};
    for (const Tap& tap : taps) {
        all.include({tap.row, tap.row, tap.column, tap.column});
    }
    all.lastRow += lastRow;
    all.lastColumn += lastColumn;
    return all;
}

std::vector<Tap> forwardTaps(const ConvolutionGeometry& g)
{
    std::vector<Tap> taps;
    for (int kh = 0; kh < g.kernelHeight; ++kh) {
        for (int kw = 0; kw < g.kernelWidth; ++kw) {
            taps.push_back({Index{kh} * g.dilationHeight - g.padTop,
                            Index{kw} * g.dilationWidth - g.padLeft,
                            Index{kh} * g.kernelWidth + kw});
        }
    }
    return taps;
}

/// The input pixels whose position has the same remainder under the stride: they are reached by
/// the same taps, so their gradient is a convolution of dy with stride 1.
struct Phase {
    Index row = 0, column = 0;   ///< first input pixel
    Index height = 0, width = 0; ///< how many, a stride apart
    std::vector<Tap> taps;       ///< relative to the pixel's place in the phase; may be empty
};

std::vector<Phase> phasesOf(const ConvolutionGeometry& g)
{
    std::vector<Phase> phases;
    for (Index row = 0; row < std::min<Index>(g.strideHeight, g.height); ++row) {
        for (Index column = 0; column < std::min<Index>(g.strideWidth, g.width); ++column) {
            Phase phase{row,
                        column,
                        (g.height - row + g.strideHeight - 1) / g.strideHeight,
                        (g.width - column + g.strideWidth - 1) / g.strideWidth,
                        {}};
            for (int kh = 0; kh < g.kernelHeight; ++kh) {
                for (int kw = 0; kw < g.kernelWidth; ++kw) {
                    const Index down = row + g.padTop - Index{kh} * g.dilationHeight;
                    const Index right = column + g.padLeft - Index{kw} * g.dilationWidth;
                    if (down % g.strideHeight == 0 && right % g.strideWidth == 0) {
                        phase.taps.push_back({down / g.strideHeight, right / g.strideWidth,
                                              Index{kh} * g.kernelWidth + kw});
                    }
                }
            }
            phases.push_back(std::move(phase));
        }
    }
    return phases;
}

Frame gradientFrame(const ConvolutionGeometry& g, const std::vector<Phase>& phases)
{
    Extents all{0, g.outHeight - 1, 0, g.outWidth - 1};
    for (const Phase& phase : phases) {
        if (!phase.taps.empty()) {
            all.include(extentsOf(phase.taps, phase.height - 1, phase.width - 1));
        }
    }
    return {g.outHeight, g.outWidth, g.filters, all};
}

Frame forwardFrame(const ConvolutionGeometry& g, Index repeat)
{
    return {g.height, g.width, g.channels,
            extentsOf(forwardTaps(g), (g.outHeight - 1) * g.strideHeight,
                      (g.outWidth - 1) * g.strideWidth),
            repeat};
}

/// Offsets of a grid of pixels.
std::vector<Index> grid(Index height, Index width, Index rowStep, Index columnStep, Index first = 0)
{
    std::vector<Index> offsets;
    offsets.reserve(static_cast<std::size_t>(height * width));
    for (Index row = 0; row < height; ++row) {
        for (Index column = 0; column < width; ++column) {
            offsets.push_back(first + row * rowStep + column * columnStep);
        }
    }
    return offsets;
}

/// Where the windows of a pass read and write, shared by both kinds of convolution.
struct Windows {
    explicit Windows(const ConvolutionGeometry& geometry, Index repeat)
        : g(geometry), input(forwardFrame(g, repeat)), phases(phasesOf(g)),
          gradient(gradientFrame(g, phases)),
          inputRows(grid(g.outHeight, g.outWidth, input.step(g.strideHeight, 0),
                         input.step(0, g.strideWidth))),
          outputRows(grid(g.outHeight, g.outWidth, g.outWidth * g.filters, g.filters))
    {
        const Index channels = input.channels(); // of dx: with repeated channels
        for (const Phase& phase : phases) {
            gradientReads.push_back(
                grid(phase.height, phase.width, gradient.step(1, 0), gradient.step(0, 1)));
            gradientWrites.push_back(
                grid(phase.height, phase.width, g.strideHeight * g.width * channels,
                     g.strideWidth * channels, (phase.row * g.width + phase.column) * channels));
        }
    }

    [[nodiscard]] Index pixels() const { return g.outHeight * g.outWidth; }
    [[nodiscard]] Index scratchSize() const
    {
        return std::max(input.scratchSize(), gradient.scratchSize());
    }
    [[nodiscard]] Index blockPixels() const
    {
        return std::max(kBlockFloats / g.filters / kBlockPixels, Index{1}) * kBlockPixels;
    }
    [[nodiscard]] kernels::Gather
    gatherInput(const float* framed, const std::vector<Index>& segments, Index segmentLength) const
    {
        return {framed,       input.pitch(),   inputRows.data(),
                pixels(),     segments.data(), static_cast<Index>(segments.size()),
                segmentLength};
    }
    [[nodiscard]] kernels::Scatter output(float* data) const
    {
        return {data, g.outputSize(), outputRows.data()};
    }
    [[nodiscard]] kernels::Matrix upstream(const float* data) const
    {
        return {data, g.outputSize(), outputRows.data()};
    }

    /// body(framed images, first image, count) for groups of images.
    template <class Body>
    void forGroups(const Frame& frame, const float* images, Index size, Index count, float* scratch,
                   const Body& body) const
    {
        const Index group = frame.group(count);
        for (Index first = 0; first < count; first += group) {
            const Index here = std::min(group, count - first);
            body(frame.apply(images + first * size, here, scratch), first, here);
        }
    }

    ConvolutionGeometry g;
    Frame input;
    std::vector<Phase> phases;
    Frame gradient;
    std::vector<Index> inputRows, outputRows;
    std::vector<std::vector<Index>> gradientReads, gradientWrites; // per phase
};

/// dx of pixels that no window reaches.
void clear(const std::vector<Index>& rows, Index channels, Index imagePitch, Index images,
           float* dx)
{
    for (Index i = 0; i < images; ++i) {
        for (const Index row : rows) {
            std::fill_n(dx + i * imagePitch + row, channels, 0.0F);
        }
    }
}

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
                                float* output = y + first * g.outputSize();
                                const Index pixels = count * m_windows.pixels();
                                for (Index p = 0; p < pixels; p += block) {
                                    const Index here = std::min(block, pixels - p);
                                    multiplyBlock(framed, p, here, packed, finish, output);
                                    if (done) {
                                        done(first * g.outputSize() + p * g.filters,
                                             here * g.filters);
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
            kernels::Finish groupFinish = finish;
            if (finish.bias != nullptr) {
                groupFinish.bias += group * m_filters;
            }
            kernels::multiply(m_windows.gatherInput(framed, m_segments[at], m_segmentLength), first,
                              count, packed + group * groupSize(), m_filters, groupFinish,
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

std::unique_ptr<const Convolution> makeConvolution(const ConvolutionGeometry& g)
{
    ensure(g.groups >= 1 && g.channels % g.groups == 0 && g.filters % g.groups == 0,
           "makeConvolution: groups divide channels and filters");
    return std::make_unique<const DenseConvolution>(g);
}

std::unique_ptr<const Convolution> makeDepthwiseConvolution(const ConvolutionGeometry& g)
{
    ensure(g.channels >= 1 && g.filters % g.channels == 0,
           "makeDepthwiseConvolution: filters are a multiple of the channels");
    return std::make_unique<const DepthwiseConvolution>(g);
}

} // namespace bitscape
