// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/job.h"

#include <utility>

namespace bitscape {

namespace {
constexpr double kMeasuredShare = 0.03; // no forecast before this share of the work is done
}

void ProgressBoard::begin(std::int64_t total, std::string unit)
{
    const std::lock_guard lock(m_mutex);
    m_latest = Progress{.total = total, .unit = std::move(unit)};
    m_started = std::chrono::steady_clock::now();
}

void ProgressBoard::set(std::int64_t done)
{
    const std::lock_guard lock(m_mutex);
    m_latest.done = done;
}

void ProgressBoard::add(std::int64_t count)
{
    const std::lock_guard lock(m_mutex);
    m_latest.done += count;
}

void ProgressBoard::say(std::string text)
{
    const std::lock_guard lock(m_mutex);
    m_latest.text = std::move(text);
}

Progress ProgressBoard::read() const
{
    const std::lock_guard lock(m_mutex);
    Progress copy = m_latest;
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - m_started;
    copy.elapsedSeconds = elapsed.count();
    if (copy.total > 0 && copy.done > 0) {
        const double share = static_cast<double>(copy.done) / static_cast<double>(copy.total);
        if (share >= kMeasuredShare) {
            copy.secondsLeft = copy.elapsedSeconds * (1.0 - share) / share;
        }
    }
    return copy;
}

Result<void> JobContext::proceed() const
{
    if (stop.stop_requested()) {
        return fail(ErrorCode::Canceled, "Stopped.");
    }
    return {};
}

void JobContext::begin(std::int64_t total, std::string unit) const
{
    if (progress != nullptr) {
        progress->begin(total, std::move(unit));
    }
}

void JobContext::set(std::int64_t done) const
{
    if (progress != nullptr) {
        progress->set(done);
    }
}

void JobContext::add(std::int64_t count) const
{
    if (progress != nullptr) {
        progress->add(count);
    }
}

void JobContext::say(std::string text) const
{
    if (progress != nullptr) {
        progress->say(std::move(text));
    }
}

} // namespace bitscape
