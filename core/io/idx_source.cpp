// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/text.h"
#include "core/io/bytes.h"
#include "core/io/data_sources.h"

#include <unistd.h>

#include <array>
#include <bit>
#include <cstring>
#include <filesystem>
#include <limits>

// IDX: the format of MNIST. Two zero bytes, a type code, the rank, the sizes as big-endian 32-bit
// numbers, then the values, big-endian.
namespace bitscape::io {

namespace {

struct IdxType {
    std::uint8_t code;
    std::string_view name;
    std::size_t size;
    float (*convert)(const char* data);
};

template <class T>
float bigEndian(const char* data)
{
    std::array<char, sizeof(T)> bytes{};
    for (std::size_t i = 0; i < sizeof(T); ++i) {
        bytes[i] = data[std::endian::native == std::endian::little ? sizeof(T) - 1 - i : i];
    }
    return static_cast<float>(std::bit_cast<T>(bytes));
}

constexpr std::array kTypes{
    IdxType{0x08, "uint8", 1, bigEndian<std::uint8_t>},
    IdxType{0x09, "int8", 1, bigEndian<std::int8_t>},
    IdxType{0x0B, "int16", 2, bigEndian<std::int16_t>},
    IdxType{0x0C, "int32", 4, bigEndian<std::int32_t>},
    IdxType{0x0D, "float32", 4, bigEndian<float>},
    IdxType{0x0E, "float64", 8, bigEndian<double>},
};

const IdxType* typeOf(std::string_view bytes)
{
    if (bytes.size() < 4 || bytes[0] != 0 || bytes[1] != 0) {
        return nullptr;
    }
    for (const IdxType& type : kTypes) {
        if (type.code == static_cast<std::uint8_t>(bytes[2])) {
            return &type;
        }
    }
    return nullptr;
}

Failure corrupt(std::string message, const std::string& where)
{
    return fail(ErrorCode::CorruptFile, std::move(message), where);
}

/// "t10k-images-idx3-ubyte.gz" → "t10k-labels-idx1-ubyte", beside it, packed or not.
std::optional<std::string> labelsBeside(const std::string& path)
{
    const std::size_t slash = path.rfind('/');
    const std::size_t start = slash == std::string::npos ? 0 : slash + 1;
    std::string name = path.substr(start);
    constexpr std::string_view kImages = "images";
    constexpr std::string_view kKind = "idx";
    if (const std::size_t at = name.find(kImages); at != std::string::npos) {
        name.replace(at, kImages.size(), "labels");
    }
    const std::size_t rank = name.find(kKind);
    if (rank != std::string::npos && rank + kKind.size() < name.size() &&
        name[rank + kKind.size()] >= '0' && name[rank + kKind.size()] <= '9') {
        name[rank + kKind.size()] = '1'; // labels have one axis
    }
    if (name.ends_with(".gz")) {
        name.resize(name.size() - 3);
    }
    for (const char* ending : {"", ".gz"}) {
        const std::string candidate = path.substr(0, start) + name + ending;
        if (candidate != path && ::access(candidate.c_str(), R_OK) == 0) {
            return candidate;
        }
    }
    return std::nullopt;
}

struct IdxHeader {
    const IdxType* type = nullptr;
    std::vector<Index> shape;
    std::size_t rowSize = 1; ///< values per row
    std::size_t size = 0;    ///< bytes of the header

    /// Bytes of all values; the largest number if that overflows.
    [[nodiscard]] std::size_t valueBytes() const
    {
        std::size_t bytes = 0;
        const bool absurd =
            __builtin_mul_overflow(static_cast<std::size_t>(shape.front()), rowSize, &bytes) ||
            __builtin_mul_overflow(bytes, type->size, &bytes);
        return absurd ? std::numeric_limits<std::size_t>::max() : bytes;
    }
};

Result<IdxHeader> readHeader(std::string_view bytes, const std::string& where)
{
    IdxHeader header;
    header.type = typeOf(bytes);
    if (header.type == nullptr) {
        return corrupt("It is no IDX file.", where + ", byte 0");
    }
    const auto rank = static_cast<std::size_t>(static_cast<std::uint8_t>(bytes[3]));
    if (rank < 1 || rank >= static_cast<std::size_t>(Shape::kMaxRank)) {
        return corrupt("It says to have " + std::to_string(rank) + " axes.", where + ", byte 3");
    }
    ByteReader reader(bytes.substr(4));
    for (std::size_t axis = 0; axis < rank; ++axis) {
        const auto size = reader.bigEndian32();
        if (!size) {
            return corrupt("It ends within its header.",
                           where + ", byte " + std::to_string(bytes.size()));
        }
        header.shape.push_back(static_cast<Index>(*size));
        if (axis > 0 &&
            __builtin_mul_overflow(header.rowSize, std::size_t{*size}, &header.rowSize)) {
            return corrupt("Its sizes are absurd.", where);
        }
    }
    header.size = 4 + reader.position();
    return header;
}

Result<std::string> readUnpacked(const std::string& path, std::string& digest)
{
    auto bytes = readFile(path);
    if (!bytes) {
        return bytes;
    }
    digest += sha256(*bytes);
    return bytes->starts_with("\x1f\x8b") ? gunzip(*bytes, path) : std::move(bytes);
}

} // namespace

bool isIdx(const SourceText& source)
{
    const std::string name = std::filesystem::path(source.path).filename().string();
    return name.find("idx") != std::string::npos || typeOf(source.bytes) != nullptr;
}

Result<Array> parseIdx(std::string_view bytes, const std::string& where, const DataRecipe* recipe)
{
    return parseIdxStart(bytes, bytes.size(), where, recipe);
}

Result<Array> parseIdxStart(std::string_view bytes, std::size_t size, const std::string& where,
                            const DataRecipe* recipe)
{
    auto header = readHeader(bytes, where);
    if (!header) {
        return fail(std::move(header).error());
    }
    if (header->valueBytes() != size - header->size) {
        return corrupt("Its sizes " + Shape(header->shape).toString() + " do not fit the " +
                           std::to_string(size - header->size) + " bytes that follow.",
                       where + ", byte " + std::to_string(header->size));
    }
    RowRange range{0, header->shape.front()};
    if (recipe != nullptr) {
        auto picked = rowsOf(*recipe, range.count);
        if (!picked) {
            return fail(std::move(picked).error());
        }
        range = *picked;
    }
    const IdxType& type = *header->type;
    const std::size_t first = static_cast<std::size_t>(range.first) * header->rowSize * type.size;
    const std::size_t count = static_cast<std::size_t>(range.count) * header->rowSize;
    ensure(header->size + first + count * type.size <= bytes.size(),
           "parseIdxStart: fewer bytes than idxBytesNeeded() says");
    Array array;
    array.dtype = type.name;
    array.shape = std::move(header->shape);
    array.shape.front() = range.count;
    const char* data = bytes.data() + header->size + first;
    array.values.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
        array.values[i] = type.convert(data + i * type.size);
    }
    return array;
}

std::size_t idxBytesNeeded(const SourceText& source, const DataRecipe& recipe)
{
    const auto header = readHeader(source.bytes, source.path);
    if (!header || source.size < header->size ||
        header->valueBytes() != source.size - header->size) {
        return source.size;
    }
    const auto rows = rowsOf(recipe, header->shape.front());
    return rows ? header->size + static_cast<std::size_t>(rows->first + rows->count) *
                                     header->rowSize * header->type->size
                : source.size;
}

namespace {

/// Labels of all images, from the file that was named or lies beside.
Result<std::optional<Array>> readLabels(const SourceText& source, Index count, std::string& digests)
{
    const std::string named = secondFile(source);
    const auto path = named.empty() ? labelsBeside(source.path) : std::optional(named);
    if (!path) {
        return std::optional<Array>();
    }
    auto bytes = readUnpacked(*path, digests);
    if (!bytes) {
        return fail(std::move(bytes).error());
    }
    auto labels = parseIdx(*bytes, *path);
    if (!labels) {
        return fail(std::move(labels).error());
    }
    if (labels->shape.front() != count) {
        return fail(ErrorCode::ShapeMismatch,
                    "There are " + std::to_string(labels->shape.front()) + " labels for " +
                        std::to_string(count) + " images.",
                    *path);
    }
    return std::optional(std::move(*labels));
}

} // namespace

Result<RawData> readIdx(const SourceText& source, const DataRecipe& recipe,
                        const ReadContext& context)
{
    auto images = parseIdxStart(source.bytes, source.size, source.path, &recipe);
    if (!images) {
        return fail(std::move(images).error());
    }
    if (auto ok = context.job.proceed(); !ok) {
        return fail(std::move(ok).error());
    }
    const Index count = readHeader(source.bytes, source.path)->shape.front();
    RawData raw;
    raw.picked = true;
    raw.total = count;
    raw.fixedLayout = images->shape.size() == 3;
    if (images->shape.size() == 3) {
        images->shape.push_back(1); // grey images: one channel
    }
    std::string digests = source.sha256;
    auto labels = readLabels(source, count, digests);
    if (!labels) {
        return fail(std::move(labels).error());
    }
    if (*labels) {
        if (context.glance) {
            raw.allLabels = classesIn(**labels);
        }
        const auto rows = rowsOf(recipe, count);
        raw.answers = rowsOf(**labels, rows ? *rows : RowRange{0, count});
    }
    if (!context.glance) {
        raw.sha256 = digests == source.sha256 ? digests : sha256(digests);
    }
    raw.inputs.emplace_back("x", std::move(*images));
    return raw;
}

} // namespace bitscape::io
