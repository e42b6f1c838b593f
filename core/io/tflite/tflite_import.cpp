// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/tflite/tflite_import.h"

#include "core/base/text.h"
#include "core/io/tflite/tflite_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace bitscape::io {

namespace {

void noteFile(const TfliteModel& model, ModelFile& file)
{
    const std::size_t more = model.subgraphs.size() - 1;
    if (more > 0) {
        file.notes.push_back({ImportKind::Ignored, "subgraphs",
                              fmt::format("{} further subgraphs are left out.", more)});
    }
    if (!model.metadata.empty()) {
        file.notes.push_back({ImportKind::Ignored, "metadata",
                              fmt::format("{} entries are left out.", model.metadata.size())});
    }
    for (const std::string& key : model.signatures) {
        file.notes.push_back({ImportKind::Ignored, "signature " + key,
                              "Inputs and outputs keep the names of their tensors."});
    }
}

} // namespace

Result<ModelFile> importTflite(const std::string& path,
                               const std::shared_ptr<const std::string>& bytes)
{
    auto model = readTflite(*bytes, path);
    if (!model) {
        return fail(std::move(model).error());
    }
    TfliteBuilder builder(model->subgraphs.front(), path);
    if (auto ok = builder.build(); !ok) {
        return fail(std::move(ok).error());
    }
    ModelFile file;
    auto graph = graph::Graph::make(std::filesystem::path(path).stem().string(),
                                    std::move(builder.layers), std::move(builder.inputs),
                                    std::move(builder.outputs), builder.batchAxis);
    if (!graph) {
        Error error = std::move(graph).error();
        error.code = ErrorCode::CorruptFile;
        return fail(std::move(error).in(path));
    }
    file.graph = std::move(*graph);
    file.quantizers = std::move(builder.configuration);
    file.quantizers.name = file.quantizers.isFloat() ? "float" : "imported";
    file.format = "tflite";
    file.producer = model->description.empty() ? "TFLite" : "TFLite (" + model->description + ")";
    file.notes = std::move(builder.notes);
    noteFile(*model, file);
    file.sha256 = sha256(*bytes);
    file.bytes = bytes;
    return file;
}

} // namespace bitscape::io
