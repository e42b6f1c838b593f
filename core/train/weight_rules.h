// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/graph/configuration.h"
#include "core/graph/execution.h"
#include "core/graph/graph.h"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bitscape::train {

/// What a layer's config demands of one weight beside the loss: Keras' l1 and l2 penalties and a
/// constraint kept after every step.
struct WeightRule {
    enum class Constraint { None, Clip, MaxNorm, MinMaxNorm, UnitNorm, NonNegative };

    double l1 = 0.0, l2 = 0.0;
    Constraint constraint = Constraint::None;
    double low = 0.0, high = 0.0; ///< of Clip, MaxNorm (high) and MinMaxNorm
    double rate = 1.0;            ///< of MinMaxNorm
    std::vector<int> axes{0};     ///< that the norm runs over

    [[nodiscard]] double penalty(const Tensor& weight) const;
    /// Adds the gradient of penalty().
    void addPenaltyGradient(const Tensor& weight, Tensor& gradient) const;
    void constrain(Tensor& weight) const;
};

/// The L1 and L2 activity regularizers of all layers; warnings name others.
[[nodiscard]] std::vector<graph::ActivityPenalty> activityPenalties(const graph::Graph& graph,
                                                                    Warnings& warnings);

/// Key prefix of a weight in its layer's Keras config: "kernel", "depthwise", "gamma", …
[[nodiscard]] std::string configPrefix(std::string_view weight);
/// What the layer's config says of its weights, as JSON; wrappers keep it in the layer inside.
[[nodiscard]] nlohmann::json weightSettings(const graph::Layer& layer);

/// One rule per weight slot, read from Layer::originalConfig. A stored Clip is the one that QKeras
/// adds by itself; where `configuration` gives the weight another quantizer than the file did, it
/// is dropped for `clipLimits` (TrainingPlan). Warnings name what is not applied.
[[nodiscard]] std::vector<WeightRule> weightRules(const graph::Graph& graph,
                                                  const graph::Configuration& configuration,
                                                  std::span<const float> clipLimits,
                                                  Warnings& warnings);

} // namespace bitscape::train
