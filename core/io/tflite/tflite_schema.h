// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

// Numbers of TFLite's schema, version 3: fields of its tables, operators and their options.
namespace bitscape::io::schema {

inline constexpr std::string_view kIdentifier = "TFL3";
inline constexpr std::uint32_t kVersion = 3;

// Numbers of fields, by table.
struct Model {
    static constexpr int version = 0, operatorCodes = 1, subgraphs = 2, description = 3,
                         buffers = 4, metadata = 6, signatures = 7, externalBuffers = 9;
};
struct OperatorCode {
    static constexpr int oldCode = 0, custom = 1, version = 2, code = 3;
};
struct SubGraph {
    static constexpr int tensors = 0, inputs = 1, outputs = 2, operators = 3, name = 4;
};
struct Tensor {
    static constexpr int shape = 0, type = 1, buffer = 2, name = 3, quantization = 4,
                         isVariable = 5, sparsity = 6, signature = 7, hasRank = 8,
                         externalBuffer = 10;
};
struct Quantization {
    static constexpr int scale = 2, zeroPoint = 3, details = 4, axis = 6;
};
struct Operator {
    static constexpr int code = 0, inputs = 1, outputs = 2, optionsType = 3, options = 4;
};
struct Buffer {
    static constexpr int data = 0, offset = 1, size = 2;
};
struct Metadata {
    static constexpr int name = 0, buffer = 1;
};
struct Signature {
    static constexpr int inputs = 0, outputs = 1, key = 2, subgraph = 4;
};
struct TensorMap {
    static constexpr int name = 0, tensor = 1;
};

/// Operators that are spoken of by number.
enum Builtin : int {
    kAdd = 0,
    kAveragePool2d = 1,
    kConcatenation = 2,
    kConv2d = 3,
    kDepthwiseConv2d = 4,
    kDepthToSpace = 5,
    kDequantize = 6,
    kFloor = 8,
    kFullyConnected = 9,
    kL2Normalization = 11,
    kLogistic = 14,
    kMaxPool2d = 17,
    kMul = 18,
    kRelu = 19,
    kReluN1To1 = 20,
    kRelu6 = 21,
    kReshape = 22,
    kResizeBilinear = 23,
    kSoftmax = 25,
    kSpaceToDepth = 26,
    kSvdf = 27,
    kTanh = 28,
    kCustom = 32,
    kPad = 34,
    kGather = 36,
    kBatchToSpace = 37,
    kSpaceToBatch = 38,
    kTranspose = 39,
    kMean = 40,
    kSub = 41,
    kDiv = 42,
    kSqueeze = 43,
    kUnidirectionalSequenceLstm = 44,
    kStridedSlice = 45,
    kExp = 47,
    kSplit = 49,
    kLogSoftmax = 50,
    kCast = 53,
    kPrelu = 54,
    kMaximum = 55,
    kArgMax = 56,
    kMinimum = 57,
    kNeg = 59,
    kPadV2 = 60,
    kSlice = 65,
    kSin = 66,
    kTransposeConv = 67,
    kTile = 69,
    kExpandDims = 70,
    kLog = 73,
    kSum = 74,
    kSqrt = 75,
    kRsqrt = 76,
    kPow = 78,
    kReduceProd = 81,
    kReduceMax = 82,
    kPack = 83,
    kUnpack = 88,
    kReduceMin = 89,
    kSquare = 92,
    kResizeNearest = 97,
    kLeakyRelu = 98,
    kSquaredDifference = 99,
    kMirrorPad = 100,
    kAbs = 101,
    kSplitV = 102,
    kCeil = 104,
    kCos = 108,
    kElu = 111,
    kQuantize = 114,
    kRound = 116,
    kHardSwish = 117,
    kBatchMatMul = 126,
    kBeyondByte = 127, ///< in the old field of codes beyond a byte
    kBroadcastTo = 130,
    kGelu = 150,
    kRelu0To1 = 152,
    kSign = 158,
};

enum class OptionType { Int8, Int32, Bool, Float, Ints };

/// A field of an options table.
struct Option {
    std::string_view name;
    int field = 0;
    OptionType type = OptionType::Int32;
    int otherwise = 0; ///< default
};

/// An operator by number.
struct OperatorRow {
    int code = 0;
    std::string_view name;
    int optionsType = 0; ///< number in the union of options; 0: none that matter
    std::span<const Option> options;
};

/// Null if the number is not known.
[[nodiscard]] const OperatorRow* findOperator(int code);

// Values of the enumerations among the options.
enum Padding : int { kSame = 0, kValid = 1 };
enum Fused : int {
    kNone = 0,
    kFusedRelu = 1,
    kFusedReluN1To1 = 2,
    kFusedRelu6 = 3,
    kFusedTanh = 4
};

} // namespace bitscape::io::schema
