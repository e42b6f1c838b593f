// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/tf_example.h"

#include "core/io/bytes.h"

#include <array>
#include <bit>
#include <cstring>

namespace bitscape::io {

namespace {

Failure corrupt(std::string message, const std::string& where)
{
    return fail(ErrorCode::CorruptFile, std::move(message), where);
}

using CrcTables = std::array<std::array<std::uint32_t, 256>, 8>;

/// Tables for eight bytes at a time.
constexpr CrcTables makeTables()
{
    constexpr std::uint32_t kCastagnoli = 0x82F63B78; // reflected
    CrcTables tables{};
    for (std::uint32_t i = 0; i < 256; ++i) {
        std::uint32_t value = i;
        for (int bit = 0; bit < 8; ++bit) {
            value = (value >> 1U) ^ ((value & 1U) != 0 ? kCastagnoli : 0U);
        }
        tables[0][i] = value;
    }
    for (std::size_t slice = 1; slice < tables.size(); ++slice) {
        for (std::size_t i = 0; i < 256; ++i) {
            const std::uint32_t before = tables[slice - 1][i];
            tables[slice][i] = (before >> 8U) ^ tables[0][before & 255U];
        }
    }
    return tables;
}

constexpr CrcTables kTables = makeTables();

std::uint32_t littleEndian32(const char* data)
{
    std::uint32_t value = 0;
    for (int i = 3; i >= 0; --i) {
        value = (value << 8U) | static_cast<unsigned char>(data[i]);
    }
    return value;
}

std::uint64_t littleEndian64(const char* data)
{
    return littleEndian32(data) | (std::uint64_t{littleEndian32(data + 4)} << 32U);
}

std::uint32_t crc32c(std::string_view bytes)
{
    constexpr std::size_t kStep = 8;
    std::uint32_t crc = 0xFFFFFFFF;
    while (bytes.size() >= kStep) {
        const std::uint32_t low = crc ^ littleEndian32(bytes.data());
        const std::uint32_t high = littleEndian32(bytes.data() + 4);
        crc = kTables[7][low & 255U] ^ kTables[6][(low >> 8U) & 255U] ^
              kTables[5][(low >> 16U) & 255U] ^ kTables[4][low >> 24U] ^ kTables[3][high & 255U] ^
              kTables[2][(high >> 8U) & 255U] ^ kTables[1][(high >> 16U) & 255U] ^
              kTables[0][high >> 24U];
        bytes.remove_prefix(kStep);
    }
    for (const char c : bytes) {
        crc = (crc >> 8U) ^ kTables[0][(crc ^ static_cast<unsigned char>(c)) & 255U];
    }
    return ~crc;
}

constexpr std::size_t kLengthSize = 8;
constexpr std::size_t kSumSize = 4;

enum class Wire : std::uint8_t { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 };

/// A field of a protocol buffers message.
struct Field {
    std::uint64_t number = 0;
    Wire wire = Wire::Varint;
    std::uint64_t value = 0; ///< of a varint
    std::string_view bytes;  ///< of the other types
};

std::optional<std::uint64_t> varint(ByteReader& reader)
{
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        const auto byte = reader.number<std::uint8_t>();
        if (!byte) {
            return std::nullopt;
        }
        value |= std::uint64_t{*byte & 127U} << shift;
        if ((*byte & 128U) == 0) {
            return value;
        }
    }
    return std::nullopt;
}

std::optional<Field> nextField(ByteReader& reader)
{
    const auto key = varint(reader);
    if (!key || (*key >> 3U) == 0) {
        return std::nullopt;
    }
    Field field{*key >> 3U, static_cast<Wire>(*key & 7U), 0, {}};
    std::optional<std::uint64_t> size;
    switch (field.wire) {
    case Wire::Varint: {
        const auto value = varint(reader);
        field.value = value.value_or(0);
        return value ? std::optional(field) : std::nullopt;
    }
    case Wire::Fixed64:
        size = sizeof(std::uint64_t);
        break;
    case Wire::Fixed32:
        size = sizeof(std::uint32_t);
        break;
    case Wire::Bytes:
        size = varint(reader);
        break;
    }
    const auto part = size ? reader.take(*size) : std::nullopt;
    if (!part) {
        return std::nullopt;
    }
    field.bytes = *part;
    return field;
}

/// Calls use(field) for all fields of a message; false if it is malformed or use() says so.
template <class Use>
bool eachField(std::string_view message, const Use& use)
{
    ByteReader reader(message);
    while (reader.left() > 0) {
        const auto field = nextField(reader);
        if (!field || !use(*field)) {
            return false;
        }
    }
    return true;
}

bool takeFloats(const Field& field, std::vector<float>& out)
{
    constexpr std::size_t kSize = sizeof(float);
    if (field.bytes.size() % kSize != 0 ||
        (field.wire != Wire::Fixed32 && field.wire != Wire::Bytes)) {
        return false;
    }
    out.reserve(out.size() + field.bytes.size() / kSize);
    for (std::size_t at = 0; at < field.bytes.size(); at += kSize) {
        out.push_back(std::bit_cast<float>(littleEndian32(field.bytes.data() + at)));
    }
    return true;
}

bool takeIntegers(const Field& field, std::vector<std::int64_t>& out)
{
    if (field.wire == Wire::Varint) {
        out.push_back(static_cast<std::int64_t>(field.value));
        return true;
    }
    ByteReader packed(field.bytes);
    while (field.wire == Wire::Bytes && packed.left() > 0) {
        const auto value = varint(packed);
        if (!value) {
            return false;
        }
        out.push_back(static_cast<std::int64_t>(*value));
    }
    return field.wire == Wire::Bytes;
}

/// Values of a list, the field 1 of BytesList, FloatList and Int64List.
bool takeList(std::string_view list, TfFeature& feature)
{
    return eachField(list, [&](const Field& field) {
        if (field.number != 1) {
            return true;
        }
        switch (feature.kind) {
        case TfFeature::Kind::Bytes:
            feature.bytes.push_back(field.bytes);
            return field.wire == Wire::Bytes;
        case TfFeature::Kind::Floats:
            return takeFloats(field, feature.floats);
        case TfFeature::Kind::Integers:
            return takeIntegers(field, feature.integers);
        case TfFeature::Kind::Empty:
            break;
        }
        return false;
    });
}

/// A map entry of Features: name and feature.
bool takeEntry(std::string_view entry, TfFeatures& out)
{
    std::string_view name;
    std::string_view feature;
    const bool sound = eachField(entry, [&](const Field& field) {
        if (field.number == 1) {
            name = field.bytes;
        } else if (field.number == 2) {
            feature = field.bytes;
        }
        return field.wire == Wire::Bytes;
    });
    out.emplace_back(name, feature);
    return sound;
}

} // namespace

std::uint32_t maskedCrc32c(std::string_view bytes)
{
    constexpr std::uint32_t kMask = 0xA282EAD8;
    return std::rotr(crc32c(bytes), 15) + kMask;
}

Result<std::vector<TfRecordSpan>> findRecords(std::string_view bytes, const std::string& where,
                                              bool mayEnd)
{
    constexpr std::size_t kFrame = kLengthSize + 2 * kSumSize;
    std::vector<TfRecordSpan> spans;
    std::size_t at = 0;
    while (at < bytes.size()) {
        const std::string place = where + ", byte " + std::to_string(at);
        const std::size_t left = bytes.size() - at;
        if (left < kLengthSize + kSumSize) {
            if (mayEnd) {
                break;
            }
            return corrupt("The records end within a length.", place);
        }
        const std::string_view length = bytes.substr(at, kLengthSize);
        if (maskedCrc32c(length) != littleEndian32(bytes.data() + at + kLengthSize)) {
            return corrupt(at == 0 ? "It is no TFRecord file, or its first record is damaged."
                                   : "The length of a record is damaged.",
                           place);
        }
        const std::uint64_t size = littleEndian64(length.data());
        if (left < kFrame || size > left - kFrame) {
            if (mayEnd) {
                break;
            }
            return corrupt("A record of " + std::to_string(size) + " bytes ends too early.", place);
        }
        spans.push_back({at + kLengthSize + kSumSize, static_cast<std::size_t>(size)});
        at += kFrame + static_cast<std::size_t>(size);
    }
    return spans;
}

Result<std::string_view> recordData(std::string_view bytes, const TfRecordSpan& span,
                                    const std::string& where)
{
    const std::string_view data = bytes.substr(span.at, span.size);
    if (maskedCrc32c(data) != littleEndian32(bytes.data() + span.at + span.size)) {
        return corrupt("The record is damaged: its sum does not fit.",
                       where + ", byte " + std::to_string(span.at));
    }
    return data;
}

Result<TfFeatures> parseExample(std::string_view data, const std::string& where)
{
    TfFeatures features;
    bool sequence = false;
    const bool sound = eachField(data, [&](const Field& field) {
        sequence = sequence || (field.number == 2 && field.wire == Wire::Bytes);
        if (field.number != 1) {
            return true;
        }
        return field.wire == Wire::Bytes && eachField(field.bytes, [&](const Field& entry) {
                   return entry.number != 1 ||
                          (entry.wire == Wire::Bytes && takeEntry(entry.bytes, features));
               });
    });
    if (!sound) {
        return corrupt("The record is no tf.train.Example.", where);
    }
    if (sequence) {
        return corrupt("The record is a SequenceExample: lists of any length are not read.", where);
    }
    return features;
}

Result<TfFeature> parseFeature(std::string_view data, const std::string& where)
{
    TfFeature feature;
    const bool sound = eachField(data, [&](const Field& field) {
        if (field.number < 1 || field.number > 3) {
            return true;
        }
        feature = {};
        feature.kind = static_cast<TfFeature::Kind>(field.number);
        return field.wire == Wire::Bytes && takeList(field.bytes, feature);
    });
    if (!sound) {
        return corrupt("The feature is damaged.", where);
    }
    return feature;
}

} // namespace bitscape::io
