// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/graph/op.h"
#include "core/tensor/tensor.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bitscape::graph {

/// A stored tensor of a layer.
struct Weight {
    std::string name;     ///< short, as in Keras without layer: "kernel", "gamma", "moving_mean"
    std::string fileName; ///< path in the file it came from: "conv2d/kernel:0"; may be empty
    TensorPtr value;      ///< as stored (Conv1D kernels have rank 3)
    bool trainable = true;
};

/// A node: one layer with its place in the graph. The class name is the file's ("QConv2D"); the op
/// says what it computes.
struct Layer {
    std::string name;
    std::string className;
    Op op;
    std::vector<int> inputs; ///< indices of the producing layers, in argument order
    std::vector<Weight> weights;
    Shape outputShape;                 ///< without batch
    std::vector<Shape> parts;          ///< of a layer of several tensors, see OpShape::parts
    std::int64_t macs = 0;             ///< multiply-accumulates per sample, padded taps counted
    std::string originalConfig = "{}"; ///< the layer's config object of the file, JSON text
    bool isScalar = false; ///< the output is a number without axes per sample; its shape is {1}

    /// Of the output as it leaves the network: without axes for a scalar.
    [[nodiscard]] Shape resultShape() const { return isScalar ? Shape{} : outputShape; }

    [[nodiscard]] std::int64_t parameterCount() const;
    [[nodiscard]] const Weight* findWeight(std::string_view shortName) const;
    [[nodiscard]] bool isSupported() const { return !std::holds_alternative<UnsupportedOp>(op); }
};

/// All weights of a graph, one entry per Graph::weightSlots() in that order. Training makes new
/// sets; the graph itself never changes.
using WeightSet = std::vector<TensorPtr>;

struct WeightSlot {
    int layer = 0;
    int weight = 0; ///< index in Layer::weights
};

/// What the first axis of the tensors that go in and out is.
enum class BatchAxis {
    Samples, ///< N×shape; the layers' shapes are those of one sample
    None     ///< nothing special: a call takes each array whole, as a batch of one that nobody sees
};

/// An immutable network: layers in topological order, with shapes and MACs.
class Graph {
public:
    /// Checks and completes: order (sorted topologically, stable), shapes, MACs, shapes of weights.
    /// `layers[i].inputs` refer to the given order. A layer given without any weights gets those
    /// its op needs (zeros; gamma and moving variance one); `trainable` is cleared on statistics.
    /// Errors: InvalidArgument (cycle, dangling input), ShapeMismatch (naming layer, weight, got
    /// and wanted shape). Unsupported layers are allowed: their output shape stays as given (rank 0
    /// if unknown), and what reads an unknown shape is not checked.
    [[nodiscard]] static Result<std::shared_ptr<const Graph>>
    make(std::string name, std::vector<Layer> layers, std::vector<int> inputs,
         std::vector<int> outputs, BatchAxis batchAxis = BatchAxis::Samples);

    [[nodiscard]] const std::string& name() const { return m_name; }
    [[nodiscard]] BatchAxis batchAxis() const { return m_batchAxis; }
    [[nodiscard]] std::span<const Layer> layers() const { return m_layers; }
    [[nodiscard]] const Layer& layer(int index) const
    {
        return m_layers[static_cast<std::size_t>(index)];
    }
    [[nodiscard]] std::span<const int> inputs() const { return m_inputs; }
    [[nodiscard]] std::span<const int> outputs() const { return m_outputs; }
    /// Index by name; −1 if there is none.
    [[nodiscard]] int find(std::string_view layerName) const;
    /// Layers that read the output of `index`.
    [[nodiscard]] std::vector<int> consumers(int index) const;
    /// Shapes (without batch) that layer `index` reads.
    [[nodiscard]] std::vector<Shape> inputShapes(int index) const;
    [[nodiscard]] std::span<const WeightSlot> weightSlots() const { return m_slots; }
    /// The weights the graph was made with.
    [[nodiscard]] WeightSet weights() const;
    /// The same graph holding other weights (shapes must agree; ShapeMismatch otherwise).
    [[nodiscard]] Result<std::shared_ptr<const Graph>> withWeights(const WeightSet& weights) const;
    [[nodiscard]] std::int64_t macs() const;
    [[nodiscard]] std::int64_t parameterCount() const;
    /// Indices of layers that cannot be run, in order.
    [[nodiscard]] std::vector<int> unsupported() const;

    /// An empty graph; graphs with layers come from make().
    Graph() = default;

private:
    std::string m_name;
    BatchAxis m_batchAxis = BatchAxis::Samples;
    std::vector<Layer> m_layers;
    std::vector<int> m_inputs;
    std::vector<int> m_outputs;
    std::vector<WeightSlot> m_slots;
};

using GraphPtr = std::shared_ptr<const Graph>;

/// Output size along one axis; effective kernel = (kernel−1)·dilation + 1. −1 stays −1; 0 if the
/// kernel does not fit.
[[nodiscard]] Index outputSize(Index input, int kernel, int stride, int dilation, Padding padding);
/// Zeros before the first element for Padding::Same (the smaller half first) and Causal.
[[nodiscard]] Index paddingBefore(Index input, int kernel, int stride, int dilation,
                                  Padding padding);

/// Exit-4 error naming every unsupported layer and class; success if all can be run.
[[nodiscard]] Result<void> requireSupported(const Graph& graph);

} // namespace bitscape::graph
