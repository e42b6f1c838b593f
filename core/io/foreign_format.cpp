// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/foreign_format.h"

#include "core/base/text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

namespace bitscape::io {

namespace {

constexpr std::string_view kHdf5Magic = "\x89HDF\r\n\x1a\n";

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
                path,
                "Models are read from Keras files (.keras, .h5) or from ARCH.json,WEIGHTS.h5.");
}

} // namespace bitscape::io
