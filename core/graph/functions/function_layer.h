// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/functions/function_registry.h"
#include "core/graph/op.h"

#include <string>
#include <vector>

namespace bitscape::graph {

/// How a tensor of a graph stands for an array of a function: per sample, float32.
struct FunctionTensor {
    ElementType type = ElementType::Float32;
    bool hasBatch =
        false; ///< the array's first axis, of size 1, is the batch that shapes leave out
    bool isScalar = false; ///< no axes but the batch; the shape is {1}
    bool operator==(const FunctionTensor&) const = default;
};

/// Sizes of the array that a tensor of `shape` stands for.
[[nodiscard]] Sizes sizesOf(const FunctionTensor& tensor, const Shape& shape);
/// The tensor that stands for an array: `hasBatch` is wanted, and taken where the first size is 1.
[[nodiscard]] FunctionTensor tensorFor(const ArrayValue& value, bool hasBatch);
[[nodiscard]] Shape shapeFor(const FunctionTensor& tensor, const Sizes& sizes);

/// An input of a function inside a graph.
struct FunctionInput {
    enum class Kind {
        LeftOut,  ///< an optional one
        Tensor,   ///< the output of a layer: the next of Layer::inputs
        Weight,   ///< the next of Layer::weights; its numbers need no more than float32
        Constant, ///< a number that is no weight
        Unread    ///< the next of Layer::inputs, for its being there only
    };
    Kind kind = Kind::LeftOut;
    std::string name;      ///< of a weight
    FunctionTensor tensor; ///< of a Tensor; its type alone of a Weight
    Sizes sizes;           ///< of a Weight
    ArrayValue constant;   ///< of a Constant
};

/// A function with its place in a graph.
struct FunctionSetup {
    const FunctionInfo* function = nullptr;
    Attributes attributes;
    int opset = 1;
    std::vector<FunctionInput> inputs;
    std::vector<FunctionTensor> outputs; ///< more than one: SelectOp layers take them apart
};

/// The layer that runs it. It has no gradient and no place for quantizers.
[[nodiscard]] Op functionOp(FunctionSetup setup);
/// What functionOp() was made of; null for any other op.
[[nodiscard]] const FunctionSetup* functionSetup(const Op& op);

} // namespace bitscape::graph
