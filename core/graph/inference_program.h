// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/activation.h"
#include "core/graph/configuration.h"
#include "core/graph/execution.h"
#include "core/graph/graph.h"
#include "core/graph/layer_cache.h"
#include "core/graph/memory_plan.h"

#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace bitscape::graph {

/// A network as steps, with its memory planned.
struct InferenceProgram {
    /// Where a tensor lies.
    enum class Place { Arena, Input, Result };

    /// A tensor that steps write and read; several layers may share one.
    struct Value {
        Index floats = 0; ///< per sample
        Place place = Place::Arena;
        std::size_t index = 0; ///< of the input or result
        Lifetime lifetime;
        Index offset = 0; ///< in the arena, per sample
    };

    /// What follows a kernel on its finished blocks: a layer that works on pixels, or an
    /// activation.
    struct Follower {
        const ReadyLayer* layer = nullptr;
        Activation activation;
    };

    struct Step {
        const ReadyLayer* layer = nullptr;
        std::int64_t macs = 0;           ///< per sample
        std::vector<std::size_t> inputs; ///< values
        std::size_t output = 0;
        Shape shape;                                  ///< of the output, without batch
        const ReadyLayer* affine = nullptr;           ///< a layer that the kernel does on top
        bool adds = false;                            ///< the last input, on top of that
        std::optional<std::pair<float, float>> clamp; ///< that the kernel does
        std::vector<Follower> followers;
        std::vector<Activation> wholeTensor; ///< after the followers, on the whole chunk
    };

    /// A result that is another result's or an input's tensor.
    struct Copy {
        std::size_t value = 0;
        std::size_t result = 0;
    };

    GraphPtr graph;
    std::vector<int> results;                              ///< layers: outputs, then taps
    std::vector<std::shared_ptr<const ReadyLayer>> layers; ///< all of the graph's
    std::vector<Value> values;
    std::vector<Step> steps;
    std::vector<Copy> copies;
    Index chunk = 1;            ///< samples
    bool seesBatches = false;   ///< results depend on the chunk, so that no other will do
    Index chunkFloats = 0;      ///< per sample of a chunk
    Index scratchFloats = 0;    ///< of a kernel's room behind the chunk's
    std::size_t mostInputs = 0; ///< of a step

    [[nodiscard]] Index arenaFloats() const { return chunkFloats * chunk + scratchFloats; }
};

/// The graph holds the weights; it and the configuration were checked (checkPlan()).
[[nodiscard]] InferenceProgram makeInferenceProgram(GraphPtr graph,
                                                    const Configuration& configuration,
                                                    const PlanOptions& options);

} // namespace bitscape::graph
