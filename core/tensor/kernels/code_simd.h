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

/// a + b, which may wrap.
BITSCAPE_INLINE Ints wrapped(Ints a, Ints b)
{
    using Words [[gnu::vector_size(kLanes * sizeof(std::uint32_t))]] = std::uint32_t;
    return reinterpret_cast<Ints>(reinterpret_cast<Words>(a) + reinterpret_cast<Words>(b));
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
    return wrapped(sum, reinterpret_cast<Ints>(_mm512_madd_epi16(
                            reinterpret_cast<__m512i>(left), reinterpret_cast<__m512i>(right))));
#elif defined(__AVX2__)
    return wrapped(sum, reinterpret_cast<Ints>(_mm256_madd_epi16(
                            reinterpret_cast<__m256i>(left), reinterpret_cast<__m256i>(right))));
#else
    return wrapped(sum, reinterpret_cast<Ints>(_mm_madd_epi16(reinterpret_cast<__m128i>(left),
                                                              reinterpret_cast<__m128i>(right))));
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

/// Numbers of 64 bits: those of the even lanes, those of the odd ones.
using LongLanes [[gnu::vector_size(kLanes * sizeof(std::int32_t))]] = std::uint64_t;
struct Longs {
    LongLanes even, odd;
};
constexpr int kHalf = 32;
constexpr std::uint64_t kUpper = ~std::uint64_t{0} << kHalf;

/// Lanes of high · 2^32 + low, low without sign.
BITSCAPE_INLINE Longs joined(Ints low, Ints high)
{
    const auto lower = reinterpret_cast<LongLanes>(low);
    const auto upper = reinterpret_cast<LongLanes>(high);
    return {(lower & ~kUpper) | (upper << kHalf), (lower >> kHalf) | (upper & kUpper)};
}

/// a · b + addend for b ≥ 0
BITSCAPE_INLINE Longs multiplied(Ints a, Ints b, const Longs& addend)
{
    const LongLanes oddA = reinterpret_cast<LongLanes>(a) >> kHalf;
    const LongLanes oddB = reinterpret_cast<LongLanes>(b) >> kHalf;
#if defined(__AVX512F__)
    const auto product = [](auto x, auto y) {
        return reinterpret_cast<LongLanes>(
            _mm512_mul_epi32(reinterpret_cast<__m512i>(x), reinterpret_cast<__m512i>(y)));
    };
#elif defined(__AVX2__)
    const auto product = [](auto x, auto y) {
        return reinterpret_cast<LongLanes>(
            _mm256_mul_epi32(reinterpret_cast<__m256i>(x), reinterpret_cast<__m256i>(y)));
    };
#else
    // Without sign a negative x counts 2^32 more.
    const auto product = [](auto x, auto y) {
        const auto more = reinterpret_cast<LongLanes>((reinterpret_cast<Ints>(x) >> 31) &
                                                      reinterpret_cast<Ints>(y));
        return reinterpret_cast<LongLanes>(
                   _mm_mul_epu32(reinterpret_cast<__m128i>(x), reinterpret_cast<__m128i>(y))) -
               (more << kHalf);
    };
#endif
    return {product(a, b) + addend.even, product(oddA, oddB) + addend.odd};
}

BITSCAPE_INLINE Ints upperHalves(const Longs& x)
{
#if defined(__AVX512F__)
    constexpr __mmask16 kEven = 0x5555;
    return reinterpret_cast<Ints>(_mm512_mask_shuffle_epi32(
        reinterpret_cast<__m512i>(x.odd), kEven, reinterpret_cast<__m512i>(x.even), _MM_PERM_DDBB));
#else
    return reinterpret_cast<Ints>((x.even >> kHalf) | (x.odd & kUpper));
#endif
}

BITSCAPE_INLINE Ints lowerHalves(const Longs& x)
{
    return reinterpret_cast<Ints>((x.even & ~kUpper) | (x.odd << kHalf));
}

/// Floats of magnitude ≤ 2^22, ties to the even one.
BITSCAPE_INLINE Ints nearest(Vector value)
{
    constexpr float kMagic = 12582912.0F; // 1.5 · 2^23: its last place is 1
    return reinterpret_cast<Ints>(value + broadcast(kMagic)) -
           reinterpret_cast<Ints>(broadcast(kMagic));
}

} // namespace bitscape::kernels
