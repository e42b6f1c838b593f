// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.h"
#include "app/cli/inputs.h"
#include "core/graph/layer_registry.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace bitscape::cli {

namespace {

struct Arguments {
    ModelOptions model;
    bool weights = false;
};

/// Inputs that a file only implies are inputs of the network, but no layers of the file.
bool isListed(const graph::Layer& layer)
{
    return !graph::isImplied(layer.op) &&
           !(std::holds_alternative<graph::InputOp>(layer.op) && layer.originalConfig.empty());
}

/// Behind unsupported layers shapes are not known.
bool isShapeKnown(const graph::Layer& layer)
{
    return layer.outputShape.rank() > 0 || std::holds_alternative<graph::InputOp>(layer.op);
}

Json shapeOrNull(const graph::Graph& graph, const graph::Layer& layer)
{
    return isShapeKnown(layer) ? shapeWithBatch(layer.outputShape, graph.batchAxis())
                               : Json(nullptr);
}

Json endsJson(const graph::Graph& graph, std::span<const int> layers)
{
    Json out = Json::array();
    for (const int index : layers) {
        const graph::Layer& layer = graph.layer(index);
        out.push_back({{"name", layer.name}, {"shape", shapeOrNull(graph, layer)}});
    }
    return out;
}

struct Statistics {
    double low = 0, high = 0, mean = 0;
    double zeroShare = 0;
};

Statistics statisticsOf(const Tensor& tensor)
{
    const auto values = tensor.values();
    if (values.empty()) {
        return {};
    }
    Statistics out{values[0], values[0], 0, 0};
    for (const float value : values) {
        out.low = std::min<double>(out.low, value);
        out.high = std::max<double>(out.high, value);
        out.mean += value;
        out.zeroShare += value == 0.0F ? 1 : 0;
    }
    out.mean /= static_cast<double>(values.size());
    out.zeroShare /= static_cast<double>(values.size());
    return out;
}

Json weightJson(const graph::Weight& weight, bool withStatistics)
{
    Json shape = Json::array();
    for (const Index size : weight.value->shape().sizes()) {
        shape.push_back(size);
    }
    Json out{{"name", weight.name},
             {"shape", std::move(shape)},
             {"dtype", weight.name == "iteration" ? "int64" : "float32"},
             {"trainable", weight.trainable}};
    if (withStatistics) {
        const Statistics statistics = statisticsOf(*weight.value);
        out["min"] = number(statistics.low);
        out["max"] = number(statistics.high);
        out["mean"] = number(statistics.mean);
        out["zero_share"] = number(statistics.zeroShare);
    }
    return out;
}

Json layerJson(const graph::Graph& graph, const graph::Layer& layer,
               const graph::Configuration& configuration, bool withStatistics)
{
    Json inputs = Json::array();
    for (const int input : layer.inputs) {
        inputs.push_back(graph.layer(input).name);
    }
    Json weights = Json::array();
    for (const graph::Weight& weight : layer.weights) {
        weights.push_back(weightJson(weight, withStatistics));
    }
    Json quantizers = Json::object();
    if (const auto found = configuration.layers.find(layer.name);
        found != configuration.layers.end()) {
        for (const auto& [slot, quantizer] : found->second) {
            quantizers[std::string(graph::name(slot))] = quantizer->toString();
        }
    }
    return {{"name", layer.name},
            {"class", layer.className},
            {"inputs", std::move(inputs)},
            {"output_shape", shapeOrNull(graph, layer)},
            {"parameters", layer.parameterCount()},
            {"macs", layer.macs},
            {"weights", std::move(weights)},
            {"quantizers", std::move(quantizers)}};
}

Json unsupportedJson(const graph::Graph& graph)
{
    Json out = Json::array();
    for (const int index : graph.unsupported()) {
        const graph::Layer& layer = graph.layer(index);
        out.push_back({{"name", layer.name},
                       {"class", layer.className},
                       {"why", std::get<graph::UnsupportedOp>(layer.op).reason}});
    }
    return out;
}

Json notesJson(const io::ImportNotes& notes)
{
    Json out = Json::array();
    for (const io::ImportNote& note : notes) {
        out.push_back(
            {{"kind", io::name(note.kind)}, {"subject", note.subject}, {"text", note.text}});
    }
    return out;
}

std::string quantizersText(const graph::Layer& layer, const graph::Configuration& configuration)
{
    std::string text;
    const auto found = configuration.layers.find(layer.name);
    if (found == configuration.layers.end()) {
        return text;
    }
    for (const auto& [slot, quantizer] : found->second) {
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", graph::name(slot),
                            quantizer->toString());
    }
    return text;
}

std::string layersText(const graph::Graph& graph, const graph::Configuration& configuration)
{
    std::vector<std::vector<std::string>> rows{
        {"Layer", "Class", "Output", "Parameters", "MACs", "Quantizers"}};
    for (const graph::Layer& layer : graph.layers()) {
        if (!isListed(layer)) {
            continue;
        }
        rows.push_back({layer.name, layer.className,
                        isShapeKnown(layer) ? layer.outputShape.toString() : "?",
                        std::to_string(layer.parameterCount()), std::to_string(layer.macs),
                        quantizersText(layer, configuration)});
    }
    return table(rows, {false, false, false, true, true, false});
}

std::string weightsText(const graph::Graph& graph)
{
    std::vector<std::vector<std::string>> rows{{"Weight", "Shape", "Min", "Max", "Mean", "Zeros"}};
    for (const graph::Layer& layer : graph.layers()) {
        for (const graph::Weight& weight : layer.weights) {
            const Statistics s = statisticsOf(*weight.value);
            rows.push_back({layer.name + "/" + weight.name, weight.value->shape().toString(),
                            fmt::format("{:.4g}", s.low), fmt::format("{:.4g}", s.high),
                            fmt::format("{:.4g}", s.mean),
                            fmt::format("{:.1f} %", 100 * s.zeroShare)});
        }
    }
    return table(rows, {false, false, true, true, true, true});
}

std::string describe(const project::OpenedModel& opened, const graph::Graph& graph, bool weights)
{
    const io::ModelFile& file = *opened.model;
    std::string text = fmt::format(
        "{}: {}, {}\n{} layers, {} parameters, {} MACs per sample\nSHA-256 {}\n\n", file.path,
        file.format, file.producer, std::ranges::count_if(graph.layers(), isListed),
        graph.parameterCount(), graph.macs(), file.sha256);
    text += layersText(graph, opened.configuration);
    if (weights) {
        text += "\n" + weightsText(graph);
    }
    for (const io::ImportNote& note : file.notes) {
        text += fmt::format("\n{}: {}: {}", io::name(note.kind), note.subject, note.text);
    }
    for (const int index : graph.unsupported()) {
        const graph::Layer& layer = graph.layer(index);
        text += fmt::format("\nNot supported: {} ({}): {}", layer.name, layer.className,
                            std::get<graph::UnsupportedOp>(layer.op).reason);
    }
    return text;
}

Result<Answer> inspect(Session& session, const Arguments& arguments)
{
    auto opened = openModel(session, arguments.model);
    if (!opened) {
        return fail(std::move(opened).error());
    }
    session.loaded();
    const io::ModelFile& file = *opened->model;
    auto graph = file.graph->withWeights(opened->weights);
    if (!graph) {
        return fail(std::move(graph).error());
    }
    Answer answer;
    Json layers = Json::array();
    for (const graph::Layer& layer : (*graph)->layers()) {
        if (isListed(layer)) {
            layers.push_back(layerJson(**graph, layer, opened->configuration, arguments.weights));
        }
    }
    answer.json = {{"format", file.format},
                   {"producer", file.producer},
                   {"keras_version", file.kerasVersion},
                   {"inputs", endsJson(**graph, (*graph)->inputs())},
                   {"outputs", endsJson(**graph, (*graph)->outputs())},
                   {"parameters", (*graph)->parameterCount()},
                   {"macs", (*graph)->macs()},
                   {"layers", std::move(layers)},
                   {"unsupported", unsupportedJson(**graph)},
                   {"notes", notesJson(file.notes)},
                   {"sha256", file.sha256}};
    answer.text = describe(*opened, **graph, arguments.weights);
    return answer;
}

} // namespace

Action declareInspect(CLI::App& app)
{
    auto arguments = std::make_shared<Arguments>();
    addModelOptions(app, arguments->model, false);
    app.add_flag("--weights", arguments->weights,
                 "Also show range, mean and share of zeros of every weight");
    return [arguments](Session& session) { return inspect(session, *arguments); };
}

} // namespace bitscape::cli
