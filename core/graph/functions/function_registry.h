// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/functions/evaluation.h"

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace bitscape::graph {

/// Types and sizes of inputs (null: left out) and outputs → multiply-accumulates.
using MacsFunction = std::int64_t (*)(std::span<const ArrayValue* const> inputs,
                                      std::span<const ArrayValue> outputs);

/// A row of the registry: an operator as ONNX defines it. A plain reference, written to be right.
struct FunctionInfo {
    std::string_view domain; ///< "" is ONNX' own
    std::string_view name;
    int since = 1; ///< first operator set it is meant for
    std::string_view doc;
    void (*evaluate)(Evaluation& e);
    MacsFunction macs = nullptr; ///< null: none
};

/// All rows, by families.
[[nodiscard]] std::span<const FunctionInfo> functions();
/// Null if it is not known, or only in later operator sets.
[[nodiscard]] const FunctionInfo* findFunction(std::string_view domain, std::string_view name,
                                               int opset);

/// Calls a function. With numbers, or for types and sizes alone where an input has none.
/// ShapeMismatch, Unsupported; never throws but for memory. Thread: any.
[[nodiscard]] Result<std::vector<ArrayValue>> evaluate(const FunctionInfo& function,
                                                       std::span<const ArrayValue* const> inputs,
                                                       const Attributes& attributes, int opset,
                                                       std::size_t outputs = 1);

// The families, one file each.
[[nodiscard]] std::span<const FunctionInfo> unaryFunctions();
[[nodiscard]] std::span<const FunctionInfo> binaryFunctions();
[[nodiscard]] std::span<const FunctionInfo> castFunctions();
[[nodiscard]] std::span<const FunctionInfo> shapeFunctions();
[[nodiscard]] std::span<const FunctionInfo> constantFunctions();
[[nodiscard]] std::span<const FunctionInfo> reduceFunctions();
[[nodiscard]] std::span<const FunctionInfo> gatherFunctions();
[[nodiscard]] std::span<const FunctionInfo> matmulFunctions();
[[nodiscard]] std::span<const FunctionInfo> convolutionFunctions();
[[nodiscard]] std::span<const FunctionInfo> poolFunctions();
[[nodiscard]] std::span<const FunctionInfo> normalizeFunctions();
[[nodiscard]] std::span<const FunctionInfo> recurrentFunctions();
[[nodiscard]] std::span<const FunctionInfo> resizeFunctions();
[[nodiscard]] std::span<const FunctionInfo> quantizeFunctions();
[[nodiscard]] std::span<const FunctionInfo> qonnxFunctions();
[[nodiscard]] std::span<const FunctionInfo> sampleFunctions();
[[nodiscard]] std::span<const FunctionInfo> lossFunctions();

} // namespace bitscape::graph
