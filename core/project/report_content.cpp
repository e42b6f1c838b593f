// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/project/report_content.h"

#include "core/base/version.h"
#include "core/project/numbers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace bitscape::project {

namespace {

constexpr std::size_t kMostTrialRows = 500;
const std::string kNone = "\u2014";

Cell text(std::string value)
{
    return {Cell::Kind::Text, std::move(value), 0};
}

Cell code(const std::string& value)
{
    return value.empty() ? text(kNone) : Cell{Cell::Kind::Code, value, 0};
}

Cell bitsCell(std::optional<int> bits)
{
    return bits ? Cell{Cell::Kind::Bits, fmt::format("{}", *bits), *bits}
                : Cell{Cell::Kind::Bits, "float", 32};
}

std::string orNone(const std::string& value)
{
    return value.empty() ? kNone : value;
}

std::string accuracyText(const NamedConfiguration::Measured& measured)
{
    return fmt::format("{} \u00b1 {} pt", percent(measured.accuracy),
                       fixed(100 * measured.standardError, 2));
}

std::vector<Headline> headlines(const ReportData& data)
{
    const ReferenceReport& now = data.current();
    std::vector<Headline> cells;
    if (now.measured) {
        std::string detail =
            fmt::format("\u00b1 {} pt", fixed(100 * now.measured->standardError, 2));
        if (now.isStale) {
            detail = "of an older configuration";
        } else if (data.floating.measured && now.name != data.floating.name) {
            const double lost = 100 * (now.measured->accuracy - data.floating.measured->accuracy);
            detail += fmt::format(", {}{} pt against float", lost > 0 ? "+" : "", fixed(lost, 2));
        }
        cells.push_back({"Top-1 accuracy", percent(now.measured->accuracy), detail});
    } else {
        cells.push_back({"Top-1 accuracy", kNone, "not measured"});
    }
    cells.push_back({"Weights, packed", memory(now.cost.bits),
                     change(now.cost.bits, data.floating.cost.bits) + " against float"});
    cells.push_back(
        {"Energy, QTools", energy(now.cost.energyPicojoule),
         change(now.cost.energyPicojoule, data.floating.cost.energyPicojoule) + " against float"});
    if (data.hardware) {
        cells.push_back({"Latency (est.)", duration(data.hardware->seconds),
                         grouped(static_cast<double>(data.hardware->cycles)) + " cycles"});
        cells.push_back({"Utilization (est.)", percent(data.hardware->utilization, 1),
                         data.project->accelerator.name});
    }
    return cells;
}

Section summarySection(const ReportData& data)
{
    const Project& project = *data.project;
    Section section{"summary", "Summary", {}, {}, {}, {}};
    const ReferenceReport& now = data.current();
    section.paragraphs.push_back(fmt::format(
        "Network {} with {} layers, {} parameters and {} MAC per inference. The configuration "
        "\u201c{}\u201d "
        "keeps the weights in {}, {} of what float needs.",
        project.graph().name(), project.graph().layers().size(),
        grouped(static_cast<double>(project.graph().parameterCount())),
        grouped(static_cast<double>(project.graph().macs())), now.name, memory(now.cost.bits),
        percent(now.cost.bits / std::max(1.0, data.floating.cost.bits), 1)));
    if (now.measured && !now.isStale && data.floating.measured) {
        const double lost = 100 * (now.measured->accuracy - data.floating.measured->accuracy);
        const double error =
            100 * std::hypot(now.measured->standardError, data.floating.measured->standardError);
        section.paragraphs.push_back(
            fmt::format("Its accuracy is {}, {} pt against float{}.", accuracyText(*now.measured),
                        (lost > 0 ? "+" : "") + fixed(lost, 2),
                        std::abs(lost) < error ? ", within one standard error" : ""));
    }
    for (const auto& study : project.studies) {
        const search::Trial* best = study->best();
        if (best != nullptr) {
            section.paragraphs.push_back(fmt::format(
                "The study \u201c{}\u201d holds {}, {} of them on the front. The best "
                "AutoQ score is {} (trial {}: {} on the validation part).",
                study->description.name, counted(study->trials.size(), "trial"),
                study->front().size(), fixed(best->score, 4), best->number, percent(best->metric)));
        }
    }
    Table table{"Configurations",
                {{"Configuration", false},
                 {"Accuracy", true},
                 {"Samples", true},
                 {"Data", false},
                 {"Weights", true},
                 {"Energy, QTools", true},
                 {"Cycles", true}},
                {},
                "Accuracy with one standard error. Energy and cycles are estimates.",
                false};
    for (const ReferenceReport& row : data.configurations) {
        const bool shown = row.measured && !row.isStale;
        table.rows.push_back(
            {text(row.name + (row.isCurrent ? " (current)" : "")),
             text(shown ? accuracyText(*row.measured) : (row.measured ? "stale" : kNone)),
             text(shown ? grouped(static_cast<double>(row.measured->count)) : kNone),
             text(shown ? row.measured->dataDescription : kNone), text(memory(row.cost.bits)),
             text(energy(row.cost.energyPicojoule)), text(grouped(row.cost.cycles))});
    }
    section.tables.push_back(std::move(table));
    return section;
}

Section modelSection(const ReportData& data)
{
    const io::ModelFile& model = *data.project->model;
    Section section{"model", "Model", {}, {}, {}, {}};
    section.facts = {{"File", orNone(model.path), true},
                     {"Format", orNone(model.format)},
                     {"Written by", orNone(model.producer)},
                     {"SHA-256", orNone(model.sha256), true}};
    Table table{"Layers",
                {{"Layer", false},
                 {"Class", false},
                 {"Output", false},
                 {"Parameters", true},
                 {"MAC", true}},
                {},
                "",
                false};
    for (const LayerReport& row : data.layers) {
        table.rows.push_back({text(row.layer->name), text(row.layer->className),
                              text(row.layer->outputShape.toString()),
                              text(grouped(static_cast<double>(row.layer->parameterCount()))),
                              text(grouped(static_cast<double>(row.layer->macs)))});
    }
    section.tables.push_back(std::move(table));
    return section;
}

Section dataSection(const ReportData& data)
{
    Section section{"data", "Data and preprocessing", {}, {}, {}, {}};
    if (!data.project->data) {
        section.paragraphs.emplace_back("The project holds no data.");
        return section;
    }
    const io::DataSet& set = *data.project->data;
    const Index count = std::max(data.project->dataCount, set.samples->count());
    section.facts = {
        {"Source and preparation", set.recipe.describe()},
        {"Samples", grouped(static_cast<double>(count))},
        {"Validation part", percent(data.project->validationShare, 0) + ", from the end"},
        {"Shape of a sample", set.samples->inputs.empty()
                                  ? kNone
                                  : set.samples->inputs.front().shape().sample().toString()},
        {"Values", fmt::format("{} to {}, stored as {}", fixed(set.minimum, 3),
                               fixed(set.maximum, 3), set.dtype)},
        {"SHA-256", orNone(set.sha256), true}};
    if (set.samples->count() < count) {
        section.paragraphs.push_back(
            fmt::format("The project file keeps {} of {} samples, evenly spaced.",
                        grouped(static_cast<double>(set.samples->count())),
                        grouped(static_cast<double>(count))));
    }
    return section;
}

Section configurationSection(const ReportData& data)
{
    const graph::Configuration& configuration = data.project->currentConfiguration().configuration;
    Section section{"configuration", "Configuration", {}, {}, {}, {}};
    section.facts = {
        {"Name", configuration.name},
        {"Input quantizer", configuration.input ? configuration.input->toString() : kNone, true},
        {"Batch normalization", configuration.foldBatchNorm ? "folded" : "as layers"},
        {"Hash", configuration.hash(), true}};
    Table table{
        "Quantizers per layer",
        {{"Layer", false},
         {"Class", false},
         {"w", true},
         {"Weight quantizer", false},
         {"Bias quantizer", false},
         {"a", true},
         {"Output quantizer", false},
         {"Weights", true},
         {"Energy, QTools", true}},
        {},
        "w: bits of the weights; a: bits of the output. Layers without weights and without an "
        "output quantizer are left out.",
        false};
    for (const LayerReport& row : data.layers) {
        const bool hasWeights = !row.layer->weights.empty();
        if (!hasWeights && row.outputQuantizer.empty()) {
            continue;
        }
        table.rows.push_back({text(row.layer->name), text(row.layer->className),
                              hasWeights ? bitsCell(row.weightBits) : text(kNone),
                              code(row.weightQuantizer), code(row.biasQuantizer),
                              row.outputQuantizer.empty() ? text(kNone) : bitsCell(row.outputBits),
                              code(row.outputQuantizer),
                              text(hasWeights ? memory(row.packedBits) : kNone),
                              text(row.energyPicojoule ? energy(*row.energyPicojoule) : kNone)});
    }
    section.tables.push_back(std::move(table));
    return section;
}

std::string widthsText(const ReportData& data, const search::Trial& trial, graph::Slot slot)
{
    std::string widths;
    for (const LayerReport& row : data.layers) {
        const std::vector<graph::Slot> slots = graph::slotsOf(*row.layer);
        if (std::find(slots.begin(), slots.end(), slot) == slots.end()) {
            continue;
        }
        if (const auto quantizer = trial.configuration.find(row.layer->name, slot)) {
            widths += (widths.empty() ? "" : " ") + fmt::format("{}", quantizer->bits());
        }
    }
    return orNone(widths);
}

Table trialTable(const ReportData& data, std::size_t studyIndex, bool onlyFront)
{
    const search::Study& study = *data.project->studies[studyIndex];
    Table table{onlyFront ? "Front" : "All trials",
                {{"Trial", true},
                 {"Accuracy", true},
                 {"\u00b1 pt", true},
                 {"AutoQ score", true},
                 {"Size (bits)", true},
                 {"Weights", true},
                 {"Energy, QTools", true},
                 {"Cycles", true},
                 {"Kernel bits", false},
                 {"Output bits", false}},
                {},
                onlyFront
                    ? "No other trial is better in accuracy and size. Size: weights and outputs as "
                      "the goal counts them; weights: packed."
                    : "",
                !onlyFront};
    if (!onlyFront) {
        table.columns.insert(table.columns.end(), {{"State", false}, {"Seed", true}});
    }
    const std::vector<int> front = study.front();
    std::size_t left = 0;
    for (const TrialReport& row : data.trials) {
        const search::Trial& trial = *row.trial;
        const bool isOnFront = std::find(front.begin(), front.end(), trial.number) != front.end();
        if (row.study != studyIndex || (onlyFront && !isOnFront)) {
            continue;
        }
        if (table.rows.size() >= kMostTrialRows) {
            ++left;
            continue;
        }
        const bool isComplete = trial.state == search::TrialState::Complete;
        const auto measured = [&](const std::string& value) {
            return text(isComplete ? value : kNone);
        };
        std::vector<Cell>& cells = table.rows.emplace_back();
        cells = {text(fmt::format("{}", trial.number)),
                 measured(percent(trial.metric)),
                 measured(fixed(100 * trial.metricError, 2)),
                 measured(fixed(trial.score, 4)),
                 measured(grouped(trial.cost.bits)),
                 text(memory(row.packedBits)),
                 measured(energy(trial.cost.energyPicojoule)),
                 measured(grouped(trial.cost.cycles)),
                 text(widthsText(data, trial, graph::Slot::Kernel)),
                 text(widthsText(data, trial, graph::Slot::Activation))};
        if (!onlyFront) {
            cells.push_back(text(isOnFront ? "complete, front" : std::string(name(trial.state))));
            cells.push_back(text(fmt::format("{}", trial.seed)));
        }
    }
    if (left > 0) {
        table.note = fmt::format("Showing {} of {} trials; the project holds all.",
                                 table.rows.size(), table.rows.size() + left);
    }
    return table;
}

Section searchSection(const ReportData& data)
{
    Section section{"search", "Search", {}, {}, {}, {}};
    if (data.project->studies.empty()) {
        section.paragraphs.emplace_back("The project holds no study.");
    }
    for (std::size_t i = 0; i < data.project->studies.size(); ++i) {
        const search::Study* study = data.project->studies[i].get();
        const search::StudyDescription& description = study->description;
        section.facts.insert(
            section.facts.end(),
            {{"Study", description.name},
             {"Tuner", fmt::format("{}, seed {}", description.tuner, description.seed)},
             {"Goal", description.goal},
             {"Per trial",
              fmt::format("{}, batch {}, {}",
                          counted(static_cast<std::size_t>(description.epochs), "epoch"),
                          description.batch, description.optimizer)},
             {"Data", orNone(description.dataDescription)},
             {"Reference size",
              grouped(study->referenceSize) + (description.goal == "energy" ? " pJ" : " bits")},
             {"Hypervolume", fixed(study->hypervolume(), 4)}});
        section.tables.push_back(trialTable(data, i, true));
        section.tables.push_back(trialTable(data, i, false));
    }
    return section;
}

Section distributionSection(const ReportData& data)
{
    Section section{"distributions", "Distributions", {}, {}, {}, {}};
    Table table{
        "Kernels",
        {{"Tensor", false},
         {"Bits", true},
         {"Values", true},
         {"Min", true},
         {"Max", true},
         {"SQNR (dB)", true},
         {"Clipped", true},
         {"Becomes zero", true},
         {"Distinct values", true},
         {"Scales", true}},
        {},
        "SQNR: signal to quantization noise. Clipped: beyond the outermost level by more than "
        "half a step.",
        false};
    for (const WeightReport& weight : data.weights) {
        const auto values = weight.before->values();
        const auto [low, high] = std::minmax_element(values.begin(), values.end());
        const bool isQuantized = !weight.quantizer.empty();
        table.rows.push_back(
            {text(weight.layer + " / " + weight.weight),
             bitsCell(isQuantized ? std::optional(weight.bits) : std::nullopt),
             text(grouped(static_cast<double>(values.size()))), text(fixed(*low, 4)),
             text(fixed(*high, 4)), text(isQuantized ? fixed(weight.sqnrDb, 1) : kNone),
             text(isQuantized ? percent(weight.clippedShare) : kNone),
             text(isQuantized ? percent(weight.zeroShare) : kNone),
             text(isQuantized ? grouped(weight.levels) : kNone),
             text(isQuantized ? grouped(static_cast<double>(weight.scales.size())) : kNone)});
    }
    section.tables.push_back(std::move(table));
    return section;
}

Section calibrationSection(const ReportData& data)
{
    Section section{"calibration", "Calibration", {}, {}, {}, {}};
    if (!data.project->calibration) {
        section.paragraphs.emplace_back("No histograms were gathered.");
        return section;
    }
    const search::Calibration& calibration = *data.project->calibration;
    section.facts = {{"Data", orNone(calibration.dataDescription)},
                     {"Samples", grouped(static_cast<double>(calibration.samples))}};
    Table table{"Outputs of the float network",
                {{"Layer", false},
                 {"Min", true},
                 {"Max", true},
                 {"Mean", true},
                 {"Zeros", true},
                 {"Values", true}},
                {},
                "",
                true};
    for (const search::TensorStatistics& tensor : calibration.tensors) {
        table.rows.push_back({text(tensor.layer), text(fixed(tensor.minimum, 4)),
                              text(fixed(tensor.maximum, 4)), text(fixed(tensor.mean(), 4)),
                              text(tensor.count > 0 ? percent(static_cast<double>(tensor.zeros) /
                                                              static_cast<double>(tensor.count))
                                                    : kNone),
                              text(grouped(static_cast<double>(tensor.count)))});
    }
    section.tables.push_back(std::move(table));
    return section;
}

Table hardwareTable(const hw::NetworkCost& cost)
{
    Table table{
        "Layers on the accelerator",
        {{"Layer", false},
         {"Engine", false},
         {"Mode", true},
         {"w", true},
         {"a", true},
         {"MAC", true},
         {"Cycles", true},
         {"Lane", true},
         {"Spatial", true},
         {"Temporal", true},
         {"Utilization", true},
         {"Bound", false},
         {"Traffic", true},
         {"Energy", true}},
        {},
        "a: bits of the input. Utilization = lane × spatial × temporal. Traffic: at the backing "
        "memory. Layers that vanish in their producer are free and marked so.",
        false};
    for (const hw::LayerCost& row : cost.layers) {
        const bool isEngine =
            row.engine != hw::EngineKind::Cpu && row.engine != hw::EngineKind::Free;
        const auto engineOnly = [&](const std::string& value) {
            return text(isEngine ? value : kNone);
        };
        const bool isFree = row.engine == hw::EngineKind::Free;
        const auto worked = [&](const std::string& value) { return text(isFree ? kNone : value); };
        table.rows.push_back(
            {text(row.layer), text(std::string(hw::name(row.engine))),
             engineOnly(fmt::format("\u00d7{}", row.lanes)),
             engineOnly(fmt::format("{}", row.weightBits)),
             engineOnly(fmt::format("{}", row.inputBits)),
             worked(grouped(static_cast<double>(row.macs))),
             worked(grouped(static_cast<double>(row.cycles))),
             engineOnly(percent(row.utilizationLane, 1)),
             engineOnly(percent(row.utilizationSpatial, 1)),
             engineOnly(percent(row.utilizationTemporal, 1)),
             engineOnly(percent(row.utilization, 1)),
             engineOnly(row.memoryBound ? "memory" : "compute"),
             worked(memory(static_cast<double>(row.inputTrafficBits + row.weightTrafficBits +
                                               row.outputTrafficBits))),
             worked(energy(row.totalEnergyPicojoule()))});
    }
    return table;
}

Table assumptionTable(const hw::Accelerator& accelerator)
{
    Table table{
        "Assumptions",
        {{"Parameter", false},
         {"Value", true},
         {"Unit", false},
         {"Tag", false},
         {"Meaning", false}},
        {},
        "Tags name the source of the default: P published, R reference run, D derived, C chosen, "
        "U quoted.",
        true};
    for (const hw::ParameterDoc& doc : hw::parameterDocs()) {
        table.rows.push_back({code(doc.key), text(hw::parameterText(accelerator, doc.key)),
                              text(doc.unit), text(doc.tag), text(doc.doc)});
    }
    return table;
}

Section hardwareSection(const ReportData& data)
{
    Section section{"hardware", "Hardware", {}, {}, {}, {}};
    if (!data.hardware) {
        section.paragraphs.emplace_back("The hardware model could not be applied; see Remarks.");
        return section;
    }
    const hw::NetworkCost& cost = *data.hardware;
    section.facts = {{"Accelerator", data.project->accelerator.name},
                     {"Cycles per inference", grouped(static_cast<double>(cost.cycles))},
                     {"Latency", duration(cost.seconds)},
                     {"Energy per inference", energy(cost.energyPicojoule)},
                     {"Utilization", percent(cost.utilization, 1)},
                     {"Area", fixed(cost.areaSquareMillimeter, 3) + " mm\u00b2"},
                     {"MAC on the array", percent(cost.acceleratedMacShare, 1)},
                     {"Cycles on the array", percent(cost.acceleratedCycleShare, 1)}};
    if (data.speedup) {
        section.facts.push_back(
            {"Against the same array, fixed 16 bit",
             fmt::format("{} × faster, {} × the energy", fixed(data.speedup->fixed16, 2),
                         fixed(1.0 / data.speedup->fixed16Energy, 2))});
    }
    section.paragraphs.emplace_back(
        "All numbers of this section are estimates of the hardware model.");
    if (!data.hints.empty() && data.hints.front().cyclesSaved > 0) {
        section.paragraphs.push_back("Next cheaper step: " + data.hints.front().layer + ", " +
                                     data.hints.front().sentence() + ".");
    }
    section.tables.push_back(hardwareTable(cost));
    section.tables.push_back(assumptionTable(data.project->accelerator));
    return section;
}

Section remarkSection(const ReportData& data)
{
    Section section{"remarks", "Remarks", {}, {}, {}, {}};
    Table table{"", {{"Where", false}, {"Remark", false}}, {}, "", false};
    const auto add = [&](const Warnings& warnings) {
        for (const Warning& warning : warnings) {
            std::vector<Cell> row{text(orNone(warning.where)), text(warning.message)};
            const bool isKnown = std::any_of(
                table.rows.begin(), table.rows.end(), [&](const std::vector<Cell>& other) {
                    return other[0].text == row[0].text && other[1].text == row[1].text;
                });
            if (!isKnown) {
                table.rows.push_back(std::move(row));
            }
        }
    };
    add(data.project->model->warnings);
    if (data.project->data) {
        add(data.project->data->warnings);
    }
    add(data.warnings);
    if (!table.rows.empty()) {
        section.tables.push_back(std::move(table));
    }
    return section;
}

Section provenanceSection(const ReportData& data)
{
    const Project& project = *data.project;
    Section section{"repeat", "How to repeat", {}, {}, {}, {}};
    section.facts = {{"Program", fmt::format("Bitscape {}", version())}};
    const auto add = [&](const char* label, const std::string& value) {
        if (!value.empty()) {
            section.facts.push_back({label, value, true});
        }
    };
    add("Project", project.uuid);
    add("Created", project.created);
    add("Modified", project.modified);
    add("Model, SHA-256", project.model->sha256);
    add("Data, SHA-256", project.data ? project.data->sha256 : "");
    add("State (model, weights, quantizers)", stateHash(project));
    for (const auto& study : project.studies) {
        add("Seed of the study", fmt::format("{}", study->description.seed));
    }
    for (const std::string& command : project.commands) {
        add("Command", command);
    }
    return section;
}

/// Puts each plot into the section that it belongs to.
void placeFigures(const ReportData& data, ReportContent& content)
{
    const auto sectionOf = [](const std::string& id) -> std::string {
        if (id.starts_with("accuracy")) {
            return "search";
        }
        if (id == "training") {
            return "model";
        }
        if (id == "activations") {
            return "calibration";
        }
        return id == "weights" || id == "scales" ? "distributions" : "hardware";
    };
    for (Figure& figure : figures(data)) {
        const std::string wanted = sectionOf(figure.id);
        for (Section& section : content.sections) {
            if (section.id == wanted) {
                section.figures.push_back(std::move(figure));
                break;
            }
        }
    }
}

} // namespace

ReportContent reportContent(const ReportData& data)
{
    const Project& project = *data.project;
    ReportContent content;
    content.title = project.name;
    content.subtitle = project.modified.empty()
                           ? "Mixed precision of a network"
                           : "Mixed precision of a network, as saved " + timeText(project.modified);
    content.headlines = headlines(data);
    content.sections = {summarySection(data),     modelSection(data),
                        dataSection(data),        configurationSection(data),
                        searchSection(data),      distributionSection(data),
                        calibrationSection(data), hardwareSection(data),
                        remarkSection(data),      provenanceSection(data)};
    std::erase_if(content.sections, [](const Section& section) {
        return section.paragraphs.empty() && section.facts.empty() && section.tables.empty();
    });
    placeFigures(data, content);
    return content;
}

} // namespace bitscape::project
