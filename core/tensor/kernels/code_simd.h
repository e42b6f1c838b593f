// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Vectors of whole numbers of 32 bits, as many as simd.h has floats. For the .cpp files of this
// folder only.

#include "core/tensor/kernels/codes.h"
#include "core/tensor/kernels/simd.h"

#include <emmintrin.h>

#include <cstring>

namespace bitscape::kernels {

using Ints [[gnu::vector_size(kLanes * sizeof(std::int32_t))]] = std::int32_t;
using StoredInts
    [[gnu::vector_size(kLanes * sizeof(std::int32_t)), gnu::aligned(4), gnu::may_alias]] =
        std::int32_t;

BITSCAPE_INLINE Ints load(const std::int32_t* from)
{
    return *reinterpret_cast<const StoredInts*>(from);
}

BITSCAPE_INLINE void store(std::int32_t* to, Ints value)
{
    *reinterpret_cast<StoredInts*>(to) = value;
}

BITSCAPE_INLINE Ints broadcast(std::int32_t value)
{
    return value - Ints{};
}

/// A word from anywhere, in all lanes.
BITSCAPE_INLINE Ints broadcastWord(const std::byte* from)
{
    std::int32_t word = 0;
    std::memcpy(&word, from, sizeof word);
    return broadcast(word);
}

BITSCAPE_INLINE Ints clamped(Ints value, Ints low, Ints high)
{
    value = value < low ? low : value;
    return value > high ? high : value;
}

/// sum + left.low · right.low + left.high · right.high, halves of 16 bits.
BITSCAPE_INLINE Ints addShortProducts(Ints sum, Ints left, Ints right)
{
#if defined(__AVX512F__)
    return sum + reinterpret_cast<Ints>(_mm512_madd_epi16(reinterpret_cast<__m512i>(left),
                                                          reinterpret_cast<__m512i>(right)));
#elif defined(__AVX2__)
    return sum + reinterpret_cast<Ints>(_mm256_madd_epi16(reinterpret_cast<__m256i>(left),
                                                          reinterpret_cast<__m256i>(right)));
#else
    return sum + reinterpret_cast<Ints>(_mm_madd_epi16(reinterpret_cast<__m128i>(left),
                                                       reinterpret_cast<__m128i>(right)));
#endif
}

/// kLanes codes, zeros above them: their lower 16 bits are what counts.
BITSCAPE_INLINE Ints loadCodes(const std::uint8_t* from)
{
#if defined(__AVX512F__)
    return reinterpret_cast<Ints>(
        _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))));
#elif defined(__AVX2__)
    return reinterpret_cast<Ints>(
        _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from))));
#else
    std::int32_t word = 0;
    std::memcpy(&word, from, sizeof word);
    const __m128i zero = _mm_setzero_si128();
    return reinterpret_cast<Ints>(
        _mm_unpacklo_epi16(_mm_unpacklo_epi8(_mm_cvtsi32_si128(word), zero), zero));
#endif
}

/// The same, with the sign above them.
BITSCAPE_INLINE Ints loadCodes(const std::int16_t* from)
{
#if defined(__AVX512F__)
    return reinterpret_cast<Ints>(
        _mm512_cvtepi16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from))));
#elif defined(__AVX2__)
    return reinterpret_cast<Ints>(
        _mm256_cvtepi16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))));
#else
    const __m128i codes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
    return reinterpret_cast<Ints>(_mm_srai_epi32(_mm_unpacklo_epi16(codes, codes), 16));
#endif
}

BITSCAPE_INLINE Ints loadCodes(const std::int32_t* from)
{
    return load(from);
}

/// Values that fit the type.
BITSCAPE_INLINE void storeCodes(std::int32_t* to, Ints value)
{
    store(to, value);
}

BITSCAPE_INLINE void storeCodes(std::int16_t* to, Ints value)
{
#if defined(__AVX512F__)
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to),
                        _mm512_cvtepi32_epi16(reinterpret_cast<__m512i>(value)));
#elif defined(__AVX2__)
    const auto wide = reinterpret_cast<__m256i>(value);
    _mm_storeu_si128(
        reinterpret_cast<__m128i*>(to),
        _mm_packs_epi32(_mm256_castsi256_si128(wide), _mm256_extracti128_si256(wide, 1)));
#else
    const auto wide = reinterpret_cast<__m128i>(value);
    _mm_storel_epi64(reinterpret_cast<__m128i*>(to), _mm_packs_epi32(wide, wide));
#endif
}

BITSCAPE_INLINE void storeCodes(std::uint8_t* to, Ints value)
{
#if defined(__AVX512F__)
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to),
                     _mm512_cvtepi32_epi8(reinterpret_cast<__m512i>(value)));
#else
    std::int16_t halves[16] = {}; // a vector of 128 bits at most is filled
    storeCodes(halves, value);
    const __m128i codes = _mm_load_si128(reinterpret_cast<const __m128i*>(halves));
    const __m128i bytes = _mm_packus_epi16(codes, codes);
    std::memcpy(to, &bytes, kLanes);
#endif
}

/// Both halves of lane products of 64 bits.
struct Products {
    Ints high, low;
};

/// a · b + nudge
BITSCAPE_INLINE Products multiplied(Ints a, Ints b, std::int64_t nudge)
{
#if defined(__AVX512F__)
    const auto left = reinterpret_cast<__m512i>(a);
    const auto right = reinterpret_cast<__m512i>(b);
    const __m512i add = _mm512_set1_epi64(nudge);
    const __m512i even = _mm512_add_epi64(_mm512_mul_epi32(left, right), add);
    const __m512i odd = _mm512_add_epi64(
        _mm512_mul_epi32(_mm512_srli_epi64(left, 32), _mm512_srli_epi64(right, 32)), add);
    constexpr __mmask16 kEven = 0x5555;
    constexpr __mmask16 kOdd = 0xAAAA;
    return {reinterpret_cast<Ints>(_mm512_mask_shuffle_epi32(odd, kEven, even, _MM_PERM_DDBB)),
            reinterpret_cast<Ints>(_mm512_mask_shuffle_epi32(even, kOdd, odd, _MM_PERM_CCAA))};
#elif defined(__AVX2__)
    const auto left = reinterpret_cast<__m256i>(a);
    const auto right = reinterpret_cast<__m256i>(b);
    const __m256i add = _mm256_set1_epi64x(nudge);
    const __m256i even = _mm256_add_epi64(_mm256_mul_epi32(left, right), add);
    const __m256i odd = _mm256_add_epi64(
        _mm256_mul_epi32(_mm256_srli_epi64(left, 32), _mm256_srli_epi64(right, 32)), add);
    constexpr int kOdd = 0xAA;
    return {reinterpret_cast<Ints>(_mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, kOdd)),
            reinterpret_cast<Ints>(_mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), kOdd))};
#else
    Products out{};
    for (int i = 0; i < kLanes; ++i) {
        const std::int64_t product = std::int64_t{a[i]} * b[i] + nudge;
        out.high[i] = static_cast<std::int32_t>(product >> 32);
        out.low[i] = static_cast<std::int32_t>(product);
    }
    return out;
#endif
}

/// Floats of magnitude ≤ 2^22, ties to the even one.
BITSCAPE_INLINE Ints nearest(Vector value)
{
    constexpr float kMagic = 12582912.0F; // 1.5 · 2^23: its last place is 1
    return reinterpret_cast<Ints>(value + broadcast(kMagic)) -
           reinterpret_cast<Ints>(broadcast(kMagic));
}

} // namespace bitscape::kernels
