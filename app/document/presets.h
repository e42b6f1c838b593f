// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/configuration.h"
#include "core/graph/graph.h"
#include "core/search/calibration.h"

#include <span>
#include <string>
#include <vector>

namespace bitscape::app {

/// A named set of quantizers that can be put on layers.
struct Preset {
    const char* id;    ///< "uniform8"; stored in settings
    const char* title; ///< to be translated in context "presets"
    int weightBits;    ///< 32: float
    int outputBits;
};

/// In the order of menus.
[[nodiscard]] std::span<const Preset> presets();
[[nodiscard]] const Preset* findPreset(std::string_view id);

/// `base` with the preset on the given layers (all if the list is empty). Ranges of outputs come
/// from `calibration` where it is not null; else two integer bits are taken. Outputs keep their
/// activation function: a ReLU becomes quantized_relu, softmax and the like stay float.
[[nodiscard]] graph::Configuration
withPreset(const graph::Graph& graph, const graph::Configuration& base, const Preset& preset,
           const search::Calibration* calibration, const std::vector<std::string>& layers);

/// Quantizer for a place that holds none yet: the one that digit keys and numbers start from.
/// Null if the place takes no quantizer without losing its activation function.
[[nodiscard]] quant::QuantizerPtr proposedQuantizer(const graph::Graph& graph,
                                                    const graph::Layer& layer, graph::Slot slot,
                                                    int bits,
                                                    const search::Calibration* calibration);

} // namespace bitscape::app
