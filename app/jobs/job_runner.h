// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/base/job.h"

#include <QFuture>
#include <QFutureWatcher>
#include <QObject>
#include <QTimer>
#include <QtConcurrent>

#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <stop_token>

namespace bitscape::app {

/// Runs one engine function off the GUI thread: the only bridge. All signals and callbacks arrive
/// on the thread of the runner.
class JobRunner final : public QObject {
    Q_OBJECT
public:
    explicit JobRunner(QObject* parent = nullptr);
    /// Stops and waits: a job never outlives its runner. Its `done` is not called then.
    ~JobRunner() override;
    Q_DISABLE_COPY_MOVE(JobRunner)

    /// work(JobContext) → Result<T> runs in a pool thread; then done(Result<T>) is called.
    /// Exceptions become Internal or OutOfResources. Precondition: !isRunning().
    template <class T>
    void start(std::function<Result<T>(JobContext)> work, std::function<void(Result<T>)> done);
    /// Asks the job to stop; it ends soon after.
    void stop();
    [[nodiscard]] bool isRunning() const { return m_isRunning; }
    [[nodiscard]] bool isStopping() const { return m_stop.stop_requested(); }
    [[nodiscard]] Progress progress() const;

Q_SIGNALS:
    /// Every 50 ms while the job runs: read progress().
    void progressed();
    void finished();

private:
    std::stop_source m_stop;
    std::shared_ptr<ProgressBoard> m_board = std::make_shared<ProgressBoard>();
    QTimer m_timer;
    QFuture<void> m_future;
    bool m_isRunning = false;
};

template <class T>
void JobRunner::start(std::function<Result<T>(JobContext)> work,
                      std::function<void(Result<T>)> done)
{
    Q_ASSERT(!m_isRunning);
    m_stop = std::stop_source();
    m_board = std::make_shared<ProgressBoard>();
    m_isRunning = true;
    m_timer.start();
    auto result = std::make_shared<std::optional<Result<T>>>();
    auto* watcher = new QFutureWatcher<void>(this);
    connect(watcher, &QFutureWatcher<void>::finished, this,
            [this, watcher, result, done = std::move(done)] {
                watcher->deleteLater();
                m_timer.stop();
                m_isRunning = false;
                Q_EMIT progressed();
                done(std::move(**result));
                Q_EMIT finished();
            });
    m_future = QtConcurrent::run(
        [work = std::move(work), result, board = m_board, stop = m_stop.get_token()] {
            try {
                result->emplace(work(JobContext{stop, board.get()}));
            } catch (const std::bad_alloc&) {
                result->emplace(fail(ErrorCode::OutOfResources, "Not enough memory for this job.",
                                     {}, "Close other programs, or use fewer samples."));
            } catch (const std::exception& e) {
                result->emplace(fail(ErrorCode::Internal, e.what()));
            }
        });
    watcher->setFuture(m_future);
}

} // namespace bitscape::app
