// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/data_sources.h"

#include "core/base/text.h"
#include "core/io/bytes.h"
#include "core/io/foreign_format.h"
#include "core/io/hdf5.h"
#include "core/io/isolation.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <filesystem>

namespace bitscape::io {

namespace {

using Named = std::pair<std::string, Array>;

Failure corrupt(std::string message, const std::string& where)
{
    return fail(ErrorCode::CorruptFile, std::move(message), where);
}

bool exists(const std::string& path)
{
    return ::access(path.c_str(), F_OK) == 0;
}

/// Reads the file of a source; gzip is unpacked, as far as the recipe needs it where that can be
/// told from the start.
Result<SourceText> openSource(const DataRecipe& recipe, const std::string& path)
{
    constexpr std::size_t kStart = 64; // holds the header of an IDX file
    SourceText source{recipe.source, path, {}, false, 0, {}};
    auto bytes = readFile(path);
    if (!bytes) {
        return fail(std::move(bytes).error());
    }
    source.sha256 = sha256(*bytes);
    source.packed = bytes->starts_with("\x1f\x8b");
    if (source.packed) {
        const std::size_t claim = gzipClaim(*bytes);
        const auto start = gunzipStart(*bytes, path, kStart);
        const std::size_t needed = start ? idxBytesNeeded(*start, claim, recipe) : claim;
        const bool isPart = needed < claim;
        bytes = isPart ? gunzipStart(*bytes, path, needed)
                       : gunzip(*bytes, path, std::int64_t{1} << 30);
        if (!bytes) {
            return fail(std::move(bytes).error());
        }
        source.size = isPart ? claim : bytes->size();
    } else {
        source.size = bytes->size();
    }
    source.bytes = std::move(*bytes);
    return source;
}

// ----------------------------------------------------------------------------------- npy and npz

struct UsualNames {
    std::string_view x, y;
};
constexpr std::array kUsualNames{
    UsualNames{"x", "y"},
    UsualNames{"x_test", "y_test"},
    UsualNames{"x_train", "y_train"},
    UsualNames{"images", "labels"},
};

std::string namesOf(const std::vector<Named>& arrays)
{
    std::vector<std::string> names;
    for (const Named& named : arrays) {
        names.push_back(named.first);
    }
    return join(names, ", ");
}

Result<const Array*> arrayByKey(const std::vector<Named>& arrays, const std::string& key,
                                const char* option, const std::string& where)
{
    const auto found = std::ranges::find(arrays, key, &Named::first);
    if (found == arrays.end()) {
        return fail(ErrorCode::InvalidArgument, "There is no array '" + key + "'.",
                    where + ", " + option, "The file holds " + namesOf(arrays) + ".");
    }
    return &found->second;
}

/// The names under which samples and answers stand: given, usual, or none.
UsualNames choose(const std::vector<Named>& arrays, const DataRecipe& recipe)
{
    UsualNames names{recipe.xKey, recipe.yKey};
    const auto has = [&](std::string_view name) {
        return std::ranges::find(arrays, name, &Named::first) != arrays.end();
    };
    for (const UsualNames& usual : kUsualNames) {
        if (names.x.empty() && has(usual.x)) {
            names.x = usual.x;
        }
        if (names.x == usual.x && names.y.empty() && has(usual.y)) {
            names.y = usual.y;
        }
    }
    return names;
}

/// The samples come first; all other arrays of as many rows are kept as possible further inputs,
/// as a network may name them (fitToInputs).
/// The arrays that a network without batch axis reads, by name; a single one by its place.
Result<RawData> wholeArrays(std::vector<Named> arrays, const DataRecipe& recipe,
                            const std::string& where)
{
    RawData raw;
    raw.picked = true;
    for (const std::string& name : recipe.wholeInputs) {
        auto found = std::ranges::find(arrays, name, &Named::first);
        if (found == arrays.end() && arrays.size() == 1 && recipe.wholeInputs.size() == 1) {
            found = arrays.begin();
        }
        if (found == arrays.end()) {
            return fail(ErrorCode::ShapeMismatch, "The data hold no array '" + name + "'.", where,
                        "Name the arrays of an npz file as the inputs.");
        }
        raw.inputs.emplace_back(name, found->second);
    }
    return raw;
}

Result<RawData> fromArrays(std::vector<Named> arrays, const DataRecipe& recipe,
                           const std::string& where)
{
    if (arrays.empty()) {
        return corrupt("The file holds no array.", where);
    }
    if (!recipe.wholeInputs.empty()) {
        return wholeArrays(std::move(arrays), recipe, where);
    }
    const UsualNames names = choose(arrays, recipe);
    RawData raw;
    if (!names.y.empty()) {
        auto answers = arrayByKey(arrays, std::string(names.y), "--y", where);
        if (!answers) {
            return fail(std::move(answers).error());
        }
        raw.answers = **answers;
    }
    if (!names.x.empty()) {
        auto samples = arrayByKey(arrays, std::string(names.x), "--x", where);
        if (!samples) {
            return fail(std::move(samples).error());
        }
        const auto first = std::ranges::find(arrays, names.x, &Named::first);
        std::rotate(arrays.begin(), first, first + 1);
    }
    const bool onlyNamed = names.x.empty();
    for (Named& named : arrays) {
        const bool hasRows = !named.second.shape.empty();
        const bool fits =
            raw.inputs.empty() ||
            (hasRows && named.second.shape.front() == raw.inputs.front().second.shape.front());
        if (!hasRows && raw.inputs.empty() && !onlyNamed) {
            return corrupt("The array '" + named.first + "' is one number, not samples.", where);
        }
        if (!hasRows || (!fits && !onlyNamed)) {
            continue;
        }
        if (!fits) {
            return fail(ErrorCode::ShapeMismatch,
                        "The array '" + named.first + "' has " +
                            std::to_string(named.second.shape.front()) + " rows, '" +
                            raw.inputs.front().first + "' has " +
                            std::to_string(raw.inputs.front().second.shape.front()) + ".",
                        where);
        }
        raw.inputs.push_back(std::move(named));
    }
    if (raw.inputs.empty()) {
        return corrupt("The file holds no array of samples.", where);
    }
    return raw;
}

bool isNpz(const SourceText& source)
{
    return source.bytes.starts_with("PK\x03\x04") || source.path.ends_with(".npz");
}

Result<RawData> readNpzSource(const SourceText& source, const DataRecipe& recipe,
                              const JobContext& /*job*/)
{
    auto arrays = readNpz(source.bytes, source.path);
    if (!arrays) {
        return fail(std::move(arrays).error());
    }
    auto raw = fromArrays(std::move(*arrays), recipe, source.path);
    if (raw) {
        raw->sha256 = source.sha256;
    }
    return raw;
}

bool isNpy(const SourceText& source)
{
    return source.bytes.starts_with("\x93NUMPY") || source.path.ends_with(".npy");
}

/// "x.npy,y.npy": the part behind the comma, if the text is no file by itself.
std::string secondFile(const SourceText& source)
{
    return source.text.size() > source.path.size() + 1 && source.text.starts_with(source.path)
               ? source.text.substr(source.path.size() + 1)
               : std::string();
}

Result<RawData> readNpySource(const SourceText& source, const DataRecipe& recipe,
                              const JobContext& /*job*/)
{
    auto samples = readNpy(source.bytes, source.path);
    if (!samples) {
        return fail(std::move(samples).error());
    }
    std::vector<Named> arrays;
    arrays.emplace_back("x", std::move(*samples));
    std::string digest = source.sha256;
    if (const std::string second = secondFile(source); !second.empty()) {
        auto bytes = readFile(second);
        if (!bytes) {
            return fail(std::move(bytes).error());
        }
        digest = sha256(digest + sha256(*bytes));
        auto answers = readNpy(*bytes, second);
        if (!answers) {
            return fail(std::move(answers).error());
        }
        if (answers->shape.empty() || arrays.front().second.shape.empty()) {
            return corrupt("The array is one number, not a row per sample.", second);
        }
        arrays.emplace_back("y", std::move(*answers));
    }
    auto raw = fromArrays(std::move(arrays), {.xKey = "x", .yKey = recipe.yKey}, source.path);
    if (raw) {
        raw->sha256 = digest;
    }
    return raw;
}

// ----------------------------------------------------------------------------------- CIFAR-10

constexpr std::size_t kCifarSide = 32;
constexpr std::size_t kCifarPixels = kCifarSide * kCifarSide;
constexpr std::size_t kCifarRow = 1 + 3 * kCifarPixels; // label, then three planes

bool isCifar(const SourceText& source)
{
    return source.path.ends_with(".bin") && !source.bytes.empty() &&
           source.bytes.size() % kCifarRow == 0;
}

Result<RawData> readCifar(const SourceText& source, const DataRecipe& recipe, const JobContext& job)
{
    const auto range = rowsOf(recipe, static_cast<Index>(source.bytes.size() / kCifarRow));
    if (!range) {
        return fail(Error(range.error()));
    }
    Array images{"uint8", {range->count, 32, 32, 3}, {}, {}};
    images.values.resize(static_cast<std::size_t>(range->count) * (kCifarRow - 1));
    RawData raw;
    float* out = images.values.data();
    for (Index i = 0; i < range->count; ++i) {
        if (auto ok = job.proceed(); !ok) {
            return fail(std::move(ok).error());
        }
        const auto* row = reinterpret_cast<const std::uint8_t*>(source.bytes.data()) +
                          static_cast<std::size_t>(range->first + i) * kCifarRow;
        raw.labels.push_back(row[0]);
        for (std::size_t pixel = 0; pixel < kCifarPixels; ++pixel) {
            for (std::size_t channel = 0; channel < 3; ++channel) {
                *out++ = row[1 + channel * kCifarPixels + pixel];
            }
        }
    }
    raw.inputs.emplace_back("x", std::move(images));
    raw.picked = true;
    raw.sha256 = source.sha256;
    return raw;
}

// ------------------------------------------------------------------------------------------ HDF5

constexpr std::string_view kPathMark = "::";

bool isHdf5(const SourceText& source)
{
    return formatOf(source.bytes) == FileFormat::Hdf5 ||
           source.text.find(kPathMark) != std::string::npos;
}

/// A dataset as bytes that cross the border of the child: type, shape, values.
Result<std::string> encodeDataset(const hdf5::File& file, const std::string& path)
{
    constexpr std::int64_t kMaxBytes = std::int64_t{1} << 29;
    auto info = file.info(path);
    if (!info) {
        return fail(std::move(info).error());
    }
    ByteWriter out;
    out.text(info->dtype);
    out.number<std::uint64_t>(info->shape.size());
    for (const Index size : info->shape) {
        out.number<std::int64_t>(size);
    }
    if (info->dtype == "uint8" && info->shape.size() == 1) {
        auto bytes = file.readBytes(path, kMaxBytes);
        if (!bytes) {
            return bytes;
        }
        std::vector<float> values(bytes->size());
        std::ranges::transform(*bytes, values.begin(), [](char c) {
            return static_cast<float>(static_cast<unsigned char>(c));
        });
        out.raw(values.data(), values.size() * sizeof(float));
        return out.finish();
    }
    auto tensor = file.readTensor(path, kMaxBytes / static_cast<std::int64_t>(sizeof(float)));
    if (!tensor) {
        return fail(std::move(tensor).error());
    }
    out.raw(tensor->data(), static_cast<std::size_t>(tensor->size()) * sizeof(float));
    return out.finish();
}

std::optional<Array> decodeDataset(std::string_view bytes)
{
    ByteReader in(bytes);
    auto dtype = in.text();
    const auto rank = in.number<std::uint64_t>();
    if (!rank || *rank > static_cast<std::uint64_t>(Shape::kMaxRank)) {
        return std::nullopt;
    }
    Array array;
    array.dtype = std::move(*dtype);
    std::int64_t count = 1;
    for (std::uint64_t i = 0; i < *rank; ++i) {
        const auto size = in.number<std::int64_t>();
        if (!size || *size < 0 || __builtin_mul_overflow(count, *size, &count)) {
            return std::nullopt;
        }
        array.shape.push_back(*size);
    }
    if (static_cast<std::uint64_t>(count) != in.left() / sizeof(float)) {
        return std::nullopt;
    }
    array.values.resize(static_cast<std::size_t>(count));
    const auto values = in.take(array.values.size() * sizeof(float));
    if (count > 0) {
        std::memcpy(array.values.data(), values->data(), values->size());
    }
    return array;
}

Result<Array> readDataset(const SourceText& source, const std::string& path, const JobContext& job)
{
    constexpr std::int64_t kMemory = std::int64_t{3} << 29;
    const std::string where = source.path + kPathMark.data() + path;
    auto answer = isolated(where,
                           [&]() -> Result<std::string> {
                               auto file = hdf5::File::openBytes(source.bytes, source.path);
                               if (!file) {
                                   return fail(std::move(file).error());
                               }
                               auto bytes = encodeDataset(*file, path);
                               return bytes ? std::move(bytes)
                                            : fail(std::move(bytes).error().in(source.path));
                           },
                           {.seconds = 30, .memoryBytes = kMemory, .job = job});
    if (!answer) {
        return fail(std::move(answer).error());
    }
    auto array = decodeDataset(*answer);
    if (!array) {
        return corrupt("The dataset is damaged.", where);
    }
    return std::move(*array);
}

Result<RawData> readHdf5(const SourceText& source, const DataRecipe& recipe, const JobContext& job)
{
    std::string x = recipe.xKey.empty() ? "x" : recipe.xKey;
    std::string y = recipe.yKey;
    if (const std::size_t mark = source.text.find(kPathMark); mark != std::string::npos) {
        const std::vector<std::string> paths =
            split(std::string_view(source.text).substr(mark + kPathMark.size()), ',');
        x = paths[0].empty() ? x : paths[0];
        y = paths.size() > 1 ? paths[1] : y;
        if (paths.size() > 2) {
            return fail(ErrorCode::InvalidArgument, "It names more than two datasets.", source.text,
                        "Write it as f.h5::/x,/y.");
        }
    }
    std::vector<Named> arrays;
    for (const auto& [name, path] : {std::pair<const char*, std::string&>("x", x),
                                     std::pair<const char*, std::string&>("y", y)}) {
        if (path.empty()) {
            continue;
        }
        auto array = readDataset(source, path, job);
        if (!array) {
            return fail(std::move(array).error());
        }
        arrays.emplace_back(name, std::move(*array));
    }
    auto raw = fromArrays(std::move(arrays), {.xKey = "x"}, source.path);
    if (raw) {
        raw->sha256 = source.sha256;
    }
    return raw;
}

constexpr std::array kKinds{
    SourceKind{"HDF5", isHdf5, readHdf5},       SourceKind{"npz", isNpz, readNpzSource},
    SourceKind{"npy", isNpy, readNpySource},    SourceKind{"CSV", isCsv, readCsv},
    SourceKind{"CIFAR-10", isCifar, readCifar}, SourceKind{"IDX", isIdx, readIdx},
};

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

/// The file to open for a source's text.
Result<std::string> fileOf(const std::string& source)
{
    if (source == kFashion || source.starts_with(std::string(kFashion) + ":")) {
        return fashionFile(source);
    }
    if (exists(source)) {
        return source;
    }
    if (const std::size_t mark = source.find(kPathMark); mark != std::string::npos) {
        return source.substr(0, mark);
    }
    if (const std::size_t comma = source.find(','); comma != std::string::npos) {
        return source.substr(0, comma);
    }
    return source;
}

} // namespace

std::span<const SourceKind> sourceKinds()
{
    return kKinds;
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

Result<RawData> readSource(const DataRecipe& recipe, const JobContext& job)
{
    auto path = fileOf(recipe.source);
    if (!path) {
        return fail(std::move(path).error());
    }
    if (std::filesystem::is_directory(*path)) {
        return fail(ErrorCode::CorruptFile, "Folders of samples are not read.", *path,
                    "Put the samples into one file: npz, npy, IDX, CSV, HDF5.");
    }
    auto source = openSource(recipe, *path);
    if (!source) {
        return fail(std::move(source).error());
    }
    if (auto ok = job.proceed(); !ok) {
        return fail(std::move(ok).error());
    }
    const auto* kind =
        std::ranges::find_if(kKinds, [&](const SourceKind& row) { return row.accepts(*source); });
    if (kind == kKinds.end()) {
        return fail(ErrorCode::CorruptFile, "The file is of no known kind of data.", *path,
                    "Data are read from npz, npy, IDX, CSV, CIFAR-10 binary and HDF5.");
    }
    return kind->read(*source, recipe, job);
}

} // namespace bitscape::io
