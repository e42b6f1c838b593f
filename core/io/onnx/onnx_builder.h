// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/configuration.h"
#include "core/graph/functions/function_layer.h"
#include "core/graph/graph.h"
#include "core/io/import_note.h"
#include "core/io/onnx/onnx_model.h"

#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bitscape::io {

/// The integer grid that the numbers of a constant lie on, or that a tensor's codes count.
struct OnnxGrid {
    Tensor scale, zeroPoint; ///< as many axes as the constant, 1 where elements share them
    int bits = 8;
    bool isSigned = true;
    bool isNarrow = false;              ///< without the most negative code
    bool isBipolar = false;             ///< ±scale alone
    std::string rounding = "half_even"; ///< the quantizers' word for it
};

/// What is known of a tensor of an ONNX graph while a network is made of it.
struct OnnxKnown {
    std::shared_ptr<const graph::ArrayValue> constant; ///< its numbers, if they are known by now
    /// Of a constant: the grid its numbers lie on. Else: the array holds codes on this grid, and
    /// the layers below give the real numbers that they mean. May be null.
    std::shared_ptr<const OnnxGrid> grid;
    int layer = -1;        ///< else the layer that gives it
    int channelsLast = -1; ///< a layer that gives it with axis 1 at the end
    int mixed = -1;        ///< of a row: a layer of the elements in the order of mixedShape, …
    Shape mixedShape;      ///< … which has the channels last where the row has them first
    int timeFirst = -1;    ///< of T×N×C: a layer that gives T×C
    graph::FunctionTensor tensor; ///< how that layer's output stands for the array
    /// With the batch (1 where samples are run one by one); −1: open.
    graph::Sizes sizes;
    bool isKnown = true; ///< false: behind a layer that is not supported; no sizes
};

/// A network in the making: layers, and which tensor each of them gives. Nodes are mapped in their
/// order, so that inputs are known when a node is.
class OnnxBuilder {
public:
    /// `model` outlives the builder.
    OnnxBuilder(const OnnxModel& model, graph::BatchAxis batchAxis);

    [[nodiscard]] const OnnxModel& model() const { return m_model; }
    [[nodiscard]] graph::BatchAxis batchAxis() const { return m_batchAxis; }
    [[nodiscard]] int opset(std::string_view domain) const { return m_model.opset(domain); }

    /// Null for "" and for tensors that nothing makes.
    [[nodiscard]] const OnnxKnown* find(std::string_view tensor) const;
    /// The numbers of a node's input; null where it is left out or no constant.
    [[nodiscard]] const graph::ArrayValue* constant(const OnnxNode& node, std::size_t input) const;
    /// Nodes that read a tensor, in the order of the file.
    [[nodiscard]] std::span<const OnnxNode* const> readers(std::string_view tensor) const;
    [[nodiscard]] bool isOutput(std::string_view tensor) const;
    /// Whether a node's output is read by anyone or leaves the network.
    [[nodiscard]] bool isUsed(std::string_view tensor) const;

    /// Adds a layer whose inputs are layers added before; computes its shape and MACs. Names must
    /// be new. Errors of graph::shapeOf(): then nothing is added.
    [[nodiscard]] Result<int> addLayer(graph::Layer layer);
    [[nodiscard]] const graph::Layer& layer(int index) const
    {
        return m_layers[static_cast<std::size_t>(index)];
    }
    [[nodiscard]] bool hasLayer(std::string_view name) const;
    /// Says what a tensor is.
    void define(const std::string& tensor, OnnxKnown known);
    /// The same for the output of a layer that stands for an array of float32 or `type`, with the
    /// batch axis as the network has it.
    void defineOutput(const std::string& tensor, int layer,
                      graph::ElementType type = graph::ElementType::Float32);
    /// A name that no tensor and no layer has, made of `wish`.
    [[nodiscard]] std::string freeName(const std::string& wish) const;
    /// The first size of all inputs where it is fixed, samples are run one by one all the same; 0
    /// where it is open.
    std::int64_t fileBatch = 0;
    /// What the first axis counts are no samples: the arrays must be taken whole.
    bool mixesSamples = false;

    /// Nodes that another node's mapping has taken along.
    void skip(const OnnxNode& node) { m_skipped.insert(&node); }
    [[nodiscard]] bool isSkipped(const OnnxNode& node) const { return m_skipped.contains(&node); }

    graph::Configuration quantizers;
    Warnings warnings;
    ImportNotes notes;

    /// All layers; the builder is empty afterwards.
    [[nodiscard]] std::vector<graph::Layer> takeLayers() { return std::move(m_layers); }

private:
    const OnnxModel& m_model;
    graph::BatchAxis m_batchAxis;
    std::vector<graph::Layer> m_layers;
    std::map<std::string, OnnxKnown, std::less<>> m_known;
    std::map<std::string, std::vector<const OnnxNode*>, std::less<>> m_readers;
    std::set<std::string, std::less<>> m_outputs;
    std::set<std::string, std::less<>> m_names; ///< of tensors and layers
    std::set<const OnnxNode*> m_skipped;
};

/// A way to make layers of a node; tried in order until one does.
struct OnnxMapping {
    std::string_view doc;
    /// True: the node's outputs are defined. False: nothing was done. Errors are the file's.
    Result<bool> (*map)(OnnxBuilder& builder, const OnnxNode& node);
};

/// Layers of ours that compute the same, fast and open to quantizers.
[[nodiscard]] std::span<const OnnxMapping> nativeMappings();

/// The numbers of a stored array. Unsupported: its type, or they are not there.
[[nodiscard]] Result<graph::ArrayValue> arrayOf(const OnnxTensor& tensor);
/// Attributes as functions take them. Unsupported: one is a graph or the like.
[[nodiscard]] Result<graph::Attributes> attributesOf(const OnnxNode& node);
/// What is shown of a node: name, operator, attributes. JSON text.
[[nodiscard]] std::string configOf(const OnnxNode& node);

} // namespace bitscape::io
