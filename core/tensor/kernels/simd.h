// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// One vector of floats in the widest register of the variant being compiled. For the .cpp files of
// this folder only.

#include <cstddef>
#include <cstdint>
#include <utility>

#if defined(__AVX2__) || defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace bitscape::kernels {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX2__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif

using Vector [[gnu::vector_size(kLanes * sizeof(float))]] = float;
/// The same in memory, wherever it lies.
using StoredVector [[gnu::vector_size(kLanes * sizeof(float)), gnu::aligned(4), gnu::may_alias]] =
    float;

#define BITSCAPE_INLINE [[gnu::always_inline]] inline

BITSCAPE_INLINE Vector load(const float* from)
{
    return *reinterpret_cast<const StoredVector*>(from);
}

BITSCAPE_INLINE void store(float* to, Vector value)
{
    *reinterpret_cast<StoredVector*>(to) = value;
}

BITSCAPE_INLINE Vector broadcast(float value)
{
    return value - Vector{};
}

/// The first `count` (1 … kLanes) values, zero in the other lanes; reads nothing beyond.
BITSCAPE_INLINE Vector loadPart(const float* from, int count)
{
#if defined(__AVX512F__)
    return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1U << static_cast<unsigned>(count)) - 1U),
                                 from);
#elif defined(__AVX2__)
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_maskload_ps(from, _mm256_cmpgt_epi32(_mm256_set1_epi32(count), lanes));
#else
    Vector value{};
    for (int i = 0; i < count; ++i) {
        value[i] = from[i];
    }
    return value;
#endif
}

BITSCAPE_INLINE void storePart(float* to, Vector value, int count)
{
#if defined(__AVX512F__)
    _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1U << static_cast<unsigned>(count)) - 1U),
                          value);
#elif defined(__AVX2__)
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    _mm256_maskstore_ps(to, _mm256_cmpgt_epi32(_mm256_set1_epi32(count), lanes), value);
#else
    for (int i = 0; i < count; ++i) {
        to[i] = value[i];
    }
#endif
}

/// A whole vector, or (compile-time choice) the first `count` lanes of one.
template <bool IsWhole>
BITSCAPE_INLINE Vector loadLanes(const float* from, [[maybe_unused]] int count)
{
    if constexpr (IsWhole) {
        return load(from);
    } else {
        return loadPart(from, count);
    }
}
template <bool IsWhole>
BITSCAPE_INLINE void storeLanes(float* to, Vector value, [[maybe_unused]] int count)
{
    if constexpr (IsWhole) {
        store(to, value);
    } else {
        storePart(to, value, count);
    }
}

/// The value as it is in memory: keeps a product out of a fused multiply and add.
BITSCAPE_INLINE Vector rounded(Vector value)
{
#if defined(__AVX512F__)
    asm("" : "+v"(value)); // NOLINT(hicpp-no-assembler)
#else
    asm("" : "+x"(value)); // NOLINT(hicpp-no-assembler)
#endif
    return value;
}

/// NaN passes.
BITSCAPE_INLINE Vector clamped(Vector value, Vector low, Vector high)
{
    value = value < low ? low : value;
    return value > high ? high : value;
}

/// body(0), …, body(Count−1) with constants, written out by the compiler: accumulators in arrays
/// that are indexed by constants stay in registers (GCC 12 spills those of ordinary loops).
template <int Count, class Body>
BITSCAPE_INLINE void unrolled(Body body)
{
    [&]<int... I>(std::integer_sequence<int, I...>) __attribute__((always_inline))
    {
        (body(std::integral_constant<int, I>{}), ...);
    }
    (std::make_integer_sequence<int, Count>{});
}

} // namespace bitscape::kernels
