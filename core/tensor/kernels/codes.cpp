// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tensor/kernels/codes.h"

namespace bitscape::kernels {

namespace {

/// One row times `columns` (1 … 4) neighbors of b.
template <int columns>
inline void rowTimes(const std::int16_t* a, const std::int16_t* b, Index depth, std::int32_t* c)
{
    std::int32_t sums[columns] = {};
    for (Index k = 0; k < depth; ++k) {
        for (int n = 0; n < columns; ++n) {
            sums[n] +=
                static_cast<std::int32_t>(a[k]) * static_cast<std::int32_t>(b[n * depth + k]);
        }
    }
    for (int n = 0; n < columns; ++n) {
        c[n] = sums[n];
    }
}

} // namespace

void multiplyCodes(const std::int16_t* a, Index rows, Index pitch, const std::int16_t* b,
                   Index columns, Index depth, std::int32_t* c)
{
    constexpr int kColumns = 4;
    for (Index r = 0; r < rows; ++r, a += pitch, c += columns) {
        Index n = 0;
        for (; n + kColumns <= columns; n += kColumns) {
            rowTimes<kColumns>(a, b + n * depth, depth, c + n);
        }
        for (; n < columns; ++n) {
            rowTimes<1>(a, b + n * depth, depth, c + n);
        }
    }
}

void multiplyCodesByChannel(const std::int16_t* a, const Index* offsets, Index taps,
                            const std::int16_t* b, Index channels, std::int32_t* c)
{
    for (Index n = 0; n < channels; ++n) {
        c[n] = 0;
    }
    for (Index tap = 0; tap < taps; ++tap, b += channels) {
        const std::int16_t* from = a + offsets[tap];
        for (Index n = 0; n < channels; ++n) {
            c[n] += static_cast<std::int32_t>(from[n]) * static_cast<std::int32_t>(b[n]);
        }
    }
}

} // namespace bitscape::kernels
