// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/base/job.h"
#include "core/base/parallel.h"
#include "core/graph/configuration.h"
#include "core/graph/graph.h"
#include "core/train/samples.h"

#include <array>
#include <string>
#include <vector>

namespace bitscape::search {

/// What one pass over the data saw of one tensor.
struct TensorStatistics {
    static constexpr int kBins = 2048;
    std::string layer; ///< layer name; for the network's inputs the input layer's name
    Index samples = 0;
    double minimum = 0.0, maximum = 0.0;
    double sum = 0.0, sumOfSquares = 0.0;
    std::int64_t count = 0, zeros = 0;
    /// Counts of equal bins over [−range, range); range is a power of two that doubles as needed.
    /// 0 lies at the lower end of bin kBins/2.
    std::array<std::int64_t, kBins> histogram{};
    double range = 1.0;

    [[nodiscard]] double mean() const { return count > 0 ? sum / static_cast<double>(count) : 0.0; }
};

/// Statistics of every layer's output (of the float network), in layer order.
struct Calibration {
    std::vector<TensorStatistics> tensors;
    Index samples = 0;
    std::string dataDescription; ///< source and preparation, for people

    [[nodiscard]] const TensorStatistics* find(std::string_view layer) const;
};

/// One streaming pass; memory does not grow with the data; same bytes for any threads.
/// On a stop request what was seen so far is returned (samples says how much), unless nothing was.
[[nodiscard]] Result<Calibration> gather(graph::GraphPtr graph, const graph::WeightSet& weights,
                                         const train::Samples& samples, Parallel& parallel,
                                         const JobContext& job = {});

enum class Scheme { Affine, Symmetric, PowerOfTwo };

struct CalibrateOptions {
    int weightBits = 8;
    int activationBits = 8;
    Scheme scheme = Scheme::Affine;
    bool perChannel = false;
    bool foldBatchNorm = false;

    /// 2 … 16 bits each.
    [[nodiscard]] Result<void> validate() const;
};

/// A row of `calibrate`'s answer.
struct TensorRange {
    /// tensor: "kernel", "depthwise_kernel", "pointwise_kernel" or "activation" (the layer's
    /// output)
    std::string layer, tensor;
    double minimum = 0.0, maximum = 0.0;
    std::vector<double> scale, zeroPoint; ///< one, or one per channel
    int bits = 0;
    double clippedFraction = 0.0;
    double sqnrDb = 0.0; ///< infinite for a lossless tensor
};

struct CalibrationResult {
    graph::Configuration configuration; ///< affine/… quantizers with their ranges fixed
    std::vector<TensorRange> tensors;   ///< also of outputs that stay float, as no quantizer can
                                        ///< replace their layer's function
};

/// Min–max ranges from gathered statistics: weights from their values, activations from
/// `calibration`. InvalidArgument: options, a layer without statistics.
[[nodiscard]] Result<CalibrationResult> minMax(const graph::Graph& graph,
                                               const graph::WeightSet& weights,
                                               const Calibration& calibration,
                                               const CalibrateOptions& options);

} // namespace bitscape::search
