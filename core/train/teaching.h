// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/parallel.h"
#include "core/graph/execution.h"
#include "core/train/loss.h"
#include "core/train/metrics.h"

#include <memory>

namespace bitscape::train {

/// The part of a loss that draws a network's outputs to those of a teacher (Hinton et al., 2015):
/// T²·KL of the softened classes, the same per output for yes and no, the mean squared distance for
/// values.
class Teaching {
public:
    /// `share` of the loss; outputs are logits or not.
    Teaching(std::shared_ptr<const graph::InferencePlan> teacher, double share, double temperature,
             AnswerKind kind, bool areLogits);

    /// The loss and its gradient with the teacher's part mixed in; samples weigh as in the loss.
    /// Errors of the teacher's run.
    [[nodiscard]] Result<double> mix(std::span<const TensorView> inputs, TensorView outputs,
                                     std::span<const float> weights, double loss,
                                     MutableTensorView upstream, Parallel& parallel) const;

private:
    std::shared_ptr<const graph::InferencePlan> m_teacher;
    double m_share, m_temperature;
    AnswerKind m_kind;
    bool m_areLogits;
};

} // namespace bitscape::train
