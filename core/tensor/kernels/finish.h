// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What happens to finished sums while they are in registers. For the .cpp files of this folder
// only.

#include "core/tensor/kernels/kernels.h"
#include "core/tensor/kernels/simd.h"

namespace bitscape::kernels {

/// Finish for one panel: two vectors of columns.
struct PanelFinish {
    Vector bias[2];
    Vector scale[2];
    Vector shift[2];
    Vector low, high;
    bool scales = false;
    bool clamps = false;
    const float* addend = nullptr; // as far from each element as `origin` from the result's
    const float* origin = nullptr;
    int columns[2] = {kLanes, kLanes}; // lanes of each vector that are written
};

inline PanelFinish finishOf(const Finish& finish, const Scatter& c, Index firstColumn,
                            Index columns)
{
    PanelFinish panel{};
    panel.low = broadcast(finish.low);
    panel.high = broadcast(finish.high);
    panel.scales = finish.scale != nullptr;
    panel.clamps = finish.clamps;
    panel.origin = c.data;
    panel.addend = finish.adds ? c.data : finish.addend;
    for (int v = 0; v < 2; ++v) {
        const Index first = firstColumn + v * kLanes;
        const Index left = columns - first;
        panel.columns[v] = left >= kLanes ? kLanes : static_cast<int>(left > 0 ? left : 0);
        if (panel.columns[v] == 0) {
            continue;
        }
        if (finish.bias != nullptr) {
            panel.bias[v] = loadPart(finish.bias + first, panel.columns[v]);
        }
        if (panel.scales) {
            panel.scale[v] = loadPart(finish.scale + first, panel.columns[v]);
            panel.shift[v] = loadPart(finish.shift + first, panel.columns[v]);
        }
    }
    return panel;
}

/// Finishes and writes Rows × Vectors sums, step by step over all of them.
template <int Rows, int Vectors>
BITSCAPE_INLINE void write(Vector (&sums)[Rows][Vectors], const PanelFinish& finish,
                           float* const* c)
{
    const auto each = [&](auto body) __attribute__((always_inline))
    {
        unrolled<Rows>([&](auto m) { unrolled<Vectors>([&](auto v) { body(m, v); }); });
    };
    each([&](auto m, auto v) { sums[m][v] += finish.bias[v]; });
    if (finish.scales) {
        each([&](auto m, auto v) {
            sums[m][v] = rounded(sums[m][v] * finish.scale[v]) + finish.shift[v];
        });
    }
    if (finish.addend != nullptr) {
        each([&](auto m, auto v) {
            const float* there = finish.addend + (c[m] - finish.origin) + v * kLanes;
            sums[m][v] +=
                finish.columns[v] == kLanes ? load(there) : loadPart(there, finish.columns[v]);
        });
    }
    if (finish.clamps) {
        each([&](auto m, auto v) { sums[m][v] = clamped(sums[m][v], finish.low, finish.high); });
    }
    each([&](auto m, auto v) {
        float* to = c[m] + v * kLanes;
        if (v + 1 < Vectors || finish.columns[v] == kLanes) {
            store(to, sums[m][v]);
        } else {
            storePart(to, sums[m][v], finish.columns[v]);
        }
    });
}

} // namespace bitscape::kernels
