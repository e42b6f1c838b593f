// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/io/onnx/onnx_layouts.h"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bitscape::io {

/// A constant as a weight of ours, and the grid it lies on (may be null).
struct NativeWeight {
    Tensor value;
    std::shared_ptr<const OnnxGrid> grid;

    /// The axes in another order.
    [[nodiscard]] NativeWeight inOrder(std::span<const int> order) const;
    /// Other sizes; axes of scales that do not fit are a failure: the grid is dropped then.
    [[nodiscard]] NativeWeight reshaped(const Shape& shape) const;
    [[nodiscard]] NativeWeight times(float factor) const;
};

/// The quantizer for a grid; null if there is none, or none of ours.
[[nodiscard]] quant::QuantizerPtr quantizerOf(const OnnxGrid& grid);

/// A node while layers of ours are sought for it. Functions that find nothing leave nothing behind
/// but layers that no one reads.
class NativeNode {
public:
    NativeNode(OnnxBuilder& b, const OnnxNode& n) : builder(b), node(n) {}

    OnnxBuilder& builder;
    const OnnxNode& node;

    // ---- attributes; those of another kind count as absent
    [[nodiscard]] std::int64_t integer(std::string_view name, std::int64_t otherwise) const;
    [[nodiscard]] float real(std::string_view name, float otherwise) const;
    [[nodiscard]] std::string text(std::string_view name, const std::string& otherwise) const;
    [[nodiscard]] std::vector<std::int64_t> integers(std::string_view name) const;
    [[nodiscard]] bool hasAttribute(std::string_view name) const
    {
        return node.attribute(name) != nullptr;
    }
    [[nodiscard]] int opset() const { return builder.opset(node.domain); }

    // ---- inputs
    [[nodiscard]] bool has(std::size_t input) const
    {
        return input < node.inputs.size() && !node.inputs[input].empty();
    }
    [[nodiscard]] const std::string& inputName(std::size_t input) const
    {
        return node.inputs[input];
    }
    /// A tensor of samples that layers give; null for constants and what layers cannot hold.
    [[nodiscard]] const OnnxKnown* known(std::size_t input) const;
    /// The same of float numbers alone.
    [[nodiscard]] const OnnxKnown* tensor(std::size_t input) const;
    [[nodiscard]] const graph::ArrayValue* constant(std::size_t input) const;
    /// Numbers of a constant, from an attribute in older operator sets; nothing if neither is there
    /// or it is no constant.
    [[nodiscard]] std::optional<std::vector<std::int64_t>>
    integersOf(std::size_t input, std::string_view attribute) const;
    /// A constant of real numbers, finite.
    [[nodiscard]] std::optional<NativeWeight> weight(std::size_t input) const;
    /// The only number of a constant.
    [[nodiscard]] std::optional<float> number(std::size_t input) const;

    [[nodiscard]] std::optional<int> plain(std::size_t input) const
    {
        return plainLayer(builder, node.inputs[input]);
    }
    [[nodiscard]] std::optional<int> channelsLast(std::size_t input) const
    {
        return channelsLastLayer(builder, node.inputs[input]);
    }
    /// Whichever is there: what treats every value alike may take it.
    struct Source {
        int layer = -1;
        OnnxLayout layout = OnnxLayout::Plain;
        Shape mixedShape;
    };
    [[nodiscard]] std::optional<Source> asIs(std::size_t input) const;

    // ---- outputs
    /// What give() and alias() define holds what this input holds: numbers or codes of its type.
    void keepMeaning(std::size_t input);
    /// It holds codes of a type on a grid.
    void giveCodes(graph::ElementType type, std::shared_ptr<const OnnxGrid> grid);

    [[nodiscard]] const std::string& output() const { return node.outputs.front(); }
    /// Name of the layer that gives the output in a layout.
    [[nodiscard]] std::string layerName(OnnxLayout layout = OnnxLayout::Plain) const
    {
        return layerName(output(), layout);
    }
    [[nodiscard]] std::string layerName(const std::string& tensor, OnnxLayout layout) const;
    /// Whether outputs behind the first are of use to anyone.
    [[nodiscard]] bool usesMoreOutputs() const;

    struct Part {
        std::string className;
        graph::Op op;
        std::vector<int> inputs;
        std::vector<graph::Weight> weights = {};
        graph::LayerQuantizers quantizers = {};
    };
    /// The layer that gives `tensor` (the output unless it is named). False: it does not fit.
    bool give(Part part, OnnxLayout layout, const Shape& mixedShape = {});
    bool give(const std::string& tensor, Part part, OnnxLayout layout,
              const Shape& mixedShape = {});
    /// A layer on the way there.
    [[nodiscard]] std::optional<int> step(const char* what, Part part);
    /// The output is what a layer gives already.
    bool alias(int layer, OnnxLayout layout, const Shape& mixedShape = {});
    /// A function of each value, whatever the layout.
    bool giveFunction(const graph::Function& function, std::size_t input = 0);

private:
    [[nodiscard]] std::optional<int> add(const std::string& name, Part part);
    void define(const std::string& tensor, int layer, OnnxLayout layout, const Shape& mixedShape);

    graph::ElementType m_type = graph::ElementType::Float32;
    std::shared_ptr<const OnnxGrid> m_grid;
};

/// A weight of a layer, with what it is called in the file.
[[nodiscard]] graph::Weight weightOf(std::string name, const NativeNode& node, std::size_t input,
                                     Tensor value);
/// Puts the quantizer of a weight into its slot, if it lies on a grid.
void addQuantizer(const NativeWeight& weight, graph::Slot slot, graph::LayerQuantizers& quantizers);

/// A Clip of the codes of a constant: they have fewer bits than their type. False: it is none.
[[nodiscard]] bool clipCodes(NativeNode& node);

/// Layers of ours for operators by their names; false: there are none.
struct NativeRow {
    std::string_view domain, type;
    bool (*map)(NativeNode& node);
};
[[nodiscard]] std::span<const NativeRow> windowRows();
[[nodiscard]] std::span<const NativeRow> weightRows();
[[nodiscard]] std::span<const NativeRow> elementRows();
[[nodiscard]] std::span<const NativeRow> shapeRows();
[[nodiscard]] std::span<const NativeRow> recurrentRows();
[[nodiscard]] std::span<const NativeRow> quantizedRows();

} // namespace bitscape::io
