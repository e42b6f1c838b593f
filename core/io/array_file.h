// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/tensor/tensor.h"

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bitscape::io {

/// An array as stored: element type in numpy's words and the values converted.
struct Array {
    std::string dtype = "float32"; ///< "float32", "int64", "uint8", "bool", …
    std::vector<Index> shape;
    std::vector<float> values; ///< row-major, converted to float32
    /// Exact values of integer types wider than 16 bits; empty for the others, whose floats are
    /// exact.
    std::vector<std::int64_t> integers;

    /// Rank ≤ Shape::kMaxRank (checked by the readers).
    [[nodiscard]] Tensor toTensor() const;
    /// Values of an integer type.
    [[nodiscard]] std::vector<std::int64_t> toIntegers() const;
    [[nodiscard]] bool isInteger() const; ///< bool counts as one
};

struct RowRange {
    Index first = 0;
    Index count = 0;
};

/// Some of the rows of an array of rank ≥ 1.
[[nodiscard]] Array rowsOf(const Array& array, RowRange rows);

/// The head of a .npy file.
struct NpyInfo {
    std::string descr; ///< element type as it stands there: "<f4"
    std::vector<Index> shape;
    bool fortranOrder = false;
    bool isNumber = false;       ///< of a type that readNpy() takes
    std::size_t elementSize = 0; ///< bytes; 0 where it is no number
    std::size_t dataAt = 0;      ///< first byte of the values
};

/// From the start of a file. CorruptFile: no .npy, damaged, more axes than Shape::kMaxRank.
[[nodiscard]] Result<NpyInfo> readNpyInfo(std::string_view start, const std::string& where);
/// NPY 1.0–3.0, C and Fortran order, both byte orders, bool, (u)int8…64, float16/32/64. No pickles.
/// CorruptFile names `where` and the byte.
[[nodiscard]] Result<Array> readNpy(std::string_view bytes, const std::string& where);
/// Some rows of a file of `size` bytes, of which `bytes` are the first that these rows need.
[[nodiscard]] Result<Array> readNpyRows(std::string_view bytes, std::size_t size, RowRange rows,
                                        const std::string& where);
/// One-dimensional texts ("<U5", "|S5") as UTF-8. CorruptFile: other types, damaged.
[[nodiscard]] Result<std::vector<std::string>> readNpyTexts(std::string_view bytes,
                                                            const std::string& where);
/// Bytes of a file that holds nothing else, as little-endian elements of a type by numpy's word,
/// appended to `array`. CorruptFile: no whole number of elements. InvalidArgument: no such type.
[[nodiscard]] Result<void> appendRaw(std::string_view bytes, std::string_view dtype, Array& array,
                                     const std::string& where);
/// numpy's words for the types of elements: "bool", "int8", …
[[nodiscard]] std::vector<std::string_view> elementTypes();
/// Bytes of an element of a type by numpy's word; 0 if there is none.
[[nodiscard]] std::size_t elementSize(std::string_view dtype);
[[nodiscard]] Result<Array> loadNpy(const std::string& path);
/// All arrays of a zip of .npy (stored or deflated), by name without ".npy", in file order.
[[nodiscard]] Result<std::vector<std::pair<std::string, Array>>> loadNpz(const std::string& path);
[[nodiscard]] Result<std::vector<std::pair<std::string, Array>>> readNpz(std::string_view bytes,
                                                                         const std::string& where);

/// float32, C order, NPY 1.0. Atomic (NAME.part, rename).
[[nodiscard]] Result<void> saveNpy(const std::string& path, TensorView tensor);
/// int64.
[[nodiscard]] Result<void>
saveNpyIntegers(const std::string& path, std::span<const std::int64_t> values, const Shape& shape);
/// Deterministic bytes (fixed time stamps), stored.
[[nodiscard]] Result<void> saveNpz(const std::string& path,
                                   const std::vector<std::pair<std::string, TensorView>>& arrays);

/// Whole file; NotFound, Io (no regular file, not readable), OutOfResources above `maxBytes`.
[[nodiscard]] Result<std::string> readFile(const std::string& path,
                                           std::int64_t maxBytes = std::int64_t{4} << 30);
/// The first `count` bytes of a file, fewer if it is shorter. Errors as readFile().
[[nodiscard]] Result<std::string> readFileStart(const std::string& path, std::size_t count);
/// Size of a plain file. Errors as readFile().
[[nodiscard]] Result<std::size_t> fileSize(const std::string& path);
/// NAME.part, flush, fsync, rename; a failure leaves neither. Io, OutOfResources (disk full).
[[nodiscard]] Result<void> writeFileAtomically(const std::string& path, std::string_view bytes);
/// The name under which a file is written before publish() puts it in place.
[[nodiscard]] std::string partPath(const std::string& path);
/// fsync of partPath(path), rename to path; on failure the part is removed.
[[nodiscard]] Result<void> publish(const std::string& path);

/// Inflates gzip bytes (several members allowed). CorruptFile: damaged, truncated, or more than
/// `maxBytes` inside.
[[nodiscard]] Result<std::string> gunzip(std::string_view bytes, const std::string& where,
                                         std::int64_t maxBytes = std::int64_t{4} << 30);
/// The first `count` bytes inside, fewer if there are fewer; what follows is not looked at.
[[nodiscard]] Result<std::string> gunzipStart(std::string_view bytes, const std::string& where,
                                              std::size_t count);
/// Unpacked size (modulo 2^32) that gzip bytes claim at their end; 0 if they are too short.
[[nodiscard]] std::uint32_t gzipClaim(std::string_view bytes);

} // namespace bitscape::io
