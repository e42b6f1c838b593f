// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/tensor/kernels/kernels.h"

#include <cstddef>

// Loops of core/quant: round, clip, scale, and the masks of straight-through gradients. rne is
// rounding half to even. The output may be the input. NaN gives NaN; infinities saturate; a zero is
// +0. Compiled without fused multiply-add: every variant gives the same bits. Large results that do
// not overwrite their input pass the caches by.
namespace bitscape::kernels {

/// y = step · clip(rne(x · inverse), low, high).
struct Grid {
    float inverse = 1.0F;
    float step = 1.0F;
    float low = 0.0F;
    float high = 0.0F;
};
BITSCAPE_KERNEL void quantizeGrid(const float* x, float* y, std::ptrdiff_t count, const Grid& grid);

/// y = scale · clip(rne(x / scale), low, high): a step that is no power of two is divided by, as
/// ONNX and TFLite do, since multiplying by its inverse would move ties.
struct AffineGrid {
    float scale = 1.0F;
    float low = 0.0F;
    float high = 0.0F;
};
BITSCAPE_KERNEL void quantizeAffine(const float* x, float* y, std::ptrdiff_t count,
                                    const AffineGrid& grid);

/// y = min(bound, step · (clip(rne(p), 0, high) + clip(rne(p · slope), low, 0))), p = x · inverse.
struct LeakyGrid {
    float inverse = 1.0F;
    float step = 1.0F;
    float high = 0.0F;
    float slope = 0.0F;
    float low = 0.0F;
    float bound = 0.0F; ///< +infinity if none
};
BITSCAPE_KERNEL void quantizeLeaky(const float* x, float* y, std::ptrdiff_t count,
                                   const LeakyGrid& grid);

/// y = x < 0 ? negative : positive; 0 and denormals count as positive.
BITSCAPE_KERNEL void quantizeSign(const float* x, float* y, std::ptrdiff_t count, float negative,
                                  float positive);

/// y = 0 where |x| < threshold, else ±level with the sign of x.
BITSCAPE_KERNEL void quantizeTernary(const float* x, float* y, std::ptrdiff_t count,
                                     float threshold, float level);

/// ±2^e. With a = min(x ≥ 0 ? x : −x · negativeFactor, maxValue): e = clip(round(log2(a)), lowest,
/// highest), or twice the clipped round(log2(a) / 2) if quadratic; e = lowest if a < 1e-7. round is
/// floor, or half to even; the logarithm is exact (read off the bits). Negative x give −2^e, or
/// +2^lowest if negativeFactor is 0; denormal x count as 0. Powers below 2^−126 are flushed to 0.
struct PowerOfTwoGrid {
    int lowest = 0;
    int highest = 0;
    float maxValue = 0.0F; ///< +infinity if none
    float negativeFactor = 1.0F;
    bool quadratic = false;
    bool floor = false;
};
BITSCAPE_KERNEL void quantizePowerOfTwo(const float* x, float* y, std::ptrdiff_t count,
                                        const PowerOfTwoGrid& grid);

/// Codes of a fitted step: z = sign(x) · min(⌊|x · factor| / step[c] + ½⌋, top), rounding half away
/// from zero; row by row, one step per channel. A row of one step: channels = 1.
BITSCAPE_KERNEL void roundAwayByChannel(const float* x, float* z, std::ptrdiff_t rows,
                                        std::ptrdiff_t channels, float factor, const float* step,
                                        float top);

/// Codes of a fitted step: z = clip(rne(x / step[c]), low, high), row by row.
BITSCAPE_KERNEL void roundEvenByChannel(const float* x, float* z, std::ptrdiff_t rows,
                                        std::ptrdiff_t channels, const float* step, float low,
                                        float high);

/// y = output[c] · z with the codes of roundAwayByChannel().
BITSCAPE_KERNEL void quantizeAwayByChannel(const float* x, float* y, std::ptrdiff_t rows,
                                           std::ptrdiff_t channels, float factor, const float* step,
                                           float top, const float* output);

/// y = output[c] · z, z the sign of x where rounding |x| / step[c] half to even gives 1 or more,
/// else 0.
BITSCAPE_KERNEL void quantizeTernaryByChannel(const float* x, float* y, std::ptrdiff_t rows,
                                              std::ptrdiff_t channels, const float* step,
                                              const float* output);

/// y = output[c] · z, z = 1 or, for x < 0 that are no denormals, `negative`.
BITSCAPE_KERNEL void quantizeSignByChannel(const float* x, float* y, std::ptrdiff_t rows,
                                           std::ptrdiff_t channels, float negative,
                                           const float* output);

/// y = step[c] · z, row by row.
BITSCAPE_KERNEL void scaleByChannel(const float* z, float* y, std::ptrdiff_t rows,
                                    std::ptrdiff_t channels, const float* step);

/// largest[c] = max(largest[c], |x|) over the rows; NaN is passed over.
BITSCAPE_KERNEL void maxAbsByChannel(const float* x, std::ptrdiff_t rows, std::ptrdiff_t channels,
                                     float* largest);

/// xz[c] += Σ x · factor · z, zz[c] += Σ z², summed over the rows in order.
BITSCAPE_KERNEL void sumProductsByChannel(const float* x, const float* z, std::ptrdiff_t rows,
                                          std::ptrdiff_t channels, float factor, double* xz,
                                          double* zz);

/// Where the sums of a least-squares fit are added to: products[c] += Σ x · factor · z, squares[c]
/// += Σ z², over the rows in order. Channels that are settled may be left out; null: none is.
struct FitSums {
    double* products = nullptr;
    double* squares = nullptr;
    const unsigned char* settled = nullptr;
};
/// With the codes z of roundAwayByChannel(), quantizeTernaryByChannel() and
/// quantizeSignByChannel(), which are not written anywhere.
BITSCAPE_KERNEL void sumAwayByChannel(const float* x, std::ptrdiff_t rows, std::ptrdiff_t channels,
                                      float factor, const float* step, float top,
                                      const FitSums& sums);
BITSCAPE_KERNEL void sumTernaryByChannel(const float* x, std::ptrdiff_t rows,
                                         std::ptrdiff_t channels, const float* step,
                                         const FitSums& sums);
BITSCAPE_KERNEL void sumSignByChannel(const float* x, std::ptrdiff_t rows, std::ptrdiff_t channels,
                                      float negative, const FitSums& sums);

/// y = (1 − share) · x + share · y: a part of the quantization noise.
BITSCAPE_KERNEL void blend(const float* x, float* y, std::ptrdiff_t count, float share);

/// Leaky rectifier without quantization: y = x > cap ? cap : (x < 0 ? slope · x : x).
BITSCAPE_KERNEL void leakyRelu(const float* x, float* y, std::ptrdiff_t count, float slope,
                               float cap);

/// dx = g for 0 < x ≤ cap, slope · g for x ≤ 0, 0 for x > cap and NaN.
BITSCAPE_KERNEL void leakyReluGradient(const float* x, const float* g, float* dx,
                                       std::ptrdiff_t count, float slope, float cap);

/// y = x · factor.
BITSCAPE_KERNEL void multiplyBy(const float* x, float* y, std::ptrdiff_t count, float factor);

/// dx = g for low ≤ x ≤ high, else 0.
BITSCAPE_KERNEL void clipGradient(const float* x, const float* g, float* dx, std::ptrdiff_t count,
                                  float low, float high);

} // namespace bitscape::kernels
