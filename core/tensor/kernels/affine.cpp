// SPDX-License-Identifier: GPL-3.0-or-later
// Product and sum are rounded one by one, as Keras rounds them: a value equal to its mean must
// leave a normalization as exactly beta, or the rectifier after it lets a gradient through that it
// should not.
#include "core/tensor/kernels/kernels.h"
#include "core/tensor/kernels/simd.h"

namespace bitscape::kernels {

namespace {

constexpr int kVectors = 4; // of channels whose coefficients are in registers at once

template <int Vectors, bool IsWhole>
void affineBlock(const float* x, Index rows, Index pitch, int lanes, const float* scale,
                 const float* shift, float* y)
{
    Vector factor[Vectors];
    Vector addend[Vectors];
    unrolled<Vectors>([&](auto v) {
        factor[v] = loadLanes<IsWhole>(scale + v * kLanes, lanes);
        addend[v] = loadLanes<IsWhole>(shift + v * kLanes, lanes);
    });
    for (Index r = 0; r < rows; ++r, x += pitch, y += pitch) {
        unrolled<Vectors>([&](auto v) {
            const Vector value = loadLanes<IsWhole>(x + v * kLanes, lanes) * factor[v] + addend[v];
            storeLanes<IsWhole>(y + v * kLanes, value, lanes);
        });
    }
}

} // namespace

void affine(const float* x, Index rows, Index channels, const float* scale, const float* shift,
            float* y)
{
    Index c = 0;
    for (; c + kVectors * kLanes <= channels; c += kVectors * kLanes) {
        affineBlock<kVectors, true>(x + c, rows, channels, kLanes, scale + c, shift + c, y + c);
    }
    for (; c + kLanes <= channels; c += kLanes) {
        affineBlock<1, true>(x + c, rows, channels, kLanes, scale + c, shift + c, y + c);
    }
    if (c < channels) {
        affineBlock<1, false>(x + c, rows, channels, static_cast<int>(channels - c), scale + c,
                              shift + c, y + c);
    }
}

} // namespace bitscape::kernels
