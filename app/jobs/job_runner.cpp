// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/jobs/job_runner.h"

namespace bitscape::app {

namespace {

constexpr int kPollMilliseconds = 50;

} // namespace

JobRunner::JobRunner(QObject* parent) : QObject(parent)
{
    m_timer.setInterval(kPollMilliseconds);
    connect(&m_timer, &QTimer::timeout, this, &JobRunner::progressed);
}

JobRunner::~JobRunner()
{
    stop();
    m_future.waitForFinished();
}

void JobRunner::stop()
{
    m_stop.request_stop();
}

Progress JobRunner::progress() const
{
    return m_board->read();
}

} // namespace bitscape::app
