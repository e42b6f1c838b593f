// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/base/job.h"
#include "core/io/array_file.h"
#include "core/io/data_file.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// The kinds of DATA: each knows its files and yields arrays as stored. Preparing them is
// data_file's business.
namespace bitscape::io {

struct RowRange {
    Index first = 0;
    Index count = 0;
};

/// What a source holds.
struct RawData {
    std::vector<std::pair<std::string, Array>> inputs; ///< the samples first; each N×…
    std::optional<Array> answers;                      ///< y as stored: N or N×…
    std::vector<std::int64_t> labels;                  ///< where the source says classes itself
    std::vector<std::string> classNames;
    bool picked = false; ///< only the rows of the recipe were read
    std::string sha256;  ///< of the source file(s)
    Warnings warnings;
};

/// Rows that a recipe takes of `count`: the share of the split, then skip and limit.
/// InvalidArgument if none is left.
[[nodiscard]] Result<RowRange> rowsOf(const DataRecipe& recipe, Index count);

/// A source after its first look.
struct SourceText {
    std::string text;  ///< recipe.source
    std::string path;  ///< of the (first) file; empty for built-in names
    std::string bytes; ///< of that file, unpacked if it was gzip
    bool packed = false;
    std::size_t size = 0; ///< of all its (unpacked) bytes; `bytes` may be their start only
    std::string sha256;   ///< of the file as it lies there
};

/// A row of the registry.
struct SourceKind {
    std::string_view name; ///< for people: "IDX"
    /// Whether it is of this kind; looks at names and first bytes only.
    bool (*accepts)(const SourceText& source);
    Result<RawData> (*read)(const SourceText& source, const DataRecipe& recipe,
                            const JobContext& job);
};

[[nodiscard]] std::span<const SourceKind> sourceKinds();

/// Rows and values of `raw` as the (valid) recipe wants them: what loadData() does after reading.
[[nodiscard]] Result<DataSet> prepareData(RawData raw, const DataRecipe& recipe,
                                          const JobContext& job);

/// Finds the kind and reads. NotFound, CorruptFile, InvalidArgument; names file and key.
[[nodiscard]] Result<RawData> readSource(const DataRecipe& recipe, const JobContext& job);

// Kinds with files of their own.
[[nodiscard]] bool isIdx(const SourceText& source);
[[nodiscard]] Result<RawData> readIdx(const SourceText& source, const DataRecipe& recipe,
                                      const JobContext& job);
/// Bytes of an IDX file of `size` bytes that the rows of a recipe take, from its first ones; all
/// where they are no IDX file or do not fit the size.
[[nodiscard]] std::size_t idxBytesNeeded(std::string_view start, std::size_t size,
                                         const DataRecipe& recipe);
[[nodiscard]] bool isCsv(const SourceText& source);
[[nodiscard]] Result<RawData> readCsv(const SourceText& source, const DataRecipe& recipe,
                                      const JobContext& job);
/// Parse functions from memory, for tests and fuzzing.
[[nodiscard]] Result<Array> parseIdx(std::string_view bytes, const std::string& where,
                                     const DataRecipe* recipe = nullptr);
/// From the start of a file of `size` bytes.
[[nodiscard]] Result<Array> parseIdxStart(std::string_view bytes, std::size_t size,
                                          const std::string& where, const DataRecipe* recipe);
[[nodiscard]] Result<RawData> parseCsv(std::string_view text, const std::string& labelColumn,
                                       const std::string& where);

} // namespace bitscape::io
