// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/keras_export.h"

#include "core/graph/execution.h"
#include "core/io/keras3_writer.h"
#include "core/io/keras_describe.h"
#include "core/io/model_file.h"
#include "core/io/run_network.h"

#include <utility>

namespace bitscape::io {

namespace {

constexpr std::string_view kQKeras = "QKeras";

std::string placeOf(const std::string& layer, graph::Slot slot)
{
    return layer + "/" + std::string(graph::name(slot));
}

void noteDroppedQuantizers(const graph::Configuration& configuration, ImportNotes& notes)
{
    for (const auto& [layer, quantizers] : configuration.layers) {
        for (const auto& [slot, quantizer] : quantizers) {
            notes.push_back({ImportKind::Missing, placeOf(layer, slot),
                             "Plain Keras layers have no quantizer; " + quantizer->toString() +
                                 " is left out."});
        }
    }
    if (configuration.input) {
        notes.push_back({ImportKind::Missing, "input",
                         "Plain Keras has no quantizer of the input; " +
                             configuration.input->toString() + " is left out."});
    }
}

/// Layers that are written as QKeras' although nothing in them is quantized.
void noteForeignLayers(const graph::Graph& graph, ImportNotes& notes)
{
    for (const graph::Layer& layer : graph.layers()) {
        const ClassAndConfig described = describe(layer);
        if (!described.plain.empty() && described.plain == described.quantized) {
            notes.push_back({ImportKind::Converted, layer.name,
                             "Keras has no " + described.plain + "; QKeras is needed to read it."});
        }
    }
}

/// Quantizers that QKeras does not know: only this program reads them.
void noteForeignQuantizers(const graph::Configuration& configuration, ImportNotes& notes)
{
    const auto check = [&](const std::string& place, const quant::QuantizerPtr& quantizer) {
        if (quantizer && quantizer->info().origin != kQKeras) {
            notes.push_back(
                {ImportKind::Missing, place,
                 "QKeras has no " + quantizer->toString() + "; only this program reads it."});
        }
    };
    for (const auto& [layer, quantizers] : configuration.layers) {
        for (const auto& [slot, quantizer] : quantizers) {
            check(placeOf(layer, slot), quantizer);
        }
    }
    check("input", configuration.input);
}

/// The network in QKeras' terms, which fold no normalization of a layer of its own.
Result<ExportInput> asQKeras(const ExportInput& input, ImportNotes& notes)
{
    ExportInput out = input;
    if (input.configuration.foldBatchNorm) {
        auto folded = graph::foldBatchNorm(*input.graph, input.configuration);
        if (!folded) {
            return fail(std::move(folded).error());
        }
        for (const graph::Layer& layer : input.graph->layers()) {
            if ((*folded)->find(layer.name) < 0) {
                notes.push_back({ImportKind::Converted, layer.name,
                                 "It is folded into the weights of the layer before it."});
            }
        }
        out.graph = std::move(*folded);
        out.configuration.foldBatchNorm = false;
    }
    noteForeignQuantizers(out.configuration, notes);
    return out;
}

} // namespace

Result<ExportContent> exportKerasH5(const ExportInput& input)
{
    if (auto ok = graph::requireSupported(*input.graph); !ok) {
        return fail(std::move(ok).error());
    }
    auto plain = withoutFoldedLayers(*input.graph);
    if (!plain) {
        return fail(std::move(plain).error());
    }
    auto bytes = toKerasH5(**plain, (*plain)->weights(), {});
    if (!bytes) {
        return fail(std::move(bytes).error());
    }
    ExportContent content = singleFile(std::move(*bytes));
    noteDroppedQuantizers(input.configuration, content.notes);
    noteForeignLayers(**plain, content.notes);
    return content;
}

Result<ExportContent> exportQKerasH5(const ExportInput& input)
{
    ExportContent content;
    auto network = asQKeras(input, content.notes);
    if (!network) {
        return fail(std::move(network).error());
    }
    auto bytes = toKerasH5(*network->graph, network->graph->weights(), network->configuration);
    if (!bytes) {
        return fail(std::move(bytes).error());
    }
    content.files.push_back({{}, std::move(*bytes)});
    return content;
}

Result<ExportContent> exportQKerasJson(const ExportInput& input)
{
    ExportContent content;
    auto network = asQKeras(input, content.notes);
    if (!network) {
        return fail(std::move(network).error());
    }
    content.files.push_back({{}, toKerasJson(*network->graph, network->configuration) + "\n"});
    return content;
}

Result<ExportContent> exportKerasZip(const ExportInput& input)
{
    ExportContent content;
    auto network = asQKeras(input, content.notes);
    if (!network) {
        return fail(std::move(network).error());
    }
    const Json model = Json::parse(toKerasJson(*network->graph, network->configuration));
    auto bytes = toKerasZip(model, *network->graph);
    if (!bytes) {
        return fail(std::move(bytes).error());
    }
    content.files.push_back({{}, std::move(*bytes)});
    const bool saysKeras2 = model.at("keras_version").get<std::string>().starts_with("2");
    if (saysKeras2 && model.dump().find("\"hard_sigmoid\"") != std::string::npos) {
        content.notes.push_back({ImportKind::Missing, "hard_sigmoid",
                                 "Keras 3 computes x/6 + 0.5 where this network has 0.2x + 0.5."});
    }
    if (network->configuration.layers.empty()) {
        noteForeignLayers(*network->graph, content.notes);
    }
    return content;
}

} // namespace bitscape::io
