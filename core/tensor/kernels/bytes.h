// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/tensor/kernels/codes.h"

#include <cstdint>

// Products of floats that are whole multiples of a step, taken as whole numbers of one byte: four
// of them are multiplied and summed by one instruction. As long as no sum needs more than 24 bits
// and the steps are powers of two, the results are those of the float kernels, bit by bit.
namespace bitscape::kernels {

/// to = x / step as a byte; false if an x is no multiple of the step from 0 to largest·step.
/// `inverse`: 1 / step, a power of two. largest ≤ 255.
BITSCAPE_KERNEL bool toBytes(const float* x, Index count, float inverse, std::int32_t largest,
                             std::uint8_t* to);

/// Words that packBytes() writes for a matrix of depth × columns; the depth is a multiple of four.
BITSCAPE_KERNEL Index packedByteWords(Index depth, Index columns);
/// Packs a matrix (row k: depth, `columns` values in a row) for multiplyBytes(). For each column
/// the step is the power of two that leaves the largest value 64 … 127 steps; steps[n] gets it,
/// sums[n] the sum of the numbers' magnitudes. False if a value is no multiple of its column's
/// step.
BITSCAPE_KERNEL bool packBytes(const float* matrix, Index depth, Index columns,
                               std::int32_t* packed, float* steps, float* sums);
/// Rows first … first+count−1 of a × packed, times scales[n], finished.
/// Without multipliesBytes() this works where the variant has no such instruction, slowly.
BITSCAPE_KERNEL void multiplyBytes(const CodeGather& a, Index first, Index count,
                                   const std::int32_t* packed, Index columns, const float* scales,
                                   const Finish& finish, const Scatter& c);

} // namespace bitscape::kernels
