// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/jobs/activities.h"

#include "app/document/derived.h"
#include "app/document/file_kinds.h"
#include "core/graph/execution.h"
#include "core/train/initialize.h"

#include <QFileInfo>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace bitscape::app {

namespace {

QString fileName(const QString& path)
{
    return QFileInfo(path).fileName();
}

std::vector<Index> firstIndices(Index count)
{
    std::vector<Index> indices(static_cast<std::size_t>(count));
    std::iota(indices.begin(), indices.end(), Index{0});
    return indices;
}

/// A name that no configuration has: "trained", "trained 2", …
std::string freeName(const project::Project& project, const std::string& wanted)
{
    std::string name = wanted;
    for (int i = 2; project.findConfiguration(name) != nullptr; ++i) {
        name = wanted + " " + std::to_string(i);
    }
    return name;
}

/// The training as a command line, for the provenance.
std::string trainCommand(const project::Project& project, const train::TrainOptions& options,
                         TrainStart start)
{
    std::string line = "bitscape-cli train " + project.model->path;
    line += project.data ? " --data " + project.data->recipe.source : "";
    line += fmt::format(" --validation {}", project.validationShare);
    line += start == TrainStart::FreshWeights ? " --from-scratch" : "";
    return line + options.commandLine();
}

} // namespace

/// Mailbox between a job and the window: the newest study, and epochs not yet seen.
struct Activities::Feed {
    std::mutex mutex;
    std::shared_ptr<const search::Study> study;
    std::vector<train::HistoryEntry> epochs;
};

Activities::Activities(Document& document, Jobs& jobs, int threads, QObject* parent)
    : QObject(parent), m_document(document), m_jobs(jobs), m_threads(threads),
      m_feed(std::make_shared<Feed>())
{
    connect(&m_jobs, &Jobs::progressed, this, &Activities::drain);
}

Activities::~Activities() = default;

void Activities::report(JobKind kind, const Error& error)
{
    if (error.code != ErrorCode::Canceled) {
        Q_EMIT failed(kind, error);
    }
}

void Activities::warn(JobKind kind, const Warnings& warnings)
{
    if (warnings.empty()) {
        return;
    }
    QStringList lines;
    for (const Warning& warning : warnings) {
        lines << QString::fromStdString(
            warning.where.empty() ? warning.message : warning.where + ": " + warning.message);
    }
    Q_EMIT warned(kind, lines.join(QLatin1Char('\n')));
}

void Activities::open(const QString& path)
{
    if (m_jobs.isRunning(JobKind::Open)) {
        return;
    }
    // In the window the sample is the whole finished project, not its network alone.
    if (path == QLatin1StringView("sample:digits")) {
        openSample();
        return;
    }
    const std::string argument = path.toStdString();
    if (roleOf(path) == FileRole::Data) {
        io::DataRecipe recipe;
        recipe.source = argument;
        openData(recipe);
        return;
    }
    const bool isProject = path.endsWith(QLatin1StringView(".bitscape"));
    m_jobs.start<project::Project>(
        JobKind::Open, tr("Open %1").arg(fileName(path)),
        [argument, isProject](JobContext job) -> Result<project::Project> {
            if (isProject) {
                return project::load(argument, project::DataPolicy::Source, job);
            }
            auto opened = project::openModel(argument);
            if (!opened) {
                return fail(std::move(opened).error());
            }
            return project::makeProject(opened->model);
        },
        [this, path, isProject](Result<project::Project> project) {
            if (!project) {
                report(JobKind::Open, project.error());
                return;
            }
            // What is to be said of a foreign file stands on the import page.
            const Warnings warnings =
                isProject && project->model ? project->model->warnings : Warnings{};
            m_document.replace(*std::move(project), isProject ? path : QString());
            Q_EMIT opened(path);
            warn(JobKind::Open, warnings);
        });
}

void Activities::openSample()
{
    if (m_jobs.isRunning(JobKind::Open)) {
        return;
    }
    m_jobs.start<project::Project>(
        JobKind::Open, tr("Open the built-in sample"),
        [](JobContext) { return project::sampleProject(); },
        [this](Result<project::Project> project) {
            if (!project) {
                report(JobKind::Open, project.error());
                return;
            }
            m_document.replace(*std::move(project), {});
            Q_EMIT opened({});
        });
}

void Activities::openData(const io::DataRecipe& recipe)
{
    if (m_jobs.isRunning(JobKind::Data)) {
        return;
    }
    const Snapshot before = m_document.snapshot();
    m_jobs.start<io::DataSet>(
        JobKind::Data, tr("Read %1").arg(QString::fromStdString(recipe.source)),
        [recipe, before](JobContext job) -> Result<io::DataSet> {
            auto data = project::openData(recipe, job);
            if (!data || before->isEmpty()) {
                return data;
            }
            project::Project trial = *before;
            trial.data = std::make_shared<const io::DataSet>(*data);
            if (auto fitted = fittedSamples(trial); !fitted) {
                return fail(std::move(fitted).error());
            }
            return data;
        },
        [this](Result<io::DataSet> data) {
            if (!data) {
                report(JobKind::Data, data.error());
                return;
            }
            const Warnings warnings = data->warnings;
            m_document.apply(tr("Open data set"),
                             [&](project::Project& p) { p.putData(*std::move(data)); });
            Q_EMIT dataOpened();
            warn(JobKind::Data, warnings);
        });
}

void Activities::save(const QString& path)
{
    if (m_jobs.isRunning(JobKind::Save)) {
        return;
    }
    const Snapshot project = m_document.snapshot();
    m_jobs.start<bool>(
        JobKind::Save, tr("Save %1").arg(fileName(path)),
        [project, target = path.toStdString()](JobContext) -> Result<bool> {
            auto saved = project::save(*project, target);
            if (!saved) {
                return fail(std::move(saved).error());
            }
            return true;
        },
        [this, project, path](const Result<bool>& done) {
            if (!done) {
                report(JobKind::Save, done.error());
                return;
            }
            m_document.markSaved(project, path);
            Q_EMIT saved(path);
        });
}

void Activities::exportTo(const project::ExportFormat& format, const QString& path)
{
    if (m_jobs.isRunning(JobKind::Export)) {
        return;
    }
    const Snapshot project = m_document.snapshot();
    m_jobs.start<project::ExportResult>(
        JobKind::Export, tr("Export %1").arg(fileName(path)),
        [project, &format,
         target = path.toStdString()](JobContext job) -> Result<project::ExportResult> {
            auto graph = project->graph().withWeights(project->currentWeights());
            if (!graph) {
                return fail(std::move(graph).error());
            }
            const project::ExportRequest request{
                {std::move(*graph), project->currentConfiguration().configuration},
                project->model,
                project};
            return project::exportTo(format, request, target, job);
        },
        [this](const Result<project::ExportResult>& done) {
            if (!done) {
                report(JobKind::Export, done.error());
                return;
            }
            Q_EMIT exported(*done);
        });
}

void Activities::gather(int images)
{
    if (m_jobs.isRunning(JobKind::Gather)) {
        return;
    }
    const Snapshot project = m_document.snapshot();
    m_jobs.start<search::Calibration>(
        JobKind::Gather, tr("Gather histograms"),
        [project, images, threads = m_threads](JobContext job) -> Result<search::Calibration> {
            auto samples = fittedSamples(*project);
            if (!samples) {
                return fail(std::move(samples).error());
            }
            const Index all = (*samples)->count();
            const Index wanted = images > 0 ? std::min<Index>(images, all) : all;
            const train::Samples part =
                wanted == all ? **samples : (*samples)->pick(firstIndices(wanted));
            Parallel parallel(threads);
            return search::gather(project->model->graph, project->currentWeights(), part, parallel,
                                  job);
        },
        [this, project](Result<search::Calibration> calibration) {
            if (!calibration) {
                report(JobKind::Gather, calibration.error());
                return;
            }
            if (m_document.project().model != project->model) {
                return;
            }
            if (calibration->dataDescription.empty() && project->data) {
                calibration->dataDescription = project->data->recipe.describe();
            }
            m_document.apply(tr("Gather histograms"), [&](project::Project& p) {
                p.calibration =
                    std::make_shared<const search::Calibration>(*std::move(calibration));
            });
        });
}

void Activities::train(const train::TrainOptions& options, TrainStart start)
{
    if (m_jobs.isRunning(JobKind::Train)) {
        return;
    }
    const Snapshot project = m_document.snapshot();
    m_liveHistory.clear();
    {
        const std::scoped_lock lock(m_feed->mutex);
        m_feed->epochs.clear();
    }
    m_jobs.start<train::TrainReport>(
        JobKind::Train, tr("Train %1").arg(QString::fromStdString(project->name)),
        [project, options, start, feed = m_feed,
         threads = m_threads](JobContext job) -> Result<train::TrainReport> {
            auto samples = fittedSamples(*project);
            if (!samples) {
                return fail(std::move(samples).error());
            }
            train::Split split = train::splitLast(**samples, project->validationShare);
            train::TrainInput input;
            input.graph = project->model->graph;
            input.configuration = project->currentConfiguration().configuration;
            input.weights = project->currentWeights();
            input.teacher = train::Teacher{input.graph, input.weights};
            if (start == TrainStart::FreshWeights) {
                input.weights = train::initialWeights(*input.graph, options.seed);
            }
            input.train = std::make_shared<const train::Samples>(std::move(split.train));
            input.validation =
                split.validation.count() > 0
                    ? std::make_shared<const train::Samples>(std::move(split.validation))
                    : nullptr;
            Parallel parallel(threads);
            return train::train(input, options, parallel, job,
                                [&feed](const train::HistoryEntry& entry) {
                                    const std::scoped_lock lock(feed->mutex);
                                    feed->epochs.push_back(entry);
                                });
        },
        [this, project,
         command = trainCommand(*project, options, start)](Result<train::TrainReport> done) {
            drain();
            if (!done) {
                m_liveHistory.clear();
                report(JobKind::Train, done.error());
                return;
            }
            if (done->history.empty() || m_document.project().model != project->model) {
                m_liveHistory.clear();
                return;
            }
            const Warnings warnings = done->warnings;
            m_document.apply(tr("Train"), [&](project::Project& p) {
                p.trainingHistory = done->history;
                p.commands.push_back(command);
                project::NamedConfiguration trained = project->currentConfiguration();
                const std::string name = trained.configuration.isFloat()
                                             ? "trained float"
                                             : trained.configuration.name + " trained";
                trained.configuration = std::move(done->configuration);
                trained.configuration.name = freeName(p, name);
                trained.weights =
                    std::make_shared<const graph::WeightSet>(std::move(done->weights));
                trained.measured.reset();
                p.putConfiguration(std::move(trained));
            });
            m_liveHistory.clear();
            Q_EMIT trainingProgressed();
            warn(JobKind::Train, warnings);
        });
}

void Activities::search(const search::StudyDescription& description)
{
    search::Study study;
    study.description = description;
    runSearch(std::move(study));
}

void Activities::resume(std::shared_ptr<const search::Study> study)
{
    runSearch(*study);
}

void Activities::runSearch(search::Study study)
{
    if (m_jobs.isRunning(JobKind::Search)) {
        return;
    }
    const Snapshot project = m_document.snapshot();
    m_liveStudy = std::make_shared<const search::Study>(study);
    {
        const std::scoped_lock lock(m_feed->mutex);
        m_feed->study.reset();
    }
    m_jobs.start<search::Study>(
        JobKind::Search, tr("Search %1").arg(QString::fromStdString(study.description.name)),
        [project, study, feed = m_feed,
         threads = m_threads](JobContext job) mutable -> Result<search::Study> {
            auto input = project::searchInput(*project);
            if (!input) {
                return fail(std::move(input).error());
            }
            const auto publish = [&feed](const search::Study& now,
                                         const search::Trial&) -> Result<void> {
                auto copy = std::make_shared<const search::Study>(now);
                const std::scoped_lock lock(feed->mutex);
                feed->study = std::move(copy);
                return {};
            };
            Parallel cores(threads);
            return search::run(*input, std::move(study), cores.threads(), job, publish);
        },
        [this, project](Result<search::Study> done) {
            drain();
            std::shared_ptr<const search::Study> result =
                done ? std::make_shared<const search::Study>(*std::move(done)) : m_liveStudy;
            m_liveStudy.reset();
            // A stopped or failed search keeps the trials that were finished.
            if (result && !result->trials.empty() && m_document.project().model == project->model) {
                m_document.apply(tr("Search"), [&](project::Project& p) {
                    const auto same =
                        std::find_if(p.studies.begin(), p.studies.end(), [&](const auto& s) {
                            return s->description.name == result->description.name;
                        });
                    if (same != p.studies.end()) {
                        *same = result;
                    } else {
                        p.studies.push_back(result);
                    }
                });
            }
            Q_EMIT studyProgressed();
            if (!done) {
                report(JobKind::Search, done.error());
            }
        });
    Q_EMIT studyProgressed();
}

void Activities::evaluate()
{
    if (m_jobs.isRunning(JobKind::Evaluate)) {
        return;
    }
    const Snapshot project = m_document.snapshot();
    struct Outcome {
        train::Evaluation evaluation;
        std::string hash;
    };
    m_jobs.start<Outcome>(
        JobKind::Evaluate,
        tr("Evaluate %1")
            .arg(project->isEmpty()
                     ? QString()
                     : QString::fromStdString(project->currentConfiguration().configuration.name)),
        [project, threads = m_threads](JobContext job) -> Result<Outcome> {
            auto samples = fittedSamples(*project);
            if (!samples) {
                return fail(std::move(samples).error());
            }
            auto plan = graph::InferencePlan::make(project->model->graph,
                                                   project->currentConfiguration().configuration,
                                                   project->currentWeights());
            if (!plan) {
                return fail(std::move(plan).error());
            }
            Parallel parallel(threads);
            auto evaluation = train::evaluate(**plan, **samples, parallel, job);
            if (!evaluation) {
                return fail(std::move(evaluation).error());
            }
            return Outcome{*std::move(evaluation), project::stateHash(*project)};
        },
        [this, project](Result<Outcome> done) {
            if (!done) {
                report(JobKind::Evaluate, done.error());
                return;
            }
            const auto& before =
                project->configurations[static_cast<std::size_t>(project->current)];
            const project::Project& now = m_document.project();
            const auto place =
                std::find(now.configurations.begin(), now.configurations.end(), before);
            if (place == now.configurations.end() || !done->evaluation.accuracy) {
                return;
            }
            const double p = *done->evaluation.accuracy;
            const Index count = done->evaluation.count;
            project::NamedConfiguration measured = *before;
            measured.measured = project::NamedConfiguration::Measured{
                p, std::sqrt(p * (1.0 - p) / static_cast<double>(count)), count,
                project->data->recipe.describe(), done->hash};
            const auto index = place - now.configurations.begin();
            m_document.apply(tr("Evaluate"), [&](project::Project& edited) {
                edited.configurations[static_cast<std::size_t>(index)] =
                    std::make_shared<const project::NamedConfiguration>(std::move(measured));
            });
        });
}

void Activities::drain()
{
    std::shared_ptr<const search::Study> study;
    std::vector<train::HistoryEntry> epochs;
    {
        const std::scoped_lock lock(m_feed->mutex);
        study.swap(m_feed->study);
        epochs.swap(m_feed->epochs);
    }
    if (study) {
        m_liveStudy = std::move(study);
        Q_EMIT studyProgressed();
    }
    if (!epochs.empty()) {
        m_liveHistory.insert(m_liveHistory.end(), epochs.begin(), epochs.end());
        Q_EMIT trainingProgressed();
    }
}

std::vector<std::shared_ptr<const search::Study>> Activities::studies() const
{
    auto all = m_document.project().studies;
    if (m_liveStudy) {
        std::erase_if(all, [this](const auto& study) {
            return study->description.name == m_liveStudy->description.name;
        });
        all.push_back(m_liveStudy);
    }
    return all;
}

const std::vector<train::HistoryEntry>& Activities::history() const
{
    return m_jobs.isRunning(JobKind::Train) ? m_liveHistory : m_document.project().trainingHistory;
}

} // namespace bitscape::app
