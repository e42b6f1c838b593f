// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/model_file.h"

#include "core/base/text.h"
#include "core/io/array_file.h"
#include "core/io/foreign_format.h"
#include "core/io/keras_architecture.h"
#include "core/io/keras_content.h"
#include "core/io/onnx/onnx_import.h"
#include "core/io/tflite/tflite_import.h"

#include <algorithm>
#include <array>
#include <utility>

namespace bitscape::io {

namespace {

constexpr std::int64_t kMaxModelBytes = std::int64_t{2} << 30;
constexpr std::int64_t kMaxJsonBytes = std::int64_t{64} << 20;

using Bytes = std::shared_ptr<const std::string>;

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
    if (auto ok = attachWeights(architecture->layers, std::move(content.layers)); !ok) {
        return fail(std::move(ok).error().in(weightsPlace));
    }
    auto file = assemble(std::move(*architecture), weightsPlace);
    if (file) {
        file->format = jsonPlace == weightsPlace ? "keras-h5" : "keras-json";
        file->architecture = json;
    }
    return file;
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
                    "Give both as ARCH.json,WEIGHTS.h5.");
    }
    // Keras 1 did not write its version into files; Keras 2 always does.
    if (content->kerasVersion.empty()) {
        content->kerasVersion = "1";
    }
    const std::string config = *content->modelConfig;
    auto file = withWeights(config, path, std::move(*content), path);
    if (file) {
        file->sha256 = sha256(*bytes);
        file->bytes = bytes;
    }
    return file;
}

Result<ModelFile> fromJson(const std::string& path, const Bytes& json)
{
    auto architecture = readArchitecture(*json, {}, path);
    if (!architecture) {
        return fail(std::move(architecture).error());
    }
    auto file = assemble(std::move(*architecture), path);
    if (file) {
        file->format = "keras-json";
        file->sha256 = sha256(*json);
        file->architecture = *json;
        file->warnings.push_back({"no_weights",
                                  "The file holds no weights; they are zero. Give both as "
                                  "ARCH.json,WEIGHTS.h5.",
                                  path});
    }
    return file;
}

Result<ModelFile> fromPair(const std::string& jsonPath, const std::string& weightsPath)
{
    auto json = readFile(jsonPath, kMaxJsonBytes);
    if (!json) {
        return fail(std::move(json).error());
    }
    auto read = readFile(weightsPath, kMaxModelBytes);
    if (!read) {
        return fail(std::move(read).error());
    }
    const auto bytes = std::make_shared<const std::string>(std::move(*read));
    if (formatOf(*json) != FileFormat::Json) {
        return fail(ErrorCode::CorruptFile, "The architecture is no JSON file.", jsonPath);
    }
    if (formatOf(*bytes) != FileFormat::Hdf5) {
        return refuseForeign(*bytes, weightsPath);
    }
    auto content = readForeignKeras(*bytes, weightsPath);
    if (!content) {
        return fail(std::move(content).error());
    }
    // The JSON says with which version its layers are to be read; the weights only help out.
    auto file = withWeights(*json, jsonPath, std::move(*content), weightsPath);
    if (file) {
        file->sha256 = sha256(*json + *bytes);
        file->bytes = bytes;
    }
    return file;
}

/// A kind of file that is a whole model by itself.
struct Reader {
    FileFormat format;
    Result<ModelFile> (*read)(const std::string& path, const Bytes& bytes);
};

constexpr std::array kReaders{Reader{FileFormat::Hdf5, fromHdf5},
                              Reader{FileFormat::Json, fromJson},
                              Reader{FileFormat::Onnx, readOnnxModel},
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
    const auto [path, weights] = splitPair(std::string(argument));
    Result<ModelFile> file;
    if (!weights.empty()) {
        file = fromPair(path, weights);
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
    auto file = withWeights(architecture, where, std::move(*content), where);
    if (file) {
        file->format = whole ? "keras-h5" : "keras-json";
        file->sha256 = whole ? sha256(*bytes) : sha256(std::string(architecture) + *bytes);
        file->bytes = std::move(bytes);
    }
    return file;
}

} // namespace bitscape::io
