// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tensor/kernels/training.h"

#include <cmath>

// Iterations are independent even where the output is the input, which compilers cannot know.
#if defined(__clang__)
#define BITSCAPE_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define BITSCAPE_INDEPENDENT _Pragma("GCC ivdep")
#endif

namespace bitscape::kernels {

namespace {

// The finalizer of SplitMix64, as core/base/rng.cpp has it.
constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15ULL;

inline std::uint64_t mix(std::uint64_t z)
{
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31U);
}

template <bool kAdds>
void dropInto(const float* x, Index count, const Drop& drop, float* y)
{
    const std::uint64_t start = mix(drop.seed + kGolden) + (drop.first + 1) * kGolden;
    const float factor = drop.factor;
    // A draw is a whole number of 24 bits times 2^-24: compared as such, without rounding.
    const auto fewest = static_cast<std::int32_t>(std::ceil(drop.rate * 0x1.0p24F));
    BITSCAPE_INDEPENDENT
    for (Index i = 0; i < count; ++i) {
        const std::uint64_t drawn = mix(start + static_cast<std::uint64_t>(i) * kGolden) >> 40U;
        const float kept = static_cast<std::int32_t>(drawn) >= fewest ? factor : 0.0F;
        const float value = x[i] * kept;
        y[i] = kAdds ? y[i] + value : value;
    }
}

} // namespace

void drop(const float* x, Index count, const Drop& drop, float* y, bool adds)
{
    if (adds) {
        dropInto<true>(x, count, drop, y);
    } else {
        dropInto<false>(x, count, drop, y);
    }
}

void adam(const Adam& step, const float* gradient, Index count, float* mean, float* square,
          float* peak, float* weight)
{
    const Adam s = step;
    if (peak == square) {
        BITSCAPE_INDEPENDENT
        for (Index i = 0; i < count; ++i) {
            const float g = gradient[i];
            mean[i] += (g - mean[i]) * s.gain1;
            square[i] += (g * g - square[i]) * s.gain2;
            weight[i] -= mean[i] * s.scaled / (__builtin_sqrtf(square[i]) + s.epsilon);
        }
        return;
    }
    BITSCAPE_INDEPENDENT
    for (Index i = 0; i < count; ++i) {
        const float g = gradient[i];
        mean[i] += (g - mean[i]) * s.gain1;
        square[i] += (g * g - square[i]) * s.gain2;
        peak[i] = peak[i] < square[i] ? square[i] : peak[i];
        weight[i] -= mean[i] * s.scaled / (__builtin_sqrtf(peak[i]) + s.epsilon);
    }
}

} // namespace bitscape::kernels
