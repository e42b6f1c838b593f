// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/tensor/kernels/kernels.h"
#include "core/tensor/tensor.h"

#include <algorithm>
#include <vector>

namespace bitscape::graph {

/// Sums that work items make of their own samples, put together in the order of the items: the
/// result does not depend on who worked on what. Each item is one thread's.
class PartialSums {
public:
    PartialSums() = default;
    PartialSums(int items, Index size)
        : m_size(size), m_parts(Shape{items, size}), m_used(static_cast<std::size_t>(items), 0)
    {
    }

    [[nodiscard]] Index size() const { return m_size; }
    /// Forgets what was summed.
    void clear() { std::ranges::fill(m_used, 0); }
    [[nodiscard]] float* part(int item) { return m_parts.data() + item * m_size; }
    /// False the first time since clear(): the part is to be overwritten.
    [[nodiscard]] bool adds(int item)
    {
        char& used = m_used[static_cast<std::size_t>(item)];
        const bool adds = used != 0;
        used = 1;
        return adds;
    }

    /// The total is made in pieces, which may be done at once.
    [[nodiscard]] int tasks() const { return static_cast<int>((m_size + kTask - 1) / kTask); }
    void total(int task, int items, float* target) const
    {
        const Index first = task * kTask;
        const Index count = std::min(kTask, m_size - first);
        std::copy_n(m_parts.data() + first, count, target + first);
        for (int item = 1; item < items; ++item) {
            kernels::add(m_parts.data() + item * m_size + first, count, target + first);
        }
    }

private:
    static constexpr Index kTask = 16384; // floats

    Index m_size = 0;
    Tensor m_parts;
    std::vector<char> m_used;
};

/// The same in double, one sum per channel, for one or two quantities.
class ChannelSums {
public:
    ChannelSums() = default;
    ChannelSums(int items, Index channels)
        : m_channels(channels), m_sums(static_cast<std::size_t>(items * 2 * channels))
    {
    }

    void clear() { std::ranges::fill(m_sums, 0.0); }
    /// Adds Σ x, and Σ x·w if w is given, over rows × channels.
    void add(int item, const float* x, Index rows, const float* w = nullptr)
    {
        double* sums = m_sums.data() + item * 2 * m_channels;
        kernels::channelSums(x, w, rows, m_channels, sums, sums + m_channels);
    }

    /// Σ x of a channel over all items, and Σ x·w.
    [[nodiscard]] double sum(int items, Index channel) const
    {
        double total = 0.0;
        for (int item = 0; item < items; ++item) {
            total += m_sums[static_cast<std::size_t>(item * 2 * m_channels + channel)];
        }
        return total;
    }
    [[nodiscard]] double product(int items, Index channel) const
    {
        return sum(items, m_channels + channel);
    }
    void total(int items, float* target) const
    {
        for (Index c = 0; c < m_channels; ++c) {
            target[c] = static_cast<float>(sum(items, c));
        }
    }

private:
    Index m_channels = 0;
    std::vector<double> m_sums;
};

} // namespace bitscape::graph
