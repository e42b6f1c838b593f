// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/train/augment.h"
#include "core/train/loss.h"
#include "core/train/samples.h"

#include <span>
#include <vector>

namespace bitscape::train {

/// Batches gathered from samples in a given order, images changed by augmentations. What an image
/// becomes depends on the seed, the epoch and its number alone.
class BatchFeed {
public:
    /// All references stay valid as long as the feed.
    BatchFeed(const Samples& samples, const Targets& targets,
              std::vector<Augmentation> augmentations, Index batch, std::uint64_t seed);

    /// Takes the samples `order` (at most `batch`).
    void fill(std::span<const Index> order, int epoch);
    /// Valid until the next fill().
    [[nodiscard]] std::span<const TensorView> inputs() const { return m_views; }
    [[nodiscard]] const TargetView& targets() const { return m_wanted; }

private:
    void augment(std::span<const Index> order, int epoch);

    const Samples& m_samples;
    const Targets& m_targets;
    std::vector<Augmentation> m_augmentations;
    std::uint64_t m_seed;
    std::vector<Tensor> m_inputs;
    Tensor m_values;
    std::vector<std::int64_t> m_labels;
    std::vector<float> m_weights;
    std::vector<TensorView> m_views;
    TargetView m_wanted;
};

/// Factors of the samples in the loss: their own times their class's. `classWeights`: empty,
/// "balanced" (every class counts the same in sum) or "0:1.5,3:2" (others 1). Empty where all
/// are 1. InvalidArgument names --class-weight; also for targets that are no classes.
[[nodiscard]] Result<std::vector<float>> sampleWeights(const Samples& samples,
                                                       std::string_view classWeights);

} // namespace bitscape::train
