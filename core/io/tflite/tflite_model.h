// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/base/json_text.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bitscape::io {

/// Types of elements, by TFLite's numbers.
enum class TfliteType {
    Float32 = 0,
    Float16 = 1,
    Int32 = 2,
    UInt8 = 3,
    Int64 = 4,
    String = 5,
    Bool = 6,
    Int16 = 7,
    Int8 = 9,
    Float64 = 10,
    UInt64 = 12,
    UInt32 = 15,
    UInt16 = 16,
    Int4 = 17,
    BFloat16 = 18,
    Int2 = 19,
    UInt4 = 20,
};

/// Bits of one element; 0 for what has no fixed size or is not known.
[[nodiscard]] int bitsOf(TfliteType type);
/// "INT8"; "type 99" if it is not known.
[[nodiscard]] std::string name(TfliteType type);
[[nodiscard]] bool isInteger(TfliteType type);
[[nodiscard]] bool isSigned(TfliteType type);

/// real = scale · (code − zero point); one scale, or one per index of `axis`.
struct TfliteQuantization {
    std::vector<float> scales;
    std::vector<std::int64_t> zeroPoints; ///< as many as scales
    int axis = 0;
};

struct TfliteTensor {
    std::string name;
    TfliteType type = TfliteType::Float32;
    std::vector<std::int64_t> shape;
    std::vector<std::int64_t> signature; ///< the same with −1 where a size is open; or empty
    TfliteQuantization quantization;     ///< no scales: none
    std::string_view data;               ///< little-endian bytes of a constant; empty: none
    int buffer = 0;
    bool isVariable = false; ///< a state that lasts from call to call
    bool isSparse = false;

    [[nodiscard]] bool isQuantized() const { return !quantization.scales.empty(); }
};

struct TfliteOperator {
    int code = 0; ///< BuiltinOperator's number
    int version = 1;
    std::string name;        ///< "CONV_2D"; of a custom operator "CUSTOM NAME"
    std::vector<int> inputs; ///< tensors; −1 where an optional one is left out
    std::vector<int> outputs;
    Json options = Json::object(); ///< by the names of the schema, defaults filled in
};

struct TfliteSubgraph {
    std::string name;
    std::vector<TfliteTensor> tensors;
    std::vector<TfliteOperator> operators; ///< in the order in which they run
    std::vector<int> inputs, outputs;
};

/// A TFLite file as it stands, without any meaning. Constants are views into the bytes read.
struct TfliteModel {
    std::string description;
    std::vector<TfliteSubgraph> subgraphs;
    std::vector<std::string> signatures; ///< keys
    std::vector<std::string> metadata;   ///< names
};

/// Reads the FlatBuffer; every offset is checked before it is followed, every tensor number and
/// size before it is used. CorruptFile; Unsupported for buffers outside of the FlatBuffer.
[[nodiscard]] Result<TfliteModel> readTflite(std::string_view bytes, const std::string& where);

} // namespace bitscape::io
