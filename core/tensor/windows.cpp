// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tensor/windows.h"

namespace bitscape::windows {

namespace {

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

} // namespace

void Frame::copy(const float* image, float* to) const
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

Windows::Windows(const ConvolutionGeometry& geometry, Index repeat)
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
        gradientWrites.push_back(grid(phase.height, phase.width,
                                      g.strideHeight * g.width * channels, g.strideWidth * channels,
                                      (phase.row * g.width + phase.column) * channels));
    }
}

void clear(const std::vector<Index>& rows, Index channels, Index imagePitch, Index images,
           float* dx)
{
    for (Index i = 0; i < images; ++i) {
        for (const Index row : rows) {
            std::fill_n(dx + i * imagePitch + row, channels, 0.0F);
        }
    }
}

} // namespace bitscape::windows
