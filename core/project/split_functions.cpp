// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/project/split_functions.h"

#include "core/graph/activation.h"
#include "core/graph/layer_registry.h"
#include "core/search/calibration.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace bitscape::project {

namespace {

using graph::FunctionKind;
using graph::Slot;

graph::Function* ownFunction(graph::Op& op)
{
    return std::visit(
        [](auto& one) -> graph::Function* {
            using Op = std::decay_t<decltype(one)>;
            if constexpr (std::is_same_v<Op, graph::DenseOp> || std::is_same_v<Op, graph::ConvOp> ||
                          std::is_same_v<Op, graph::DepthwiseOp>) {
                return &one.function;
            } else {
                return nullptr;
            }
        },
        op);
}

bool isSplit(const graph::Layer& layer, const graph::Configuration& configuration)
{
    graph::Op op = layer.op;
    const graph::Function* function = ownFunction(op);
    return function != nullptr &&
           (function->kind == FunctionKind::Softmax || function->kind == FunctionKind::Sigmoid ||
            function->kind == FunctionKind::Tanh) &&
           !configuration.find(layer.name, Slot::Activation);
}

/// The names of the layers that were split, and the network in which they are.
struct Split {
    graph::GraphPtr graph;
    std::vector<std::string> names;
};

Result<Split> split(const graph::Graph& graph, const graph::Configuration& configuration)
{
    Split made;
    std::vector<graph::Layer> layers;
    std::vector<int> place; // of every old layer's output among the new layers
    for (const graph::Layer& old : graph.layers()) {
        graph::Layer layer = old;
        for (int& input : layer.inputs) {
            input = place[static_cast<std::size_t>(input)];
        }
        if (!isSplit(old, configuration)) {
            place.push_back(static_cast<int>(layers.size()));
            layers.push_back(std::move(layer));
            continue;
        }
        const graph::Function function = std::exchange(*ownFunction(layer.op), {});
        graph::Layer behind;
        behind.name = layer.name + "/" + std::string(graph::activationName(function));
        behind.className = "Activation";
        behind.op = graph::ActivationOp{function};
        behind.inputs = {static_cast<int>(layers.size())};
        made.names.push_back(layer.name);
        layers.push_back(std::move(layer));
        place.push_back(static_cast<int>(layers.size()));
        layers.push_back(std::move(behind));
    }
    const auto moved = [&](std::span<const int> indices) {
        std::vector<int> out;
        for (const int index : indices) {
            out.push_back(place[static_cast<std::size_t>(index)]);
        }
        return out;
    };
    auto whole = graph::Graph::make(graph.name(), std::move(layers), moved(graph.inputs()),
                                    moved(graph.outputs()), graph.batchAxis());
    if (!whole) {
        return fail(std::move(whole).error());
    }
    made.graph = std::move(*whole);
    return made;
}

} // namespace

Result<io::ExportInput> withSplitFunctions(const ExportRequest& request, const JobContext& job)
{
    const io::ExportInput& input = request.input;
    const bool isNeeded = std::ranges::any_of(input.graph->layers(), [&](const auto& layer) {
        return isSplit(layer, input.configuration);
    });
    if (!isNeeded || !request.project || !request.project->data ||
        !request.project->data->samples || request.project->data->samples->count() == 0) {
        return input;
    }
    auto made = split(*input.graph, input.configuration);
    if (!made) {
        return fail(std::move(made).error());
    }
    Parallel parallel(1);
    auto seen = search::gather(made->graph, made->graph->weights(), *request.project->data->samples,
                               parallel, job);
    if (!seen) {
        return fail(std::move(seen).error());
    }
    io::ExportInput out{made->graph, input.configuration};
    for (const std::string& name : made->names) {
        const search::TensorStatistics* range = seen->find(name);
        auto quantizer = quant::makeQuantizer("affine", {{"bits", std::int64_t{8}}});
        if (range == nullptr || !quantizer) {
            continue;
        }
        out.configuration.set(
            name, Slot::Activation,
            (*quantizer)->withRange(std::min(range->minimum, 0.0), std::max(range->maximum, 0.0)));
    }
    return out;
}

} // namespace bitscape::project
