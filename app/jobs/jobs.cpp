// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/jobs/jobs.h"

#include "app/errors/sentence.h"
#include "widgets/style/format.h"

#include <QCoreApplication>

#include <algorithm>
#include <array>

namespace bitscape::app {

namespace {

constexpr std::size_t kKeptEntries = 200;

} // namespace

Jobs::Jobs(QObject* parent) : QObject(parent) {}

Jobs::~Jobs()
{
    // All are asked first, then each is waited for.
    stopAll();
    for (const Running& job : m_running) {
        job.runner->disconnect(this);
        delete job.runner;
    }
}

JobRunner* Jobs::begin(JobKind kind, const QString& title)
{
    Q_ASSERT(!isRunning(kind));
    const int id = ++m_lastId;
    JobEntry entry;
    entry.id = id;
    entry.kind = kind;
    entry.title = title;
    entry.started = QDateTime::currentDateTime();
    m_entries.push_front(std::move(entry));
    if (m_entries.size() > kKeptEntries) {
        m_entries.pop_back();
    }
    auto* runner = new JobRunner(this);
    m_running.push_back({id, kind, runner});
    connect(runner, &JobRunner::progressed, this, [this, id, kind, runner] {
        if (JobEntry* line = this->entry(id)) {
            line->progress = runner->progress();
        }
        Q_EMIT progressed(kind);
    });
    Q_EMIT started(kind);
    return runner;
}

void Jobs::end(JobKind kind, const Error* error)
{
    const auto found = std::find_if(m_running.begin(), m_running.end(),
                                    [kind](const Running& job) { return job.kind == kind; });
    const bool wasStopped = found->runner->isStopping();
    JobState state = wasStopped ? JobState::Stopped : JobState::Done;
    if (error != nullptr && error->code != ErrorCode::Canceled) {
        state = JobState::Failed;
    }
    if (JobEntry* line = entry(found->id)) {
        line->state = state;
        if (state == JobState::Failed) {
            line->outcome = messageOf(*error).text;
        }
    }
    found->runner->deleteLater();
    m_running.erase(found);
    Q_EMIT ended(kind, state);
}

void Jobs::stop(JobKind kind)
{
    if (const Running* job = find(kind)) {
        job->runner->stop();
        if (JobEntry* line = entry(job->id)) {
            line->state = JobState::Stopping;
        }
        Q_EMIT progressed(kind);
    }
}

void Jobs::stopAll()
{
    for (const Running& job : m_running) {
        job.runner->stop();
        if (JobEntry* line = entry(job.id)) {
            line->state = JobState::Stopping;
        }
    }
}

bool Jobs::isRunning(JobKind kind) const
{
    return find(kind) != nullptr;
}

int Jobs::runningCount() const
{
    return static_cast<int>(m_running.size());
}

Progress Jobs::progress(JobKind kind) const
{
    const Running* job = find(kind);
    return job != nullptr ? job->runner->progress() : Progress{};
}

void Jobs::clearEnded()
{
    std::erase_if(m_entries, [](const JobEntry& line) {
        return line.state != JobState::Running && line.state != JobState::Stopping;
    });
}

const Jobs::Running* Jobs::find(JobKind kind) const
{
    const auto found = std::find_if(m_running.begin(), m_running.end(),
                                    [kind](const Running& job) { return job.kind == kind; });
    return found == m_running.end() ? nullptr : &*found;
}

JobEntry* Jobs::entry(int id)
{
    const auto found = std::find_if(m_entries.begin(), m_entries.end(),
                                    [id](const JobEntry& line) { return line.id == id; });
    return found == m_entries.end() ? nullptr : &*found;
}

QString describe(const Progress& progress)
{
    const auto text = [](const char* source) {
        return QCoreApplication::translate("progress", source);
    };
    if (progress.total <= 0) {
        return progress.text.empty() ? text(QT_TRANSLATE_NOOP("progress", "working"))
                                     : QString::fromStdString(progress.text);
    }
    // The engine's units are English plurals; those shown here are listed for translation.
    static const std::array kUnits{
        QT_TRANSLATE_NOOP("progress", "images"), QT_TRANSLATE_NOOP("progress", "samples"),
        QT_TRANSLATE_NOOP("progress", "steps"),  QT_TRANSLATE_NOOP("progress", "epochs"),
        QT_TRANSLATE_NOOP("progress", "trials"), QT_TRANSLATE_NOOP("progress", "bytes")};
    const auto unit = std::find_if(kUnits.begin(), kUnits.end(),
                                   [&](const char* known) { return progress.unit == known; });
    const QString count =
        text(QT_TRANSLATE_NOOP("progress", "%1 of %2 %3"))
            .arg(widgets::integer(progress.done), widgets::integer(progress.total),
                 unit != kUnits.end() ? text(*unit) : QString::fromStdString(progress.unit));
    if (!progress.secondsLeft) {
        return count;
    }
    return text(QT_TRANSLATE_NOOP("progress", "%1, about %2 left"))
        .arg(count, widgets::duration(*progress.secondsLeft));
}

} // namespace bitscape::app
