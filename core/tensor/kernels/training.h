// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/tensor/kernels/kernels.h"

#include <cstdint>

// Loops of training steps. training.cpp is compiled without fused multiply-add: every variant gives
// the same bits.
namespace bitscape::kernels {

/// Which values are dropped: element i is kept where uniformAt(seed, first + i) of core/base/rng.h
/// is at least `rate`.
struct Drop {
    std::uint64_t seed = 0;
    std::uint64_t first = 0;
    float rate = 0.0F;
    float factor = 1.0F; ///< of the kept values; the others become 0·x
};
/// y (+)= x · factor, or x · 0.
BITSCAPE_KERNEL void drop(const float* x, Index count, const Drop& drop, float* y, bool adds);

/// A step of Adam with the bias corrections in `scaled`:
/// mean += (g − mean)·gain1; square += (g² − square)·gain2; peak = max(peak, square);
/// weight −= mean·scaled / (√peak + epsilon). `peak` may be `square`.
struct Adam {
    float gain1 = 0.0F, gain2 = 0.0F;
    float scaled = 0.0F;
    float epsilon = 0.0F;
};
BITSCAPE_KERNEL void adam(const Adam& step, const float* gradient, Index count, float* mean,
                          float* square, float* peak, float* weight);

} // namespace bitscape::kernels
