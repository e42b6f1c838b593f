// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/tflite/tflite_constants.h"

#include "core/io/tflite/tflite_builder.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <functional>
#include <limits>
#include <numeric>

namespace bitscape::io {

namespace {

constexpr std::size_t kMostFolded = 4096; // numbers that shapes are computed from

template <class T>
std::vector<std::int64_t> unpacked(std::string_view data)
{
    std::vector<std::int64_t> values(data.size() / sizeof(T));
    for (std::size_t i = 0; i < values.size(); ++i) {
        T value;
        std::memcpy(&value, data.data() + i * sizeof(T), sizeof value);
        values[i] = static_cast<std::int64_t>(value);
    }
    return values;
}

/// Two codes in a byte, the first in its lower half (four of 2 bits).
std::vector<std::int64_t> unpackedBits(std::string_view data, int bits, bool isSigned,
                                       std::size_t count)
{
    constexpr std::size_t kByte = 8;
    const std::size_t perByte = kByte / static_cast<std::size_t>(bits);
    const int range = 1 << bits;
    std::vector<std::int64_t> values(count);
    for (std::size_t i = 0; i < count; ++i) {
        const auto byte = static_cast<unsigned char>(data[i / perByte]);
        const int code = (byte >> (static_cast<std::size_t>(bits) * (i % perByte))) & (range - 1);
        values[i] = isSigned && code >= range / 2 ? code - range : code;
    }
    return values;
}

std::size_t countOf(const TfliteTensor& tensor)
{
    return static_cast<std::size_t>(std::accumulate(tensor.shape.begin(), tensor.shape.end(),
                                                    std::int64_t{1}, std::multiplies<>()));
}

/// Half precision: 1 sign, 5 exponent, 10 mantissa bits.
float fromHalf(std::uint16_t bits)
{
    const std::uint32_t sign = (bits & 0x8000U) << 16U;
    const std::uint32_t exponent = (bits >> 10U) & 0x1FU;
    const std::uint32_t mantissa = bits & 0x3FFU;
    if (exponent == 0) { // zero and subnormal numbers: mantissa · 2^−24
        const float value = static_cast<float>(mantissa) * 0x1p-24F;
        return sign != 0 ? -value : value;
    }
    constexpr std::uint32_t kBias = 127 - 15;
    const std::uint32_t wide = exponent == 0x1FU ? 0xFFU : exponent + kBias;
    return std::bit_cast<float>(sign | (wide << 23U) | (mantissa << 13U));
}

std::vector<float> floatsOf(std::string_view data, TfliteType type)
{
    std::vector<float> values;
    if (type == TfliteType::Float32) {
        values.resize(data.size() / sizeof(float));
        std::memcpy(values.data(), data.data(), values.size() * sizeof(float));
        return values;
    }
    for (const std::int64_t bits : unpacked<std::uint16_t>(data)) {
        const auto word = static_cast<std::uint16_t>(bits);
        values.push_back(type == TfliteType::Float16
                             ? fromHalf(word)
                             : std::bit_cast<float>(static_cast<std::uint32_t>(word) << 16U));
    }
    return values;
}

// ---- operators on integers

using Integers = TfliteIntegers;

/// Constant inputs of an operator, all of them.
std::optional<std::vector<Integers>> valuesOf(OperatorReading& reading)
{
    std::vector<Integers> all;
    for (std::size_t i = 0; i < reading.inputCount(); ++i) {
        if (!reading.isConstant(i) || reading.input(i).isQuantized() || reading.input(i).isSparse ||
            (!isInteger(reading.input(i).type) && reading.input(i).type != TfliteType::Bool)) {
            return std::nullopt;
        }
        all.push_back(reading.integers(i));
        if (!reading.isOk() || all.back().size() > kMostFolded) {
            return std::nullopt;
        }
    }
    return all;
}

template <class Join>
std::optional<Integers> joined(const std::vector<Integers>& in, Join join)
{
    if (in.size() != 2 || in[0].empty() || in[1].empty()) {
        return std::nullopt;
    }
    const std::size_t count = std::max(in[0].size(), in[1].size());
    if (count % in[0].size() != 0 || count % in[1].size() != 0) {
        return std::nullopt;
    }
    Integers out(count);
    for (std::size_t i = 0; i < count; ++i) {
        out[i] = join(in[0][i % in[0].size()], in[1][i % in[1].size()]);
    }
    return out;
}

/// Wrapping, as in two's complement.
std::int64_t wrapped(std::uint64_t value)
{
    return static_cast<std::int64_t>(value);
}

std::int64_t quotient(std::int64_t a, std::int64_t b)
{
    return b == 0 || (b == -1 && a == std::numeric_limits<std::int64_t>::min()) ? 0 : a / b;
}

std::optional<Integers> slice(const std::vector<Integers>& in, const OperatorReading& reading)
{
    if (in.size() != 4 || in[1].size() != 1 || in[2].size() != 1 || in[3] != Integers{1} ||
        reading.input(0).shape.size() != 1) {
        return std::nullopt;
    }
    const std::int64_t size = std::ssize(in[0]);
    const auto place = [&](std::int64_t at) {
        return std::clamp<std::int64_t>(at < 0 ? at + size : at, 0, size);
    };
    const std::int64_t begin = reading.option("begin_mask") != 0 ? 0 : place(in[1][0]);
    std::int64_t end = reading.option("end_mask") != 0 ? size : place(in[2][0]);
    if (reading.option("shrink_axis_mask") != 0) {
        end = std::min(begin + 1, size);
    }
    return Integers(in[0].begin() + begin, in[0].begin() + std::max(begin, end));
}

std::optional<Integers> gather(const std::vector<Integers>& in, const OperatorReading& reading)
{
    if (in.size() != 2 || reading.input(0).shape.size() != 1) {
        return std::nullopt;
    }
    Integers out;
    for (const std::int64_t index : in[1]) {
        if (index < 0 || index >= std::ssize(in[0])) {
            return std::nullopt;
        }
        out.push_back(in[0][static_cast<std::size_t>(index)]);
    }
    return out;
}

std::optional<Integers> strung(const std::vector<Integers>& in, const OperatorReading& reading)
{
    Integers out;
    for (std::size_t i = 0; i < in.size(); ++i) {
        if (reading.input(i).shape.size() > 1) {
            return std::nullopt;
        }
        out.insert(out.end(), in[i].begin(), in[i].end());
    }
    return out;
}

std::optional<Integers> computed(const std::vector<Integers>& in, const OperatorReading& reading)
{
    const std::string& name = reading.op.name;
    if (name == "STRIDED_SLICE") {
        return slice(in, reading);
    }
    if (name == "GATHER") {
        return gather(in, reading);
    }
    if (name == "PACK" || name == "CONCATENATION") {
        return strung(in, reading);
    }
    if ((name == "RESHAPE" || name == "SQUEEZE" || name == "EXPAND_DIMS" || name == "CAST") &&
        !in.empty()) {
        return in[0];
    }
    if (name == "REDUCE_PROD" && !in.empty() && reading.input(0).shape.size() == 1) {
        return Integers{std::accumulate(
            in[0].begin(), in[0].end(), std::int64_t{1}, [](std::int64_t a, std::int64_t b) {
                return wrapped(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
            })};
    }
    using U = std::uint64_t;
    struct Row {
        std::string_view name;
        std::int64_t (*join)(std::int64_t, std::int64_t);
    };
    constexpr std::array kRows{
        Row{"ADD", [](std::int64_t a, std::int64_t b) { return wrapped(U(a) + U(b)); }},
        Row{"SUB", [](std::int64_t a, std::int64_t b) { return wrapped(U(a) - U(b)); }},
        Row{"MUL", [](std::int64_t a, std::int64_t b) { return wrapped(U(a) * U(b)); }},
        Row{"DIV", quotient},
        Row{"MAXIMUM", [](std::int64_t a, std::int64_t b) { return std::max(a, b); }},
        Row{"MINIMUM", [](std::int64_t a, std::int64_t b) { return std::min(a, b); }}};
    const auto row = std::ranges::find(kRows, name, &Row::name);
    return row == kRows.end() ? std::nullopt : joined(in, row->join);
}

} // namespace

std::optional<std::vector<std::int64_t>> integersOf(const TfliteTensor& tensor)
{
    if (tensor.isSparse) {
        return std::nullopt;
    }
    constexpr int kFour = 4;
    switch (tensor.type) {
    case TfliteType::Int32:
        return unpacked<std::int32_t>(tensor.data);
    case TfliteType::UInt32:
        return unpacked<std::uint32_t>(tensor.data);
    case TfliteType::Int64:
    case TfliteType::UInt64:
        return unpacked<std::int64_t>(tensor.data);
    case TfliteType::Int16:
        return unpacked<std::int16_t>(tensor.data);
    case TfliteType::UInt16:
        return unpacked<std::uint16_t>(tensor.data);
    case TfliteType::Int8:
        return unpacked<std::int8_t>(tensor.data);
    case TfliteType::UInt8:
    case TfliteType::Bool:
        return unpacked<std::uint8_t>(tensor.data);
    case TfliteType::Int4:
    case TfliteType::UInt4:
        return unpackedBits(tensor.data, kFour, isSigned(tensor.type), countOf(tensor));
    case TfliteType::Int2:
        return unpackedBits(tensor.data, 2, true, countOf(tensor));
    default:
        return std::nullopt;
    }
}

std::optional<std::vector<float>> realsOf(const TfliteTensor& tensor)
{
    if (tensor.isSparse) {
        return std::nullopt;
    }
    if (tensor.type == TfliteType::Float32 || tensor.type == TfliteType::Float16 ||
        tensor.type == TfliteType::BFloat16) {
        return floatsOf(tensor.data, tensor.type);
    }
    const auto codes = integersOf(tensor);
    if (!codes) {
        return std::nullopt;
    }
    std::vector<float> values(codes->size());
    const TfliteQuantization& q = tensor.quantization;
    if (q.scales.empty()) {
        std::ranges::transform(*codes, values.begin(),
                               [](std::int64_t code) { return static_cast<float>(code); });
        return values;
    }
    std::size_t inner = 1; // elements from one index of the axis to the next
    for (std::size_t a = static_cast<std::size_t>(q.axis) + 1; a < tensor.shape.size(); ++a) {
        inner *= static_cast<std::size_t>(tensor.shape[a]);
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
        const std::size_t scale = q.scales.size() == 1 ? 0 : i / inner % q.scales.size();
        values[i] = static_cast<float>(static_cast<double>((*codes)[i] - q.zeroPoints[scale]) *
                                       static_cast<double>(q.scales[scale]));
    }
    return values;
}

bool foldIntegers(OperatorReading& reading)
{
    if (reading.op.outputs.size() != 1 || reading.output().isQuantized()) {
        return false;
    }
    if (reading.op.name == "SHAPE" && reading.has(0)) {
        const auto known = reading.sizes(0);
        if (known) {
            reading.giveIntegers(*known);
        }
        return known.has_value();
    }
    if (!isInteger(reading.output().type) || reading.inputCount() == 0) {
        return false;
    }
    auto in = valuesOf(reading);
    auto out = in ? computed(*in, reading) : std::nullopt;
    if (!out || out->size() > kMostFolded) {
        return false;
    }
    reading.giveIntegers(*std::move(out));
    return true;
}

} // namespace bitscape::io
