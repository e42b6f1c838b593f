// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/parallel.h"
#include "core/graph/configuration.h"
#include "core/graph/execution.h"

#include <span>
#include <string>
#include <vector>

namespace bitscape::train {

/// The configuration with the learned parameters that are None set for the values that reach the
/// quantizers: weights, and what the network makes of `inputs` (front to back, each after the ones
/// before it are set). Errors of graph::InferencePlan.
[[nodiscard]] Result<graph::Configuration> initializeLearned(const graph::GraphPtr& graph,
                                                             graph::Configuration configuration,
                                                             const graph::WeightSet& weights,
                                                             std::span<const TensorView> inputs,
                                                             Parallel& parallel);

/// Learned parameters of a configuration's quantizers as tensors that an optimizer changes. A
/// number is a tensor of rank 0, a list one of rank 1.
class LearnedParameters {
public:
    /// `configuration` is initialized; the plan is made of it. Warnings name quantizers that the
    /// plan does not learn.
    LearnedParameters(const graph::Graph& graph, graph::Configuration configuration,
                      graph::TrainingPlan& plan, Warnings& warnings);

    /// Their values in the configuration.
    [[nodiscard]] std::vector<Tensor> values() const;
    /// d loss / d parameter after plan.backward(), in the order of values().
    void gradients(std::span<Tensor> into) const;
    /// Puts values into the quantizers of plan and configuration. A value that its quantizer
    /// refuses (a step below 0) is set back to the one before.
    void apply(std::span<Tensor> values);
    [[nodiscard]] const graph::Configuration& configuration() const { return m_configuration; }

private:
    struct Entry {
        std::vector<std::size_t> places; ///< of the plan; several for a quantizer of all inputs
        std::string layer;               ///< empty: Configuration::input
        graph::Slot slot = graph::Slot::Activation;
        quant::QuantizerPtr quantizer;
    };
    [[nodiscard]] bool learns(const std::string& layer, graph::Slot slot) const;
    void put(const Entry& entry);

    graph::Configuration m_configuration;
    graph::TrainingPlan& m_plan;
    std::vector<Entry> m_entries;
};

} // namespace bitscape::train
