// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/train/loss.h"

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

// What the files of losses share; loss.cpp lists their rows.
namespace bitscape::train {

inline constexpr double kLossEpsilon = 1e-7; ///< Keras' backend.epsilon()

/// A loss that treats every row (the last axis of the outputs) alike: computed in double.
class RowLoss : public Loss {
public:
    [[nodiscard]] double evaluate(TensorView outputs, const TargetView& targets, bool onLogits,
                                  MutableTensorView upstream) const final;

protected:
    struct Row {
        std::span<const double> outputs;
        std::span<const double> wanted; ///< labels as one-hot rows
        bool onLogits = false;
    };
    /// Loss of one row; `slope` gets its gradient with respect to the outputs.
    [[nodiscard]] virtual double ofRow(const Row& row, std::span<double> slope) const = 0;
    /// Targets are −1 and 1; a batch that holds zeros and ones only is read as such.
    [[nodiscard]] virtual bool wantsSigns() const { return false; }
};

[[nodiscard]] std::vector<LossInfo> crossentropies();
[[nodiscard]] std::vector<LossInfo> distances();
[[nodiscard]] std::vector<LossInfo> margins();

/// LossInfo::make of a class that is made from the arguments.
template <class Kind>
std::unique_ptr<Loss> makeLossRow(const CallArguments& arguments)
{
    return std::make_unique<Kind>(arguments);
}

} // namespace bitscape::train
