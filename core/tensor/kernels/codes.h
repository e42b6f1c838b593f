// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/tensor/kernels/kernels.h"

#include <cstdint>

// Whole numbers: the integer engine's share of the work. Sums have 32 bits and wrap, so a result
// is exact whenever it fits itself. Codes are kept as bytes from 0 up, as 16 or as 32 bits with
// sign; what a byte's 0 means is the caller's business. Thread: any.
namespace bitscape::kernels {

enum class CodeKind { Byte, Short, Int }; ///< uint8, int16, int32

/// How a sum is scaled. First p = (sum << lift) · multiplier + addend, of 64 bits, and its upper
/// half h = p / 2^32, rounded downwards like all divisions here; then
enum class CodeRule {
    None,  ///< (sum << lift) + bias
    Float, ///< the same · factor as float32, ties to the even one
    Up,    ///< h / 2^shift
    Twice, ///< (h + half) / 2^shift, with 1 less before the division for negative h if shift > 0
    Even,  ///< (h + half) / 2^shift, but ties of p / 2^(32 + shift) go to the even one
    Away,  ///< the same, but these ties go away from zero
    Steps, ///< (sum << lift) + bias, then the sum of the rises whose thresholds it reaches
};

/// From sums to codes: clip(scaled + zero, low, high), written as `kind`; Up has its zero in the
/// addends. The arrays have an entry per column and 32 more that are read but count for nothing;
/// those that the rule does not need may be null.
struct CodeFinish {
    CodeRule rule = CodeRule::None;
    CodeKind kind = CodeKind::Int;
    const std::int32_t* lifts = nullptr;
    const std::int32_t* bias = nullptr;
    const float* factors = nullptr;
    const std::int32_t* multipliers = nullptr; ///< ≥ 0
    const std::int32_t* lowAddends = nullptr;  ///< addend = high · 2^32 + low, low without sign
    const std::int32_t* highAddends = nullptr;
    const std::int32_t* halves = nullptr;
    const std::int32_t* shifts = nullptr;     ///< 0 … 31
    const std::int32_t* thresholds = nullptr; ///< `steps` of them, for all columns
    const std::int32_t* rises = nullptr;
    Index steps = 0;
    std::int32_t zero = 0, low = 0, high = 0;
};
constexpr Index kCodePadding = 32; ///< entries of the arrays, and codes, that may be read beyond

// ---- products ----------------------------------------------------------------------------------

/// What a word of 32 bits holds: four codes of 8 bits (the left ones without sign), or two of 16.
enum class CodeWords { Bytes, Shorts };
/// Whether the processor multiplies bytes (AVX-512 VNNI). If not, only Shorts may be asked for.
BITSCAPE_KERNEL bool multipliesBytes();

/// As Gather, in bytes: row r of image i holds, for each segment s, `segmentWords` words from
/// data + i·imagePitch + rows[r] + segments[s], wherever they lie. Up to 3 bytes beyond what counts
/// are read.
struct CodeGather {
    const std::byte* data = nullptr;
    Index imagePitch = 0;
    const Index* rows = nullptr;
    Index rowCount = 0;
    const Index* segments = nullptr;
    Index segmentCount = 0;
    Index segmentWords = 0;
};
/// Where row r of image i goes: data + i·imagePitch + r·rowPitch bytes.
struct CodeScatter {
    std::byte* data = nullptr;
    Index imagePitch = 0, rowPitch = 0;
};

/// Words of `columns` columns of `depth` words each in the order multiplyCodes() reads them.
BITSCAPE_KERNEL Index packedWords(Index depth, Index columns);
/// From word k of column n at source[n·depth + k].
BITSCAPE_KERNEL void packWords(const std::int32_t* source, Index depth, Index columns,
                               std::int32_t* packed);
/// Rows first … first+count−1 (counted through all images) of a × packed, finished.
BITSCAPE_KERNEL void multiplyCodes(CodeWords words, const CodeGather& a, Index first, Index count,
                                   const std::int32_t* packed, Index columns,
                                   const CodeFinish& finish, const CodeScatter& c);

/// sum(row, channel) = Σ taps a(row, tap, channel) · weights[tap·pitch + channel], finished. a's
/// segments are the taps, its codes bytes or of 16 bits; weights have 16 bits, with zeros above
/// them, and `pitch` is a multiple of 32.
BITSCAPE_KERNEL void multiplyCodesByChannel(CodeKind kind, const CodeGather& a, Index first,
                                            Index count, const std::int32_t* weights, Index pitch,
                                            Index channels, const CodeFinish& finish,
                                            const CodeScatter& c);

// ---- element by element ------------------------------------------------------------------------

/// One term of a sum, scaled by its own arrays; zero, low and high do not count.
struct CodeTerm {
    CodeKind kind = CodeKind::Byte;
    CodeFinish scale;
    bool isNegative = false;
};
/// Sums of terms, codes[t] those of term t, finished. Element i belongs to column i % columns of
/// all arrays; if `columns` is 1, these hold their entry 32 times and more.
BITSCAPE_KERNEL void sumCodes(const CodeTerm* terms, const std::byte* const* codes, Index termCount,
                              Index count, Index columns, const CodeFinish& finish, std::byte* to);
/// clip(x / scale, low, high) rounded to the nearest, ties to the even one, + zero; NaN counts as
/// 0. |low|, |high| ≤ 2^22.
BITSCAPE_KERNEL void quantizeCodes(const float* x, Index count, float scale, float low, float high,
                                   std::int32_t zero, CodeKind kind, std::byte* to);
/// step · (code − zero), computed in double.
BITSCAPE_KERNEL void dequantizeCodes(const std::byte* codes, CodeKind kind, Index count,
                                     std::int32_t zero, double step, float* y);

// ---- pooling, one image ------------------------------------------------------------------------

BITSCAPE_KERNEL void maxPoolCodes(const Pool& pool, const std::uint8_t* x, std::uint8_t* y);
/// Sums over the pixels of the window that lie inside the image.
BITSCAPE_KERNEL void sumPoolCodes(const Pool& pool, const std::uint8_t* x, std::int32_t* sums);

} // namespace bitscape::kernels
