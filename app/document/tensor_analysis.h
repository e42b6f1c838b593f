// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/configuration.h"
#include "core/graph/graph.h"
#include "core/project/project.h"

#include <array>
#include <string>
#include <utility>
#include <vector>

namespace bitscape::app {

/// Two-sided histogram of equal bins over [low, high].
struct Histogram {
    double low = 0.0;
    double high = 0.0;
    std::vector<double> counts;
};

/// What a quantizer does to one stored tensor.
struct TensorAnalysis {
    std::string layer, tensor;
    int bits = 32; ///< 32: float
    Index count = 0;
    double minimum = 0.0, maximum = 0.0, mean = 0.0, deviation = 0.0, kurtosis = 0.0;
    double quantile999 = 0.0; ///< of |x|
    /// 0.1 %, 25 %, 50 %, 75 %, 99.9 % of x and of |x| (zeros left out).
    std::array<double, 5> quantiles{}, magnitudeQuantiles{};
    double sqnrDb = 0.0; ///< infinite without error
    double meanSquaredError = 0.0, largestError = 0.0;
    double clippedShare = 0.0;  ///< 0 … 1; error of more than half a step
    double zeroShare = 0.0;     ///< 0 … 1 of the quantized values
    double effectiveBits = 0.0; ///< entropy of the quantized values
    int usedLevels = 0;
    Histogram values;                              ///< float values
    Histogram magnitudes;                          ///< log2 |x|, zeros left out
    std::vector<std::pair<double, double>> levels; ///< (value, count), ascending; empty for float
                                                   ///< or more than kMostLevels
    std::vector<double> channelScales;             ///< one or one per channel; empty for float
    double clipLow = 0.0, clipHigh = 0.0;          ///< ends of the representable range
    double step = 0.0;                             ///< median distance of levels

    static constexpr std::size_t kMostLevels = 4096;
};

/// weight: index in Layer::weights. Cost: O(n log n). Thread: any.
[[nodiscard]] TensorAnalysis analyzeWeight(const graph::Layer& layer, int weight, TensorView values,
                                           const quant::Quantizer* quantizer);

/// All weights that have a quantizer slot, or only those of `layer`, with the current
/// configuration and weights.
[[nodiscard]] std::vector<TensorAnalysis> analyzeWeights(const project::Project& project,
                                                         const std::string& layer = {});
/// As execution uses it: what a QKeras layer makes of it for a kernel.
[[nodiscard]] quant::QuantizerPtr effectiveQuantizer(const graph::Configuration& configuration,
                                                     const graph::Layer& layer, graph::Slot slot);

} // namespace bitscape::app
