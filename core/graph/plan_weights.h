// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/activation.h"
#include "core/graph/configuration.h"
#include "core/graph/graph.h"
#include "core/graph/layers/layer_kernel.h"

#include <vector>

namespace bitscape::graph {

/// Quantizers of one layer; empty if it is float.
[[nodiscard]] const LayerQuantizers& quantizersOf(const Configuration& configuration,
                                                  const Layer& layer);
/// The output quantizer of the layer, or its function. For input layers the configuration's input
/// quantizer.
[[nodiscard]] Activation activationOf(const Configuration& configuration, const Layer& layer);
/// The quantizer that execution applies to weight `index` of the layer; null as below.
[[nodiscard]] quant::QuantizerPtr weightQuantizer(const Layer& layer,
                                                  const LayerQuantizers& quantizers,
                                                  const LayerKernel& kernel, std::size_t index);
/// Per weight slot the quantizer that execution applies to it; null where the weight is used as
/// stored (float, or the kernel takes it raw).
[[nodiscard]] std::vector<quant::QuantizerPtr>
weightQuantizers(const Graph& graph, const Configuration& configuration,
                 const std::vector<std::unique_ptr<LayerKernel>>& kernels);

/// TrainingPlan::clipLimits().
[[nodiscard]] std::vector<float> weightClipLimits(const Graph& graph,
                                                  const Configuration& configuration);

/// Weight slots that hold one tensor, where several calls of a layer share it; groups of two and
/// more.
[[nodiscard]] std::vector<std::vector<std::size_t>> sharedWeights(const Graph& graph);

/// Unsupported naming every layer that can be run and not trained.
[[nodiscard]] Result<void> requireGradients(const Graph& graph);

/// Everything a plan demands of its arguments: layers supported, sizes closed, quantizers fit the
/// tensors, output quantizers have their ranges.
[[nodiscard]] Result<void> checkPlan(const Graph& graph, const Configuration& configuration);

} // namespace bitscape::graph
