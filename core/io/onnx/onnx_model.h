// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

// An ONNX file as it stands, in words of ours: nothing is interpreted.
namespace bitscape::io {

/// A stored array. `type` is ONNX' code (graph::elementTypeOf() knows those that networks use).
struct OnnxTensor {
    std::string name;
    int type = 1;
    std::vector<std::int64_t> dims;
    /// Little-endian elements, row-major; types below 8 bits packed, the first in the low bits;
    /// bool as bytes. Their number fits `dims`. Empty where `missing` says why.
    std::string bytes;
    std::string missing; ///< "the values are in another file", …; empty: they are here

    bool operator==(const OnnxTensor&) const = default;
};

/// An attribute that is neither number, text nor array: a graph, a sparse tensor, a type.
struct OnnxForeign {
    std::string what;
    bool operator==(const OnnxForeign&) const = default;
};

using OnnxAttribute =
    std::variant<std::int64_t, float, std::string, std::vector<std::int64_t>, std::vector<float>,
                 std::vector<std::string>, OnnxTensor, OnnxForeign>;

struct OnnxNode {
    std::string name;                ///< may be empty
    std::string opType;              ///< "Conv"
    std::string domain;              ///< "" is ONNX' own; "ai.onnx" is read as that
    std::vector<std::string> inputs; ///< "" where an optional one is left out
    std::vector<std::string> outputs;
    std::vector<std::pair<std::string, OnnxAttribute>> attributes; ///< as in the file

    [[nodiscard]] const OnnxAttribute* attribute(std::string_view name) const;
    /// Class as the program shows it: "Conv", "qonnx.custom_op.general::Quant".
    [[nodiscard]] std::string className() const;
};

/// A size of an input or output: a number, or a name for any.
struct OnnxDim {
    std::int64_t size = -1; ///< −1: open
    std::string symbol;     ///< of an open one; may be empty
};

struct OnnxValue {
    std::string name;
    int type = 0;                             ///< of a tensor's elements; 0: it is no tensor
    std::optional<std::vector<OnnxDim>> dims; ///< nothing: not even the number of axes is known
    std::string kind = "tensor";              ///< "sequence", "optional", "map", "sparse tensor"
};

struct OnnxGraph {
    std::string name;
    std::vector<OnnxNode> nodes; ///< in the order of the file
    std::vector<OnnxTensor> initializers;
    std::vector<OnnxValue> inputs; ///< old files list initializers here too
    std::vector<OnnxValue> outputs;
};

struct OnnxModel {
    std::int64_t irVersion = 0;
    std::vector<std::pair<std::string, std::int64_t>> opsets; ///< domain ("": ONNX' own), version
    std::string producer;                                     ///< may be empty
    std::string producerVersion;                              ///< may be empty
    OnnxGraph graph;
    std::vector<std::pair<std::string, std::string>> metadata;
    std::vector<std::string> functions; ///< names of functions that the file defines itself

    /// Version of a domain's operator set; 1 where the file says none.
    [[nodiscard]] int opset(std::string_view domain) const;
};

/// Reads the bytes of an .onnx file. CorruptFile naming `where` and the tensor: no message of
/// ONNX, truncated, sizes that do not fit the values. Memory is bounded by a multiple of the bytes.
[[nodiscard]] Result<OnnxModel> readOnnx(std::string_view bytes, const std::string& where);

/// Bytes that `elements` of a type take in OnnxTensor::bytes; nothing for types without a fixed
/// size (texts) and unknown codes.
[[nodiscard]] std::optional<std::uint64_t> onnxBytes(int type, std::uint64_t elements);

} // namespace bitscape::io
