// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/io/onnx/onnx_model.h"
#include "core/tensor/tensor.h"

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bitscape::io {

/// ONNX' codes of the element types that are written.
enum class OnnxType { Float = 1, UInt8 = 2, Int8 = 3, UInt16 = 4, Int16 = 5, Int32 = 6, Int64 = 7 };

using OnnxAttributes = std::vector<std::pair<std::string, OnnxAttribute>>;

/// Grows an ONNX graph: nodes in the order of calls, every tensor with a name of its own.
class GraphWriter {
public:
    explicit GraphWriter(OnnxGraph& graph) : m_graph(graph) {}

    /// `wish`, or with a number behind it where that is taken.
    [[nodiscard]] std::string fresh(const std::string& wish);
    /// Keeps a name for rename().
    void reserve(const std::string& name) { m_names.insert(name); }
    /// Gives the output of the last node that makes `tensor` another name, which is returned. A
    /// tensor that others read already, or that no node makes, gets an Identity behind it.
    std::string rename(const std::string& tensor, const std::string& name);

    /// Constants; the name of the tensor is returned.
    std::string constant(const std::string& wish, const Tensor& value);
    std::string constant(const std::string& wish, std::span<const float> values,
                         std::vector<std::int64_t> dims);
    std::string scalar(const std::string& wish, float value);
    std::string integers(const std::string& wish, const std::vector<std::int64_t>& values);
    /// Whole numbers as another type; they fit it.
    std::string codes(const std::string& wish, OnnxType type, std::span<const float> values,
                      std::vector<std::int64_t> dims);

    /// A stored array under a name of its own.
    std::string tensor(const std::string& wish, OnnxTensor value);

    /// A node of one output; its name is returned.
    std::string node(std::string_view type, std::vector<std::string> inputs,
                     const std::string& wish, OnnxAttributes attributes = {},
                     std::string_view domain = {});
    /// A node whose outputs are named already ("" for one left out).
    void nodeOf(std::string_view type, std::vector<std::string> inputs,
                std::vector<std::string> outputs, OnnxAttributes attributes = {},
                std::string_view domain = {});

    [[nodiscard]] const OnnxGraph& graph() const { return m_graph; }

private:
    OnnxGraph& m_graph;
    std::set<std::string, std::less<>> m_names;
};

/// Sizes of a shape as ONNX counts them.
[[nodiscard]] std::vector<std::int64_t> dimsOf(const Shape& shape);
/// The axes of a tensor in another order: axis i of the result is axis order[i].
[[nodiscard]] Tensor permuted(const Tensor& value, std::span<const int> order);

} // namespace bitscape::io
