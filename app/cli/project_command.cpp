// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.h"
#include "app/cli/inputs.h"
#include "app/cli/project_text.h"
#include "app/cli/search_answer.h"
#include "core/base/rng.h"
#include "core/base/text.h"
#include "core/project/numbers.h"
#include "core/project/project.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace bitscape::cli {

namespace {

using project::DataPolicy;
using project::Project;

/// What the sub-commands of `project` read.
struct Options {
    std::string file;
    ModelOptions model;
    DataOptions data;
    std::string study; ///< by name; empty: the last one
    int trial = 0;
    int retrain = 0;
    std::string from, to; ///< configuration names
};

Result<Project> openProject(Session& session, const Options& options,
                            DataPolicy policy = DataPolicy::Stored)
{
    auto project = project::load(options.file, policy, session.job());
    if (project && project->data) {
        session.warn(project->data->warnings);
    }
    return project;
}

Result<std::shared_ptr<const search::Study>> chooseStudy(const Project& project,
                                                         const Options& options)
{
    if (project.studies.empty()) {
        return fail(ErrorCode::NotFound, "The project holds no study.", options.file,
                    "Run a search with --project first.");
    }
    if (options.study.empty()) {
        return project.studies.back();
    }
    std::vector<std::string> names;
    for (const auto& study : project.studies) {
        if (study->description.name == options.study) {
            return study;
        }
        names.push_back(study->description.name);
    }
    return fail(ErrorCode::InvalidArgument, "The project has no study '" + options.study + "'.",
                "--study", "There is " + join(names, ", ") + ".");
}

Json modelJson(const Project& project)
{
    const io::ModelFile& model = *project.model;
    return {{"name", model.graph->name()},
            {"path", model.path},
            {"format", model.format},
            {"producer", model.producer},
            {"sha256", model.sha256},
            {"layers", model.graph->layers().size()},
            {"parameters", model.graph->parameterCount()},
            {"macs", model.graph->macs()}};
}

Json dataJson(const Project& project)
{
    const io::DataSet& data = *project.data;
    return {{"source", data.recipe.source},
            {"description", data.recipe.describe()},
            {"count", project.dataCount},
            {"kept", data.samples->count()},
            {"validation_share", number(project.validationShare)},
            {"dtype", data.dtype},
            {"sha256", data.sha256}};
}

Json studiesJson(const Project& project)
{
    Json studies = Json::array();
    for (const auto& study : project.studies) {
        const search::Trial* best = study->best();
        studies.push_back({{"name", study->description.name},
                           {"tuner", study->description.tuner},
                           {"seed", study->description.seed},
                           {"goal", study->description.goal},
                           {"trials", study->trials.size()},
                           {"best", best != nullptr ? Json(best->number) : Json(nullptr)},
                           {"front", study->front()},
                           {"hypervolume", number(study->hypervolume())},
                           {"reference_size", number(study->referenceSize)}});
    }
    return studies;
}

std::string infoText(const Project& project)
{
    std::vector<std::vector<std::string>> rows{{"Part", "Holds"}};
    rows.push_back({"project", fmt::format("{}, made {}, saved {}", project.name, project.created,
                                           project.modified)});
    if (project.model) {
        rows.push_back(
            {"model",
             fmt::format("{}, {} layers, {} parameters", project.model->path,
                         project.graph().layers().size(),
                         project::grouped(static_cast<double>(project.graph().parameterCount())))});
    }
    if (project.data) {
        rows.push_back(
            {"data", fmt::format("{}, {} samples ({} kept)", project.data->recipe.describe(),
                                 project.dataCount, project.data->samples->count())});
    }
    if (project.calibration) {
        rows.push_back({"calibration",
                        fmt::format("{} tensors, {} samples", project.calibration->tensors.size(),
                                    project.calibration->samples)});
    }
    for (const auto& study : project.studies) {
        rows.push_back(
            {"study", fmt::format("{}: {} trials, {} on the front", study->description.name,
                                  study->trials.size(), study->front().size())});
    }
    rows.push_back({"accelerator", project.accelerator.name});
    return table(rows, {false, false}) +
           (project.isEmpty() ? "" : "\n" + configurationsText(project));
}

Result<Answer> info(Session& session, const Options& options)
{
    auto project = openProject(session, options);
    if (!project) {
        return fail(std::move(project).error());
    }
    session.loaded();
    Answer answer;
    Json& json = answer.json;
    json["file"] = options.file;
    json["format_version"] = project::kFormatVersion;
    json["name"] = project->name;
    json["uuid"] = project->uuid;
    json["created"] = project->created;
    json["modified"] = project->modified;
    json["model"] = project->model ? modelJson(*project) : Json(nullptr);
    json["data"] = project->data ? dataJson(*project) : Json(nullptr);
    json["calibration"] = project->calibration
                              ? Json{{"tensors", project->calibration->tensors.size()},
                                     {"samples", project->calibration->samples},
                                     {"data", project->calibration->dataDescription}}
                              : Json(nullptr);
    json["configurations"] = project->isEmpty() ? Json::array() : configurationsJson(*project);
    json["state"] = project->isEmpty() ? Json(nullptr) : Json(project::stateHash(*project));
    json["studies"] = studiesJson(*project);
    json["trials"] =
        project->studies.empty() ? Json::array() : trialsJson(*project, *project->studies.back());
    json["front"] =
        project->studies.empty() ? Json::array() : Json(project->studies.back()->front());
    json["accelerator"] = project->accelerator.name;
    json["commands"] = project->commands;
    answer.text = infoText(*project);
    return answer;
}

// --- verify ------------------------------------------------------------------------------------

struct Check {
    std::string name;
    bool passed = false;
};

std::vector<Check> checkContents(const Project& project)
{
    std::vector<Check> checks{{"seal: length, checksum, version", true}};
    if (!project.model) {
        return checks;
    }
    const io::ModelFile& model = *project.model;
    if (model.bytes && model.format != "keras-json") {
        checks.push_back(
            {"model: bytes match their SHA-256", sha256(*model.bytes) == model.sha256});
    }
    for (const auto& named : project.configurations) {
        const bool fits =
            std::all_of(named->configuration.layers.begin(), named->configuration.layers.end(),
                        [&](const auto& entry) { return project.graph().find(entry.first) >= 0; });
        checks.push_back(
            {"configuration " + named->configuration.name + ": its layers exist", fits});
    }
    for (const auto& study : project.studies) {
        std::vector<int> numbers;
        for (const search::Trial& trial : study->trials) {
            numbers.push_back(trial.number);
        }
        std::sort(numbers.begin(), numbers.end());
        checks.push_back({"study " + study->description.name + ": trials are numbered once",
                          std::adjacent_find(numbers.begin(), numbers.end()) == numbers.end()});
    }
    return checks;
}

/// `count` finished trials of the study, chosen by the seed.
std::vector<int> pickTrials(const search::Study& study, int count, std::uint64_t seed)
{
    std::vector<int> numbers;
    for (const search::Trial& trial : study.trials) {
        if (trial.state == search::TrialState::Complete) {
            numbers.push_back(trial.number);
        }
    }
    Rng rng = Rng(seed).split("retrain");
    rng.shuffle(std::span<int>(numbers));
    numbers.resize(std::min(numbers.size(), static_cast<std::size_t>(count)));
    std::sort(numbers.begin(), numbers.end());
    return numbers;
}

const search::Trial* findTrial(const search::Study& study, int number)
{
    const auto found = std::find_if(study.trials.begin(), study.trials.end(),
                                    [&](const search::Trial& t) { return t.number == number; });
    return found == study.trials.end() ? nullptr : &*found;
}

struct Retrained {
    std::vector<int> numbers;
    Json differences = Json::array();
};

/// The project as it was when the study began: its weights current, its validation part.
Result<Project> baseOf(const Project& project, const search::Study& study)
{
    if (!(study.description.validationShare > 0)) {
        return fail(ErrorCode::InvalidArgument,
                    "The trials were measured on validation data that the project does not hold.",
                    "study " + study.description.name,
                    "Run the search again with --resume instead.");
    }
    Project start = project;
    start.validationShare = study.description.validationShare;
    for (int i = 0; i < static_cast<int>(start.configurations.size()); ++i) {
        start.current = i;
        if (project::studyBaseHash(start) == study.description.baseHash) {
            return start;
        }
    }
    return fail(ErrorCode::InvalidArgument,
                "The weights that the study began with are no longer in the project.",
                "study " + study.description.name);
}

/// Runs trials again as the study describes them and compares what they give, digit for digit.
Result<Retrained> retrain(Session& session, const Project& project, const search::Study& study,
                          int count)
{
    Retrained outcome;
    outcome.numbers = pickTrials(study, count, session.options().seed);
    auto start = baseOf(project, study);
    if (!start) {
        return fail(std::move(start).error());
    }
    auto input = project::searchInput(*start);
    if (!input) {
        return fail(std::move(input).error());
    }
    const auto isPicked = [&](const search::Trial& trial) {
        return std::binary_search(outcome.numbers.begin(), outcome.numbers.end(), trial.number);
    };
    search::Study again = study;
    std::erase_if(again.trials, isPicked);
    // Trials that the study never finished are not asked for.
    again.description.trials = outcome.numbers.empty() ? 0 : outcome.numbers.back() + 1;
    auto finished =
        search::run(*input, std::move(again), session.options().threads, session.job(),
                    [](const search::Study&, const search::Trial&) -> Result<void> { return {}; });
    if (!finished) {
        return fail(std::move(finished).error());
    }
    for (const int number : outcome.numbers) {
        const search::Trial* before = findTrial(study, number);
        const search::Trial* after = findTrial(*finished, number);
        const auto compare = [&](const char* what, double stored, double now) {
            if (stored != now) {
                outcome.differences.push_back({{"trial", number},
                                               {"value", what},
                                               {"stored", cli::number(stored)},
                                               {"now", cli::number(now)}});
            }
        };
        if (after == nullptr || !graph::sameContent(before->configuration, after->configuration)) {
            outcome.differences.push_back({{"trial", number}, {"value", "configuration"}});
            continue;
        }
        compare("metric", before->metric, after->metric);
        compare("score", before->score, after->score);
        compare("bits", before->cost.bits, after->cost.bits);
        compare("energy_pj", before->cost.energyPicojoule, after->cost.energyPicojoule);
    }
    return outcome;
}

Result<Answer> verify(Session& session, const Options& options)
{
    auto project = openProject(session, options,
                               options.retrain > 0 ? DataPolicy::Source : DataPolicy::Stored);
    if (!project) {
        return fail(std::move(project).error());
    }
    session.loaded();
    const std::vector<Check> checks = checkContents(*project);
    Answer answer;
    answer.json["file"] = options.file;
    answer.json["checks"] = Json::array();
    std::vector<std::vector<std::string>> rows{{"Check", "Result"}};
    bool passed = true;
    for (const Check& check : checks) {
        answer.json["checks"].push_back({{"name", check.name}, {"passed", check.passed}});
        rows.push_back({check.name, check.passed ? "passed" : "FAILED"});
        passed = passed && check.passed;
    }
    if (options.retrain > 0) {
        auto study = chooseStudy(*project, options);
        if (!study) {
            return fail(std::move(study).error());
        }
        auto outcome = retrain(session, *project, **study, options.retrain);
        if (!outcome) {
            return fail(std::move(outcome).error());
        }
        const bool same = outcome->differences.empty();
        answer.json["retrained"] = outcome->numbers;
        answer.json["differences"] = std::move(outcome->differences);
        rows.push_back(
            {fmt::format("{} trials trained again give the same numbers", outcome->numbers.size()),
             same ? "passed" : "FAILED"});
        passed = passed && same;
    }
    answer.json["passed"] = passed;
    answer.text = table(rows, {false, false});
    constexpr int kDamaged = 3;
    answer.exitCode = passed ? 0 : kDamaged;
    return answer;
}

// --- the rest ----------------------------------------------------------------------------------

Result<Answer> saved(const Project& project, const Options& options, std::string sentence)
{
    if (auto done = project::save(project, options.file); !done) {
        return fail(std::move(done).error());
    }
    Answer answer;
    answer.json["file"] = options.file;
    answer.json["configurations"] = configurationsJson(project);
    answer.text = std::move(sentence) + "\n";
    return answer;
}

Result<Answer> make(Session& session, const Options& options)
{
    auto opened = openModel(session, options.model);
    if (!opened) {
        return fail(std::move(opened).error());
    }
    Project project = project::makeProject(opened->model);
    project.editCurrent(
        [&](graph::Configuration& configuration) { configuration = opened->configuration; });
    if (!options.data.recipe.source.empty()) {
        auto data = openDataFor(session, options.data, project.graph());
        if (!data) {
            return fail(std::move(data).error());
        }
        project.putData(std::move(*data));
    }
    session.loaded();
    return saved(project, options, "Wrote " + options.file);
}

Result<Answer> trials(Session& session, const Options& options, bool onlyFront)
{
    auto project = openProject(session, options);
    if (!project) {
        return fail(std::move(project).error());
    }
    auto study = chooseStudy(*project, options);
    if (!study) {
        return fail(std::move(study).error());
    }
    session.loaded();
    const std::vector<int> front = (*study)->front();
    Answer answer;
    answer.json["study"] = (*study)->description.name;
    answer.json["trials"] = Json::array();
    for (const search::Trial& trial : (*study)->trials) {
        if (!onlyFront || std::find(front.begin(), front.end(), trial.number) != front.end()) {
            answer.json["trials"].push_back(trialJson(project->graph(), trial));
        }
    }
    answer.json["front"] = front;
    answer.json["hypervolume"] = number((*study)->hypervolume());
    answer.text = trialsText(**study, onlyFront);
    return answer;
}

Result<Answer> apply(Session& session, const Options& options)
{
    auto project = openProject(session, options);
    if (!project) {
        return fail(std::move(project).error());
    }
    auto study = chooseStudy(*project, options);
    if (!study) {
        return fail(std::move(study).error());
    }
    const search::Trial* trial = findTrial(**study, options.trial);
    if (trial == nullptr) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("The study has no trial {}.", options.trial), "--trial",
                    fmt::format("It holds {} trials; 'project trials' lists them.",
                                (*study)->trials.size()));
    }
    session.loaded();
    project::NamedConfiguration applied;
    applied.configuration = trial->configuration;
    applied.configuration.name = fmt::format("trial {}", trial->number);
    const std::string name = applied.configuration.name;
    project->putConfiguration(std::move(applied));
    return saved(*project, options, "The current configuration is now '" + name + "'.");
}

Result<Answer> listConfigurations(Session& session, const Options& options)
{
    auto project = openProject(session, options);
    if (!project) {
        return fail(std::move(project).error());
    }
    session.loaded();
    Answer answer;
    answer.json["configurations"] =
        project->isEmpty() ? Json::array() : configurationsJson(*project);
    answer.text = project->isEmpty() ? "" : configurationsText(*project);
    return answer;
}

/// Index of a configuration by name; InvalidArgument with the nearest name.
Result<std::size_t> findConfiguration(const Project& project, const std::string& name)
{
    std::vector<std::string> names;
    for (std::size_t i = 0; i < project.configurations.size(); ++i) {
        if (project.configurations[i]->configuration.name == name) {
            return i;
        }
        names.push_back(project.configurations[i]->configuration.name);
    }
    const std::string near = nearest(name, std::span<const std::string>(names));
    return fail(
        ErrorCode::InvalidArgument, "The project has no configuration '" + name + "'.", "NAME",
        near.empty() ? "There is " + join(names, ", ") + "." : "Did you mean '" + near + "'?");
}

enum class Change { Copy, Rename, Delete };

Result<Answer> changeConfiguration(Session& session, const Options& options, Change change)
{
    auto project = openProject(session, options);
    if (!project) {
        return fail(std::move(project).error());
    }
    auto index = findConfiguration(*project, options.from);
    if (!index) {
        return fail(std::move(index).error());
    }
    if (change != Change::Delete && project->findConfiguration(options.to) != nullptr) {
        return fail(ErrorCode::InvalidArgument,
                    "There is already a configuration '" + options.to + "'.", "TO",
                    "Choose another name.");
    }
    session.loaded();
    if (change == Change::Delete) {
        if (project->configurations.size() == 1) {
            return fail(ErrorCode::InvalidArgument, "The only configuration cannot be deleted.",
                        options.file);
        }
        project->configurations.erase(project->configurations.begin() +
                                      static_cast<std::ptrdiff_t>(*index));
        const int last = static_cast<int>(project->configurations.size()) - 1;
        const bool isBefore = static_cast<int>(*index) < project->current;
        project->current = std::min(project->current - (isBefore ? 1 : 0), last);
        return saved(*project, options, "Deleted '" + options.from + "'.");
    }
    project::NamedConfiguration changed = *project->configurations[*index];
    changed.configuration.name = options.to;
    if (change == Change::Copy) {
        project->putConfiguration(std::move(changed));
        return saved(*project, options, "Copied '" + options.from + "' to '" + options.to + "'.");
    }
    project->configurations[*index] =
        std::make_shared<const project::NamedConfiguration>(std::move(changed));
    return saved(*project, options, "Renamed '" + options.from + "' to '" + options.to + "'.");
}

} // namespace

Action declareProject(CLI::App& app)
{
    auto options = std::make_shared<Options>();
    auto chosen = std::make_shared<Action>();
    app.require_subcommand(1);
    const auto add = [&](CLI::App& parent, const char* name, const char* summary, auto act) {
        CLI::App* command = parent.add_subcommand(name, summary);
        command->fallthrough();
        command->add_option("FILE", options->file, "Project file (.bitscape)")->required();
        command->callback([options, chosen, act] {
            *chosen = [options, act](Session& session) { return act(session, *options); };
        });
        return command;
    };
    CLI::App* creation = add(app, "new", "Make a project around a model", make);
    creation->add_option("--model", options->model.model, "Model: as for inspect")->required();
    creation->add_option("--architecture", options->model.architecture,
                         "Where the layers are described, for files of weights only");
    creation->add_option("--map", options->model.map, "Quantizers per layer: JSON file or inline");
    addDataOptions(*creation, options->data, DataArgument::OptionalOption);
    add(app, "info", "Show what a project holds", info);
    CLI::App* verification = add(app, "verify", "Check a project against itself", verify);
    verification
        ->add_option("--retrain", options->retrain, "Train N random trials again and compare")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str();
    const auto withStudy = [&](CLI::App* command) {
        command->add_option("--study", options->study, "Study by name; default: the last");
        return command;
    };
    withStudy(verification);
    withStudy(add(app, "trials", "List the trials of a study",
                  [](Session& session, const Options& o) { return trials(session, o, false); }));
    withStudy(add(app, "front", "List the trials that no other dominates",
                  [](Session& session, const Options& o) { return trials(session, o, true); }));
    withStudy(add(app, "apply", "Make a trial the current configuration", apply))
        ->add_option("--trial", options->trial, "Number of the trial")
        ->required();

    CLI::App* config = app.add_subcommand("config", "List, copy, rename or delete configurations");
    config->fallthrough();
    config->require_subcommand(1);
    add(*config, "list", "List the configurations", listConfigurations);
    const auto change = [&](const char* name, const char* summary, Change kind) {
        CLI::App* command = add(*config, name, summary, [kind](Session& session, const Options& o) {
            return changeConfiguration(session, o, kind);
        });
        command->add_option("NAME", options->from, "Configuration")->required();
        if (kind != Change::Delete) {
            command->add_option("TO", options->to, "New name")->required();
        }
    };
    change("copy", "Copy a configuration; the copy becomes current", Change::Copy);
    change("rename", "Rename a configuration", Change::Rename);
    change("delete", "Delete a configuration", Change::Delete);
    return [chosen](Session& session) { return (*chosen)(session); };
}

} // namespace bitscape::cli
