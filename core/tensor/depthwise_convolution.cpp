// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/error.h"
#include "core/tensor/windows.h"

namespace bitscape {

namespace {

using namespace windows;

constexpr Index kLeastInnerShare = 3; // one pixel in so many

/// first … last−1.
struct Range {
    Index first = 0, last = 0;
    [[nodiscard]] Index size() const { return last - first; }
    bool operator==(const Range&) const = default;
};

/// Pixels whose windows have the same taps inside the image: there no frame is needed.
struct Region {
    Range kernelRows, kernelColumns; ///< taps that are inside
    std::vector<Index> segments;     ///< of the taps, from the first of them
    std::vector<Index> reads;        ///< where each pixel's first tap lies
    std::vector<Index> writes;
    std::vector<Index> rowStarts; ///< pixels in output rows before each
};

/// Taps of the window at output position `out` that lie inside.
Range tapsInside(Index out, Index size, Index kernel, Index stride, Index dilation, Index pad)
{
    const Index corner = out * stride - pad;
    Range taps{0, kernel};
    while (taps.first < taps.last && corner + taps.first * dilation < 0) {
        ++taps.first;
    }
    while (taps.last > taps.first && corner + (taps.last - 1) * dilation >= size) {
        --taps.last;
    }
    return taps;
}

/// Empty where too many windows reach over the edge to be worth it.
std::vector<Region> regionsOf(const ConvolutionGeometry& g)
{
    std::vector<Region> regions;
    Index inner = 0; // pixels with all taps
    for (Index oh = 0; oh < g.outHeight; ++oh) {
        const Range rows =
            tapsInside(oh, g.height, g.kernelHeight, g.strideHeight, g.dilationHeight, g.padTop);
        for (Index ow = 0; ow < g.outWidth; ++ow) {
            const Range columns =
                tapsInside(ow, g.width, g.kernelWidth, g.strideWidth, g.dilationWidth, g.padLeft);
            auto region = std::ranges::find_if(regions, [&](const Region& one) {
                return one.kernelRows == rows && one.kernelColumns == columns;
            });
            if (region == regions.end()) {
                regions.emplace_back();
                region = regions.end() - 1;
                region->kernelRows = rows;
                region->kernelColumns = columns;
            }
            const bool isEmpty = rows.size() * columns.size() == 0;
            const Index row = oh * g.strideHeight - g.padTop + rows.first * g.dilationHeight;
            const Index column = ow * g.strideWidth - g.padLeft + columns.first * g.dilationWidth;
            region->rowStarts.resize(static_cast<std::size_t>(oh) + 1, std::ssize(region->reads));
            region->reads.push_back(isEmpty ? 0 : (row * g.width + column) * g.channels);
            region->writes.push_back((oh * g.outWidth + ow) * g.filters);
            inner += rows.size() * columns.size() == g.taps() ? 1 : 0;
        }
    }
    for (Region& region : regions) {
        region.rowStarts.resize(static_cast<std::size_t>(g.outHeight) + 1,
                                std::ssize(region.reads));
        for (Index kh = 0; kh < region.kernelRows.size(); ++kh) {
            for (Index kw = 0; kw < region.kernelColumns.size(); ++kw) {
                region.segments.push_back((kh * g.dilationHeight * g.width + kw * g.dilationWidth) *
                                          g.channels);
            }
        }
    }
    const bool isWorthIt = inner * kLeastInnerShare >= g.outHeight * g.outWidth;
    return isWorthIt ? regions : std::vector<Region>();
}

class DepthwiseConvolution final : public Convolution {
public:
    explicit DepthwiseConvolution(const ConvolutionGeometry& g)
        : m_windows(g, g.filters / g.channels), m_multiplier(g.filters / g.channels)
    {
        if (m_multiplier == 1) {
            m_regions = regionsOf(g);
        }
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
    Index packedSize() const override
    {
        if (m_regions.empty()) {
            return kernelSize();
        }
        Index taps = 0;
        for (const Region& region : m_regions) {
            taps += std::ssize(region.segments);
        }
        return taps * m_windows.g.filters;
    }
    Index packedGradientSize() const override { return kernelSize(); } // every tap is in one phase

    void pack(const float* kernel, float* packed) const override
    {
        if (m_regions.empty()) {
            std::copy_n(kernel, kernelSize(), packed);
        }
        const auto& g = m_windows.g;
        for (const Region& region : m_regions) { // the taps of each, one after another
            const Index count = region.kernelColumns.size() * g.filters;
            for (Index kh = region.kernelRows.first; kh < region.kernelRows.last; ++kh) {
                const Index tap = kh * g.kernelWidth + region.kernelColumns.first;
                packed = std::copy_n(kernel + tap * g.filters, count, packed);
            }
        }
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
        if (!m_regions.empty()) {
            forwardRegions(x, images, packed, finish, y, done);
            return;
        }
        const auto& g = m_windows.g;
        const Index block = m_windows.blockPixels();
        m_windows.forGroups(m_windows.input, x, g.inputSize(), images, scratch,
                            [&](const float* framed, Index first, Index count) {
                                const Index before = first * g.outputSize();
                                const kernels::Finish groupFinish = behind(finish, before);
                                const Index pixels = count * m_windows.pixels();
                                for (Index p = 0; p < pixels; p += block) {
                                    const Index here = std::min(block, pixels - p);
                                    kernels::depthwise(
                                        m_windows.gatherInput(framed, m_segments, g.filters), p,
                                        here, packed, groupFinish, m_windows.output(y + before));
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
    /// Bands of whole images, or of rows of one, each finished before the next.
    void forwardRegions(const float* x, Index images, const float* packed,
                        const kernels::Finish& finish, float* y, BlockDone done) const
    {
        const auto& g = m_windows.g;
        const Index rowFloats = g.outWidth * g.filters;
        const Index rows = std::clamp<Index>(kBlockFloats / rowFloats, 1, g.outHeight);
        const Index together =
            rows < g.outHeight ? 1 : std::max<Index>(kBlockFloats / g.outputSize(), 1);
        for (Index image = 0; image < images; image += together) {
            const Index here = std::min(together, images - image);
            for (Index row = 0; row < g.outHeight; row += rows) {
                const Index past = std::min(row + rows, g.outHeight);
                band(x, image, here, {row, past}, packed, finish, y);
                if (done) {
                    done(image * g.outputSize() + row * rowFloats, here * (past - row) * rowFloats);
                }
            }
        }
    }

    /// Output rows of one image, or all rows of `count` images.
    void band(const float* x, Index image, Index count, Range rows, const float* packed,
              const kernels::Finish& finish, float* y) const
    {
        const auto& g = m_windows.g;
        for (const Region& region : m_regions) {
            const Index pixels = std::ssize(region.reads);
            const Index before = region.rowStarts[static_cast<std::size_t>(rows.first)];
            const Index past = region.rowStarts[static_cast<std::size_t>(rows.last)];
            const Index taps = std::ssize(region.segments);
            kernels::depthwise({x, g.inputSize(), region.reads.data(), pixels,
                                region.segments.data(), taps, g.filters},
                               image * pixels + before, (count - 1) * pixels + past - before,
                               packed, finish, {y, g.outputSize(), region.writes.data()});
            packed += taps * g.filters;
        }
    }

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
    std::vector<Region> m_regions; ///< empty: the way forward reads framed images
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
