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

/// NPY 1.0–3.0, C and Fortran order, both byte orders, bool, (u)int8…64, float16/32/64. No pickles.
/// CorruptFile names `where` and the byte.
[[nodiscard]] Result<Array> readNpy(std::string_view bytes, const std::string& where);
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
