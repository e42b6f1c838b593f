// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/function_ref.h"
#include "core/tensor/kernels/kernels.h"
#include "core/tensor/tensor.h"

#include <memory>

namespace bitscape {

/// Sizes of a two-dimensional convolution, channels last. A dense layer is a convolution of 1×n
/// images with a 1×1 kernel.
struct ConvolutionGeometry {
    Index height = 1, width = 1, channels = 1; ///< input image
    Index outHeight = 1, outWidth = 1, filters = 1;
    int kernelHeight = 1, kernelWidth = 1;
    int strideHeight = 1, strideWidth = 1;
    int dilationHeight = 1, dilationWidth = 1;
    Index padTop = 0, padLeft = 0; ///< zeros at the other ends follow from the sizes
    int groups = 1;                ///< divides channels and filters

    [[nodiscard]] Index inputSize() const { return height * width * channels; }
    [[nodiscard]] Index outputSize() const { return outHeight * outWidth * filters; }
    [[nodiscard]] Index taps() const { return Index{kernelHeight} * kernelWidth; }
};

/// Called with (first element, count) for every finished block of the output, while it is in the
/// cache; blocks are whole pixels and come in order.
using BlockDone = FunctionRef<void(Index first, Index count)>;

/// A convolution made ready: offsets of all windows, both for the way forward and for the
/// gradients. Images lie one after another, height × width × channels. Every result element is a
/// sum in one fixed order, whatever the number of images. Allocates nothing after construction.
/// Thread: any (const methods).
class Convolution {
public:
    Convolution() = default;
    virtual ~Convolution() = default;
    Convolution(const Convolution&) = delete;
    Convolution& operator=(const Convolution&) = delete;
    Convolution(Convolution&&) = delete;
    Convolution& operator=(Convolution&&) = delete;

    [[nodiscard]] virtual const ConvolutionGeometry& geometry() const = 0;
    /// Floats of the kernel as stored: (kh, kw, channels/groups, filters), or (kh, kw, channels,
    /// multiplier) for depth-wise ones.
    [[nodiscard]] virtual Index kernelSize() const = 0;

    /// Floats that pack() and packGradient() write.
    [[nodiscard]] virtual Index packedSize() const = 0;
    [[nodiscard]] virtual Index packedGradientSize() const = 0;
    virtual void pack(const float* kernel, float* packed) const = 0;
    virtual void packGradient(const float* kernel, float* packed) const = 0;

    /// Floats of scratch that each of the calls below needs; not shared between threads.
    [[nodiscard]] virtual Index scratchSize() const = 0;

    /// y = x ∗ kernel, finished (bias, clamp, add). `packed` from pack().
    virtual void forward(const float* x, Index images, const float* packed,
                         const kernels::Finish& finish, float* y, float* scratch,
                         BlockDone done = {}) const = 0;
    /// dx (+)= gradient with respect to the input. `packed` from packGradient().
    virtual void inputGradient(const float* dy, Index images, const float* packed, float* dx,
                               bool adds, float* scratch) const = 0;
    /// dw (+)= gradient with respect to the kernel, in the stored layout.
    virtual void weightGradient(const float* x, const float* dy, Index images, float* dw, bool adds,
                                float* scratch) const = 0;
    /// The same for rows first … first+count−1 only of the kernel seen as a matrix of
    /// kernelSize()/filters rows. For dense layers, where it splits work without partial sums.
    virtual void weightGradientRows(const float* x, const float* dy, Index images, Index first,
                                    Index count, float* dw, bool adds, float* scratch) const = 0;
};

[[nodiscard]] std::unique_ptr<const Convolution> makeConvolution(const ConvolutionGeometry& g);
/// filters = channels · multiplier; output channel c·multiplier + m. `groups` is not looked at.
[[nodiscard]] std::unique_ptr<const Convolution>
makeDepthwiseConvolution(const ConvolutionGeometry& g);

} // namespace bitscape
