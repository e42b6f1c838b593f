// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/tensor/convolution.h"
#include "core/tensor/kernels/bytes.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace bitscape {

/// The forward pass of a convolution whose kernel and input hold few levels, by products of bytes:
/// the same bits as Convolution::forward(), four times as fast. It finds out itself where values
/// are none that bytes can stand for.
class ByteConvolution {
public:
    /// Null if the processor lacks byte products, or for sizes that they do not fit.
    [[nodiscard]] static std::unique_ptr<ByteConvolution> make(const ConvolutionGeometry& g);

    /// The input's values are expected to be 0, step … largest·step.
    struct InputGrid {
        float step = 1.0F; ///< a power of two
        std::int32_t largest = 0;
    };
    /// Takes a kernel (as Convolution::pack()); false: forward() is not to be called. Not to be
    /// called at the same time as forward().
    bool pack(const float* kernel, const InputGrid& input);

    [[nodiscard]] Index scratchSize() const;
    /// As Convolution::forward(). Returns how many images are done: the next one holds a value that
    /// is not on the grid. Thread: any.
    [[nodiscard]] Index forward(const float* x, Index images, const kernels::Finish& finish,
                                float* y, float* scratch, BlockDone done) const;

private:
    explicit ByteConvolution(const ConvolutionGeometry& g);
    /// Images as bytes with zeros around; how many are done before one is not on the grid.
    [[nodiscard]] Index frame(const float* images, Index count, std::uint8_t* to) const;

    ConvolutionGeometry m_geometry;
    Index m_framedHeight = 0, m_framedWidth = 0;
    Index m_group = 1; ///< images that are framed at once
    std::vector<Index> m_rows, m_outputRows, m_segments;
    Index m_segmentWords = 0;
    InputGrid m_input;
    std::vector<std::int32_t> m_packed;
    std::vector<float> m_scales, m_sums;
};

} // namespace bitscape
