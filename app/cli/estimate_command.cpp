// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.h"
#include "app/cli/inputs.h"
#include "core/hw/operation_statistics.h"
#include "core/hw/qtools.h"
#include "core/io/array_file.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <filesystem>

namespace bitscape::cli {

namespace {

struct Arguments {
    ModelOptions model;
    hw::QToolsOptions options;
    std::string weights; ///< other weights for the model's architecture
    std::string mapFile;
};

/// --process: a built-in name as it is, the content of a file otherwise.
Result<std::string> readProcess(const std::string& argument)
{
    std::error_code ignored;
    const bool isFile = std::filesystem::exists(argument, ignored) || argument.ends_with(".json");
    return isFile ? io::readFile(argument) : Result<std::string>(argument);
}

/// The network with the weights that the estimate looks at.
Result<graph::GraphPtr> networkOf(const project::OpenedModel& model, const std::string& weights)
{
    if (weights.empty()) {
        return model.model->graph->withWeights(model.weights);
    }
    auto bytes = io::readFile(weights);
    if (!bytes) {
        return fail(std::move(bytes).error());
    }
    auto other = io::loadModelFromMemory(model.model->architecture,
                                         std::make_shared<const std::string>(std::move(*bytes)));
    if (!other) {
        return fail(std::move(other).error().in(weights));
    }
    return other->graph;
}

Json layersJson(const hw::EnergyEstimate& estimate)
{
    Json layers = Json::array();
    for (const hw::LayerEnergy& layer : estimate.layers) {
        layers.push_back({{"name", layer.layer},
                          {"class", layer.className},
                          {"energy",
                           {{"inputs", layer.inputs},
                            {"outputs", layer.outputs},
                            {"parameters", layer.parameters},
                            {"op_cost", layer.operation}}},
                          {"counted_pj", layer.counted},
                          {"operations", layer.operations},
                          {"weight_bits", layer.weightBits},
                          {"bias_bits", layer.biasBits},
                          {"output_bits", layer.outputBits}});
    }
    return layers;
}

Json statisticsJson(const hw::OperationStatistics& statistics)
{
    const auto type = [](const hw::StatisticsType& t) { return Json{t.mode, t.bits, t.sign}; };
    Json layers = Json::object();
    for (const hw::LayerStatistics& layer : statistics.layers) {
        const bool isSingle = layer.weights.size() == 1;
        Json types = Json::array();
        for (const hw::StatisticsType& t : layer.weightTypes) {
            types.push_back(type(t));
        }
        layers[layer.layer] = {
            {"operation", layer.operation},
            {"number_of_operations", layer.operations},
            {"number_of_weights", isSingle ? Json(layer.weights.front()) : Json(layer.weights)},
            {"number_of_bias", layer.bias},
            {"type_of_weights", isSingle ? types.front() : types},
            {"type_of_bias", type(layer.biasType)},
            {"zeros", layer.zeros}};
    }
    return {{"layers", layers},
            {"operations", statistics.operations},
            {"total_bits", statistics.totalBits},
            {"sparsity", number(statistics.sparsity)}};
}

std::string estimateText(const hw::EnergyEstimate& estimate,
                         const hw::OperationStatistics& statistics)
{
    const auto picojoule = [](double value) { return fmt::format("{:.2f}", value); };
    std::vector<std::vector<std::string>> rows{{"Layer", "Class", "Operations", "w", "out",
                                                "Inputs", "Outputs", "Parameters", "Operation",
                                                "Counted pJ"}};
    for (const hw::LayerEnergy& layer : estimate.layers) {
        rows.push_back({layer.layer, layer.className, fmt::format("{}", layer.operations),
                        layer.weightBits > 0 ? fmt::format("{}", layer.weightBits) : "",
                        fmt::format("{}", layer.outputBits), picojoule(layer.inputs),
                        picojoule(layer.outputs), picojoule(layer.parameters),
                        picojoule(layer.operation), picojoule(layer.counted)});
    }
    std::string text = table(rows, {false, false, true, true, true, true, true, true, true, true});
    text += fmt::format("\nEnergy {:.0f} pJ (QTools' sum), weights {} bits, activations {} bits, "
                        "{:.4g} BOPs, {:.4g} EBOPs.\n",
                        estimate.totalPicojoule, estimate.weightBits, estimate.activationBits,
                        estimate.bops, estimate.ebops);
    for (const auto& [operation, count] : statistics.operations) {
        text += fmt::format("{:<16} {}\n", operation, count);
    }
    return text;
}

Result<Answer> run(Session& session, const Arguments& arguments)
{
    const auto model = openModel(session, arguments.model);
    if (!model) {
        return fail(model.error());
    }
    const auto graph = networkOf(*model, arguments.weights);
    if (!graph) {
        return fail(graph.error());
    }
    hw::QToolsOptions options = arguments.options;
    auto process = readProcess(options.process);
    if (!process) {
        return fail(std::move(process).error());
    }
    options.process = std::move(*process);
    session.loaded();

    const auto estimate = hw::qtoolsEstimate(**graph, model->configuration, options);
    if (!estimate) {
        return fail(estimate.error());
    }
    session.warn(estimate->warnings);
    const hw::OperationStatistics statistics =
        hw::operationStatistics(**graph, model->configuration);
    if (!arguments.mapFile.empty()) {
        const auto map = hw::qtoolsMap(**graph, model->configuration, options);
        if (!map) {
            return fail(map.error());
        }
        if (auto ok = io::writeFileAtomically(arguments.mapFile, *map); !ok) {
            return fail(std::move(ok).error());
        }
        session.noteSaved("The map is in " + arguments.mapFile + ".");
    }
    Answer answer;
    answer.json["layers"] = layersJson(*estimate);
    answer.json["total_energy_pj"] = estimate->totalPicojoule;
    answer.json["weight_bits"] = estimate->weightBits;
    answer.json["activation_bits"] = estimate->activationBits;
    answer.json["qstats"] = statisticsJson(statistics);
    answer.json["ebops"] = estimate->ebops;
    answer.json["bops"] = estimate->bops;
    answer.text = estimateText(*estimate, statistics);
    return answer;
}

void addQToolsOptions(CLI::App& app, Arguments& arguments)
{
    hw::QToolsOptions& options = arguments.options;
    const CLI::IsMember memories({"dram", "sram", "fixed"});
    app.add_option("--process", options.process,
                   "Unit energies: horowitz (as QTools), horowitz-corrected, or a JSON file")
        ->capture_default_str();
    app.add_option("--weights-on", options.weightsOn, "Memory of the weights")
        ->check(memories)
        ->capture_default_str();
    app.add_option("--activations-on", options.activationsOn, "Memory of the activations")
        ->check(memories)
        ->capture_default_str();
    app.add_option("--min-sram-bits", options.minimumSramBits, "Least size of an SRAM in bits")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str();
    app.add_flag("--read-write-io", options.readWriteIo,
                 "Network inputs and outputs live in DRAM; DRAM accesses pass an SRAM");
    app.add_option("--source-quantizer", options.sourceQuantizers,
                   "Quantizer or int8|int16|int32|fp16|fp32 of an input, once per input; default: "
                   "that of the map, else quantized_bits(8,0,1)")
        ->allow_extra_args(false);
    app.add_option("--keras-quantizer", options.kerasQuantizer,
                   "Type of the weights of plain Keras layers; default: quantized_bits(8,0,1)");
    app.add_option("--accumulator", options.accumulator,
                   "Type that plain Keras layers sum in; default: quantized_bits(8,0,1)");
    app.add_flag("--for-reference", options.forReference,
                 "Count every layer as a plain Keras layer");
    app.add_flag("--inference", options.inference,
                 "Use the number of distinct values of power-of-two weights");
    app.add_option("--weights", arguments.weights, "Other weights for the model (Keras HDF5)");
    app.add_flag("--quantize-weights", options.quantizeWeights,
                 "The weights are float: quantize them before looking at their values");
    app.add_flag("--hardware-weights", options.hardwareWeights,
                 "Fuse convolutions with the QBatchNormalization after them");
    app.add_flag("--fit-scales", options.fitScales,
                 "Take auto_po2 scales from the weights into account");
    app.add_option("--qtools-map", arguments.mapFile, "Write the data types in QTools' layout");
}

} // namespace

Action declareEstimate(CLI::App& app)
{
    const auto arguments = std::make_shared<Arguments>();
    addModelOptions(app, arguments->model);
    addQToolsOptions(app, *arguments);
    return [arguments](Session& session) { return run(session, *arguments); };
}

} // namespace bitscape::cli
