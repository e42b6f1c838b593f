// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

namespace bitscape {

/// Our one source of randomness: the same numbers on every machine, compiler and thread count.
/// Streams are split by name or number, never shared between threads. Generator: SplitMix64.
class Rng {
public:
    explicit Rng(std::uint64_t seed) : m_state(seed) {}

    /// Independent stream for a part of the work: rng.split("shuffle").split(epoch).
    [[nodiscard]] Rng split(std::uint64_t number) const;
    [[nodiscard]] Rng split(std::string_view purpose) const;

    std::uint64_t next();
    /// Uniform in [0, 1), 53 bits.
    double uniform();
    double uniform(double low, double high) { return low + (high - low) * uniform(); }
    /// Uniform in 0 … bound−1; bound > 0. Without modulo bias.
    std::uint64_t below(std::uint64_t bound);
    /// Standard normal (Box–Muller).
    double normal();

    /// Fisher–Yates.
    template <class T>
    void shuffle(std::span<T> values)
    {
        for (std::size_t i = values.size(); i > 1; --i) {
            std::swap(values[i - 1], values[below(i)]);
        }
    }

private:
    std::uint64_t m_state;
};

/// Uniform in [0, 1) as a pure function of (seed, index): for random numbers drawn in parallel.
[[nodiscard]] float uniformAt(std::uint64_t seed, std::uint64_t index);

} // namespace bitscape
