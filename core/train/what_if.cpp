// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/train/what_if.h"

#include "core/graph/execution.h"

#include <algorithm>
#include <chrono>
#include <numeric>

namespace bitscape::train {

namespace {

constexpr Index kGroup = 32; // samples that a whole-tensor quantizer sees, see InferencePlan

Samples firstOf(const Samples& samples, Index count)
{
    std::vector<Index> indices(static_cast<std::size_t>(count));
    std::iota(indices.begin(), indices.end(), Index{0});
    return samples.pick(indices);
}

} // namespace

WhatIf::WhatIf(graph::GraphPtr graph, graph::WeightSet weights,
               std::shared_ptr<const Samples> samples, const WhatIfOptions& options)
    : m_graph(std::move(graph)), m_weights(std::move(weights)), m_samples(std::move(samples)),
      m_layers(std::make_shared<graph::LayerCache>(options.weightBytes)),
      m_tensors(options.tensorBytes)
{
    const Index first = (options.firstSamples + kGroup - 1) / kGroup * kGroup;
    if (first > 0 && first < m_samples->count()) {
        m_first = firstOf(*m_samples, first);
    }
}

Result<Evaluation> WhatIf::evaluate(const graph::Configuration& configuration, Parallel& parallel,
                                    const JobContext& job, const Early& onEarly)
{
    const auto started = std::chrono::steady_clock::now();
    auto plan = graph::InferencePlan::make(m_graph, configuration, m_weights, {.layers = m_layers});
    if (!plan) {
        return fail(std::move(plan).error());
    }
    const Shape output = (*plan)->resultShapes().front();
    if (auto ok = checkAnswers(*m_samples, output); !ok) {
        return fail(std::move(ok).error());
    }
    const auto seconds = [&] {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    };
    const Index count = m_samples->count();
    Tensor outputs(output.batchOf(count));
    Index done = 0;
    for (const Index end : {m_first.count(), count}) {
        if (end == done) {
            continue;
        }
        std::vector<TensorView> inputs = m_samples->views();
        for (TensorView& input : inputs) {
            input = input.rows(done, end - done);
        }
        const std::string name = done == 0 && end < count ? "first samples" : "samples";
        auto results = (*plan)->runFrom(m_tensors, name, inputs, parallel, job);
        if (!results) {
            return fail(std::move(results).error());
        }
        std::ranges::copy(results->front().values(), outputs.data() + done * output.elementCount());
        done = end;
        if (onEarly && done < count) {
            Evaluation early = evaluateOutputs(outputs.view().rows(0, done), m_first);
            early.seconds = seconds();
            onEarly(early);
        }
    }
    Evaluation result = evaluateOutputs(outputs.view(), *m_samples);
    result.seconds = seconds();
    return result;
}

} // namespace bitscape::train
