// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/tensor/tensor.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace bitscape::train {

/// Prepared samples in memory: what a network reads and what it should answer. Immutable once
/// shared.
struct Samples {
    std::vector<std::string> inputNames; ///< one per tensor; may be empty for a single input
    std::vector<Tensor> inputs;          ///< each N×shape
    std::vector<std::int64_t> labels;    ///< class per sample; empty if there are none
    Tensor targets;                      ///< N×shape for regression or one-hot; shape {0} if none
    std::vector<std::string> classNames; ///< may be empty
    std::vector<float> weights;          ///< of the samples in the loss; empty: all 1

    [[nodiscard]] Index count() const { return inputs.empty() ? 0 : inputs.front().shape()[0]; }
    [[nodiscard]] bool hasLabels() const { return !labels.empty(); }
    [[nodiscard]] bool hasTargets() const
    {
        return targets.shape().rank() > 0 && targets.shape()[0] > 0;
    }
    /// Copies of the samples with these indices, in this order.
    [[nodiscard]] Samples pick(std::span<const Index> indices) const;
    [[nodiscard]] std::vector<TensorView> views() const;
};

struct Split {
    Samples train;
    Samples validation;
};
/// The last ⌊share·N⌋ samples, as they stand, are the validation part (Keras' validation_split).
[[nodiscard]] Split splitLast(const Samples& samples, double share);

} // namespace bitscape::train
