// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Small networks and learnable data for the tests of training and search.

#include "core/base/rng.h"
#include "core/graph/graph.h"
#include "core/train/samples.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace bitscape::examples {

/// A chain of layers under construction, the first of them "input"; weights start as the ops say.
class Chain {
public:
    explicit Chain(const Shape& input) { add("input", "InputLayer", graph::InputOp{input}); }

    Chain& add(std::string name, std::string className, graph::Op op)
    {
        graph::Layer layer{
            .name = std::move(name), .className = std::move(className), .op = std::move(op)};
        if (!m_layers.empty()) {
            layer.inputs = {static_cast<int>(m_layers.size()) - 1};
        }
        m_layers.push_back(std::move(layer));
        return *this;
    }
    Chain& dense(std::string name, Index units,
                 graph::FunctionKind function = graph::FunctionKind::Linear)
    {
        return add(std::move(name), "Dense", graph::DenseOp{units, true, {.kind = function}});
    }
    /// 3×3, without padding.
    Chain& conv(std::string name, Index filters)
    {
        return add(std::move(name), "Conv2D", graph::ConvOp{.filters = filters, .kernel = {3, 3}});
    }
    Chain& activation(std::string name, graph::FunctionKind function)
    {
        return add(std::move(name), "Activation", graph::ActivationOp{{.kind = function}});
    }

    [[nodiscard]] graph::GraphPtr build() const
    {
        auto made =
            graph::Graph::make("test", m_layers, {0}, {static_cast<int>(m_layers.size()) - 1});
        if (!made) {
            ADD_FAILURE() << made.error().sentence();
            return nullptr;
        }
        return *made;
    }

private:
    std::vector<graph::Layer> m_layers;
};

/// 8 inputs, 3 classes: relu inside the first layer, softmax inside the last.
inline graph::GraphPtr smallMlp()
{
    return Chain(Shape{8})
        .dense("fc1", 12, graph::FunctionKind::Relu)
        .dense("out", 3, graph::FunctionKind::Softmax)
        .build();
}

/// 6×6×1 images, 3 classes, with batch normalization and separate activations.
inline graph::GraphPtr smallCnn()
{
    return Chain(Shape{6, 6, 1})
        .conv("conv", 4)
        .add("bn", "BatchNormalization", graph::BatchNormOp{})
        .activation("relu", graph::FunctionKind::Relu)
        .add("flatten", "Flatten", graph::FlattenOp{})
        .dense("logits", 3)
        .activation("softmax", graph::FunctionKind::Softmax)
        .build();
}

/// Noisy copies of one pattern per class.
inline train::Samples patterns(const Shape& sample, Index count, int classes)
{
    const Index size = sample.elementCount();
    std::vector<float> centers(static_cast<std::size_t>(size * classes));
    Rng rng(5);
    for (float& value : centers) {
        value = rng.uniform() > 0.5 ? 1.0F : 0.0F;
    }
    train::Samples samples;
    Tensor inputs(sample.batchOf(count));
    for (Index i = 0; i < count; ++i) {
        const auto label =
            static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(classes)));
        samples.labels.push_back(label);
        for (Index j = 0; j < size; ++j) {
            inputs.data()[i * size + j] = centers[static_cast<std::size_t>(label * size + j)] +
                                          static_cast<float>(0.3 * rng.normal());
        }
    }
    samples.inputs.push_back(std::move(inputs));
    return samples;
}

inline std::shared_ptr<const train::Samples> shared(train::Samples samples)
{
    return std::make_shared<const train::Samples>(std::move(samples));
}

} // namespace bitscape::examples
