// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/foreign_format.h"

#include "core/base/json_text.h"
#include "core/base/text.h"
#include "core/io/zip_archive.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

namespace bitscape::io {

namespace {

constexpr std::string_view kHdf5Magic = "\x89HDF\r\n\x1a\n";
constexpr std::int64_t kMaxUnpacked = std::int64_t{512} << 20;

bool isHdf5(std::string_view bytes)
{
    // The superblock stands at 0, 512, 1024, 2048, … behind a user block.
    for (std::size_t at = 0; at + kHdf5Magic.size() <= bytes.size(); at = at == 0 ? 512 : at * 2) {
        if (bytes.substr(at).starts_with(kHdf5Magic)) {
            return true;
        }
    }
    return false;
}

/// One field of a protocol buffers message at `at`; moves on. Nothing if it is malformed.
std::optional<std::uint64_t> varint(std::string_view bytes, std::size_t& at)
{
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && at < bytes.size(); shift += 7) {
        const auto byte = static_cast<unsigned char>(bytes[at++]);
        value |= std::uint64_t{byte & 127U} << shift;
        if ((byte & 128U) == 0) {
            return value;
        }
    }
    return std::nullopt;
}

bool skipField(std::string_view bytes, std::size_t& at, std::uint64_t wireType)
{
    constexpr std::uint64_t kVarint = 0;
    constexpr std::uint64_t kBytes = 2;
    if (wireType == kVarint) {
        return varint(bytes, at).has_value();
    }
    const auto size = wireType == kBytes ? varint(bytes, at) : std::nullopt;
    if (!size || *size > bytes.size() - at) {
        return false;
    }
    at += static_cast<std::size_t>(*size);
    return true;
}

/// ModelProto: ir_version = 1, …, graph = 7, opset_import = 8, metadata 14, training 20, functions
/// 25, configuration 26.
bool isOnnx(std::string_view bytes)
{
    constexpr std::array<std::uint64_t, 12> kFields{1, 2, 3, 4, 5, 6, 7, 8, 14, 20, 25, 26};
    constexpr std::uint64_t kGraph = 7;
    bool hasGraph = false;
    std::size_t at = 0;
    while (at < bytes.size()) {
        const auto key = varint(bytes, at);
        if (!key || std::ranges::find(kFields, *key >> 3U) == kFields.end() ||
            !skipField(bytes, at, *key & 7U)) {
            return false;
        }
        hasGraph = hasGraph || *key >> 3U == kGraph;
    }
    return hasGraph;
}

bool isTfLite(std::string_view bytes)
{
    constexpr std::size_t kIdentifierAt = 4;
    return bytes.size() > kIdentifierAt && bytes.substr(kIdentifierAt).starts_with("TFL3");
}

Failure unsupported(FileFormat format, const std::string& path)
{
    return fail(ErrorCode::Unsupported,
                "The file is " + std::string(describe(format)) + ", a format that is not read.",
                path, "Save the model as Keras HDF5: model.save('x.h5').");
}

Failure corrupt(std::string message, const std::string& where)
{
    return fail(ErrorCode::CorruptFile, std::move(message), where);
}

/// A Keras archive must be whole before it may be called a matter of format.
Failure refuseZip(std::string_view bytes, const std::string& path)
{
    auto entries = readZip(bytes, path, kMaxUnpacked);
    if (!entries) {
        return fail(std::move(entries).error());
    }
    const auto find = [&](std::string_view name) -> const std::string* {
        const auto found = std::ranges::find(*entries, name, &ZipEntries::value_type::first);
        return found == entries->end() ? nullptr : &found->second;
    };
    for (const auto& [name, content] : *entries) {
        if (name.starts_with("/") || name.find("..") != std::string::npos) {
            return corrupt("The archive holds a name that leads outside of it.",
                           path + ", " + name);
        }
    }
    const std::string* config = find("config.json");
    const std::string* weights = find("model.weights.h5");
    if (config == nullptr || find("metadata.json") == nullptr) {
        return corrupt("The archive is no Keras model: config.json or metadata.json is missing.",
                       path);
    }
    auto parsed = parseJson(*config, path + ", config.json");
    if (!parsed) {
        return fail(std::move(parsed).error());
    }
    if (!member(*parsed, "class_name").is_string()) {
        return corrupt("It says no class_name.", path + ", config.json");
    }
    const bool otherWeights =
        find("model.weights.npz") != nullptr || find("model.weights.json") != nullptr;
    if (weights == nullptr ? !otherWeights : !isHdf5(*weights)) {
        return corrupt("The archive holds no readable model.weights.h5.", path);
    }
    return unsupported(FileFormat::KerasZip, path);
}

} // namespace

FileFormat formatOf(std::string_view bytes)
{
    if (isHdf5(bytes)) {
        return FileFormat::Hdf5;
    }
    if (bytes.starts_with("PK\x03\x04")) {
        return FileFormat::KerasZip;
    }
    if (isTfLite(bytes)) {
        return FileFormat::TfLite;
    }
    const std::string_view text = trimmed(bytes.substr(0, 4096));
    if (text.starts_with("{") || text.starts_with("[")) {
        return FileFormat::Json;
    }
    return isOnnx(bytes) ? FileFormat::Onnx : FileFormat::Unknown;
}

std::string_view describe(FileFormat format)
{
    switch (format) {
    case FileFormat::Hdf5:
        return "an HDF5 file";
    case FileFormat::Json:
        return "JSON";
    case FileFormat::KerasZip:
        return "a Keras zip (.keras)";
    case FileFormat::Onnx:
        return "an ONNX model";
    case FileFormat::TfLite:
        return "a TFLite model";
    case FileFormat::Unknown:
        break;
    }
    return "of no known format";
}

Failure refuseForeign(std::string_view bytes, const std::string& path)
{
    const FileFormat format = formatOf(bytes);
    if (format == FileFormat::KerasZip) {
        return refuseZip(bytes, path);
    }
    if (format == FileFormat::Onnx) {
        return unsupported(format, path);
    }
    const std::size_t dot = path.rfind('.');
    const std::string ending = dot == std::string::npos ? "" : path.substr(dot);
    constexpr std::array<std::string_view, 6> kEndings{".h5",   ".hdf5", ".keras",
                                                       ".onnx", ".json", ".tflite"};
    const bool claims = std::ranges::find(kEndings, ending) != kEndings.end();
    return fail(ErrorCode::CorruptFile,
                claims ? "The file is damaged or is no " + ending + " file at all."
                       : "The file is of no known format.",
                path, "Models are read from Keras HDF5 (.h5) or from ARCH.json,WEIGHTS.h5.");
}

} // namespace bitscape::io
