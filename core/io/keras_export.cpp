// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/keras_export.h"

#include "core/base/text.h"
#include "core/graph/execution.h"
#include "core/graph/layer_registry.h"
#include "core/graph/layers/layer_kernel.h"
#include "core/io/keras3_writer.h"
#include "core/io/keras_describe.h"
#include "core/io/model_file.h"
#include "core/io/run_network.h"

#include <map>
#include <optional>
#include <utility>
#include <vector>

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

/// Quantizers as a built model of QKeras shows them: its layers promote those of their kernels.
graph::Configuration asBuilt(const graph::Graph& graph, graph::Configuration configuration)
{
    for (const graph::Layer& layer : graph.layers()) {
        const auto found = configuration.layers.find(layer.name);
        if (found == configuration.layers.end()) {
            continue;
        }
        const graph::LayerQuantizers written = found->second;
        for (auto& [slot, quantizer] : found->second) {
            quantizer = graph::effectiveQuantizer(layer, written, slot);
        }
    }
    return configuration;
}

/// QKeras holds the normalization of these in a layer of its own class.
std::optional<graph::FoldedConvOp> foldedOp(const graph::Layer& layer, const graph::Layer& norm)
{
    graph::FoldedConvOp folded;
    folded.norm = std::get<graph::BatchNormOp>(norm.op);
    const auto* conv = std::get_if<graph::ConvOp>(&layer.op);
    const auto* depthwise = std::get_if<graph::DepthwiseOp>(&layer.op);
    if (conv != nullptr && conv->spatialRank == 2) {
        folded.conv = *conv;
    } else if (depthwise != nullptr && depthwise->spatialRank == 2) {
        folded.conv = *depthwise;
    } else {
        return std::nullopt;
    }
    std::visit([](auto& inner) { inner.useBias = true; }, folded.conv);
    return folded;
}

/// A convolution and the normalization that is folded into it, as layers of the original graph.
struct FoldedPair {
    const graph::Layer* layer = nullptr;
    const graph::Layer* norm = nullptr;
};

/// The same weights under the names of the folded layer; what it has beside them starts as in
/// Graph::make().
Result<graph::GraphPtr> withPairWeights(const graph::GraphPtr& graph,
                                        const std::map<std::string, FoldedPair>& pairs)
{
    graph::WeightSet weights = graph->weights();
    for (std::size_t i = 0; i < weights.size(); ++i) {
        const graph::WeightSlot place = graph->weightSlots()[i];
        const graph::Layer& layer = graph->layer(place.layer);
        const auto pair = pairs.find(layer.name);
        if (pair == pairs.end()) {
            continue;
        }
        const std::string& name = layer.weights[static_cast<std::size_t>(place.weight)].name;
        for (const graph::Layer* source : {pair->second.layer, pair->second.norm}) {
            if (const graph::Weight* weight = source->findWeight(name)) {
                weights[i] = weight->value;
            }
        }
    }
    return graph->withWeights(weights);
}

/// Folded normalizations in QKeras' layers where it has one, else in the weights.
Result<graph::GraphPtr> foldAsQKeras(const ExportInput& input, ImportNotes& notes)
{
    auto folded = graph::foldBatchNorm(*input.graph, input.configuration);
    if (!folded) {
        return folded;
    }
    std::vector<graph::Layer> layers((*folded)->layers().begin(), (*folded)->layers().end());
    std::map<std::string, FoldedPair> pairs;
    for (const graph::Layer& norm : input.graph->layers()) {
        if ((*folded)->find(norm.name) >= 0) {
            continue;
        }
        const graph::Layer& producer = input.graph->layer(norm.inputs.front());
        const auto op = foldedOp(producer, norm);
        notes.push_back({ImportKind::Converted, norm.name,
                         op ? "It is folded into " + producer.name + "."
                            : "It is folded into the weights of " + producer.name + "."});
        if (op) {
            graph::Layer& layer = layers[static_cast<std::size_t>((*folded)->find(producer.name))];
            layer.op = *op;
            layer.weights.clear();
            pairs[layer.name] = {&producer, &norm};
        }
    }
    auto graph = graph::Graph::make((*folded)->name(), std::move(layers),
                                    {(*folded)->inputs().begin(), (*folded)->inputs().end()},
                                    {(*folded)->outputs().begin(), (*folded)->outputs().end()},
                                    (*folded)->batchAxis());
    return graph ? withPairWeights(*graph, pairs) : graph;
}

/// A layer that cannot be run but came from a Keras file: its configuration can be written again.
bool isKerasText(const graph::Layer& layer)
{
    const Json config = Json::parse(layer.originalConfig, nullptr, false);
    return config.is_object() && config.contains("name") && !config.contains("op_type");
}

/// Operators of other formats have no class of Keras.
bool isForeign(const graph::Layer& layer)
{
    if (std::holds_alternative<graph::UnsupportedOp>(layer.op)) {
        return !isKerasText(layer);
    }
    const auto* registered = std::get_if<graph::RuleOp>(&layer.op);
    return registered != nullptr && !graph::isImplied(layer.op) &&
           graph::findLayerKind(registered->info->className) == nullptr;
}

Result<void> requireKerasLayers(const graph::Graph& graph)
{
    std::vector<std::string> named;
    for (const graph::Layer& layer : graph.layers()) {
        if (isForeign(layer)) {
            named.push_back(layer.name + " (" + layer.className + ")");
        }
    }
    return named.empty() ? Result<void>()
                         : fail(ErrorCode::Unsupported,
                                "Keras has no such layers: " + join(named, ", ") + ".",
                                graph.name(), "Export to ONNX, or replace them.");
}

/// The network in QKeras' terms.
Result<ExportInput> asQKeras(const ExportInput& input, ImportNotes& notes)
{
    if (auto ok = requireKerasLayers(*input.graph); !ok) {
        return fail(std::move(ok).error());
    }
    ExportInput out = input;
    if (input.configuration.foldBatchNorm) {
        auto folded = foldAsQKeras(input, notes);
        if (!folded) {
            return fail(std::move(folded).error());
        }
        out.graph = std::move(*folded);
        out.configuration.foldBatchNorm = false;
    }
    noteForeignQuantizers(out.configuration, notes);
    out.configuration = asBuilt(*out.graph, std::move(out.configuration));
    return out;
}

} // namespace

Result<ExportContent> exportKerasH5(const ExportInput& input)
{
    if (auto ok = graph::requireSupported(*input.graph); !ok) {
        return fail(std::move(ok).error());
    }
    if (auto ok = requireKerasLayers(*input.graph); !ok) {
        return fail(std::move(ok).error());
    }
    graph::GraphPtr network = input.graph;
    if (input.configuration.foldBatchNorm) {
        auto folded = graph::foldBatchNorm(*network, input.configuration);
        if (!folded) {
            return fail(std::move(folded).error());
        }
        network = std::move(*folded);
    }
    auto plain = withoutFoldedLayers(*network);
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
    if (auto ok = graph::requireSupported(*input.graph); !ok) {
        return fail(std::move(ok).error());
    }
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
    if (auto ok = graph::requireSupported(*input.graph); !ok) {
        return fail(std::move(ok).error());
    }
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
