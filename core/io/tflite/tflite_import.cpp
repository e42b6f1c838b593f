// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/tflite/tflite_import.h"

#include "core/base/json_text.h"
#include "core/base/text.h"
#include "core/graph/layer_registry.h"
#include "core/io/keras_describe.h"
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

/// Layers that Keras has are called as there, so that costs, maps by class and searches know them;
/// the file's operator stays in the config.
void nameClasses(std::vector<graph::Layer>& layers)
{
    for (graph::Layer& layer : layers) {
        const auto* registered = std::get_if<graph::RuleOp>(&layer.op);
        const bool isForeign =
            !layer.isSupported() || std::holds_alternative<graph::SelectOp>(layer.op) ||
            (registered != nullptr && graph::findLayerKind(registered->info->className) == nullptr);
        if (isForeign) {
            continue;
        }
        Json config = Json::parse(layer.originalConfig, nullptr, false);
        if (!config.is_object()) {
            config = Json::object();
        }
        config["op_type"] = layer.className;
        layer.originalConfig = config.dump();
        layer.className = describe(layer).plain;
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
    nameClasses(builder.layers);
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
