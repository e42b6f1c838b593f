// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layers/step_input.h"

#include "core/base/rng.h"

namespace bitscape::graph {

void setEvenOffsets(Index count, Index distance, StepOffsets& offsets)
{
    for (Index t = 0; t < count; ++t) {
        offsets[static_cast<std::size_t>(t)] = t * distance;
    }
}

void drawDropout(std::uint64_t seed, float rate, Index first, Index count, float* mask)
{
    const float factor = rate < 1.0F ? 1.0F / (1.0F - rate) : 0.0F;
    for (Index i = 0; i < count; ++i) {
        const bool isKept = uniformAt(seed, static_cast<std::uint64_t>(first + i)) >= rate;
        mask[i] = isKept ? factor : 0.0F;
    }
}

void StepInput::draw(std::uint64_t seed, Index firstSample, Index samples,
                     const Dropped& dropped) const
{
    if (m_rate > 0.0F) {
        drawDropout(seed, m_rate, firstSample * m_size, samples * m_size, dropped.mask);
    }
}

void StepInput::setOffsets(const StepTile& tile, StepOffsets& offsets) const
{
    for (Index t = 0; t < tile.count; ++t) {
        offsets[static_cast<std::size_t>(t)] = timeOf(tile.first + t) * m_size;
    }
}

Rows StepInput::rows(const float* input, const SampleBlock& block, const StepTile& tile,
                     const Dropped& dropped, StepOffsets& offsets) const
{
    const Index pitch = m_steps * m_size;
    const float* x = input + block.first * pitch;
    setOffsets(tile, offsets);
    if (m_rate <= 0.0F) {
        return {x, block.count, pitch, offsets.data(), tile.count};
    }
    for (Index s = 0; s < block.count; ++s) {
        const float* mask = dropped.mask + s * m_size;
        for (Index t = 0; t < tile.count; ++t) {
            const float* from = x + s * pitch + offsets[static_cast<std::size_t>(t)];
            float* to = dropped.values + (s * tile.count + t) * m_size;
            for (Index i = 0; i < m_size; ++i) {
                to[i] = from[i] * mask[i];
            }
        }
    }
    setEvenOffsets(tile.count, m_size, offsets);
    return {dropped.values, block.count, tile.count * m_size, offsets.data(), tile.count};
}

void StepInput::giveGradient(const StepMap& map, const Rows& upstream, const SampleBlock& block,
                             const StepTile& tile, const Dropped& dropped, float* gradient,
                             bool adds, float* scratch) const
{
    const Index pitch = m_steps * m_size;
    float* dx = gradient + block.first * pitch;
    StepOffsets offsets;
    setOffsets(tile, offsets);
    if (m_rate <= 0.0F) {
        map.applyBack(upstream, {dx, block.count, pitch, offsets.data(), tile.count}, adds,
                      scratch);
        return;
    }
    StepOffsets even;
    setEvenOffsets(tile.count, m_size, even);
    map.applyBack(upstream,
                  {dropped.values, block.count, tile.count * m_size, even.data(), tile.count},
                  false, scratch);
    for (Index s = 0; s < block.count; ++s) {
        const float* mask = dropped.mask + s * m_size;
        for (Index t = 0; t < tile.count; ++t) {
            const float* from = dropped.values + (s * tile.count + t) * m_size;
            float* to = dx + s * pitch + offsets[static_cast<std::size_t>(t)];
            for (Index i = 0; i < m_size; ++i) {
                const float value = from[i] * mask[i];
                to[i] = adds ? to[i] + value : value;
            }
        }
    }
}

} // namespace bitscape::graph
