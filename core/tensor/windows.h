// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What the convolutions of this folder share: framed images and the places of their windows.

#include "core/tensor/convolution.h"

#include <algorithm>
#include <vector>

namespace bitscape::windows {

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
    void copy(const float* image, float* to) const;

    Index m_height, m_width, m_channels, m_repeat;
    Index m_framedHeight, m_framedWidth;
    Index m_top = 0, m_left = 0;
    bool m_copies = false;
};

struct Tap {
    Index row = 0, column = 0; ///< relative to the window's corner
    Index index = 0;           ///< kh·kernelWidth + kw
};

[[nodiscard]] std::vector<Tap> forwardTaps(const ConvolutionGeometry& g);

/// The input pixels whose position has the same remainder under the stride: they are reached by
/// the same taps, so their gradient is a convolution of dy with stride 1.
struct Phase {
    Index row = 0, column = 0;   ///< first input pixel
    Index height = 0, width = 0; ///< how many, a stride apart
    std::vector<Tap> taps;       ///< relative to the pixel's place in the phase; may be empty
};

/// Where the windows of a pass read and write, shared by both kinds of convolution.
struct Windows {
    /// `repeat`: see Frame; of depth-wise convolutions the multiplier.
    Windows(const ConvolutionGeometry& geometry, Index repeat);

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

/// For results that begin `floats` behind those the finish was made for.
[[nodiscard]] inline kernels::Finish behind(kernels::Finish finish, Index floats)
{
    finish.addend = finish.addend == nullptr ? nullptr : finish.addend + floats;
    return finish;
}

/// dx of pixels that no window reaches.
void clear(const std::vector<Index>& rows, Index channels, Index imagePitch, Index images,
           float* dx);

} // namespace bitscape::windows
