// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The arithmetic that must be fast: compiled three times (baseline, x86-64-v3, x86-64-v4) into
// libbitscape_kernels.so; the loader takes the best the processor has (glibc-hwcaps). Plain
// functions on raw pointers only: no Eigen or standard containers cross this border, since their
// layout may depend on the instruction set. Every output element is computed by the same chain of
// operations whatever the tile it falls in, so results do not depend on batch, chunk or thread.
// Thread: any.

#include <cstddef>

#define BITSCAPE_KERNEL __attribute__((visibility("default")))

namespace bitscape::kernels {

using Index = std::ptrdiff_t;

/// "baseline", "v3" or "v4".
BITSCAPE_KERNEL const char* variant();

/// The left side of a product, gathered from memory instead of copied: row r of image i holds, for
/// each segment s, `segmentLength` floats from data[i·imagePitch + rows[r] + segments[s]].
/// Convolutions, their gradients and dense layers are all of this form.
struct Gather {
    const float* data = nullptr;
    Index imagePitch = 0;        ///< floats from one image to the next
    const Index* rows = nullptr; ///< rowCount offsets
    Index rowCount = 0;          ///< rows of one image
    const Index* segments = nullptr;
    Index segmentCount = 0;
    Index segmentLength = 0;

    [[nodiscard]] Index depth() const { return segmentCount * segmentLength; }
};

/// Where row r of image i of a result lies: data + i·imagePitch + rows[r]. Written with a fixed
/// number of columns.
struct Scatter {
    float* data = nullptr;
    Index imagePitch = 0;
    const Index* rows = nullptr;
};

/// The same for a matrix that is only read.
struct Matrix {
    const float* data = nullptr;
    Index imagePitch = 0;
    const Index* rows = nullptr;
};

/// What happens to a finished sum while it is in a register: + bias, · scale + shift (the product
/// rounded before the sum, as affine() does), + the addend or what is there, then clamped to
/// [low, high] (NaN passes) and written.
struct Finish {
    const float* bias = nullptr;  ///< one per column; may be null
    const float* scale = nullptr; ///< one per column; null: no scale and no shift
    const float* shift = nullptr; ///< one per column, where there is a scale
    bool clamps = false;
    float low = 0.0F, high = 0.0F;
    bool adds = false; ///< to what is there
    /// Instead: a tensor laid out as the result, from where the result's Scatter::data points to.
    const float* addend = nullptr;

    /// The same for columns from `column` on, where Scatter::data points to that column.
    [[nodiscard]] Finish from(Index column) const
    {
        const auto moved = [column](const float* values) {
            return values == nullptr ? nullptr : values + column;
        };
        Finish rest = *this;
        rest.bias = moved(bias);
        rest.scale = moved(scale);
        rest.shift = moved(shift);
        rest.addend = moved(addend);
        return rest;
    }
};

// ---- matrix products ---------------------------------------------------------------------------

/// Floats of a depth × columns matrix in the order multiply() reads it.
BITSCAPE_KERNEL Index packedSize(Index depth, Index columns);
/// Packs rows first … first+count−1 of the matrix whose element (k, n) is at
/// source[(k − first)·depthStride + n·columnStride].
BITSCAPE_KERNEL void pack(const float* source, Index depthStride, Index columnStride, Index first,
                          Index count, Index depth, Index columns, float* packed);
/// Rows first … first+count−1 (counted through all images) of a × packed. Sums run over the depth
/// in order.
BITSCAPE_KERNEL void multiply(const Gather& a, Index first, Index count, const float* packed,
                              Index columns, const Finish& finish, const Scatter& c);
/// target(k, n) (+)= Σ over rows first … first+count−1 of a(row, k) · b(row, n), a matrix of
/// a.depth() × columns with `targetPitch` floats per row. Rows are summed in fixed blocks.
/// k runs over depthFirst … depthFirst+depthCount−1 only; target points at row 0.
BITSCAPE_KERNEL void multiplyTransposed(const Gather& a, Index first, Index count, const Matrix& b,
                                        Index columns, Index depthFirst, Index depthCount,
                                        float* target, Index targetPitch, bool adds);

// ---- depth-wise convolution: a's segments are the taps, their length the channels
// ----------------

/// c(row, channel) = Σ taps a(row, tap, channel) · weights[tap·channels + channel].
BITSCAPE_KERNEL void depthwise(const Gather& a, Index first, Index count, const float* weights,
                               const Finish& finish, const Scatter& c);
/// target[tap·channels + channel] (+)= Σ rows a(row, tap, channel) · b(row, channel).
BITSCAPE_KERNEL void depthwiseTransposed(const Gather& a, Index first, Index count, const Matrix& b,
                                         float* target, bool adds);

// ---- element-wise ------------------------------------------------------------------------------

/// min(maximum, x ≥ threshold ? x : slope·(x − threshold)); no upper end if maximum ≤ 0.
struct Relu {
    float slope = 0.0F, maximum = 0.0F, threshold = 0.0F;
};
BITSCAPE_KERNEL void relu(const Relu& f, const float* x, Index count, float* y);
/// dx = dy · f'(x); at a corner as TensorFlow: the lower branch's slope at the threshold, 0 at the
/// maximum.
BITSCAPE_KERNEL void reluGradient(const Relu& f, const float* x, const float* dy, Index count,
                                  float* dx);

/// Functions of one float; gradients are taken at x (or at y where it says so).
BITSCAPE_KERNEL void sigmoid(const float* x, Index count, float* y);
BITSCAPE_KERNEL void tanh(const float* x, Index count, float* y);
BITSCAPE_KERNEL void exponential(const float* x, Index count, float* y);
BITSCAPE_KERNEL void hardSigmoid(float slope, const float* x, Index count, float* y);
BITSCAPE_KERNEL void elu(float alpha, float scale, const float* x, Index count, float* y);
BITSCAPE_KERNEL void softplus(const float* x, Index count, float* y);
BITSCAPE_KERNEL void softsign(const float* x, Index count, float* y);
BITSCAPE_KERNEL void swish(const float* x, Index count, float* y);
BITSCAPE_KERNEL void gelu(const float* x, Index count, float* y);
BITSCAPE_KERNEL void softmax(const float* x, Index rows, Index channels, float* y);

BITSCAPE_KERNEL void sigmoidGradient(const float* y, const float* dy, Index count, float* dx);
BITSCAPE_KERNEL void tanhGradient(const float* y, const float* dy, Index count, float* dx);
BITSCAPE_KERNEL void exponentialGradient(const float* y, const float* dy, Index count, float* dx);
BITSCAPE_KERNEL void hardSigmoidGradient(float slope, const float* x, const float* dy, Index count,
                                         float* dx);
BITSCAPE_KERNEL void eluGradient(float alpha, float scale, const float* x, const float* dy,
                                 Index count, float* dx);
BITSCAPE_KERNEL void softplusGradient(const float* x, const float* dy, Index count, float* dx);
BITSCAPE_KERNEL void softsignGradient(const float* x, const float* dy, Index count, float* dx);
BITSCAPE_KERNEL void swishGradient(const float* x, const float* dy, Index count, float* dx);
BITSCAPE_KERNEL void geluGradient(const float* x, const float* dy, Index count, float* dx);
/// dx_i = y_i · (dy_i − Σ y_j·dy_j), from y.
BITSCAPE_KERNEL void softmaxGradient(const float* y, const float* dy, Index rows, Index channels,
                                     float* dx);

/// y += x.
BITSCAPE_KERNEL void add(const float* x, Index count, float* y);
/// y = x·factor.
BITSCAPE_KERNEL void scale(const float* x, float factor, Index count, float* y);

// ---- per channel, rows × channels -------------------------------------------------------------

/// y = x·scale[c] + shift[c], the product rounded before the sum; y may be x.
BITSCAPE_KERNEL void affine(const float* x, Index rows, Index channels, const float* scale,
                            const float* shift, float* y);
/// y (+)= a·first[c] + b·second[c] + third[c].
BITSCAPE_KERNEL void affine2(const float* a, const float* first, const float* b,
                             const float* second, const float* third, Index rows, Index channels,
                             float* y, bool adds);
/// sums[c] += Σ x, products[c] += Σ x·w, in double. `w` may be x; null leaves products alone.
BITSCAPE_KERNEL void channelSums(const float* x, const float* w, Index rows, Index channels,
                                 double* sums, double* products);

// ---- pooling, one image ------------------------------------------------------------------------

struct Pool {
    Index height = 0, width = 0, channels = 0; ///< input
    Index outHeight = 0, outWidth = 0;
    Index windowHeight = 1, windowWidth = 1, strideHeight = 1, strideWidth = 1;
    Index padTop = 0, padLeft = 0;
};
BITSCAPE_KERNEL void maxPool(const Pool& pool, const float* x, float* y);
/// dx += dy at the first largest element of each window. `open`: scratch of `channels`
/// floats.
BITSCAPE_KERNEL void maxPoolGradient(const Pool& pool, const float* x, const float* y,
                                     const float* dy, float* dx, float* open);
/// Mean over the elements of the window that lie inside the image.
BITSCAPE_KERNEL void averagePool(const Pool& pool, const float* x, float* y);
BITSCAPE_KERNEL void averagePoolGradient(const Pool& pool, const float* dy, float* dx);

} // namespace bitscape::kernels
