// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/jobs/job_runner.h"

#include <QDateTime>
#include <QObject>
#include <QString>

#include <deque>
#include <memory>
#include <vector>

namespace bitscape::app {

enum class JobKind { Open, Save, Data, Gather, Train, Search, Evaluate, Export };

enum class JobState { Running, Stopping, Done, Stopped, Failed };

/// A line of the Jobs dock.
struct JobEntry {
    int id = 0;
    JobKind kind = JobKind::Open;
    QString title;
    JobState state = JobState::Running;
    Progress progress;
    QDateTime started;
    QString outcome; ///< sentence when it has ended; may be empty
};

/// All jobs of the program: at most one of a kind at a time.
class Jobs final : public QObject {
    Q_OBJECT
public:
    explicit Jobs(QObject* parent = nullptr);
    ~Jobs() override;
    Q_DISABLE_COPY_MOVE(Jobs)

    /// Starts work; `done` gets its result on this thread. Precondition: !isRunning(kind).
    template <class T>
    void start(JobKind kind, const QString& title, std::function<Result<T>(JobContext)> work,
               std::function<void(Result<T>)> done);
    void stop(JobKind kind);
    void stopAll();
    [[nodiscard]] bool isRunning(JobKind kind) const;
    [[nodiscard]] int runningCount() const;
    /// Latest word of the running job of this kind; default if none runs.
    [[nodiscard]] Progress progress(JobKind kind) const;
    /// Newest first.
    [[nodiscard]] const std::deque<JobEntry>& entries() const { return m_entries; }
    void clearEnded();

Q_SIGNALS:
    /// Progress of any job; at most 20 times per second and job.
    void progressed(bitscape::app::JobKind kind);
    void started(bitscape::app::JobKind kind);
    void ended(bitscape::app::JobKind kind, bitscape::app::JobState state);

private:
    struct Running {
        int id;
        JobKind kind;
        JobRunner* runner; ///< child of this
    };
    JobRunner* begin(JobKind kind, const QString& title);
    void end(JobKind kind, const Error* error);
    [[nodiscard]] const Running* find(JobKind kind) const;
    [[nodiscard]] JobEntry* entry(int id);

    std::deque<JobEntry> m_entries;
    std::vector<Running> m_running;
    int m_lastId = 0;
};

/// "448 of 1,024 images, about 6 s left", or what can be said of it.
[[nodiscard]] QString describe(const Progress& progress);

template <class T>
void Jobs::start(JobKind kind, const QString& title, std::function<Result<T>(JobContext)> work,
                 std::function<void(Result<T>)> done)
{
    JobRunner* runner = begin(kind, title);
    runner->start<T>(std::move(work), [this, kind, done = std::move(done)](Result<T> result) {
        end(kind, result ? nullptr : &result.error());
        done(std::move(result));
    });
}

} // namespace bitscape::app
