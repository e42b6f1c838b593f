// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/shape_rules.h"
#include "core/io/keras_architecture.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace bitscape::io {

namespace {

constexpr std::int64_t kMaxParameters = std::int64_t{1} << 28; // zeros of a network without weights

/// Output shapes as far as they can be told, in any order of the layers; rank 0: unknown.
class ShapeSketch {
public:
    explicit ShapeSketch(const KerasArchitecture& network)
        : m_network(network), m_shapes(network.layers.size())
    {
        constexpr int kMaxPasses = 1000; // files list producers first, so that one is enough
        std::vector<bool> done(m_shapes.size());
        bool progress = true;
        for (int pass = 0; pass < kMaxPasses && progress; ++pass) {
            progress = false;
            for (std::size_t i = 0; i < m_shapes.size(); ++i) {
                if (!done[i] && isReady(network.layers[i], done)) {
                    visit(i);
                    done[i] = true;
                    progress = true;
                }
            }
        }
    }

    [[nodiscard]] const Shape& shape(int layer) const
    {
        return m_shapes[static_cast<std::size_t>(layer)];
    }
    [[nodiscard]] std::int64_t parameters() const { return m_parameters; }

private:
    static bool isReady(const graph::Layer& layer, const std::vector<bool>& done)
    {
        return std::ranges::all_of(
            layer.inputs, [&](int input) { return done[static_cast<std::size_t>(input)]; });
    }

    void visit(std::size_t index)
    {
        const graph::Layer& layer = m_network.layers[index];
        std::vector<Shape> inputs;
        for (const int input : layer.inputs) {
            inputs.push_back(shape(input));
        }
        const auto rules = graph::shapeOf(layer.op, inputs);
        if (!rules) {
            return; // Graph::make says it in words
        }
        m_shapes[index] = rules->output;
        for (const graph::WeightSpec& weight : rules->weights) {
            m_parameters += std::min(weight.shape.elementCount(), kMaxParameters + 1);
            m_parameters = std::min(m_parameters, kMaxParameters + 1);
        }
    }

    const KerasArchitecture& m_network;
    std::vector<Shape> m_shapes;
    std::int64_t m_parameters = 0;
};

/// Layers that work along another axis than the last are other operations, if they are any.
void checkAxes(KerasArchitecture& network, const ShapeSketch& sketch)
{
    for (std::size_t i = 0; i < network.layers.size(); ++i) {
        graph::Layer& layer = network.layers[i];
        const int axis = network.lastAxes[i];
        if (axis == 0 || layer.inputs.empty()) {
            continue;
        }
        const int rank = sketch.shape(layer.inputs.front()).rank(); // without the batch
        if (rank == 0 || axis == rank || axis == -1) {
            continue;
        }
        if (!std::holds_alternative<graph::UnsupportedOp>(network.otherwise[i])) {
            layer.op = network.otherwise[i];
        } else {
            giveUp(network, layer,
                   fmt::format("it works along axis {} of {}, only the last is covered", axis,
                               rank + 1));
        }
    }
}

/// Weights that nobody gave are zeros; those of several calls of a layer are the same zeros.
Result<graph::GraphPtr> shareZeros(graph::GraphPtr graph,
                                   const std::vector<std::pair<std::string, std::string>>& shared)
{
    graph::WeightSet weights = graph->weights();
    std::map<std::string, std::size_t, std::less<>> first; // slots
    std::size_t slot = 0;
    for (const graph::Layer& layer : graph->layers()) {
        first.emplace(layer.name, slot);
        slot += layer.weights.size();
    }
    for (const auto& [copy, owner] : shared) {
        const graph::Layer& layer = graph->layer(graph->find(copy));
        for (std::size_t i = 0; i < layer.weights.size(); ++i) {
            weights[first[copy] + i] = weights[first[owner] + i];
        }
    }
    return graph->withWeights(weights);
}

} // namespace

Result<graph::GraphPtr> makeGraph(KerasArchitecture& architecture, const std::string& where)
{
    const ShapeSketch sketch(architecture);
    checkAxes(architecture, sketch);
    const bool bare = std::ranges::all_of(
        architecture.layers, [](const graph::Layer& layer) { return layer.weights.empty(); });
    if (bare && sketch.parameters() > kMaxParameters) {
        return fail(ErrorCode::CorruptFile,
                    fmt::format("The network has more than {} parameters.", kMaxParameters), where);
    }
    std::vector<std::pair<std::string, std::string>> shared; // a later call, the first
    for (std::size_t l = 0; l < architecture.layers.size() && bare; ++l) {
        if (const int first = architecture.weightsOf[l]; first >= 0) {
            shared.emplace_back(architecture.layers[l].name,
                                architecture.layers[static_cast<std::size_t>(first)].name);
        }
    }
    auto graph = graph::Graph::make(architecture.name, std::move(architecture.layers),
                                    architecture.inputs, architecture.outputs);
    if (!graph) {
        Error error = std::move(graph).error();
        error.code = ErrorCode::CorruptFile;
        return fail(std::move(error).in(where));
    }
    return shareZeros(std::move(*graph), shared);
}

} // namespace bitscape::io
