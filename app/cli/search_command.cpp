// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.h"
#include "app/cli/inputs.h"
#include "app/cli/search_answer.h"
#include "app/cli/validation.h"
#include "core/project/project.h"
#include "core/search/tuner.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <charconv>
#include <filesystem>

namespace bitscape::cli {

namespace {

struct SearchArguments {
    ModelOptions model;
    DataOptions data;
    search::StudyDescription description;
    std::vector<std::string> limits; ///< "2000" of the data, "bits=1e5" of the search
    std::string config, goal, tuner, validation = "0.25", budget, project;
    std::optional<int> trials;
    bool resume = false;
    bool dryRun = false;
    std::string assign;
    std::optional<double> metricValue;
};

Result<double> parseNumber(const std::string& text, const std::string& whole)
{
    double value = 0;
    const char* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, value);
    if (read.ec != std::errc{} || read.ptr != end || text.empty()) {
        return fail(ErrorCode::InvalidArgument, "'" + whole + "' is no limit.", "--limit",
                    "Write N for a number of samples, or bits=N, energy=N, cycles=N.");
    }
    return value;
}

/// Sorts the uses of --limit: a number bounds the data, NAME=NUMBER a cost.
Result<void> readLimits(SearchArguments& arguments)
{
    for (const std::string& text : arguments.limits) {
        const std::size_t equals = text.find('=');
        const bool isCost = equals != std::string::npos;
        auto value = parseNumber(isCost ? text.substr(equals + 1) : text, text);
        if (!value) {
            return fail(std::move(value).error());
        }
        if (isCost) {
            arguments.description.limits[text.substr(0, equals)] = *value;
            continue;
        }
        arguments.data.recipe.limit = static_cast<Index>(*value);
        if (*value < 0 || static_cast<double>(arguments.data.recipe.limit) != *value) {
            return fail(ErrorCode::InvalidArgument, text + " is no number of samples.", "--limit");
        }
    }
    return {};
}

/// The AutoQKeras configuration with --goal put in, and what it says of the study.
Result<void> readConfig(SearchArguments& arguments)
{
    search::StudyDescription& description = arguments.description;
    Json config;
    if (arguments.config.empty()) {
        config =
            Json::parse(search::defaultConfig(arguments.goal.empty() ? "bits" : arguments.goal));
    } else {
        auto text = fileOrInline("--config", arguments.config);
        if (!text) {
            return fail(std::move(text).error());
        }
        config = Json::parse(*text, nullptr, false);
        if (!config.is_object()) {
            return fail(ErrorCode::InvalidArgument,
                        "The AutoQKeras configuration is no JSON object.",
                        "--config " + arguments.config);
        }
        if (!arguments.goal.empty()) {
            config["goal"] = {{"type", arguments.goal}, {"params", Json::object()}};
        }
    }
    const Json goal = config.value("goal", Json());
    if (goal.is_object() && goal.value("type", Json()).is_string()) {
        description.goal = goal["type"].get<std::string>();
    }
    const Json mode = config.value("mode", Json());
    description.tuner = !arguments.tuner.empty() ? arguments.tuner
                        : mode.is_string()       ? mode.get<std::string>()
                                                 : description.tuner;
    const Json trials = config.value("max_trials", Json());
    description.trials = arguments.trials.value_or(trials.is_number_integer() ? trials.get<int>()
                                                                              : description.trials);
    description.configJson = config.dump();
    return {};
}

/// All that needs no data.
search::SearchInput inputOf(const project::OpenedModel& opened)
{
    search::SearchInput input;
    input.graph = opened.model->graph;
    input.weights = opened.weights;
    input.base = opened.model->quantizers;
    input.cost = project::costFunction({});
    input.energy = project::energyFunction();
    const Json architecture = Json::parse(opened.model->architecture, nullptr, false);
    input.sequential =
        architecture.is_object() && architecture.value("class_name", Json()) == "Sequential";
    return input;
}

Result<Answer> dryRun(const SearchArguments& arguments, const search::SearchInput& input,
                      const search::SpaceReport& space)
{
    if (arguments.assign.empty()) {
        return describeSpace(input, space, nullptr, arguments.metricValue);
    }
    auto text = fileOrInline("--assign", arguments.assign);
    if (!text) {
        return fail(std::move(text).error());
    }
    const Json values = Json::parse(*text, nullptr, false);
    if (!values.is_object()) {
        return fail(ErrorCode::InvalidArgument, "It is no JSON object.",
                    "--assign " + arguments.assign);
    }
    std::map<std::string, std::string> assignment;
    for (const auto& [name, value] : values.items()) {
        if (!value.is_string()) {
            return fail(ErrorCode::InvalidArgument, "The value is no quantizer.",
                        "--assign " + name);
        }
        assignment[name] = value.get<std::string>();
    }
    return describeSpace(input, space, &assignment, arguments.metricValue);
}

/// A project that a study grows in, saved after every trial if it has a path.
class StudyProject {
public:
    /// InvalidArgument: the file holds another model or, with --resume, another search.
    static Result<StudyProject> open(const SearchArguments& arguments,
                                     const project::OpenedModel& opened, io::DataSet data,
                                     double validationShare)
    {
        StudyProject made;
        made.m_path = arguments.project;
        std::error_code ignored;
        const bool exists = !made.m_path.empty() && std::filesystem::exists(made.m_path, ignored);
        if (exists) {
            auto loaded = project::load(made.m_path, project::DataPolicy::Stored);
            if (!loaded) {
                return fail(std::move(loaded).error());
            }
            made.m_project = std::move(*loaded);
            if (made.m_project.isEmpty() || made.m_project.model->sha256 != opened.model->sha256) {
                return fail(ErrorCode::InvalidArgument,
                            "The project exists and holds another model.", made.m_path,
                            "Choose another file for --project.");
            }
        } else {
            made.m_project = project::makeProject(opened.model);
            if (opened.weights != opened.model->graph->weights()) {
                made.m_project.putConfiguration(
                    {.configuration = opened.configuration,
                     .weights = std::make_shared<const graph::WeightSet>(opened.weights)});
            }
        }
        made.m_project.putData(std::move(data));
        made.m_project.validationShare = validationShare;
        return made;
    }

    [[nodiscard]] const project::Project& project() const { return m_project; }

    /// Takes the stored study up again, or adds a new one.
    Result<search::Study> begin(search::StudyDescription description, bool resume)
    {
        description.baseHash = project::studyBaseHash(m_project);
        if (resume && !m_project.studies.empty()) {
            search::Study study = *m_project.studies.back();
            if (auto ok = search::requireSame(study.description, description); !ok) {
                return fail(std::move(ok).error());
            }
            description.name = study.description.name;
            study.description = std::move(description);
            m_index = m_project.studies.size() - 1;
            return study;
        }
        m_index = m_project.studies.size();
        description.name = fmt::format("search {}", m_index + 1);
        search::Study study;
        study.description = std::move(description);
        m_project.studies.push_back(nullptr);
        return study;
    }

    Result<void> put(const search::Study& study)
    {
        m_project.studies[m_index] = std::make_shared<const search::Study>(study);
        return m_path.empty() ? Result<void>{} : project::save(m_project, m_path);
    }

private:
    std::string m_path;
    project::Project m_project;
    std::size_t m_index = 0; ///< of the study
};

/// Samples of a search: the data, cut, or with validation data of their own.
Result<search::SearchInput> searchInput(Session& session, const SearchArguments& arguments,
                                        const Validation& validation,
                                        const project::Project& project)
{
    auto input = project::searchInput(project);
    if (!input || validation.share) {
        return input;
    }
    auto own = openValidation(session, arguments.data, validation, project.graph());
    if (!own) {
        return fail(std::move(own).error());
    }
    input->train = project.data->samples;
    input->validation = own->samples;
    return input;
}

std::string describeData(const io::DataSet& data, const Validation& validation)
{
    constexpr std::size_t kDigits = 12;
    return fmt::format("{}, sha256 {}{}", data.recipe.describe(), data.sha256.substr(0, kDigits),
                       validation.share ? "" : ", validation " + validation.source);
}

Result<Answer> runSearch(Session& session, SearchArguments arguments)
{
    auto ok = readLimits(arguments);
    if (ok) {
        ok = readConfig(arguments);
    }
    if (!ok) {
        return fail(std::move(ok).error());
    }
    auto validation = parseValidation(arguments.validation);
    auto budget = arguments.budget.empty() ? Result<double>(0.0) : parseDuration(arguments.budget);
    if (!validation || !budget) {
        return fail(validation ? std::move(budget).error().in("--budget")
                               : std::move(validation).error());
    }
    auto opened = openModel(session, arguments.model);
    if (!opened) {
        return fail(std::move(opened).error());
    }
    // Limits that cannot be met are told before anything else is asked for.
    search::StudyDescription& description = arguments.description;
    const search::SearchInput bare = inputOf(*opened);
    auto space = search::describe(bare, description);
    if (!space) {
        return fail(std::move(space).error());
    }
    session.warn(space->warnings);
    if (auto tuner = search::findTuner(description.tuner); !tuner) {
        return fail(std::move(tuner).error());
    }
    if (arguments.dryRun) {
        session.loaded();
        return dryRun(arguments, bare, *space);
    }
    if (arguments.data.recipe.source.empty()) {
        return fail(ErrorCode::InvalidArgument, "A search needs data.", "--data",
                    "Add --data, or --dry-run to see the space only.");
    }
    auto data = openDataFor(session, arguments.data, *opened->model->graph);
    if (!data) {
        return fail(std::move(data).error());
    }
    description.dataDescription = describeData(*data, *validation);
    description.validationShare = validation->share.value_or(0.0);
    description.budgetSeconds = *budget;
    description.seed = session.options().seed;
    auto project =
        StudyProject::open(arguments, *opened, std::move(*data), description.validationShare);
    if (!project) {
        return fail(std::move(project).error());
    }
    auto study = project->begin(description, arguments.resume);
    if (!study) {
        return fail(std::move(study).error());
    }
    auto input = searchInput(session, arguments, *validation, project->project());
    if (!input) {
        return fail(std::move(input).error());
    }
    session.loaded();

    const auto keep = [&](const search::Study& grown, const search::Trial&) -> Result<void> {
        auto saved = project->put(grown);
        if (saved && !arguments.project.empty()) {
            session.noteSaved(fmt::format("{} finished trials are in {}; --resume goes on.",
                                          grown.trials.size(), arguments.project));
        }
        return saved;
    };
    if (auto started = project->put(*study); !started) {
        return fail(std::move(started).error());
    }
    auto finished =
        search::run(*input, std::move(*study), session.options().threads, session.job(), keep);
    if (!finished) {
        return fail(std::move(finished).error());
    }
    if (static_cast<int>(finished->trials.size()) < finished->description.trials && *budget <= 0) {
        session.warn({"space_exhausted",
                      fmt::format("The space holds no more than {} different configurations.",
                                  finished->trials.size()),
                      "--trials"});
    }
    return describeStudy(*input, *space, *finished);
}

} // namespace

Action declareSearch(CLI::App& app)
{
    auto arguments = std::make_shared<SearchArguments>();
    search::StudyDescription& description = arguments->description;
    addModelOptions(app, arguments->model, false);
    addDataOptions(app, arguments->data, DataArgument::OptionalOption, LimitOption::OwnedByCommand);
    app.add_option("--limit", arguments->limits,
                   "N: use at most N samples; bits=N, energy=PICOJOULE, cycles=N: largest cost of "
                   "a trial; may be repeated")
        ->allow_extra_args(false);
    app.add_option("--config", arguments->config,
                   "AutoQKeras' arguments as JSON, a file or inline; default: its quantizers of at "
                   "most 8 bits for all layers");
    app.add_option("--goal", arguments->goal, "What becomes small: bits, energy or cycles");
    app.add_option("--tuner", arguments->tuner, "How trials are chosen: random (default)");
    app.add_option("--trials", arguments->trials, "Number of trials; default 10");
    app.add_option("--epochs", description.epochs, "Epochs of training per trial")
        ->capture_default_str();
    app.add_option("--batch", description.batch, "Samples per training step")
        ->capture_default_str();
    app.add_option("--optimizer", description.optimizer,
                   "sgd or adam with Keras' arguments, learning rate first")
        ->capture_default_str();
    app.add_option("--loss", description.loss,
                   "Keras name with arguments; default: cross-entropy for labels, else mse");
    app.add_option("--validation", arguments->validation,
                   "Share of the data's end that trials are measured on, or data of their own")
        ->capture_default_str();
    app.add_option("--budget", arguments->budget, "Stop after this time: 90s, 10m, 2h");
    app.add_option("--project", arguments->project,
                   "Keep the search in P.bitscape, saved after every trial");
    app.add_flag("--resume", arguments->resume, "Go on with the search in --project");
    app.add_flag("--dry-run", arguments->dryRun, "Describe the space and train nothing");
    app.add_option("--assign", arguments->assign,
                   "With --dry-run: hyper-parameter values (JSON) whose network is described");
    app.add_option("--metric-value", arguments->metricValue,
                   "With --dry-run: metric whose score is computed");
    return [arguments](Session& session) { return runSearch(session, *arguments); };
}

} // namespace bitscape::cli
