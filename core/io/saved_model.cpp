// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/saved_model.h"

#include "core/base/json_text.h"
#include "core/io/array_file.h"
#include "core/io/wire.h"

#include <cstdint>
#include <filesystem>
#include <utility>

namespace bitscape::io {

namespace {

constexpr std::int64_t kMaxMetadata = std::int64_t{256} << 20;

/// SavedObject: node_id = 2, node_path = 3, identifier = 4, metadata = 5.
struct SavedObject {
    std::string_view path;
    std::string_view metadata;
};

std::optional<SavedObject> readObject(std::string_view bytes)
{
    constexpr std::uint64_t kPath = 3;
    constexpr std::uint64_t kMetadata = 5;
    SavedObject object;
    WireReader reader(bytes);
    while (const auto field = reader.next()) {
        if (field->number == kPath) {
            object.path = field->bytes;
        } else if (field->number == kMetadata) {
            object.metadata = field->bytes;
        }
    }
    return reader.isWhole() ? std::optional(object) : std::nullopt;
}

/// Lists as Keras' JSON has them: a SavedModel says of tuples and shapes that they are.
Json plainLists(const Json& value)
{
    const Json& items = member(value, "items");
    const Json& kind = member(value, "class_name");
    if (items.is_array() && (kind == "__tuple__" || kind == "TensorShape")) {
        return plainLists(items);
    }
    Json out = value;
    if (out.is_structured()) {
        for (Json& inner : out) {
            inner = plainLists(inner);
        }
    }
    return out;
}

} // namespace

Result<std::string> readKerasMetadata(std::string_view bytes, const std::string& where)
{
    constexpr std::uint64_t kNodes = 1; // SavedMetadata: nodes = 1
    WireReader reader(bytes);
    while (const auto field = reader.next()) {
        const auto object = field->number == kNodes ? readObject(field->bytes) : std::nullopt;
        if (!object || object->path != "root") {
            continue;
        }
        auto metadata = parseJson(object->metadata, where);
        if (!metadata) {
            return fail(std::move(metadata).error());
        }
        const Json& className = member(*metadata, "class_name");
        const Json& config = member(*metadata, "config");
        if (!className.is_string() || !config.is_structured()) {
            return fail(ErrorCode::Unsupported,
                        "The SavedModel does not hold the configuration of its network.", where,
                        "Save the model as model.save('x.keras').");
        }
        const Json& version = member(*metadata, "keras_version");
        Json model{{"class_name", className}, {"config", plainLists(config)}};
        if (version.is_string()) {
            model["keras_version"] = version;
        }
        return model.dump();
    }
    return fail(ErrorCode::CorruptFile, "It is no metadata of a Keras model.", where);
}

Result<std::string> savedModelConfig(const std::string& folder)
{
    const std::filesystem::path metadata = std::filesystem::path(folder) / "keras_metadata.pb";
    std::error_code ignored;
    if (!std::filesystem::exists(metadata, ignored)) {
        const bool isSavedModel =
            std::filesystem::exists(std::filesystem::path(folder) / "saved_model.pb", ignored);
        return isSavedModel ? fail(ErrorCode::Unsupported,
                                   "The SavedModel does not hold the configuration of its network.",
                                   folder, "Save the model as model.save('x.keras').")
                            : fail(ErrorCode::NotFound, "The folder holds no model.", folder,
                                   "Give a file, or the folder of a SavedModel.");
    }
    auto bytes = readFile(metadata.string(), kMaxMetadata);
    if (!bytes) {
        return fail(std::move(bytes).error());
    }
    return readKerasMetadata(*bytes, metadata.string());
}

} // namespace bitscape::io
