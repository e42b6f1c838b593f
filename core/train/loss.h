// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/graph/op.h"
#include "core/tensor/tensor.h"
#include "core/train/keras_call.h"
#include "core/train/samples.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace bitscape::train {

/// What a network should answer for some samples: classes, or values of the output's shape.
struct TargetView {
    std::span<const std::int64_t> labels;
    TensorView values;
    std::span<const float> weights; ///< of the samples in the loss; empty: all 1
};

/// A loss of Keras with its default reduction: the sum over samples (and over all but the last axis
/// of their outputs), each with its weight, divided by their number.
class Loss {
public:
    virtual ~Loss() = default;
    Loss() = default;
    Loss(const Loss&) = delete;
    Loss& operator=(const Loss&) = delete;
    Loss(Loss&&) = delete;
    Loss& operator=(Loss&&) = delete;

    /// True if targets are labels, false if they are values.
    [[nodiscard]] virtual bool wantsLabels() const { return false; }
    /// The function at the network's end that Keras skips, taking the loss from its input, as that
    /// is exact where probabilities round to 0 or 1; absent if there is none or `from_logits` says
    /// that the network ends without it.
    [[nodiscard]] virtual std::optional<graph::FunctionKind> skippedFunction() const
    {
        return std::nullopt;
    }
    /// The network itself ends with logits (`from_logits=True`).
    [[nodiscard]] virtual bool expectsLogits() const { return false; }
    /// Loss of the batch; `upstream` (output's size) gets its gradient unless its data are null.
    /// `onLogits`: the outputs lack skippedFunction().
    [[nodiscard]] virtual double evaluate(TensorView outputs, const TargetView& targets,
                                          bool onLogits, MutableTensorView upstream) const = 0;
};

/// A row of the registry.
struct LossInfo {
    std::string_view name;
    std::string_view shortName; ///< "mse"; may be empty
    std::string_view doc;
    std::vector<CallParameter> parameters; ///< in the order of Keras' constructor
    std::unique_ptr<Loss> (*make)(const CallArguments& arguments);
};

[[nodiscard]] std::span<const LossInfo> losses();

/// "mse", "sparse_categorical_crossentropy(from_logits=True)". InvalidArgument names --loss.
[[nodiscard]] Result<std::unique_ptr<Loss>> makeLoss(std::string_view text);
/// Name of the loss that fits the samples: cross-entropy for labels, mean squared error for values.
[[nodiscard]] std::string_view defaultLoss(const Samples& samples, const Shape& output);

/// Targets as a loss wants them, for outputs of shape `output` (without batch): labels turn into
/// one-hot rows and back where needed, a column of values into labels.
struct Targets {
    std::vector<std::int64_t> labels;
    Tensor values;
    std::vector<float> weights; ///< one per sample; empty: all 1

    /// Samples first … first+count−1.
    [[nodiscard]] TargetView rows(Index first, Index count) const;
};
/// ShapeMismatch: samples without targets, shapes that do not fit, a label beyond the outputs.
[[nodiscard]] Result<Targets> targetsFor(const Loss& loss, const Samples& samples,
                                         const Shape& output);

} // namespace bitscape::train
