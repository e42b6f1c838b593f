// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/configuration.h"
#include "core/graph/graph.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

// What QKeras' print_qstats counts: operations and weights of quantized layers.
namespace bitscape::hw {

/// A tensor as print_qstats sees it.
struct StatisticsType {
    int mode = 5; ///< 0 fixed point, 1 power of two, 2 ternary, 3 ±1, 4 {0, 1}, 5 float
    int bits = 32;
    int sign = 1;
    bool operator==(const StatisticsType&) const = default;
};

struct LayerStatistics {
    std::string layer;
    std::string operation; ///< "smult_4_8"; empty if a quantizer is of a kind it does not know
    std::int64_t operations = 0;
    std::vector<std::int64_t> weights; ///< one number per kernel (two in separable layers)
    std::int64_t bias = 0;
    std::vector<StatisticsType> weightTypes; ///< one per kernel
    StatisticsType biasType;
    std::int64_t zeros = 0; ///< of all stored weights
};

struct OperationStatistics {
    std::vector<LayerStatistics> layers;            ///< by name, as printed
    std::map<std::string, std::int64_t> operations; ///< totals per operation name
    std::int64_t totalBits = 0;                     ///< of weights and biases; 32 without quantizer
    double sparsity = 0;                            ///< share of zeros among stored weights
};

/// Dense, Conv, depth-wise and separable layers that carry quantizers; others are left out, as
/// print_qstats does. Counts are QKeras' own, quirks included (depth-wise weights times input
/// channels, point-wise operations without them). Network inputs count as 8 unsigned bits.
[[nodiscard]] OperationStatistics operationStatistics(const graph::Graph& graph,
                                                      const graph::Configuration& configuration);

} // namespace bitscape::hw
