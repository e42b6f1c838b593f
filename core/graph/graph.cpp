// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/graph.h"

#include "core/graph/shape_rules.h"

#include <queue>

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <set>
#include <utility>

namespace bitscape::graph {

namespace {

std::string describe(const Layer& layer)
{
    return "layer " + layer.name;
}

Result<void> requireIndices(std::span<const int> indices, std::size_t count,
                            const std::string& what)
{
    for (const int index : indices) {
        if (index < 0 || static_cast<std::size_t>(index) >= count) {
            return fail(ErrorCode::InvalidArgument,
                        fmt::format("It refers to layer number {} of {}.", index, count), what);
        }
    }
    return {};
}

/// Position i of the result is the index of the layer that runs i-th: producers first, otherwise
/// as given.
Result<std::vector<int>> topologicalOrder(const std::vector<Layer>& layers)
{
    std::vector<std::vector<int>> readers(layers.size());
    std::vector<std::size_t> waiting(layers.size());
    std::priority_queue<int, std::vector<int>, std::greater<>> ready;
    for (std::size_t i = 0; i < layers.size(); ++i) {
        if (auto ok = requireIndices(layers[i].inputs, layers.size(), describe(layers[i])); !ok) {
            return fail(std::move(ok).error());
        }
        waiting[i] = layers[i].inputs.size();
        for (const int input : layers[i].inputs) {
            readers[static_cast<std::size_t>(input)].push_back(static_cast<int>(i));
        }
        if (waiting[i] == 0) {
            ready.push(static_cast<int>(i));
        }
    }
    std::vector<int> order;
    while (!ready.empty()) {
        const int next = ready.top();
        ready.pop();
        order.push_back(next);
        for (const int reader : readers[static_cast<std::size_t>(next)]) {
            if (--waiting[static_cast<std::size_t>(reader)] == 0) {
                ready.push(reader);
            }
        }
    }
    if (order.size() < layers.size()) {
        const auto stuck = std::ranges::find_if(waiting, [](std::size_t n) { return n > 0; });
        return fail(ErrorCode::InvalidArgument, "The layer waits for its own output.",
                    describe(layers[static_cast<std::size_t>(stuck - waiting.begin())]));
    }
    return order;
}

Result<void> requireWeights(const Layer& layer, const std::vector<WeightSpec>& specs)
{
    if (layer.weights.size() != specs.size()) {
        std::vector<std::string> got;
        std::vector<std::string> wanted;
        for (const Weight& weight : layer.weights) {
            got.push_back(weight.name);
        }
        for (const WeightSpec& spec : specs) {
            wanted.push_back(spec.name);
        }
        return fail(ErrorCode::ShapeMismatch,
                    fmt::format("It has {} weights ({}), but {} wants {} ({}).", got.size(),
                                fmt::join(got, ", "), layer.className, wanted.size(),
                                fmt::join(wanted, ", ")),
                    describe(layer));
    }
    for (std::size_t i = 0; i < specs.size(); ++i) {
        const Weight& weight = layer.weights[i];
        ensure(weight.value != nullptr, "Graph: a weight without value");
        if (!(weight.value->shape() == specs[i].shape)) {
            return fail(ErrorCode::ShapeMismatch,
                        fmt::format("Weight {} has the shape {}, wanted {}.", weight.name,
                                    weight.value->shape().toString(), specs[i].shape.toString()),
                        describe(layer));
        }
    }
    return {};
}

void fillWeights(Layer& layer, const std::vector<WeightSpec>& specs)
{
    for (const WeightSpec& spec : specs) {
        Tensor value(spec.shape);
        std::ranges::fill(value.values(), spec.initialValue);
        layer.weights.push_back(
            {spec.name, {}, std::make_shared<const Tensor>(std::move(value)), spec.trainable});
    }
}

/// Shape, MACs and weights of one layer whose producers are complete.
Result<void> complete(Layer& layer, const std::vector<Layer>& layers)
{
    if (!layer.isSupported()) {
        return {};
    }
    std::vector<Shape> inputs;
    for (const int input : layer.inputs) {
        inputs.push_back(layers[static_cast<std::size_t>(input)].outputShape);
    }
    auto rules = shapeOf(layer.op, inputs);
    if (!rules) {
        return fail(std::move(rules).error().in(describe(layer)));
    }
    if (const auto* select = std::get_if<SelectOp>(&layer.op)) {
        const auto& parts = layers[static_cast<std::size_t>(layer.inputs[0])].parts;
        if (static_cast<std::size_t>(select->part) < parts.size()) {
            rules->output = parts[static_cast<std::size_t>(select->part)];
        } else if (inputs[0].rank() > 0) {
            return fail(ErrorCode::InvalidArgument,
                        fmt::format("Its input has no output number {}.", select->part),
                        describe(layer));
        }
    }
    layer.macs = rules->macs;
    layer.parts = std::move(rules->parts);
    const bool known = rules->output.rank() > 0;
    if (known || !std::holds_alternative<InputOp>(layer.op)) {
        layer.outputShape = rules->output;
    }
    if (!known) {
        return {};
    }
    if (layer.weights.empty()) {
        fillWeights(layer, rules->weights);
    }
    for (std::size_t i = 0; i < std::min(layer.weights.size(), rules->weights.size()); ++i) {
        layer.weights[i].trainable = layer.weights[i].trainable && rules->weights[i].trainable;
    }
    return requireWeights(layer, rules->weights);
}

} // namespace

std::int64_t Layer::parameterCount() const
{
    return std::accumulate(
        weights.begin(), weights.end(), std::int64_t{0},
        [](std::int64_t sum, const Weight& weight) { return sum + weight.value->size(); });
}

const Weight* Layer::findWeight(std::string_view shortName) const
{
    const auto found = std::ranges::find(weights, shortName, &Weight::name);
    return found == weights.end() ? nullptr : &*found;
}

Result<std::shared_ptr<const Graph>> Graph::make(std::string name, std::vector<Layer> layers,
                                                 std::vector<int> inputs, std::vector<int> outputs,
                                                 BatchAxis batchAxis)
{
    for (const auto& indices : {inputs, outputs}) {
        if (auto ok = requireIndices(indices, layers.size(), name); !ok) {
            return fail(std::move(ok).error());
        }
    }
    if (outputs.empty()) {
        return fail(ErrorCode::InvalidArgument, "The network has no output.", name);
    }
    auto order = topologicalOrder(layers);
    if (!order) {
        return fail(std::move(order).error());
    }
    std::vector<int> position(layers.size());
    for (std::size_t i = 0; i < order->size(); ++i) {
        position[static_cast<std::size_t>((*order)[i])] = static_cast<int>(i);
    }
    const auto renumber = [&](std::vector<int>& indices) {
        for (int& index : indices) {
            index = position[static_cast<std::size_t>(index)];
        }
    };

    auto graph = std::make_shared<Graph>();
    graph->m_name = std::move(name);
    graph->m_batchAxis = batchAxis;
    graph->m_inputs = std::move(inputs);
    graph->m_outputs = std::move(outputs);
    renumber(graph->m_inputs);
    renumber(graph->m_outputs);
    graph->m_layers.reserve(layers.size());
    for (const int index : *order) {
        Layer layer = std::move(layers[static_cast<std::size_t>(index)]);
        renumber(layer.inputs);
        if (auto ok = complete(layer, graph->m_layers); !ok) {
            return fail(std::move(ok).error());
        }
        const int number = static_cast<int>(graph->m_layers.size());
        for (std::size_t w = 0; w < layer.weights.size(); ++w) {
            graph->m_slots.push_back({number, static_cast<int>(w)});
        }
        graph->m_layers.push_back(std::move(layer));
    }
    return std::shared_ptr<const Graph>(std::move(graph));
}

int Graph::find(std::string_view layerName) const
{
    const auto found = std::ranges::find(m_layers, layerName, &Layer::name);
    return found == m_layers.end() ? -1 : static_cast<int>(found - m_layers.begin());
}

std::vector<int> Graph::consumers(int index) const
{
    std::vector<int> found;
    for (std::size_t i = 0; i < m_layers.size(); ++i) {
        if (std::ranges::find(m_layers[i].inputs, index) != m_layers[i].inputs.end()) {
            found.push_back(static_cast<int>(i));
        }
    }
    return found;
}

std::vector<Shape> Graph::inputShapes(int index) const
{
    std::vector<Shape> shapes;
    for (const int input : layer(index).inputs) {
        shapes.push_back(layer(input).outputShape);
    }
    return shapes;
}

WeightSet Graph::weights() const
{
    WeightSet set;
    for (const Layer& layer : m_layers) {
        for (const Weight& weight : layer.weights) {
            set.push_back(weight.value);
        }
    }
    return set;
}

Result<std::shared_ptr<const Graph>> Graph::withWeights(const WeightSet& weights) const
{
    if (weights.size() != m_slots.size()) {
        return fail(ErrorCode::ShapeMismatch,
                    fmt::format("{} weights were given, the network has {}.", weights.size(),
                                m_slots.size()),
                    m_name);
    }
    auto copy = std::make_shared<Graph>(*this);
    std::map<const Tensor*, TensorPtr> shared; // what was one tensor stays one
    for (std::size_t i = 0; i < weights.size(); ++i) {
        Layer& owner = copy->m_layers[static_cast<std::size_t>(m_slots[i].layer)];
        Weight& weight = owner.weights[static_cast<std::size_t>(m_slots[i].weight)];
        if (!(weights[i]->shape() == weight.value->shape())) {
            return fail(ErrorCode::ShapeMismatch,
                        fmt::format("Weight {} has the shape {}, wanted {}.", weight.name,
                                    weights[i]->shape().toString(),
                                    weight.value->shape().toString()),
                        describe(owner));
        }
        weight.value = shared.emplace(weight.value.get(), weights[i]).first->second;
    }
    return std::shared_ptr<const Graph>(std::move(copy));
}

std::int64_t Graph::macs() const
{
    return std::accumulate(m_layers.begin(), m_layers.end(), std::int64_t{0},
                           [](std::int64_t sum, const Layer& layer) { return sum + layer.macs; });
}

std::int64_t Graph::parameterCount() const
{
    // Calls of one layer hold the same tensors, which count once.
    std::set<const Tensor*> seen;
    std::int64_t sum = 0;
    for (const Layer& layer : m_layers) {
        for (const Weight& weight : layer.weights) {
            sum += seen.insert(weight.value.get()).second ? weight.value->size() : 0;
        }
    }
    return sum;
}

std::vector<int> Graph::unsupported() const
{
    std::vector<int> found;
    for (std::size_t i = 0; i < m_layers.size(); ++i) {
        if (!m_layers[i].isSupported()) {
            found.push_back(static_cast<int>(i));
        }
    }
    return found;
}

Result<void> requireSupported(const Graph& graph)
{
    std::vector<std::string> named;
    for (const int index : graph.unsupported()) {
        const Layer& layer = graph.layer(index);
        const std::string& reason = std::get<UnsupportedOp>(layer.op).reason;
        named.push_back(reason.empty()
                            ? fmt::format("{} ({})", layer.name, layer.className)
                            : fmt::format("{} ({}: {})", layer.name, layer.className, reason));
    }
    if (named.empty()) {
        return {};
    }
    return fail(ErrorCode::Unsupported,
                fmt::format("The network holds {} that cannot be run: {}.",
                            named.size() == 1 ? "a layer" : "layers", fmt::join(named, ", ")),
                graph.name(), "Replace them, or use inspect to see the rest of the network.");
}

} // namespace bitscape::graph
