// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Rounding, limits and the walk over arrays for the quantizers, on vectors of floats. For the .cpp
// files of this folder only.

#include "core/tensor/kernels/simd.h"

#include <bit>
#include <cstddef>
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace bitscape::kernels {

using IntVector [[gnu::vector_size(kLanes * sizeof(std::int32_t))]] = std::int32_t;

BITSCAPE_INLINE IntVector broadcastInt(std::int32_t value)
{
    return value - IntVector{};
}
BITSCAPE_INLINE IntVector bitsOf(Vector value)
{
    return std::bit_cast<IntVector>(value);
}
BITSCAPE_INLINE Vector floatsOf(IntVector bits)
{
    return std::bit_cast<Vector>(bits);
}

#if defined(__AVX512F__)
/// GCC 12 warns of uninitialized values inside the forms without a mask; this one costs nothing.
constexpr __mmask16 kAllLanes = 0xFFFF;
#endif

constexpr std::int32_t kSizeBits = 0x7FFFFFFF;

BITSCAPE_INLINE Vector sizeOf(Vector value)
{
    return floatsOf(bitsOf(value) & kSizeBits);
}
/// size ≥ +0 with the sign of `sign`.
BITSCAPE_INLINE Vector withSign(Vector size, Vector sign)
{
    return floatsOf(bitsOf(size) | (bitsOf(sign) & ~kSizeBits));
}

/// Smaller and larger of two; `value` if it is NaN.
BITSCAPE_INLINE Vector atMost(Vector limit, Vector value)
{
#if defined(__AVX512F__)
    return _mm512_maskz_min_ps(kAllLanes, limit, value);
#elif defined(__AVX2__)
    return _mm256_min_ps(limit, value);
#else
    return limit < value ? limit : value;
#endif
}
BITSCAPE_INLINE Vector atLeast(Vector limit, Vector value)
{
#if defined(__AVX512F__)
    return _mm512_maskz_max_ps(kAllLanes, limit, value);
#elif defined(__AVX2__)
    return _mm256_max_ps(limit, value);
#else
    return limit > value ? limit : value;
#endif
}
/// NaN passes.
BITSCAPE_INLINE Vector within(Vector low, Vector high, Vector value)
{
    return atMost(high, atLeast(low, value));
}

/// Half to even. SSE2 has no rounding instruction: adding and subtracting 2^23 rounds the
/// magnitudes below it, larger ones are integers already.
BITSCAPE_INLINE Vector roundedEven(Vector value)
{
#if defined(__AVX512F__)
    return _mm512_maskz_roundscale_ps(kAllLanes, value,
                                      _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#elif defined(__AVX2__)
    return _mm256_round_ps(value, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#else
    constexpr float kFirstInteger = 8388608.0F;
    const Vector size = sizeOf(value);
    const Vector rounded = withSign((size + kFirstInteger) - kFirstInteger, value);
    return size < kFirstInteger ? rounded : value;
#endif
}

/// Floor of numbers ≥ 0.
BITSCAPE_INLINE Vector floorOfSize(Vector value)
{
#if defined(__AVX512F__)
    return _mm512_maskz_roundscale_ps(kAllLanes, value, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
#elif defined(__AVX2__)
    return _mm256_round_ps(value, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
#else
    const Vector nearest = roundedEven(value);
    return nearest > value ? nearest - 1.0F : nearest;
#endif
}

/// A store that passes the caches by. `to` is aligned to the vector.
BITSCAPE_INLINE void streamVector(float* to, Vector value)
{
#if defined(__AVX512F__)
    _mm512_stream_ps(to, value);
#elif defined(__AVX2__)
    _mm256_stream_ps(to, value);
#elif defined(__SSE2__)
    _mm_stream_ps(to, value);
#else
    store(to, value);
#endif
}

/// Results larger than this leave the caches anyway: streaming saves reading the lines they
/// overwrite, as memcpy() does.
constexpr std::ptrdiff_t kStreamedFloats = std::ptrdiff_t{4} << 20;

/// Vectors from `first` on that lie on whole vectors of memory; the element after the last.
template <class Body>
BITSCAPE_INLINE std::ptrdiff_t streamed(float* y, std::ptrdiff_t count, Body body)
{
    constexpr std::uintptr_t kBytes = kLanes * sizeof(float);
    const auto beyond = reinterpret_cast<std::uintptr_t>(y) % kBytes;
    std::ptrdiff_t i = 0;
    if (beyond != 0) {
        const auto head = static_cast<int>((kBytes - beyond) / sizeof(float));
        storePart(y, body.template operator()<false>(0, head), head);
        i = head;
    }
    for (; i + kLanes <= count; i += kLanes) {
        streamVector(y + i, body.template operator()<true>(i, kLanes));
    }
#if defined(__SSE2__)
    _mm_sfence();
#endif
    return i;
}

/// y[i] = body(i): body<IsWhole>(first, count) gives the vector of the elements from `first` on.
/// inPlace: y is one of the arrays that are read.
template <class Body>
BITSCAPE_INLINE void forVectors(float* y, std::ptrdiff_t count, bool inPlace, Body body)
{
    std::ptrdiff_t i = 0;
    if (count >= kStreamedFloats && !inPlace) {
        i = streamed(y, count, body);
    }
    for (; i + kLanes <= count; i += kLanes) {
        store(y + i, body.template operator()<true>(i, kLanes));
    }
    if (const auto rest = static_cast<int>(count - i); rest > 0) {
        storePart(y + i, body.template operator()<false>(i, rest), rest);
    }
}

/// y = f(x).
template <class Function>
BITSCAPE_INLINE void mapVectors(const float* x, float* y, std::ptrdiff_t count, Function f)
{
    forVectors(y, count, x == y, [&]<bool IsWhole>(std::ptrdiff_t at, int lanes) {
        return f(loadLanes<IsWhole>(x + at, lanes));
    });
}

/// y = f(a, b).
template <class Function>
BITSCAPE_INLINE void mapVectors(const float* a, const float* b, float* y, std::ptrdiff_t count,
                                Function f)
{
    forVectors(y, count, a == y || b == y, [&]<bool IsWhole>(std::ptrdiff_t at, int lanes) {
        return f(loadLanes<IsWhole>(a + at, lanes), loadLanes<IsWhole>(b + at, lanes));
    });
}

} // namespace bitscape::kernels
