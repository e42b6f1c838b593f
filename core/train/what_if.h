// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/configuration.h"
#include "core/graph/layer_cache.h"
#include "core/graph/tensor_cache.h"
#include "core/train/train.h"

#include <functional>
#include <memory>

namespace bitscape::train {

struct WhatIfOptions {
    Index firstSamples = 128;              ///< of the early answer; groups of 32 are kept whole
    Index tensorBytes = Index{512} << 20U; ///< for outputs of layers
    Index weightBytes = graph::LayerCache::kUsualBytes;
};

/// Answers what other quantizers would do to the metrics of one network on one sample, at the cost
/// of what they change: weights of the other layers stay quantized and packed, and layers before
/// the first change are not run again. The numbers are those of evaluate(). Thread: any.
class WhatIf {
public:
    using Early = std::function<void(const Evaluation&)>;

    WhatIf(graph::GraphPtr graph, graph::WeightSet weights, std::shared_ptr<const Samples> samples,
           const WhatIfOptions& options = {});

    /// Metrics under this configuration. `onEarly`, if there is one and the sample is larger,
    /// is called on this thread with those of the first samples. Errors as
    /// graph::InferencePlan::make() and train::evaluate(); a run that is stopped leaves what it
    /// has finished to the next. Progress counts samples.
    [[nodiscard]] Result<Evaluation> evaluate(const graph::Configuration& configuration,
                                              Parallel& parallel, const JobContext& job = {},
                                              const Early& onEarly = {});

    [[nodiscard]] const Samples& samples() const { return *m_samples; }
    /// Layers made ready so far, for other plans of the network.
    [[nodiscard]] const std::shared_ptr<graph::LayerCache>& layers() const { return m_layers; }
    /// Outputs of layers that are kept.
    [[nodiscard]] const graph::TensorCache& tensors() const { return m_tensors; }

private:
    graph::GraphPtr m_graph;
    graph::WeightSet m_weights;
    std::shared_ptr<const Samples> m_samples;
    Samples m_first; ///< of the early answer; empty if that is all
    std::shared_ptr<graph::LayerCache> m_layers;
    graph::TensorCache m_tensors;
};

} // namespace bitscape::train
