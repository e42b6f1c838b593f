// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Small networks for tests.

#include "core/base/rng.h"
#include "core/graph/graph.h"

#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace bitscape::networks {

/// Adds layers one after another; each reads the last one unless told otherwise.
class Builder {
public:
    explicit Builder(const Shape& input) { add("x", "InputLayer", graph::InputOp{input}, {}); }

    Builder& add(std::string name, std::string className, graph::Op op)
    {
        return add(std::move(name), std::move(className), std::move(op), {last()});
    }
    Builder& add(std::string name, std::string className, graph::Op op, std::vector<int> inputs)
    {
        graph::Layer layer;
        layer.name = std::move(name);
        layer.className = std::move(className);
        layer.op = std::move(op);
        layer.inputs = std::move(inputs);
        m_layers.push_back(std::move(layer));
        return *this;
    }
    [[nodiscard]] int last() const { return static_cast<int>(m_layers.size()) - 1; }

    [[nodiscard]] Result<graph::GraphPtr> tryMake(std::vector<int> outputs = {}) const
    {
        return graph::Graph::make("test", m_layers, {0},
                                  outputs.empty() ? std::vector{last()} : std::move(outputs));
    }
    /// With random weights; moving variances are positive.
    [[nodiscard]] graph::GraphPtr make(std::uint64_t seed = 1, std::vector<int> outputs = {}) const
    {
        auto made = tryMake(std::move(outputs));
        if (!made) {
            throw std::runtime_error(made.error().sentence());
        }
        Rng rng(seed);
        graph::WeightSet weights;
        for (const graph::WeightSlot& slot : (*made)->weightSlots()) {
            const graph::Weight& weight =
                (*made)->layer(slot.layer).weights[static_cast<std::size_t>(slot.weight)];
            Tensor value(weight.value->shape());
            for (float& element : value.values()) {
                const double normal = rng.normal();
                element =
                    static_cast<float>(weight.name == "moving_variance" ? 0.5 + normal * normal
                                       : weight.name == "iteration"     ? -1.0
                                                                        : 0.5 * normal);
            }
            weights.push_back(std::make_shared<const Tensor>(std::move(value)));
        }
        return (*made)->withWeights(weights).value();
    }

private:
    std::vector<graph::Layer> m_layers;
};

inline graph::ConvOp conv(Index filters, int kernel, graph::Padding padding = graph::Padding::Same,
                          int stride = 1, graph::Function function = {})
{
    return {.filters = filters,
            .kernel = {kernel, kernel},
            .stride = {stride, stride},
            .padding = padding,
            .function = function};
}

inline graph::DepthwiseOp depthwise(int kernel, int multiplier = 1,
                                    graph::Padding padding = graph::Padding::Same, int stride = 1)
{
    return {.kernel = {kernel, kernel},
            .stride = {stride, stride},
            .padding = padding,
            .multiplier = multiplier};
}

} // namespace bitscape::networks
