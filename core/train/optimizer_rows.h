// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/train/optimizer.h"

// What the files of optimizers share; optimizer.cpp lists their rows.
namespace bitscape::train {

[[nodiscard]] std::vector<OptimizerInfo> gradientSteps(); ///< along the gradient or its sign
[[nodiscard]] std::vector<OptimizerInfo> scaledSteps();   ///< by what squares were seen
[[nodiscard]] std::vector<OptimizerInfo> momentSteps();   ///< by mean and size of the gradients

/// OptimizerInfo::make of a class that is made from settings and arguments.
template <class Kind>
std::unique_ptr<Optimizer> makeOptimizerRow(const OptimizerSettings& settings,
                                            const CallArguments& arguments)
{
    return std::make_unique<Kind>(settings, arguments);
}

/// An argument as float32, the precision that Keras computes in.
inline float single(const CallArguments& arguments, std::string_view name)
{
    return static_cast<float>(arguments.number(name));
}
/// 1 − argument, subtracted in double as Python does.
inline float complement(const CallArguments& arguments, std::string_view name)
{
    return static_cast<float>(1.0 - arguments.number(name));
}

inline constexpr std::string_view kEpsilonDoc = "Added to what is divided by.";
inline constexpr std::string_view kDecayDoc = "Part of rate × weight that is taken off each step.";

} // namespace bitscape::train
