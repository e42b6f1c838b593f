// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tensor/byte_convolution.h"

#include <algorithm>
#include <cmath>

namespace bitscape {

namespace {

constexpr Index kWord = 4;              // bytes that are multiplied at once
constexpr Index kFramedBytes = 1 << 14; // images are framed in groups of about this size
constexpr Index kBlockFloats = 4096;    // of output between two calls of BlockDone
constexpr Index kBlockRows = 8;         // blocks are multiples of this: whole tiles
constexpr float kMostExact = 0x1.0p24F; // whole numbers that floats add without rounding

/// Far from where scaled sums could leave the range of normal numbers.
bool isModest(float step)
{
    return step > 0x1.0p-60F && step < 0x1.0p60F;
}

} // namespace

std::unique_ptr<ByteConvolution> ByteConvolution::make(const ConvolutionGeometry& g)
{
    const Index run = (g.dilationWidth == 1 ? g.kernelWidth : 1) * g.channels;
    if (!kernels::multipliesBytes() || g.groups != 1 || run % kWord != 0) {
        return nullptr;
    }
    return std::unique_ptr<ByteConvolution>(new ByteConvolution(g));
}

ByteConvolution::ByteConvolution(const ConvolutionGeometry& g) : m_geometry(g)
{
    const Index lastRow = (g.outHeight - 1) * g.strideHeight +
                          Index{g.kernelHeight - 1} * g.dilationHeight - g.padTop;
    const Index lastColumn =
        (g.outWidth - 1) * g.strideWidth + Index{g.kernelWidth - 1} * g.dilationWidth - g.padLeft;
    m_framedHeight = g.padTop + std::max(lastRow + 1, g.height);
    m_framedWidth = g.padLeft + std::max(lastColumn + 1, g.width);
    m_group = std::max<Index>(kFramedBytes / (m_framedHeight * m_framedWidth * g.channels), 1);
    const auto at = [&](Index row, Index column) {
        return (row * m_framedWidth + column) * g.channels;
    };
    for (Index row = 0; row < g.outHeight; ++row) {
        for (Index column = 0; column < g.outWidth; ++column) {
            m_rows.push_back(at(row * g.strideHeight, column * g.strideWidth));
            m_outputRows.push_back((row * g.outWidth + column) * g.filters);
        }
    }
    const bool isMerged = g.dilationWidth == 1; // taps side by side are one run of memory
    m_segmentWords = (isMerged ? g.kernelWidth : 1) * g.channels / kWord;
    for (Index row = 0; row < g.kernelHeight; ++row) {
        for (Index column = 0; column < (isMerged ? 1 : g.kernelWidth); ++column) {
            m_segments.push_back(at(row * g.dilationHeight, column * g.dilationWidth));
        }
    }
    m_packed.resize(
        static_cast<std::size_t>(kernels::packedByteWords(g.taps() * g.channels, g.filters)));
    m_scales.resize(static_cast<std::size_t>(g.filters));
    m_sums.resize(static_cast<std::size_t>(g.filters));
}

bool ByteConvolution::pack(const float* kernel, const InputGrid& input)
{
    const auto& g = m_geometry;
    m_input = input;
    if (!isModest(input.step) ||
        !kernels::packBytes(kernel, g.taps() * g.channels, g.filters, m_packed.data(),
                            m_scales.data(), m_sums.data())) {
        return false;
    }
    const auto largest = static_cast<float>(input.largest);
    if (!std::ranges::all_of(m_scales, isModest) ||
        std::ranges::any_of(m_sums, [&](float sum) { return sum * largest >= kMostExact; })) {
        return false;
    }
    for (float& scale : m_scales) {
        scale *= input.step;
    }
    return true;
}

Index ByteConvolution::scratchSize() const
{
    const Index bytes = m_group * m_framedHeight * m_framedWidth * m_geometry.channels;
    return bytes / static_cast<Index>(sizeof(float)) + 1;
}

Index ByteConvolution::frame(const float* images, Index count, std::uint8_t* to) const
{
    const auto& g = m_geometry;
    const float inverse = 1.0F / m_input.step;
    const Index pitch = m_framedWidth * g.channels;
    const Index left = g.padLeft * g.channels;
    const Index used = g.width * g.channels;
    if (m_framedWidth == g.width && m_framedHeight == g.height) {
        const Index values = count * g.inputSize();
        return kernels::toBytes(images, values, inverse, m_input.largest, to) ? count : 0;
    }
    for (Index image = 0; image < count; ++image) {
        std::fill_n(to, g.padTop * pitch, std::uint8_t{0});
        to += g.padTop * pitch;
        for (Index row = 0; row < g.height; ++row, to += pitch, images += used) {
            std::fill_n(to, left, std::uint8_t{0});
            if (!kernels::toBytes(images, used, inverse, m_input.largest, to + left)) {
                return image;
            }
            std::fill(to + left + used, to + pitch, std::uint8_t{0});
        }
        const Index below = (m_framedHeight - g.padTop - g.height) * pitch;
        to = std::fill_n(to, below, std::uint8_t{0});
    }
    return count;
}

Index ByteConvolution::forward(const float* x, Index images, const kernels::Finish& finish,
                               float* y, float* scratch, BlockDone done) const
{
    const auto& g = m_geometry;
    auto* framed = reinterpret_cast<std::uint8_t*>(scratch);
    const Index pitch = m_framedHeight * m_framedWidth * g.channels;
    const Index perImage = static_cast<Index>(m_rows.size());
    const Index block = std::max(kBlockFloats / g.filters / kBlockRows, Index{1}) * kBlockRows;
    const kernels::CodeGather gather{reinterpret_cast<const std::byte*>(framed),
                                     pitch,
                                     m_rows.data(),
                                     perImage,
                                     m_segments.data(),
                                     std::ssize(m_segments),
                                     m_segmentWords};
    for (Index first = 0; first < images; first += m_group) {
        const Index wanted = std::min(m_group, images - first);
        const Index count = frame(x + first * g.inputSize(), wanted, framed);
        const Index before = first * g.outputSize();
        kernels::Finish finishHere = finish;
        finishHere.addend = finish.addend == nullptr ? nullptr : finish.addend + before;
        for (Index p = 0; p < count * perImage; p += block) {
            const Index here = std::min(block, count * perImage - p);
            kernels::multiplyBytes(gather, p, here, m_packed.data(), g.filters, m_scales.data(),
                                   finishHere, {y + before, g.outputSize(), m_outputRows.data()});
            if (done) {
                done(before + p * g.filters, here * g.filters);
            }
        }
        if (count < wanted) {
            return first + count;
        }
    }
    return images;
}

} // namespace bitscape
