// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/data_sources.h"

#include "core/base/text.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <limits>
#include <map>

namespace bitscape::io {

namespace {

constexpr std::size_t kStart = std::size_t{1} << 16;   // enough to tell a kind and its sizes
constexpr std::size_t kGlance = std::size_t{64} << 20; // what a preview reads of a long file
constexpr std::size_t kGlanceOfGzip = std::size_t{16} << 20;
constexpr std::int64_t kMaxUnpacked = std::int64_t{1} << 30;

constexpr std::array kKinds{
    SourceKind{"HDF5", SourcePlace::File, isHdf5, readHdf5},
    SourceKind{"npz", SourcePlace::File, isNpz, readNpzSource},
    SourceKind{"npy", SourcePlace::File, isNpy, readNpySource, npyBytesNeeded},
    SourceKind{"CSV", SourcePlace::File, isCsv, readCsv},
    SourceKind{"CIFAR-10", SourcePlace::File, isCifar, readCifar, cifarBytesNeeded},
    SourceKind{"TFRecord", SourcePlace::File, isTfRecord, readTfRecord},
    SourceKind{"IDX", SourcePlace::File, isIdx, readIdx, idxBytesNeeded},
    SourceKind{"MLPerf Tiny", SourcePlace::Folder, isMlperfTiny, readMlperfTiny},
    SourceKind{"TFRecord folder", SourcePlace::Folder, isTfRecordFolder, readTfRecord},
    SourceKind{"image folder", SourcePlace::Folder, isImageFolder, readImageFolder},
};

bool exists(const std::string& path)
{
    return ::access(path.c_str(), F_OK) == 0;
}

const SourceKind* kindOf(const SourceText& source)
{
    const auto* found = std::ranges::find_if(kKinds, [&](const SourceKind& row) {
        return (row.place == SourcePlace::Folder) == source.isFolder && row.accepts(source);
    });
    return found == kKinds.end() ? nullptr : found;
}

/// Bytes that are read of a file whose start is known.
std::size_t needed(const SourceText& source, const DataRecipe& recipe, std::size_t glance,
                   bool isGlance)
{
    const SourceKind* kind = kindOf(source);
    if (kind != nullptr && kind->bytesNeeded != nullptr) {
        return std::min(source.size, kind->bytesNeeded(source, recipe));
    }
    return isGlance ? std::min(source.size, glance) : source.size;
}

Result<SourceText> openPacked(SourceText source, const DataRecipe& recipe, std::string packed,
                              bool isGlance)
{
    source.packed = true;
    source.size = gzipClaim(packed);
    if (auto start = gunzipStart(packed, source.path, kStart)) {
        source.bytes = std::move(*start);
    }
    const std::size_t count = needed(source, recipe, kGlanceOfGzip, isGlance);
    const bool isPart = count < source.size;
    auto bytes = isPart ? gunzipStart(packed, source.path, count)
                        : gunzip(packed, source.path, kMaxUnpacked);
    if (!bytes) {
        return fail(std::move(bytes).error());
    }
    source.bytes = std::move(*bytes);
    source.size = isPart ? source.size : source.bytes.size();
    return source;
}

/// Reads the file of a source; gzip is unpacked, as far as the recipe needs it where that can be
/// told from the start.
Result<SourceText> openSource(const DataRecipe& recipe, const std::string& path, bool isGlance)
{
    constexpr std::string_view kGzip = "\x1f\x8b";
    SourceText source;
    source.text = recipe.source;
    source.path = path;
    auto size = fileSize(path);
    if (!size) {
        return fail(std::move(size).error());
    }
    source.size = *size;
    auto bytes = isGlance ? readFileStart(path, kStart) : readFile(path);
    if (!bytes) {
        return fail(std::move(bytes).error());
    }
    const bool packed = bytes->starts_with(kGzip);
    if (isGlance) {
        source.bytes = *bytes;
        const std::size_t count = packed ? source.size : needed(source, recipe, kGlance, true);
        bytes = count > bytes->size() ? readFileStart(path, count) : std::move(bytes);
        if (!bytes) {
            return fail(std::move(bytes).error());
        }
    } else {
        source.sha256 = sha256(*bytes);
    }
    if (packed) {
        return openPacked(std::move(source), recipe, std::move(*bytes), isGlance);
    }
    source.bytes = std::move(*bytes);
    source.size = isGlance ? std::max(source.size, source.bytes.size()) : source.bytes.size();
    return source;
}

// ------------------------------------------------------------------------------ names and files

constexpr std::string_view kFashion = "fashion-mnist";

Result<std::string> fashionFile(const std::string& source)
{
    constexpr std::array kFolders{"/usr/share/datasets/fashion-mnist",
                                  "/usr/share/dataset/fashion-mnist"};
    const std::string part =
        source.size() > kFashion.size() ? source.substr(kFashion.size() + 1) : "train";
    if (part != "train" && part != "test") {
        return fail(ErrorCode::InvalidArgument, "Fashion-MNIST has no part '" + part + "'.", source,
                    "Its parts are train and test.");
    }
    const std::string name = part == "train" ? "train" : "t10k";
    for (const std::string folder : kFolders) {
        const std::string path = folder + "/" + name + "-images-idx3-ubyte.gz";
        if (exists(path)) {
            return path;
        }
    }
    return fail(ErrorCode::NotFound, "Fashion-MNIST is not installed.", source,
                "Install it: apt-get install dataset-fashion-mnist.");
}

/// The file or folder to open for a source's text.
Result<std::string> fileOf(const std::string& source)
{
    constexpr std::string_view kTinyList = "/y_labels.csv";
    if (source == kFashion || source.starts_with(std::string(kFashion) + ":")) {
        return fashionFile(source);
    }
    if (source.ends_with(kTinyList)) { // the list stands for its folder
        return source.substr(0, source.size() - kTinyList.size());
    }
    if (exists(source)) {
        return source;
    }
    if (const std::size_t mark = source.find("::"); mark != std::string::npos) {
        return source.substr(0, mark);
    }
    if (const auto shard = firstShard(source)) {
        return *shard;
    }
    if (const std::size_t comma = source.find(','); comma != std::string::npos) {
        return source.substr(0, comma);
    }
    return source;
}

Result<SourceText> openPlace(const DataRecipe& recipe, const std::string& path, bool isGlance)
{
    std::error_code unknown;
    if (!std::filesystem::is_directory(path, unknown)) {
        return openSource(recipe, path, isGlance);
    }
    SourceText source;
    source.text = recipe.source;
    source.path = path;
    while (source.path.size() > 1 && source.path.ends_with('/')) {
        source.path.pop_back();
    }
    source.isFolder = true;
    return source;
}

/// What the process may take: the machine's memory, or less where a limit is set.
std::uint64_t memoryAllowed()
{
    const long pages = ::sysconf(_SC_PHYS_PAGES);
    const long page = ::sysconf(_SC_PAGESIZE);
    std::uint64_t bytes = pages > 0 && page > 0
                              ? static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page)
                              : std::numeric_limits<std::uint64_t>::max();
    for (const auto what : {RLIMIT_DATA, RLIMIT_AS}) {
        rlimit limit{};
        if (::getrlimit(what, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
            bytes = std::min<std::uint64_t>(bytes, limit.rlim_cur);
        }
    }
    return bytes;
}

} // namespace

std::span<const SourceKind> sourceKinds()
{
    return kKinds;
}

std::string secondFile(const SourceText& source)
{
    return source.text.size() > source.path.size() + 1 && source.text.starts_with(source.path) &&
                   source.text[source.path.size()] == ','
               ? source.text.substr(source.path.size() + 1)
               : std::string();
}

Result<RowRange> rowsOf(const DataRecipe& recipe, Index count)
{
    const auto share =
        static_cast<Index>(std::floor(recipe.splitTrain * static_cast<double>(count)));
    const Index end = std::clamp<Index>(share, 0, count);
    RowRange range{std::min(recipe.skip, end), 0};
    range.count = end - range.first;
    if (recipe.limit > 0) {
        range.count = std::min(range.count, recipe.limit);
    }
    if (range.count == 0 && count > 0) {
        return fail(ErrorCode::InvalidArgument,
                    "No sample is left of " + std::to_string(count) + ".", recipe.source,
                    "Lower --skip or raise the share of --split.");
    }
    return range;
}

Result<void> checkMemory(std::span<const Index> shape, const std::string& where)
{
    constexpr std::uint64_t kTwice = 2; // as read, and as prepared
    std::uint64_t bytes = kTwice * sizeof(float);
    bool absurd = false;
    for (const Index size : shape) {
        absurd = absurd || __builtin_mul_overflow(bytes, static_cast<std::uint64_t>(size), &bytes);
    }
    const std::uint64_t allowed = memoryAllowed();
    if (!absurd && bytes <= allowed) {
        return {};
    }
    const std::string need =
        absurd ? std::string("more than can be counted") : fmt::format("{} MiB", bytes >> 20U);
    return fail(ErrorCode::OutOfResources,
                fmt::format("{} samples of {} need {} of memory; there are {} MiB.", shape.front(),
                            Shape(shape.subspan(1)).toString(), need, allowed >> 20U),
                where, "Use fewer samples (--limit), or smaller ones (--image-size).");
}

void placeWords(const std::vector<std::string>& words, RawData& raw)
{
    std::map<std::string, std::int64_t, std::less<>> classes;
    for (const std::string& word : words) {
        classes.emplace(trimmed(word), 0);
    }
    std::int64_t next = 0;
    for (auto& [name, number] : classes) {
        number = next++;
        raw.classNames.push_back(name);
    }
    for (const std::string& word : words) {
        raw.labels.push_back(classes.find(trimmed(word))->second);
    }
}

Result<RawData> readSource(const DataRecipe& recipe, const ReadContext& context)
{
    auto path = fileOf(recipe.source);
    if (!path) {
        return fail(std::move(path).error());
    }
    auto source = openPlace(recipe, *path, context.glance);
    if (!source) {
        return fail(std::move(source).error());
    }
    if (auto ok = context.job.proceed(); !ok) {
        return fail(std::move(ok).error());
    }
    const SourceKind* kind = kindOf(*source);
    if (kind == nullptr) {
        return fail(ErrorCode::CorruptFile, "The file is of no known kind of data.", *path,
                    "Data are read from npz, npy, IDX, CSV, TFRecord, CIFAR-10 binary, HDF5, "
                    "folders of images and MLPerf Tiny's folders.");
    }
    return kind->read(*source, recipe, context);
}

} // namespace bitscape::io
