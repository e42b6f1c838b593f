// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/plan_inputs.h"

#include "core/graph/execution.h"
#include "core/graph/plan_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

namespace bitscape::graph {

namespace {

/// Indices of the same layers in another graph; a layer folded away stands for its producer.
std::vector<int> translated(const std::vector<int>& layers, const Graph& from, const Graph& to)
{
    std::vector<int> found;
    for (int layer : layers) {
        while (to.find(from.layer(layer).name) < 0) {
            layer = from.layer(layer).inputs[0];
        }
        found.push_back(to.find(from.layer(layer).name));
    }
    return found;
}

} // namespace

Result<PreparedGraph> prepareGraph(GraphPtr graph, const Configuration& configuration,
                                   const WeightSet& weights, std::vector<int> taps)
{
    auto held = graph->withWeights(weights);
    if (!held) {
        return fail(std::move(held).error());
    }
    if (configuration.foldBatchNorm) {
        auto folded = foldBatchNorm(**held, configuration);
        if (!folded) {
            return fail(std::move(folded).error());
        }
        taps = translated(taps, **held, **folded);
        held = std::move(folded);
    }
    if (auto ok = checkPlan(**held, configuration); !ok) {
        return fail(std::move(ok).error());
    }
    return PreparedGraph{*held, std::move(taps)};
}

Result<Index> countSamples(const Graph& graph, std::span<const TensorView> inputs)
{
    const auto wanted = graph.inputs();
    if (inputs.size() != wanted.size()) {
        return fail(ErrorCode::ShapeMismatch,
                    fmt::format("{} inputs were given, the network reads {}.", inputs.size(),
                                wanted.size()),
                    graph.name());
    }
    Index count = 0;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        const Layer& layer = graph.layer(wanted[i]);
        const Shape& got = inputs[i].shape;
        if (got.rank() < 1 ||
            (!(got.sample() == layer.outputShape) && !(got.sample() == layer.resultShape()))) {
            return fail(ErrorCode::ShapeMismatch,
                        fmt::format("The data have the shape {}, the network reads N×{}.",
                                    got.toString(), layer.outputShape.toString()),
                        "input " + layer.name);
        }
        if (i > 0 && got[0] != count) {
            return fail(ErrorCode::ShapeMismatch,
                        fmt::format("One input has {} samples, another {}.", count, got[0]),
                        "input " + layer.name);
        }
        count = got[0];
    }
    return count;
}

Result<void> forEachChunk(Index count, Index chunk, Parallel& parallel, const JobContext& job,
                          FunctionRef<void(Index first, Index here, int worker)> run)
{
    const Index chunks = (count + chunk - 1) / chunk;
    const auto body = [&](std::size_t item, int worker) {
        if (job.stop.stop_requested()) {
            return;
        }
        const Index first = static_cast<Index>(item) * chunk;
        const Index here = std::min(chunk, count - first);
        run(first, here, worker);
        job.add(here);
    };
    // By reference: it would not fit into a std::function without an allocation.
    parallel.forEach(static_cast<std::size_t>(chunks), std::cref(body));
    return job.proceed();
}

Result<std::vector<Tensor>> runInChunks(
    Index count, Index chunk, std::span<const Shape> resultShapes, Parallel& parallel,
    const JobContext& job,
    const std::function<void(std::vector<Tensor>& results, Index first, Index here, int worker)>&
        run)
{
    std::vector<Tensor> results;
    for (const Shape& shape : resultShapes) {
        results.emplace_back(shape.batchOf(count));
    }
    auto ok = forEachChunk(count, chunk, parallel, job, [&](Index first, Index here, int worker) {
        run(results, first, here, worker);
    });
    if (!ok) {
        return fail(std::move(ok).error());
    }
    return results;
}

} // namespace bitscape::graph
