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

/// An array and its name in the file.
using NamedArray = std::pair<std::string, Array>;

/// What a source holds.
struct RawData {
    std::vector<NamedArray> inputs;   ///< the samples first; each N×…
    std::optional<Array> answers;     ///< y as stored: N or N×…
    std::vector<std::int64_t> labels; ///< where the source says classes itself
    std::vector<std::string> classNames;
    bool picked = false;      ///< only the rows of the recipe were read
    bool fixedLayout = false; ///< channels are last whatever the recipe says
    std::string sha256;       ///< of the source file(s); empty after a glance
    Warnings warnings;
    // For previews:
    Index total = 0;                     ///< rows in the source; 0: not known
    std::vector<std::int64_t> allLabels; ///< of all rows, where a glance finds them quickly
};

/// How a source is read.
struct ReadContext {
    JobContext job;
    int threads = 0; ///< below 1: all cores
    /// For a preview: only what `limit` rows need, no sum over the files.
    bool glance = false;
};

/// Rows that a recipe takes of `count`: the share of the split, then skip and limit.
/// InvalidArgument if none is left.
[[nodiscard]] Result<RowRange> rowsOf(const DataRecipe& recipe, Index count);

/// Whether samples of this shape, as they are read and once more as they are prepared, fit into
/// what the process may use. OutOfResources says what they need.
[[nodiscard]] Result<void> checkMemory(std::span<const Index> shape, const std::string& where);

/// A source after its first look.
struct SourceText {
    std::string text;  ///< recipe.source
    std::string path;  ///< of the (first) file, or of the folder
    std::string bytes; ///< of that file, unpacked if it was gzip; may be its start only
    bool packed = false;
    bool isFolder = false;
    std::size_t size = 0; ///< of all its (unpacked) bytes
    std::string sha256;   ///< of the file as it lies there; empty for folders and glances

    [[nodiscard]] bool isWhole() const { return bytes.size() >= size; }
};

enum class SourcePlace { File, Folder };

/// A row of the registry.
struct SourceKind {
    std::string_view name; ///< for people: "IDX"
    SourcePlace place;
    /// Whether it is of this kind; looks at names and first bytes only.
    bool (*accepts)(const SourceText& source);
    Result<RawData> (*read)(const SourceText& source, const DataRecipe& recipe,
                            const ReadContext& context);
    /// Bytes from the file's first one that the recipe's rows take, told from `source.bytes`, its
    /// start. Null: all of them.
    std::size_t (*bytesNeeded)(const SourceText& source, const DataRecipe& recipe) = nullptr;
};

[[nodiscard]] std::span<const SourceKind> sourceKinds();

/// Rows and values of `raw` as the (valid) recipe wants them: what loadData() does after reading.
[[nodiscard]] Result<DataSet> prepareData(RawData raw, const DataRecipe& recipe,
                                          const JobContext& job);

/// Finds the kind and reads. NotFound, CorruptFile, InvalidArgument; names file and key.
[[nodiscard]] Result<RawData> readSource(const DataRecipe& recipe, const ReadContext& context);

/// The part of "a.npy,b.npy" behind the comma; empty where the text is one file.
[[nodiscard]] std::string secondFile(const SourceText& source);

/// Arrays of one file as samples, answers and further inputs: by --x and --y, else by the usual
/// names; all other arrays of as many rows are kept, as a network may name them (fitToInputs).
[[nodiscard]] Result<RawData> fromArrays(std::vector<NamedArray> arrays, const DataRecipe& recipe,
                                         const std::string& where);
/// Name and shape of an array that may not be read yet.
struct ArrayHead {
    std::string name;
    std::vector<Index> shape;
};
/// What of the arrays is to be read.
struct ArrayPlan {
    std::vector<bool> wanted;
    Index count = 0;              ///< rows of the samples; 0: not known, all is read whole
    RowRange rows;                ///< of each wanted array, where `count` is known
    std::string samples, answers; ///< names of these arrays; may be empty or not there
};
/// ShapeMismatch: fewer or more answers than samples. Keys that are not there are fromArrays()'
/// business.
[[nodiscard]] Result<ArrayPlan> planArrays(std::span<const ArrayHead> arrays,
                                           const DataRecipe& recipe, const std::string& where);

/// Words become classes in alphabetical order.
void placeWords(const std::vector<std::string>& words, RawData& raw);
/// Classes that the answers of all rows stand for; none where they are targets.
[[nodiscard]] std::vector<std::int64_t> classesIn(const Array& answers);

// Kinds with files of their own.
[[nodiscard]] bool isNpz(const SourceText& source);
[[nodiscard]] Result<RawData> readNpzSource(const SourceText& source, const DataRecipe& recipe,
                                            const ReadContext& context);
[[nodiscard]] bool isNpy(const SourceText& source);
[[nodiscard]] Result<RawData> readNpySource(const SourceText& source, const DataRecipe& recipe,
                                            const ReadContext& context);
[[nodiscard]] std::size_t npyBytesNeeded(const SourceText& source, const DataRecipe& recipe);
[[nodiscard]] bool isHdf5(const SourceText& source);
[[nodiscard]] Result<RawData> readHdf5(const SourceText& source, const DataRecipe& recipe,
                                       const ReadContext& context);
[[nodiscard]] bool isIdx(const SourceText& source);
[[nodiscard]] Result<RawData> readIdx(const SourceText& source, const DataRecipe& recipe,
                                      const ReadContext& context);
[[nodiscard]] std::size_t idxBytesNeeded(const SourceText& source, const DataRecipe& recipe);
[[nodiscard]] bool isCsv(const SourceText& source);
[[nodiscard]] Result<RawData> readCsv(const SourceText& source, const DataRecipe& recipe,
                                      const ReadContext& context);
[[nodiscard]] bool isCifar(const SourceText& source);
[[nodiscard]] Result<RawData> readCifar(const SourceText& source, const DataRecipe& recipe,
                                        const ReadContext& context);
[[nodiscard]] std::size_t cifarBytesNeeded(const SourceText& source, const DataRecipe& recipe);
[[nodiscard]] bool isTfRecord(const SourceText& source);
[[nodiscard]] bool isTfRecordFolder(const SourceText& source);
[[nodiscard]] Result<RawData> readTfRecord(const SourceText& source, const DataRecipe& recipe,
                                           const ReadContext& context);
[[nodiscard]] bool isMlperfTiny(const SourceText& source);
[[nodiscard]] Result<RawData> readMlperfTiny(const SourceText& source, const DataRecipe& recipe,
                                             const ReadContext& context);
[[nodiscard]] bool isImageFolder(const SourceText& source);
[[nodiscard]] Result<RawData> readImageFolder(const SourceText& source, const DataRecipe& recipe,
                                              const ReadContext& context);

/// The first shard of "name" where the folder holds name-00000-of-00004 and its siblings.
[[nodiscard]] std::optional<std::string> firstShard(const std::string& path);

// Parse functions from memory, for tests and fuzzing.
[[nodiscard]] Result<Array> parseIdx(std::string_view bytes, const std::string& where,
                                     const DataRecipe* recipe = nullptr);
/// From the start of a file of `size` bytes.
[[nodiscard]] Result<Array> parseIdxStart(std::string_view bytes, std::size_t size,
                                          const std::string& where, const DataRecipe* recipe);
/// maxRows 0: all.
[[nodiscard]] Result<RawData> parseCsv(std::string_view text, const std::string& labelColumn,
                                       const std::string& where, Index maxRows = 0);

/// A line of MLPerf Tiny's y_labels.csv.
struct TinyLabel {
    std::string file; ///< inside the folder: no ".." and not absolute
    std::int64_t classes = 0;
    std::int64_t label = 0;      ///< 0 … classes−1
    std::size_t windowBytes = 0; ///< 0: the file is one sample
    std::size_t strideBytes = 0; ///< from window to window
};
[[nodiscard]] Result<std::vector<TinyLabel>> parseTinyLabels(std::string_view text,
                                                             const std::string& where);

} // namespace bitscape::io
