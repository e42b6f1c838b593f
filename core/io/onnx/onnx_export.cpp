// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/onnx/onnx_export.h"

#include "core/base/text.h"
#include "core/base/version.h"
#include "core/graph/execution.h"
#include "core/graph/functions/function_layer.h"
#include "core/io/onnx/export_context.h"
#include "core/io/onnx/onnx_writer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace bitscape::io {

namespace {

/// Functions that were imported with the network may hold the size of a batch of one.
bool holdsFunctions(const graph::Graph& graph)
{
    return std::ranges::any_of(graph.layers(), [](const graph::Layer& layer) {
        return graph::functionSetup(layer.op) != nullptr;
    });
}

OnnxValue valueOf(const std::string& name, const Shape& shape, const graph::Graph& graph)
{
    OnnxValue value{.name = name, .type = static_cast<int>(OnnxType::Float)};
    value.dims.emplace();
    if (graph.batchAxis() == graph::BatchAxis::Samples) {
        value.dims->push_back(holdsFunctions(graph) ? OnnxDim{.size = 1}
                                                    : OnnxDim{.size = -1, .symbol = "N"});
    }
    for (int axis = 0; axis < shape.rank(); ++axis) {
        const bool isOpen = shape[axis] < 0;
        value.dims->push_back(
            {.size = shape[axis], .symbol = isOpen ? fmt::format("{}_{}", name, axis + 1) : ""});
    }
    return value;
}

void writeInputs(ExportContext& context, const graph::Configuration& configuration,
                 OnnxModel& model)
{
    const graph::Graph& graph = context.graph();
    for (const int input : graph.inputs()) {
        const graph::Layer& layer = graph.layer(input);
        model.graph.inputs.push_back(valueOf(layer.name, layer.outputShape, graph));
        const quant::QuantizerPtr own = configuration.find(layer.name, graph::Slot::Activation);
        const quant::QuantizerPtr quantizer = own ? own : configuration.input;
        if (quantizer && context.form() != OnnxForm::Float) {
            context.giveInput(input, context.apply(*quantizer, layer.name, layer));
        } else {
            context.giveInput(input, layer.name);
        }
    }
}

void writeOutputs(ExportContext& context, OnnxModel& model)
{
    const graph::Graph& graph = context.graph();
    for (const int output : graph.outputs()) {
        const graph::Layer& layer = graph.layer(output);
        std::string name = context.stored(output);
        const bool isTaken =
            std::ranges::any_of(model.graph.outputs,
                                [&](const OnnxValue& value) { return value.name == name; }) ||
            std::ranges::any_of(model.graph.inputs,
                                [&](const OnnxValue& value) { return value.name == name; });
        if (isTaken) {
            name = context.out().node("Identity", {name}, layer.name + "/output");
        }
        model.graph.outputs.push_back(valueOf(name, layer.outputShape, graph));
    }
}

/// IR version of the first release of ONNX with an operator set.
std::int64_t irVersionOf(int opset)
{
    constexpr int kFirst21 = 21;
    constexpr int kFirst15 = 15;
    return opset >= kFirst21 ? 10 : opset >= kFirst15 ? 8 : 7;
}

Result<ExportContent> write(const ExportInput& input, OnnxForm form)
{
    graph::GraphPtr graph = input.graph;
    if (input.configuration.foldBatchNorm) {
        auto folded = graph::foldBatchNorm(*graph, input.configuration);
        if (!folded) {
            return fail(std::move(folded).error());
        }
        graph = std::move(*folded);
    }
    OnnxModel model{.producer = "bitscape", .producerVersion = std::string(version())};
    model.graph.name = graph->name().empty() ? "network" : graph->name();
    ExportContext context(*graph, input.configuration, form, model);
    writeInputs(context, input.configuration, model);
    for (int layer = 0; layer < static_cast<int>(graph->layers().size()); ++layer) {
        if (!context.isGiven(layer)) {
            exportLayer(context, layer);
        }
    }
    context.checkImported();
    if (!context.refusals().empty()) {
        return fail(ErrorCode::Unsupported,
                    fmt::format("The network cannot be written as ONNX: {}.",
                                fmt::join(context.refusals(), "; ")),
                    graph->name(), "Change these layers or their quantizers.");
    }
    writeOutputs(context, model);
    model.irVersion = irVersionOf(context.opset());
    model.opsets.emplace_back("", context.opset());
    for (const auto& [domain, version] : context.domains()) {
        model.opsets.emplace_back(domain, version);
    }
    ExportContent content = singleFile(writeOnnx(model));
    content.notes = std::move(context.notes);
    if (form == OnnxForm::Float &&
        (!input.configuration.layers.empty() || input.configuration.input)) {
        content.notes.push_back({ImportKind::Ignored, "quantizers",
                                 "The float network is written; onnx-qdq and qonnx hold "
                                 "quantizers."});
    }
    return content;
}

} // namespace

Result<ExportContent> exportOnnx(const ExportInput& input)
{
    return write(input, OnnxForm::Float);
}

Result<ExportContent> exportOnnxQdq(const ExportInput& input)
{
    return write(input, OnnxForm::Qdq);
}

Result<ExportContent> exportQonnx(const ExportInput& input)
{
    return write(input, OnnxForm::Qonnx);
}

} // namespace bitscape::io
