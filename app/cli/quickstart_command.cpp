// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.h"
#include "app/cli/project_text.h"
#include "core/io/array_file.h"
#include "core/project/quickstart.h"
#include "core/project/report.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <filesystem>

namespace bitscape::cli {

namespace {

namespace fs = std::filesystem;

struct Options {
    std::string sample = "fashion";
    std::string output = "quickstart";
    project::QuickstartOptions run;
};

Result<void> makeFolder(const fs::path& folder)
{
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) {
        return fail(ErrorCode::Io, "The folder cannot be made: " + error.message() + ".",
                    folder.string(), "Choose another with --output.");
    }
    return {};
}

/// report.html and one SVG per plot; the files that were written.
Result<std::vector<std::string>> writeReport(const project::Project& project,
                                             const fs::path& folder)
{
    auto html = project::htmlReport(project);
    auto figures = project::reportFigures(project);
    if (!html || !figures) {
        return fail(html ? std::move(figures).error() : std::move(html).error());
    }
    std::vector<std::pair<fs::path, const std::string*>> contents{{folder / "report.html", &*html}};
    for (const project::Figure& figure : *figures) {
        contents.emplace_back(folder / "plots" / (figure.id + ".svg"), &figure.svg);
    }
    if (auto made = makeFolder(folder / "plots"); !made) {
        return fail(std::move(made).error());
    }
    std::vector<std::string> files;
    for (const auto& [path, content] : contents) {
        if (auto written = io::writeFileAtomically(path.string(), *content); !written) {
            return fail(std::move(written).error());
        }
        files.push_back(path.string());
    }
    return files;
}

Result<Answer> run(Session& session, const Options& options)
{
    const project::SampleInfo* sample = project::findSample(options.sample);
    ensure(sample != nullptr, "--sample takes names of the table only");
    const fs::path folder = options.output;
    if (auto made = makeFolder(folder); !made) {
        return fail(std::move(made).error());
    }
    const std::string model = (folder / (options.sample + ".h5")).string();
    const std::string file = (folder / (options.sample + ".bitscape")).string();
    project::QuickstartOptions settings = options.run;
    settings.seed = session.options().seed;
    settings.threads = session.options().threads;
    const std::string command =
        fmt::format("bitscape-cli quickstart --sample {} --trials {} --epochs {} --seed {}",
                    options.sample, settings.trials, settings.trialEpochs, settings.seed);
    session.loaded();
    const auto keep = [&](const project::Project& grown) {
        auto saved = project::save(grown, file);
        session.noteSaved("The project so far is in " + file + ".");
        return saved;
    };
    auto project = project::quickstart(
        *sample, settings, model, session.parallel(), session.job(),
        [&](const std::string& step) { session.job().say(step); }, keep);
    if (!project) {
        return fail(std::move(project).error());
    }
    project->commands.push_back(command);
    if (auto saved = project::save(*project, file); !saved) {
        return fail(std::move(saved).error());
    }
    auto files = writeReport(*project, folder);
    if (!files) {
        return fail(std::move(files).error());
    }
    files->insert(files->begin(), {model, file});

    Answer answer;
    const search::Study& study = *project->studies.back();
    answer.json["folder"] = options.output;
    answer.json["files"] = *files;
    answer.json["configurations"] = configurationsJson(*project);
    answer.json["trials"] = trialsJson(*project, study);
    answer.json["front"] = study.front();
    answer.text =
        trialsText(study) + "\n" + configurationsText(*project) +
        fmt::format("\nEverything is in {}/: open {} with bitscape, {}/report.html with a "
                    "browser.\n",
                    options.output, file, options.output);
    return answer;
}

} // namespace

Action declareQuickstart(CLI::App& app)
{
    auto options = std::make_shared<Options>();
    std::vector<std::string> names;
    for (const project::SampleInfo& sample : project::samples()) {
        names.emplace_back(sample.name);
    }
    app.add_option("--sample", options->sample, "Network and data to run")
        ->check(CLI::IsMember(names))
        ->capture_default_str();
    app.add_option("--output,-o", options->output, "Folder to write to")->capture_default_str();
    app.add_option("--trials", options->run.trials, "Trials of the search")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    app.add_option("--epochs", options->run.trialEpochs, "Epochs of training per trial")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    return [options](Session& session) { return run(session, *options); };
}

} // namespace bitscape::cli
