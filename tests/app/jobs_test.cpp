// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/jobs/jobs.h"
#include "app/jobs/latest.h"

#include <QElapsedTimer>
#include <QSignalSpy>
#include <QTest>

#include <atomic>
#include <thread>

using namespace bitscape;
using namespace bitscape::app;

namespace {

constexpr int kMostStopMilliseconds = 1000;

/// Works until it is stopped.
Result<int> untilStopped(const JobContext& job)
{
    job.begin(1000, "steps");
    for (int i = 0;; ++i) {
        if (auto go = job.proceed(); !go) {
            return fail(std::move(go).error());
        }
        job.set(i % 1000);
        std::this_thread::yield();
    }
}

} // namespace

class JobsTest final : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void deliversTheResultOnThisThread()
    {
        Jobs jobs;
        int result = 0;
        QThread* thread = nullptr;
        jobs.start<int>(
            JobKind::Gather, QStringLiteral("answer"),
            [](const JobContext&) -> Result<int> { return 42; },
            [&](const Result<int>& r) {
                result = r.value_or(0);
                thread = QThread::currentThread();
            });
        QVERIFY(jobs.isRunning(JobKind::Gather));
        QTRY_COMPARE(result, 42);
        QCOMPARE(thread, QThread::currentThread());
        QVERIFY(!jobs.isRunning(JobKind::Gather));
        QCOMPARE(jobs.entries().front().state, JobState::Done);
    }

    void tellsProgressWithoutFloodingTheQueue()
    {
        JobRunner runner;
        QSignalSpy spy(&runner, &JobRunner::progressed);
        QElapsedTimer clock;
        clock.start();
        bool ended = false;
        runner.start<int>(untilStopped, [&](const Result<int>&) { ended = true; });
        QTRY_VERIFY(spy.count() >= 5);
        QCOMPARE(runner.progress().total, 1000);
        // One word per 50 ms at most, whatever the job writes.
        QVERIFY(spy.count() <= clock.elapsed() / 50 + 1);
        runner.stop();
        QTRY_VERIFY(ended);
    }

    void stopsWithinASecond()
    {
        Jobs jobs;
        ErrorCode code = ErrorCode::Internal;
        jobs.start<int>(JobKind::Search, QStringLiteral("endless"), untilStopped,
                        [&](const Result<int>& r) { code = r.error().code; });
        QElapsedTimer clock;
        clock.start();
        jobs.stop(JobKind::Search);
        QTRY_VERIFY(!jobs.isRunning(JobKind::Search));
        QVERIFY(clock.elapsed() < kMostStopMilliseconds);
        QCOMPARE(code, ErrorCode::Canceled);
        QCOMPARE(jobs.entries().front().state, JobState::Stopped);
    }

    void exceptionsBecomeErrors()
    {
        Jobs jobs;
        ErrorCode code = ErrorCode::Canceled;
        jobs.start<int>(
            JobKind::Train, QStringLiteral("bug"),
            [](const JobContext&) -> Result<int> { throw std::logic_error("broken invariant"); },
            [&](const Result<int>& r) { code = r.error().code; });
        QTRY_COMPARE(code, ErrorCode::Internal);
        jobs.start<int>(
            JobKind::Train, QStringLiteral("memory"),
            [](const JobContext&) -> Result<int> { throw std::bad_alloc(); },
            [&](const Result<int>& r) { code = r.error().code; });
        QTRY_COMPARE(code, ErrorCode::OutOfResources);
        QCOMPARE(jobs.entries().front().state, JobState::Failed);
        QVERIFY(!jobs.entries().front().outcome.isEmpty());
    }

    void destructionStopsAndWaits()
    {
        std::atomic<bool> hasEnded = false;
        bool wasDelivered = false;
        {
            Jobs jobs;
            jobs.start<int>(
                JobKind::Search, QStringLiteral("endless"),
                [&](const JobContext& job) {
                    auto result = untilStopped(job);
                    hasEnded = true;
                    return result;
                },
                [&](const Result<int>&) { wasDelivered = true; });
        }
        QVERIFY(hasEnded);
        QVERIFY(!wasDelivered);
    }

    void latestForgetsOlderRequests()
    {
        Latest<int> latest;
        std::vector<int> delivered;
        for (int i = 0; i < 20; ++i) {
            latest.request([i](const JobContext&) -> Result<int> { return i; },
                           [&](const Result<int>& r) { delivered.push_back(r.value_or(-1)); });
        }
        QTRY_VERIFY(!latest.isRunning());
        QCOMPARE(delivered, std::vector<int>{19});
    }

    void timeLeftIsSaid()
    {
        Progress progress;
        progress.done = 448;
        progress.total = 1024;
        progress.unit = "images";
        QVERIFY(!describe(progress).contains(QStringLiteral("left")));
        progress.secondsLeft = 5.5;
        QVERIFY(describe(progress).contains(QStringLiteral("6 s left")));
    }
};

QTEST_GUILESS_MAIN(JobsTest)
#include "jobs_test.moc"
