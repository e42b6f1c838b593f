// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/version.h"
#include "core/project/codec.h"
#include "core/project/report.h"
#include "core/project/report_content.h"

#include <fmt/format.h>

namespace bitscape::project {

namespace {

/// Text inside a Markdown table or paragraph.
std::string markdownText(const std::string& text)
{
    std::string out;
    for (const char c : text) {
        if (c == '|' || c == '\\' || c == '*' || c == '_' || c == '`' || c == '<') {
            out += '\\';
        }
        out += c == '\n' ? ' ' : c;
    }
    return out;
}

std::string markdownCode(const std::string& text)
{
    std::string out;
    for (const char c : text) {
        if (c == '|') {
            out += '\\';
        }
        out += c == '`' ? '\'' : c;
    }
    return "`" + out + "`";
}

std::string tableMarkdown(const Table& table)
{
    std::string out = table.title.empty() ? "" : fmt::format("### {}\n\n", table.title);
    std::string rule;
    for (const Column& column : table.columns) {
        out += "| " + markdownText(column.title) + " ";
        rule += column.isNumber ? "|---:" : "|---";
    }
    out += "|\n" + rule + "|\n";
    for (const std::vector<Cell>& row : table.rows) {
        for (const Cell& cell : row) {
            out += "| " +
                   (cell.kind == Cell::Kind::Code ? markdownCode(cell.text)
                                                  : markdownText(cell.text)) +
                   " ";
        }
        out += "|\n";
    }
    return out + (table.note.empty() ? "\n" : "\n" + table.note + "\n\n");
}

std::string sectionMarkdown(const Section& section, const std::string& figureFolder)
{
    std::string out = fmt::format("## {}\n\n", section.title);
    for (const std::string& paragraph : section.paragraphs) {
        out += markdownText(paragraph) + "\n\n";
    }
    for (const Fact& fact : section.facts) {
        out += fmt::format("- {}: {}\n", fact.label,
                           fact.isCode ? markdownCode(fact.value) : markdownText(fact.value));
    }
    out += section.facts.empty() ? "" : "\n";
    for (const Figure& figure : section.figures) {
        if (!figureFolder.empty()) {
            out += fmt::format("![{}]({}/{}.svg)\n\n*{}*\n\n", figure.title, figureFolder,
                               figure.id, markdownText(figure.caption));
        }
    }
    for (const Table& table : section.tables) {
        out += tableMarkdown(table);
    }
    return out;
}

Json costJson(const search::Cost& cost)
{
    return {{"bits", finite(cost.bits)},
            {"activation_bits", finite(cost.activationBits)},
            {"energy_pj", finite(cost.energyPicojoule)},
            {"cycles", finite(cost.cycles)}};
}

Json trialsJson(const search::Study& study)
{
    Json trials = Json::array();
    for (const search::Trial& trial : study.trials) {
        trials.push_back({{"number", trial.number},
                          {"state", search::name(trial.state)},
                          {"metric", finite(trial.metric)},
                          {"metric_error", finite(trial.metricError)},
                          {"score", finite(trial.score)},
                          {"cost", costJson(trial.cost)},
                          {"seed", trial.seed},
                          {"configuration", toJson(trial.configuration)}});
    }
    return trials;
}

Json configurationsJson(const ReportData& data)
{
    Json list = Json::array();
    for (std::size_t i = 0; i < data.configurations.size(); ++i) {
        const ReferenceReport& row = data.configurations[i];
        Json measured = nullptr;
        if (row.measured) {
            measured = {{"accuracy", finite(row.measured->accuracy)},
                        {"standard_error", finite(row.measured->standardError)},
                        {"count", row.measured->count},
                        {"data", row.measured->dataDescription},
                        {"stale", row.isStale}};
        }
        list.push_back({{"name", row.name},
                        {"current", row.isCurrent},
                        {"cost", costJson(row.cost)},
                        {"measured", std::move(measured)},
                        {"quantizers", toJson(data.project->configurations[i]->configuration)}});
    }
    return list;
}

Json layersJson(const ReportData& data)
{
    Json layers = Json::array();
    for (const LayerReport& row : data.layers) {
        Json hardware = Json::array();
        for (const hw::LayerCost* cost : row.rows) {
            hardware.push_back({{"row", cost->layer},
                                {"engine", hw::name(cost->engine)},
                                {"mode", cost->lanes},
                                {"cycles", cost->cycles},
                                {"utilization", finite(cost->utilization)},
                                {"energy_pj", finite(cost->totalEnergyPicojoule())}});
        }
        layers.push_back(
            {{"name", row.layer->name},
             {"class", row.layer->className},
             {"parameters", row.layer->parameterCount()},
             {"macs", row.layer->macs},
             {"packed_bits", finite(row.packedBits)},
             {"energy_pj", row.energyPicojoule ? finite(*row.energyPicojoule) : Json(nullptr)},
             {"hardware", std::move(hardware)}});
    }
    return layers;
}

Json weightsJson(const ReportData& data)
{
    Json weights = Json::array();
    for (const WeightReport& weight : data.weights) {
        weights.push_back({{"layer", weight.layer},
                           {"weight", weight.weight},
                           {"quantizer", weight.quantizer},
                           {"bits", weight.bits},
                           {"sqnr_db", finite(weight.sqnrDb)},
                           {"clipped", finite(weight.clippedShare)},
                           {"becomes_zero", finite(weight.zeroShare)},
                           {"levels", weight.levels},
                           {"scales", weight.scales}});
    }
    return weights;
}

} // namespace

Result<std::string> markdownReport(const Project& project, const std::string& figureFolder)
{
    if (project.isEmpty()) {
        return fail(ErrorCode::InvalidArgument, "The project holds no model to report on.", "",
                    "Open a model first.");
    }
    const ReportData data = gatherReport(project);
    const ReportContent content = reportContent(data);
    std::string out =
        fmt::format("# {}\n\n{}\n\n", markdownText(content.title), markdownText(content.subtitle));
    for (const Headline& cell : content.headlines) {
        out += fmt::format("- **{}**: {} ({})\n", cell.label, cell.value, cell.detail);
    }
    out += "\n";
    for (const Section& section : content.sections) {
        out += sectionMarkdown(section, figureFolder);
    }
    return out;
}

Result<std::string> jsonReport(const Project& project)
{
    if (project.isEmpty()) {
        return fail(ErrorCode::InvalidArgument, "The project holds no model to report on.", "",
                    "Open a model first.");
    }
    const ReportData data = gatherReport(project);
    Json studies = Json::array();
    for (const auto& study : project.studies) {
        studies.push_back({{"description", toJson(study->description)},
                           {"reference_size", finite(study->referenceSize)},
                           {"front", study->front()},
                           {"hypervolume", finite(study->hypervolume())},
                           {"trials", trialsJson(*study)}});
    }
    Json warnings = Json::array();
    for (const Warning& warning : data.warnings) {
        warnings.push_back(
            {{"code", warning.code}, {"message", warning.message}, {"where", warning.where}});
    }
    Json report = {
        {"creator", fmt::format("bitscape {}", version())},
        {"name", project.name},
        {"uuid", project.uuid},
        {"created", project.created},
        {"modified", project.modified},
        {"model", {{"sha256", project.model->sha256}, {"format", project.model->format}}},
        {"data", project.data
                     ? Json{{"recipe", toJson(project.data->recipe)},
                            {"sha256", project.data->sha256},
                            {"count", std::max(project.dataCount, project.data->samples->count())}}
                     : Json(nullptr)},
        {"state", stateHash(project)},
        {"configurations", configurationsJson(data)},
        {"layers", layersJson(data)},
        {"weights", weightsJson(data)},
        {"studies", std::move(studies)},
        {"training", toJson(project.trainingHistory)},
        {"accelerator", Json::parse(hw::toJson(project.accelerator))},
        {"commands", project.commands},
        {"warnings", std::move(warnings)}};
    if (data.hardware) {
        report["hardware"] = {{"cycles", data.hardware->cycles},
                              {"seconds", finite(data.hardware->seconds)},
                              {"utilization", finite(data.hardware->utilization)},
                              {"energy_pj", finite(data.hardware->energyPicojoule)},
                              {"area_mm2", finite(data.hardware->areaSquareMillimeter)}};
    }
    return report.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<std::vector<Figure>> reportFigures(const Project& project)
{
    if (project.isEmpty()) {
        return fail(ErrorCode::InvalidArgument, "The project holds no model to report on.", "",
                    "Open a model first.");
    }
    return figures(gatherReport(project));
}

} // namespace bitscape::project
