// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/model_file.h"

#include "core/base/json_text.h"
#include "core/base/text.h"
#include "core/io/array_file.h"
#include "core/io/foreign_format.h"
#include "core/io/keras_architecture.h"
#include "core/io/keras_content.h"
#include "core/io/keras_weights.h"
#include "core/io/keras_zip.h"
#include "core/io/load_options.h"
#include "core/io/onnx/onnx_import.h"
#include "core/io/saved_model.h"
#include "core/io/tflite/tflite_import.h"
#include "core/io/zip_archive.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <iterator>
#include <utility>

namespace bitscape::io {

namespace {

constexpr std::int64_t kMaxModelBytes = std::int64_t{2} << 30;
constexpr std::int64_t kMaxJsonBytes = std::int64_t{64} << 20;

using Bytes = std::shared_ptr<const std::string>;

bool isFolder(const std::string& path)
{
    std::error_code ignored;
    return std::filesystem::is_directory(path, ignored);
}

std::string producerOf(const std::string& version, const std::string& backend)
{
    if (version.empty()) {
        return "keras";
    }
    const std::string name = version.ends_with("-tf") ? "tf.keras " : "keras ";
    return name + version + (backend.empty() ? "" : " (" + backend + ")");
}

/// Everything but where it came from.
Result<ModelFile> assemble(KerasArchitecture architecture, const std::string& where)
{
    ModelFile file;
    file.kerasVersion = architecture.kerasVersion;
    file.producer = producerOf(architecture.kerasVersion, architecture.backend);
    auto graph = makeGraph(architecture, where);
    if (!graph) {
        return fail(std::move(graph).error());
    }
    file.graph = std::move(*graph);
    file.quantizers = std::move(architecture.quantizers);
    file.warnings = std::move(architecture.warnings);
    file.notes.push_back({ImportKind::Read, "architecture",
                          fmt::format("{} layers, {} parameters.", file.graph->layers().size(),
                                      file.graph->parameterCount())});
    std::ranges::move(architecture.notes, std::back_inserter(file.notes));
    return file;
}

Result<ModelFile> withWeights(std::string_view json, const std::string& jsonPlace,
                              KerasContent content, const std::string& weightsPlace)
{
    auto architecture = readArchitecture(json, content.kerasVersion, jsonPlace);
    if (!architecture) {
        return fail(std::move(architecture).error());
    }
    if (architecture->backend.empty()) {
        architecture->backend = content.backend;
    }
    const bool hasOptimizer = content.hasOptimizer;
    if (auto ok = attachWeights(*architecture, std::move(content)); !ok) {
        return fail(std::move(ok).error().in(weightsPlace));
    }
    auto file = assemble(std::move(*architecture), weightsPlace);
    if (file) {
        file->format = jsonPlace == weightsPlace ? "keras-h5" : "keras-json";
        file->architecture = json;
        if (hasOptimizer) {
            file->notes.push_back({ImportKind::Ignored, "optimizer",
                                   "The state of the optimizer; training starts it anew."});
        }
    }
    return file;
}

/// Keras 1 did not write its version into every file; Keras 2 always does.
void assumeVersion(KerasContent& content)
{
    if (content.kerasVersion.empty() && content.modelConfig) {
        content.kerasVersion = "1";
    }
}

Result<ModelFile> fromHdf5(const std::string& path, const Bytes& bytes)
{
    auto content = readForeignKeras(*bytes, path);
    if (!content) {
        return fail(std::move(content).error());
    }
    if (!content->modelConfig) {
        return fail(ErrorCode::CorruptFile,
                    "The file holds weights only; the architecture is missing.", path,
                    "Give it with --architecture ARCH.json, or both as ARCH.json,WEIGHTS.h5.");
    }
    assumeVersion(*content);
    const std::string config = *content->modelConfig;
    auto file = withWeights(config, path, std::move(*content), path);
    if (file) {
        file->sha256 = sha256(*bytes);
        file->bytes = bytes;
    }
    return file;
}

Result<ModelFile> fromZip(const std::string& path, const Bytes& bytes)
{
    auto archive = readKerasArchive(*bytes, path);
    if (!archive) {
        return fail(std::move(archive).error());
    }
    auto file = withWeights(archive->config, path, std::move(archive->content), path);
    if (file) {
        file->format = "keras-zip";
        file->sha256 = sha256(*bytes);
        file->bytes = bytes;
    }
    return file;
}

Failure weightsOnly(const std::string& path)
{
    return fail(ErrorCode::CorruptFile,
                "The file lists shards of weights; the architecture is "
                "missing.",
                path, "Give it with --architecture ARCH.json.");
}

Result<ModelFile> fromJson(const std::string& path, const Bytes& json)
{
    if (listsShards(*json)) {
        return weightsOnly(path);
    }
    auto architecture = readArchitecture(*json, {}, path);
    if (!architecture) {
        return fail(std::move(architecture).error());
    }
    auto file = assemble(std::move(*architecture), path);
    if (file) {
        file->format = "keras-json";
        file->sha256 = sha256(*json);
        file->architecture = *json;
        file->notes.push_back({ImportKind::Missing, "weights", "They are not in the file."});
        file->warnings.push_back({"no_weights",
                                  "The file holds no weights; they are zero. Give both as "
                                  "ARCH.json,WEIGHTS.h5.",
                                  path});
    }
    return file;
}

/// Model JSON that says the version of the file it comes from.
std::string withVersion(const std::string& config, const std::string& version)
{
    Json model = Json::parse(config, nullptr, false);
    if (!model.is_object() || model.contains("keras_version") || version.empty()) {
        return config;
    }
    model["keras_version"] = version;
    return model.dump();
}

Result<std::string> architectureFrom(const std::string& path)
{
    if (isFolder(path)) {
        return savedModelConfig(path);
    }
    auto bytes = readFile(path, kMaxModelBytes);
    if (!bytes) {
        return bytes;
    }
    const FileFormat format = formatOf(*bytes);
    if (format == FileFormat::Json && std::ssize(*bytes) <= kMaxJsonBytes) {
        return bytes;
    }
    if (format == FileFormat::KerasZip) {
        auto archive = readKerasArchive(*bytes, path);
        return archive ? Result<std::string>(
                             withVersion(archive->config, archive->content.kerasVersion))
                       : fail(std::move(archive).error());
    }
    if (format == FileFormat::Hdf5) {
        auto content = readForeignKeras(*bytes, path);
        if (!content) {
            return fail(std::move(content).error());
        }
        if (content->modelConfig) {
            assumeVersion(*content);
            return withVersion(*content->modelConfig, content->kerasVersion);
        }
    }
    return fail(ErrorCode::CorruptFile, "The file holds no architecture of a Keras model.", path,
                "Give the architecture as JSON or as a Keras model.");
}

/// Weights of a pair, and the bytes that a project keeps of them.
struct StoredWeights {
    KerasContent content;
    Bytes bytes;
};

Result<StoredWeights> weightsFrom(const std::string& path, const std::string& architecture)
{
    auto read = readFile(path, kMaxModelBytes);
    if (!read) {
        return fail(std::move(read).error());
    }
    auto bytes = std::make_shared<const std::string>(std::move(*read));
    Result<KerasContent> content;
    if (const FileFormat format = formatOf(*bytes); format == FileFormat::Hdf5) {
        content = readForeignKeras(*bytes, path);
    } else if (format == FileFormat::KerasZip) {
        auto archive = readKerasArchive(*bytes, path);
        content = archive ? Result<KerasContent>(std::move(archive->content))
                          : fail(std::move(archive).error());
    } else if (format == FileFormat::Json && listsShards(*bytes)) {
        ZipEntries kept{
            {"metadata.json", "{}"}, {"config.json", architecture}, {"model.weights.json", *bytes}};
        const std::filesystem::path folder = std::filesystem::path(path).parent_path();
        content = readShards(*bytes, path, [&](const std::string& name) {
            auto shard = readFile((folder / name).string(), kMaxModelBytes);
            if (shard) {
                kept.emplace_back(name, *shard);
            }
            return shard;
        });
        auto packed = content ? writeZip(kept, path) : fail(std::move(content).error());
        if (!packed) {
            return fail(std::move(packed).error());
        }
        bytes = std::make_shared<const std::string>(std::move(*packed));
    } else {
        return refuseForeign(*bytes, path);
    }
    if (!content) {
        return fail(std::move(content).error());
    }
    return StoredWeights{std::move(*content), std::move(bytes)};
}

Result<ModelFile> fromPair(const std::string& architecturePath, const std::string& weightsPath)
{
    auto architecture = architectureFrom(architecturePath);
    if (!architecture) {
        return fail(std::move(architecture).error());
    }
    auto weights = weightsFrom(weightsPath, *architecture);
    if (!weights) {
        return fail(std::move(weights).error());
    }
    // The architecture says with which version its layers are to be read; the weights only help
    // out.
    auto file =
        withWeights(*architecture, architecturePath, std::move(weights->content), weightsPath);
    if (file) {
        file->sha256 = sha256(*architecture + *weights->bytes);
        file->bytes = std::move(weights->bytes);
    }
    return file;
}

Result<ModelFile> fromFolder(const std::string& path)
{
    auto config = savedModelConfig(path);
    if (!config) {
        return fail(std::move(config).error());
    }
    auto file = fromJson(path, std::make_shared<const std::string>(std::move(*config)));
    if (file) {
        file->format = "keras-saved-model";
        file->warnings.back().message =
            "The weights of a SavedModel are not read; they are zero. Save the model as "
            "model.save('x.keras').";
    }
    return file;
}

/// A kind of file that is a whole model by itself.
struct Reader {
    FileFormat format;
    Result<ModelFile> (*read)(const std::string& path, const Bytes& bytes);
};

constexpr std::array kReaders{
    Reader{FileFormat::Hdf5, fromHdf5}, Reader{FileFormat::KerasZip, fromZip},
    Reader{FileFormat::Json, fromJson}, Reader{FileFormat::Onnx, readOnnxModel},
    Reader{FileFormat::TfLite, importTflite}};

Result<ModelFile> fromBytes(const std::string& path, const Bytes& bytes)
{
    const auto reader = std::ranges::find(kReaders, formatOf(*bytes), &Reader::format);
    return reader == kReaders.end() ? refuseForeign(*bytes, path) : reader->read(path, bytes);
}

/// "arch.json,weights.h5": the comma behind ".json" parts the two.
std::pair<std::string, std::string> splitPair(const std::string& argument)
{
    constexpr std::string_view kSeparator = ".json,";
    const std::size_t at = argument.find(kSeparator);
    if (at == std::string::npos) {
        return {argument, {}};
    }
    return {argument.substr(0, at + kSeparator.size() - 1),
            argument.substr(at + kSeparator.size())};
}

} // namespace

Result<ModelFile> loadModel(std::string_view argument)
{
    return loadModel(argument, LoadOptions{});
}

Result<ModelFile> loadModel(std::string_view argument, const LoadOptions& options)
{
    const auto [path, weights] = splitPair(std::string(argument));
    Result<ModelFile> file;
    if (!options.architecture.empty()) {
        file = fromPair(options.architecture, weights.empty() ? path : weights);
    } else if (!weights.empty()) {
        file = fromPair(path, weights);
    } else if (isFolder(path)) {
        file = fromFolder(path);
    } else {
        auto read = readFile(path, kMaxModelBytes);
        if (!read) {
            return fail(std::move(read).error());
        }
        file = fromBytes(path, std::make_shared<const std::string>(std::move(*read)));
    }
    if (file) {
        file->path = argument;
    }
    return file;
}

Result<ModelFile> loadModelFromMemory(std::string_view architecture,
                                      std::shared_ptr<const std::string> bytes)
{
    const std::string where = "model in memory";
    if (!bytes || bytes->empty()) {
        return fromJson(where, std::make_shared<const std::string>(architecture));
    }
    if (formatOf(*bytes) != FileFormat::Hdf5) {
        return fromBytes(where, bytes);
    }
    auto content = readForeignKeras(*bytes, where);
    if (!content) {
        return fail(std::move(content).error());
    }
    const bool whole = content->modelConfig.has_value();
    assumeVersion(*content);
    auto file = withWeights(architecture, where, std::move(*content), where);
    if (file) {
        file->format = whole ? "keras-h5" : "keras-json";
        file->sha256 = whole ? sha256(*bytes) : sha256(std::string(architecture) + *bytes);
        file->bytes = std::move(bytes);
    }
    return file;
}

} // namespace bitscape::io
