// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/rng.h"
#include "core/graph/layers/layer_kernel.h"

#include <cmath>
#include <limits>

namespace bitscape::graph {

/// Rows of features that lie `pitch` floats apart.
struct Rows {
    const float* data = nullptr;
    Index pitch = 0;
    [[nodiscard]] const float* row(Index i) const { return data + i * pitch; }
};
struct MutableRows {
    float* data = nullptr; ///< may be null: not wanted
    Index pitch = 0;
    [[nodiscard]] float* row(Index i) const { return data + i * pitch; }
};

/// Softmax over scores, and the mean of values that it gives; what all kinds of attention share.
/// `shares` and `dropped` are queries × keys.
struct AttentionCore {
    Index queries = 0, keys = 0, valueSize = 0;
    bool isCausal = false;
    float dropout = 0.0F; ///< 0 outside training

    [[nodiscard]] Index shareCount() const { return queries * keys; }

    /// shares = softmax(score(q, k)).
    template <class ScoreOf>
    void attend(const ScoreOf& score, float* shares) const
    {
        for (Index q = 0; q < queries; ++q) {
            for (Index k = 0; k < keys; ++k) {
                const bool isHidden = isCausal && k > q;
                shares[q * keys + k] =
                    isHidden ? std::numeric_limits<float>::lowest() : score(q, k);
            }
        }
        kernels::softmax(shares, queries, keys, shares);
    }

    /// What remains of the shares after dropout; `shares` itself without.
    const float* drop(const float* shares, std::uint64_t seed, std::uint64_t first,
                      float* dropped) const
    {
        if (dropout <= 0.0F) {
            return shares;
        }
        for (Index i = 0; i < shareCount(); ++i) {
            dropped[i] = shares[i] * factor(seed, first, i);
        }
        return dropped;
    }
    [[nodiscard]] float factor(std::uint64_t seed, std::uint64_t first, Index i) const
    {
        return uniformAt(seed, first + static_cast<std::uint64_t>(i)) >= dropout
                   ? 1.0F / (1.0F - dropout)
                   : 0.0F;
    }

    void mix(const float* shares, const Rows& values, const MutableRows& out) const
    {
        for (Index q = 0; q < queries; ++q) {
            std::fill_n(out.row(q), valueSize, 0.0F);
            for (Index k = 0; k < keys; ++k) {
                const float share = shares[q * keys + k];
                for (Index v = 0; v < valueSize; ++v) {
                    out.row(q)[v] += share * values.row(k)[v];
                }
            }
        }
    }

    /// Adds to the values' gradient, and turns `gradient` into that of the scores. `used`: from
    /// drop().
    void pull(const float* shares, const float* used, std::uint64_t seed, std::uint64_t first,
              const Rows& values, const Rows& upstream, const MutableRows& valueGradient,
              float* gradient) const
    {
        for (Index q = 0; q < queries; ++q) {
            for (Index k = 0; k < keys; ++k) {
                float sum = 0.0F;
                for (Index v = 0; v < valueSize; ++v) {
                    const float dy = upstream.row(q)[v];
                    sum += dy * values.row(k)[v];
                    valueGradient.row(k)[v] += used[q * keys + k] * dy;
                }
                const Index i = q * keys + k;
                gradient[i] = dropout > 0.0F ? sum * factor(seed, first, i) : sum;
            }
        }
        kernels::softmaxGradient(shares, gradient, queries, keys, gradient);
    }
};

} // namespace bitscape::graph
