// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.h"
#include "app/cli/inputs.h"
#include "core/io/array_file.h"
#include "core/project/report.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <array>
#include <filesystem>

namespace bitscape::cli {

namespace {

struct Options {
    ModelOptions model;
    std::string output = "report.html";
};

struct Format {
    const char* suffix;
    Result<std::vector<std::string>> (*write)(const project::Project&, const std::string& path);
};

Result<std::vector<std::string>> writeText(const std::string& path, Result<std::string> text)
{
    if (!text) {
        return fail(std::move(text).error());
    }
    if (auto written = io::writeFileAtomically(path, *text); !written) {
        return fail(std::move(written).error());
    }
    return std::vector<std::string>{path};
}

/// The text, and its plots in a folder beside it.
Result<std::vector<std::string>> writeMarkdown(const project::Project& project,
                                               const std::string& path)
{
    const std::filesystem::path folder =
        std::filesystem::path(path).replace_extension("").string() + "_plots";
    auto figures = project::reportFigures(project);
    if (!figures) {
        return fail(std::move(figures).error());
    }
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) {
        return fail(ErrorCode::Io, "The folder for the plots cannot be made.", folder.string(),
                    "Choose another place with --output.");
    }
    auto files = writeText(path, project::markdownReport(project, folder.filename().string()));
    for (const project::Figure& figure : *figures) {
        if (!files) {
            break;
        }
        const std::string plot = (folder / (figure.id + ".svg")).string();
        if (auto written = io::writeFileAtomically(plot, figure.svg); !written) {
            return fail(std::move(written).error());
        }
        files->push_back(plot);
    }
    return files;
}

constexpr std::array<Format, 4> kFormats{{
    {".html",
     [](const project::Project& project, const std::string& path) {
         return writeText(path, project::htmlReport(project));
     }},
    {".htm", [](const project::Project& project,
                const std::string& path) { return writeText(path, project::htmlReport(project)); }},
    {".md", writeMarkdown},
    {".json",
     [](const project::Project& project, const std::string& path) {
         return writeText(path, project::jsonReport(project));
     }},
}};

/// The project named by MODEL, or one made around it that says nothing of when it was made: the
/// same model gives the same bytes.
Result<project::Project> openProject(Session& session, const ModelOptions& options)
{
    const std::size_t at = options.model.rfind(".bitscape@");
    const std::string path =
        at == std::string::npos ? options.model : options.model.substr(0, at + 9);
    if (!path.ends_with(".bitscape")) {
        auto opened = openModel(session, options);
        if (!opened) {
            return fail(std::move(opened).error());
        }
        project::Project project = project::makeProject(opened->model);
        project.uuid.clear();
        project.created.clear();
        project.modified.clear();
        project.editCurrent(
            [&](graph::Configuration& configuration) { configuration = opened->configuration; });
        return project;
    }
    auto project = project::load(path, project::DataPolicy::Stored);
    if (!project || at == std::string::npos) {
        return project;
    }
    const std::string name = options.model.substr(at + 10);
    for (std::size_t i = 0; i < project->configurations.size(); ++i) {
        if (project->configurations[i]->configuration.name == name) {
            project->current = static_cast<int>(i);
            return project;
        }
    }
    return fail(ErrorCode::NotFound, "The project has no configuration '" + name + "'.", path,
                "'bitscape-cli project config list' shows them.");
}

Result<Answer> run(Session& session, const Options& options)
{
    const std::string suffix = std::filesystem::path(options.output).extension().string();
    const auto* const format = std::find_if(kFormats.begin(), kFormats.end(),
                                            [&](const Format& f) { return suffix == f.suffix; });
    if (format == kFormats.end()) {
        return fail(ErrorCode::InvalidArgument,
                    "A report is written as .html, .md or .json, not '" + suffix + "'.",
                    "--output");
    }
    auto project = openProject(session, options.model);
    if (!project) {
        return fail(std::move(project).error());
    }
    session.loaded();
    auto files = format->write(*project, options.output);
    if (!files) {
        return fail(std::move(files).error());
    }
    Answer answer;
    answer.json["files"] = *files;
    for (const std::string& file : *files) {
        answer.text += "Wrote " + file + "\n";
    }
    return answer;
}

} // namespace

Action declareReport(CLI::App& app)
{
    auto options = std::make_shared<Options>();
    addModelOptions(app, options->model);
    app.add_option("--output,-o", options->output, "File to write: .html, .md or .json")
        ->capture_default_str();
    return [options](Session& session) { return run(session, *options); };
}

} // namespace bitscape::cli
