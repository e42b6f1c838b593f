// SPDX-License-Identifier: GPL-3.0-or-later
// Product and sum are rounded one by one, as Keras rounds them: a value equal to its mean must
// leave a normalization as exactly beta, or the rectifier after it lets a gradient through that it
// should not.
#include "core/tensor/kernels/kernels.h"

namespace bitscape::kernels {

void affine(const float* x, Index rows, Index channels, const float* scale, const float* shift,
            float* y)
{
    for (Index r = 0; r < rows; ++r, x += channels, y += channels) {
        for (Index c = 0; c < channels; ++c) {
            y[c] = x[c] * scale[c] + shift[c];
        }
    }
}

} // namespace bitscape::kernels
