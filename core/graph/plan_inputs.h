// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/function_ref.h"
#include "core/base/job.h"
#include "core/base/parallel.h"
#include "core/graph/configuration.h"
#include "core/graph/graph.h"

#include <functional>
#include <span>
#include <vector>

namespace bitscape::graph {

/// What a plan runs.
struct PreparedGraph {
    GraphPtr graph; ///< holding the weights; folded if the configuration says so
    std::vector<int> taps;
};
/// Folds, finds the tapped layers again and checks. Errors as InferencePlan::make().
[[nodiscard]] Result<PreparedGraph> prepareGraph(GraphPtr graph, const Configuration& configuration,
                                                 const WeightSet& weights, std::vector<int> taps);

/// How many samples the views hold, one view per input of the network; ShapeMismatch if they do not
/// fit it or each other.
[[nodiscard]] Result<Index> countSamples(const Graph& graph, std::span<const TensorView> inputs);

/// Calls run(first, count, worker) for chunks of fixed size of `count` samples, on several threads.
/// Canceled; progress counts samples. Allocates nothing.
[[nodiscard]] Result<void> forEachChunk(Index count, Index chunk, Parallel& parallel,
                                        const JobContext& job,
                                        FunctionRef<void(Index first, Index here, int worker)> run);

/// Runs `count` samples in chunks of fixed size on several threads and returns the results, each
/// N×shape, that `run` writes. `worker`: which thread's memory to work in. Canceled; progress
/// counts samples.
[[nodiscard]] Result<std::vector<Tensor>> runInChunks(
    Index count, Index chunk, std::span<const Shape> resultShapes, Parallel& parallel,
    const JobContext& job,
    const std::function<void(std::vector<Tensor>& results, Index first, Index here, int worker)>&
        run);

} // namespace bitscape::graph
