// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/tensor/kernels/kernels.h"

#include <cstdint>

// Products of whole numbers of 16 bits, summed in 32: the integer engine's share of the work. The
// caller sees to it that no sum leaves 32 bits; sums are then exact in every order.
namespace bitscape::kernels {

/// c[r·columns + n] = Σ a[r·pitch + k] · b[n·depth + k], k = 0 … depth − 1. Quickest where depth is
/// a multiple of 16.
BITSCAPE_KERNEL void multiplyCodes(const std::int16_t* a, Index rows, Index pitch,
                                   const std::int16_t* b, Index columns, Index depth,
                                   std::int32_t* c);

/// c[n] = Σ over taps of a[offsets[tap] + n] · b[tap·channels + n].
BITSCAPE_KERNEL void multiplyCodesByChannel(const std::int16_t* a, const Index* offsets, Index taps,
                                            const std::int16_t* b, Index channels, std::int32_t* c);

} // namespace bitscape::kernels
