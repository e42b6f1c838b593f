// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/tensor/tensor.h"
#include "core/train/loss.h"
#include "core/train/samples.h"

#include <optional>
#include <span>
#include <vector>

namespace bitscape::train {

/// What the outputs of a network mean for given targets.
enum class AnswerKind {
    Values,  ///< numbers to come near to: no accuracy
    Classes, ///< one class per sample: the largest output answers
    Flags,   ///< every output is a yes or no
};

/// Labels are classes (flags for a single output); targets of zeros and ones are classes where
/// every row of several holds one 1, else flags; other targets are values.
[[nodiscard]] AnswerKind answerKind(const Samples& samples, const Shape& output);

/// Index of the first largest value.
[[nodiscard]] Index argMax(std::span<const float> values);

/// Share of right answers; absent for AnswerKind::Values and for no samples. Flags are yes above
/// `threshold` (0.5 for probabilities, 0 for logits).
[[nodiscard]] std::optional<double> accuracyOf(AnswerKind kind, TensorView outputs,
                                               const TargetView& targets, float threshold);

/// Area under the receiver operating characteristic of scores against yes/no; ties count half.
/// Absent where all answers are the same.
[[nodiscard]] std::optional<double> areaUnderCurve(std::span<const double> scores,
                                                   const std::vector<bool>& positive);

} // namespace bitscape::train
