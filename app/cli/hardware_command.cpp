// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.h"
#include "app/cli/inputs.h"
#include "core/base/text.h"
#include "core/hw/accelerator.h"
#include "core/io/array_file.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <array>
#include <filesystem>

namespace bitscape::cli {

namespace {

// The steps of the default accelerator's modes.
constexpr std::array<int, 3> kSweepWidths{4, 8, 16};

struct Arguments {
    ModelOptions model;
    std::string accelerator;
    Index batch = 1;
    bool list = false;
    bool sweep = false;
};

/// A preset by name, or a description from a file.
Result<hw::Accelerator> findAccelerator(const std::string& argument)
{
    if (argument.empty()) {
        return hw::accelerators().front();
    }
    if (const hw::Accelerator* preset = hw::findAccelerator(argument)) {
        return *preset;
    }
    std::error_code ignored;
    if (std::filesystem::exists(argument, ignored) || argument.ends_with(".json")) {
        auto text = io::readFile(argument);
        if (!text) {
            return fail(std::move(text).error());
        }
        auto accelerator = hw::parseAccelerator(*text);
        if (!accelerator) {
            return fail(std::move(accelerator).error().in(argument));
        }
        return accelerator;
    }
    std::vector<std::string> names;
    for (const hw::Accelerator& preset : hw::accelerators()) {
        names.push_back(preset.name);
    }
    const std::string near = nearest(argument, names);
    return fail(ErrorCode::InvalidArgument,
                "There is no accelerator \"" + argument + "\", neither built in nor a file.",
                "--accelerator",
                near.empty() ? "hardware --list shows the built-in ones."
                             : "Did you mean \"" + near + "\"?");
}

Json listJson()
{
    Json list = Json::array();
    for (const hw::Accelerator& a : hw::accelerators()) {
        list.push_back({{"name", a.name},
                        {"multipliers", hw::multipliers(hw::EngineKind::Conv, a)},
                        {"modes", a.modes},
                        {"clock_mhz", a.clockMegahertz},
                        {"node_nm", a.nodeNanometer},
                        {"area_mm2", hw::areaSquareMillimeter(a)}});
    }
    return list;
}

std::string listText()
{
    std::vector<std::vector<std::string>> rows{
        {"Accelerator", "Multipliers", "Lanes", "MHz", "nm", "mm²"}};
    for (const hw::Accelerator& a : hw::accelerators()) {
        rows.push_back({a.name, fmt::format("{}", hw::multipliers(hw::EngineKind::Conv, a)),
                        fmt::format("{}", fmt::join(a.modes, "/")),
                        fmt::format("{:g}", a.clockMegahertz), fmt::format("{:g}", a.nodeNanometer),
                        fmt::format("{:.3f}", hw::areaSquareMillimeter(a))});
    }
    return table(rows, {false, true, true, true, true, true});
}

Json warningsJson(const Warnings& warnings)
{
    Json list = Json::array();
    for (const Warning& warning : warnings) {
        list.push_back({{"code", warning.code}, {"message", warning.message}});
    }
    return list;
}

bool isEngine(const hw::LayerCost& layer)
{
    return layer.multipliers > 0;
}

Json layerJson(const hw::LayerCost& layer)
{
    Json energy = Json::object();
    for (std::size_t i = 0; i < hw::kEnergyParts.size(); ++i) {
        energy[std::string(hw::kEnergyParts[i])] = number(layer.energyPicojoule[i]);
    }
    Json parts = Json::object();
    for (std::size_t i = 0; i < hw::kSlotParts.size(); ++i) {
        parts[std::string(hw::kSlotParts[i])] = layer.slotParts[i];
    }
    Json json{{"name", layer.layer},
              {"engine", hw::name(layer.engine)},
              {"mode", layer.lanes},
              {"weight_bits", layer.weightBits},
              {"input_bits", layer.inputBits},
              {"output_bits", layer.outputBits},
              {"macs", layer.macs},
              {"issue_slots", layer.issueSlots},
              {"compute_cycles", layer.computeCycles},
              {"cycles", layer.cycles},
              {"utilization",
               {{"lane", layer.utilizationLane},
                {"spatial", layer.utilizationSpatial},
                {"temporal", layer.utilizationTemporal},
                {"total", layer.utilization}}},
              {"slots", parts},
              {"stalls",
               {{"first_load", layer.stallFirstLoad},
                {"last_store", layer.stallLastStore},
                {"steady", layer.stallSteady}}},
              {"bound", layer.memoryBound ? "memory" : "compute"},
              {"traffic_bits",
               {{"inputs", layer.inputTrafficBits},
                {"weights", layer.weightTrafficBits},
                {"outputs", layer.outputTrafficBits}}},
              {"energy_pj", energy},
              {"tile",
               {{"output_channels", layer.tile.outputChannels},
                {"input_channels", layer.tile.inputChannels},
                {"rows", layer.tile.rows},
                {"count", layer.tile.count},
                {"order", std::string(1, layer.tile.order)},
                {"double_buffered", layer.doubleBuffered}}},
              {"warnings", warningsJson(layer.warnings)}};
    if (!isEngine(layer)) {
        json["tile"] = nullptr;
        json["mode"] = nullptr;
    }
    return json;
}

Json totalsJson(const hw::NetworkCost& cost, const hw::Speedup& speedup)
{
    return {
        {"cycles", cost.cycles},
        {"seconds", cost.seconds},
        {"macs", cost.macs},
        {"utilization", cost.utilization},
        {"energy_pj", cost.energyPicojoule},
        {"area_mm2", cost.areaSquareMillimeter},
        {"accelerated_macs", cost.acceleratedMacShare},
        {"accelerated_cycles", cost.acceleratedCycleShare},
        {"speedup_vs", {{"fixed_16_bit", speedup.fixed16}, {"uniform_8_bit", speedup.uniform8}}},
        {"energy_ratio_vs",
         {{"fixed_16_bit", speedup.fixed16Energy}, {"uniform_8_bit", speedup.uniform8Energy}}}};
}

std::string percent(double share)
{
    return fmt::format("{:.1f} %", 100 * share);
}

std::string costText(const hw::Accelerator& accelerator, const hw::NetworkCost& cost,
                     const hw::Speedup& speedup, const std::vector<hw::Hint>& hints)
{
    std::vector<std::vector<std::string>> rows{
        {"Layer", "Engine", "Bits", "Lanes", "MACs", "Cycles", "Use", "Bound", "nJ"}};
    for (const hw::LayerCost& layer : cost.layers) {
        const bool engine = isEngine(layer);
        rows.push_back({layer.layer, std::string(hw::name(layer.engine)),
                        engine ? fmt::format("w{} a{}", layer.weightBits, layer.inputBits) : "",
                        engine ? fmt::format("{}", layer.lanes) : "", fmt::format("{}", layer.macs),
                        fmt::format("{}", layer.cycles), engine ? percent(layer.utilization) : "",
                        engine ? (layer.memoryBound ? "memory" : "compute") : "",
                        fmt::format("{:.2f}", layer.totalEnergyPicojoule() / 1e3)});
    }
    std::string text = table(rows, {false, false, false, true, true, true, true, false, true});
    text +=
        fmt::format("\n{}: {} cycles, {:.3f} ms, {:.2f} µJ, use {}, {:.3f} mm² (estimate)\n",
                    accelerator.name, cost.cycles, cost.seconds * 1e3, cost.energyPicojoule / 1e6,
                    percent(cost.utilization), cost.areaSquareMillimeter);
    text += fmt::format("{:.2f}× the speed of fixed 16 bits, {:.2f}× that of uniform 8 bits; {} of "
                        "the cycles run on the engines.\n",
                        speedup.fixed16, speedup.uniform8, percent(cost.acceleratedCycleShare));
    if (!hints.empty() && hints.front().cyclesSaved > 0) {
        text +=
            "Next cheaper step: " + hints.front().layer + ": " + hints.front().sentence() + ".\n";
    }
    return text;
}

Json hintsJson(const std::vector<hw::Hint>& hints)
{
    Json list = Json::array();
    for (const hw::Hint& hint : hints) {
        list.push_back({{"layer", hint.layer},
                        {"mode", hint.lanes},
                        {"weight_bits", hint.newWeightBits},
                        {"activation_bits", hint.newInputBits},
                        {"cycles_saved", hint.cyclesSaved},
                        {"energy_saved_pj", number(hint.energySavedPicojoule)},
                        {"message", hint.sentence()}});
    }
    return list;
}

Json sweepJson(const std::vector<hw::SweepPoint>& points)
{
    Json list = Json::array();
    for (const hw::SweepPoint& point : points) {
        list.push_back({{"layer", point.layer},
                        {"weight_bits", point.weightBits},
                        {"activation_bits", point.inputBits},
                        {"cycles", point.cycles},
                        {"energy_pj", number(point.energyPicojoule)}});
    }
    return list;
}

std::string sweepText(const std::vector<hw::SweepPoint>& points)
{
    std::vector<std::vector<std::string>> rows{{"Layer"}};
    std::vector<bool> right{false};
    for (const int weights : kSweepWidths) {
        for (const int inputs : kSweepWidths) {
            rows.front().push_back(fmt::format("w{} a{}", weights, inputs));
            right.push_back(true);
        }
    }
    for (const hw::SweepPoint& point : points) {
        if (rows.back().size() == right.size()) { // a full row
            rows.push_back({point.layer});
        }
        rows.back().push_back(fmt::format("{}", point.cycles));
    }
    return "\nCycles at other widths:\n" + table(rows, right);
}

/// What rows warn of; floats, which are many, in one sentence.
void warnOf(Session& session, const hw::NetworkCost& cost)
{
    std::vector<std::string> floats;
    for (const hw::LayerCost& layer : cost.layers) {
        for (const Warning& warning : layer.warnings) {
            if (warning.code == "float_operand") {
                if (floats.empty() || floats.back() != layer.layer) {
                    floats.push_back(layer.layer);
                }
            } else if (warning.code != "counted_as_free") {
                session.warn(warning);
            }
        }
    }
    if (!floats.empty()) {
        session.warn({"float_operand",
                      "Weights, inputs or outputs that nothing quantizes count as 16 bits.",
                      join(floats, ", ")});
    }
}

Result<Answer> run(Session& session, const Arguments& arguments)
{
    Answer answer;
    if (arguments.list) {
        answer.json["accelerators"] = listJson();
        answer.text = listText();
        return answer;
    }
    if (arguments.model.model.empty()) {
        return fail(ErrorCode::InvalidArgument, "MODEL is missing.", "hardware",
                    "Only --list goes without a model.");
    }
    const auto accelerator = findAccelerator(arguments.accelerator);
    if (!accelerator) {
        return fail(accelerator.error());
    }
    const auto model = openModel(session, arguments.model);
    if (!model) {
        return fail(model.error());
    }
    session.loaded();
    const graph::Graph& graph = *model->model->graph;
    const auto cost = hw::hardwareCost(graph, model->configuration, *accelerator, arguments.batch);
    if (!cost) {
        return fail(cost.error());
    }
    const auto speedup = hw::speedup(graph, *cost, *accelerator, arguments.batch);
    const auto hints =
        hw::nextCheaperModes(graph, model->configuration, *accelerator, arguments.batch);
    if (!speedup || !hints) {
        return fail(speedup ? hints.error() : speedup.error());
    }
    answer.json["accelerator"] = Json::parse(hw::toJson(*accelerator));
    answer.json["layers"] = Json::array();
    for (const hw::LayerCost& layer : cost->layers) {
        answer.json["layers"].push_back(layerJson(layer));
    }
    warnOf(session, *cost);
    answer.json["totals"] = totalsJson(*cost, *speedup);
    answer.json["hints"] = hintsJson(*hints);
    answer.text = costText(*accelerator, *cost, *speedup, *hints);
    if (arguments.sweep) {
        const auto points =
            hw::sweepBits(graph, model->configuration, *accelerator, kSweepWidths, arguments.batch);
        if (!points) {
            return fail(points.error());
        }
        answer.json["sweep"] = sweepJson(*points);
        answer.text += sweepText(*points);
    }
    return answer;
}

} // namespace

Action declareHardware(CLI::App& app)
{
    const auto arguments = std::make_shared<Arguments>();
    addModelOptions(app, arguments->model);
    app.get_option("MODEL")->required(false);
    app.add_option("--accelerator", arguments->accelerator,
                   "Built-in name or FILE.json (see --list); default: " +
                       hw::accelerators().front().name);
    app.add_option("--batch", arguments->batch, "Samples per inference")->capture_default_str();
    app.add_flag("--list", arguments->list, "List the built-in accelerators");
    app.add_flag("--sweep-bits", arguments->sweep,
                 "Also the cycles of each layer at 4, 8 and 16 bits of weights and inputs");
    return [arguments](Session& session) { return run(session, *arguments); };
}

} // namespace bitscape::cli
