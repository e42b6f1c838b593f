// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.h"
#include "app/cli/inputs.h"
#include "core/project/exports.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <map>

namespace bitscape::cli {

namespace {

using project::ExportFormat;
using project::ExportResult;

struct Arguments {
    ModelOptions model;
    std::string format, output;
    project::ExportOptions options;
    bool list = false;
};

const char* readbackWord(project::ExportReadback readback)
{
    switch (readback) {
    case project::ExportReadback::Model:
        return "model";
    case project::ExportReadback::Map:
        return "map";
    case project::ExportReadback::None:
        break;
    }
    return "";
}

Answer listAnswer()
{
    Answer answer;
    answer.json["formats"] = Json::array();
    std::vector<std::vector<std::string>> rows{{"Format", "Writes", "Read as", "What it is"}};
    for (const ExportFormat& format : project::exportFormats()) {
        const bool isFolder = format.kind == project::ExportKind::Folder;
        answer.json["formats"].push_back({{"name", format.name},
                                          {"title", format.title},
                                          {"ending", format.ending},
                                          {"folder", isFolder},
                                          {"read_as", readbackWord(format.readback)},
                                          {"needs_quantizers", format.needsQuantizers},
                                          {"needs_trials", format.needsTrials},
                                          {"doc", format.doc}});
        rows.push_back({format.name, isFolder ? "folder" : format.ending,
                        readbackWord(format.readback), format.doc});
    }
    answer.text = table(rows, {false, false, false, false});
    return answer;
}

Answer resultAnswer(const ExportFormat& format, const ExportResult& result)
{
    Answer answer;
    answer.json["format"] = format.name;
    answer.json["files"] = result.files;
    answer.json["bytes"] = result.bytes;
    answer.json["packed_bytes"] = result.weights.packedBytes;
    answer.json["float_bytes"] = result.weights.floatBytes;
    answer.json["notes"] = Json::array();
    for (const std::string& file : result.files) {
        answer.text += "Wrote " + file + "\n";
    }
    answer.text += fmt::format("{} bytes; the weights take {} bytes as floats, {} packed.\n",
                               result.bytes, result.weights.floatBytes, result.weights.packedBytes);
    for (const io::ImportNote& note : result.notes) {
        answer.json["notes"].push_back(
            {{"kind", io::name(note.kind)}, {"subject", note.subject}, {"text", note.text}});
        answer.text += fmt::format("{} ({}): {}\n", note.subject, io::name(note.kind), note.text);
    }
    return answer;
}

Result<Answer> run(Session& session, const Arguments& arguments)
{
    if (arguments.list) {
        return listAnswer();
    }
    for (const auto& [option, value] :
         {std::pair("MODEL", &arguments.model.model), std::pair("--format", &arguments.format),
          std::pair("--output", &arguments.output)}) {
        if (value->empty()) {
            return fail(ErrorCode::InvalidArgument, std::string(option) + " is missing.", "export",
                        "'bitscape-cli export --help' shows the formats.");
        }
    }
    const auto format = project::findExportFormat(arguments.format);
    if (!format) {
        return fail(format.error());
    }
    const auto opened = openModel(session, arguments.model);
    if (!opened) {
        return fail(opened.error());
    }
    auto request = project::exportRequest(*opened);
    if (!request) {
        return fail(std::move(request).error());
    }
    request->options = arguments.options;
    session.loaded();
    auto result = project::exportTo(**format, *request, arguments.output, session.job());
    if (!result) {
        return fail(std::move(result).error());
    }
    session.warn(result->warnings);
    return resultAnswer(**format, *result);
}

std::string formatsHelp()
{
    std::string text = "Formats:\n";
    for (const ExportFormat& format : project::exportFormats()) {
        text += fmt::format("  {:<18} {}\n", format.name, format.doc);
    }
    return text;
}

} // namespace

Action declareExport(CLI::App& app)
{
    const auto arguments = std::make_shared<Arguments>();
    addModelOptions(app, arguments->model);
    app.get_option("MODEL")->required(false);
    app.add_option("--format,-f", arguments->format, "What to write, see below");
    app.add_option("--output,-o", arguments->output, "File to write; a folder for some formats");
    app.add_option("--csv-convention", arguments->options.csvConvention,
                   "qkeras-mod-csv: ranges from lowest and highest values (min-max), or from "
                   "largest magnitudes as its first version did (max-abs)")
        ->transform(CLI::CheckedTransformer(std::map<std::string, io::ModConvention>{
            {"min-max", io::ModConvention::MinMax}, {"max-abs", io::ModConvention::MaxAbs}}))
        ->default_str("min-max");
    app.add_flag("--list", arguments->list, "Show the formats");
    app.footer(formatsHelp());
    return [arguments](Session& session) { return run(session, *arguments); };
}

} // namespace bitscape::cli
