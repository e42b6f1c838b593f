// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/layers/layer_kernel.h"
#include "core/graph/layers/row_map.h"

#include <array>
#include <cstdint>

namespace bitscape::graph {

/// Samples of a call that walk along their sequences together.
struct SampleBlock {
    Index first = 0; ///< in the range of the call
    Index count = 0;
};

/// Steps first … first+count−1, in the order they are walked.
struct StepTile {
    Index first = 0, count = 0;
};
inline constexpr Index kMostSteps = 64; ///< of a tile
/// Where the rows of a tile's steps lie.
using StepOffsets = std::array<Index, kMostSteps>;
void setEvenOffsets(Index count, Index distance, StepOffsets& offsets);

/// Dropout: 0 or what makes up for the zeros. Value i draws number first + i.
void drawDropout(std::uint64_t seed, float rate, Index first, Index count, float* mask);

/// The sequences that a recurrent layer reads, tile by tile, and their gradient. Thread: any (const
/// methods).
class StepInput {
public:
    /// `size`: floats of a step. `rate`: share of them that is dropped, the same in all steps.
    StepInput(Index steps, Index size, bool backwards, float rate)
        : m_steps(steps), m_size(size), m_backwards(backwards), m_rate(rate)
    {
    }

    /// Where in the sequence a step is.
    [[nodiscard]] Index timeOf(Index step) const { return m_backwards ? m_steps - 1 - step : step; }

    /// What the calls below keep in scratch.
    struct Dropped {
        float* mask = nullptr;   ///< maskFloats() per sample
        float* values = nullptr; ///< maskFloats() per sample and step of a tile
    };
    [[nodiscard]] Index maskFloats() const { return m_rate > 0.0F ? m_size : 0; }
    void draw(std::uint64_t seed, Index firstSample, Index samples, const Dropped& dropped) const;

    /// Rows of a tile, one per sample and step. `offsets` must outlive the result.
    [[nodiscard]] Rows rows(const float* input, const SampleBlock& block, const StepTile& tile,
                            const Dropped& dropped, StepOffsets& offsets) const;
    /// dx (+)= the tile's part of the gradient, from that of what `map` makes of it.
    void giveGradient(const StepMap& map, const Rows& upstream, const SampleBlock& block,
                      const StepTile& tile, const Dropped& dropped, float* gradient, bool adds,
                      float* scratch) const;

private:
    void setOffsets(const StepTile& tile, StepOffsets& offsets) const;

    Index m_steps, m_size;
    bool m_backwards;
    float m_rate;
};

} // namespace bitscape::graph
