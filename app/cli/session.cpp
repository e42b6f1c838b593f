// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/command.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

namespace bitscape::cli {

namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kTick = std::chrono::milliseconds(50);

volatile std::sig_atomic_t signalSeen = 0; // NOLINT: written by the handler
volatile std::sig_atomic_t jobListens = 0; // NOLINT: a watcher turns the signal into a stop

/// Before any job runs there is nothing to save: end at once. Afterwards the watcher stops the job.
void onSignal(int number)
{
    if (jobListens != 0) {
        signalSeen = number;
        return;
    }
    constexpr char kText[] = "Stopped before any work was done.\n";
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, kText, sizeof kText - 1);
    std::_Exit(130);
}

double secondsSince(Clock::time_point start)
{
    return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string grouped(std::int64_t value)
{
    std::string text = std::to_string(value);
    for (std::ptrdiff_t at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3) {
        text.insert(static_cast<std::size_t>(at), ",");
    }
    return text;
}

std::string timeLeft(double seconds)
{
    if (seconds < 90) {
        return std::to_string(static_cast<int>(seconds + 0.5)) + " s";
    }
    if (seconds < 5400) {
        return std::to_string(static_cast<int>(seconds / 60 + 0.5)) + " min";
    }
    return std::to_string(static_cast<int>(seconds / 3600 + 0.5)) + " h";
}

std::string progressLine(const Progress& progress)
{
    constexpr int kWidth = 24;
    std::string line = "\r\x1b[K";
    if (progress.total > 0) {
        const auto filled = static_cast<int>(progress.done * kWidth / progress.total);
        for (int i = 0; i < kWidth; ++i) {
            line += i < filled ? "█" : "░";
        }
        line +=
            " " + grouped(progress.done) + " of " + grouped(progress.total) + " " + progress.unit;
        if (progress.secondsLeft) {
            line += ", about " + timeLeft(*progress.secondsLeft) + " left";
        }
    }
    if (!progress.text.empty()) {
        line += (progress.total > 0 ? "  " : "") + progress.text;
    }
    return line;
}

} // namespace

struct Session::State {
    Clock::time_point started = Clock::now();
    std::optional<double> loadSeconds;
    std::stop_source stop;
    ProgressBoard progress;
    std::unique_ptr<Parallel> parallel;
    std::jthread watcher;

    void watch(const std::stop_token& end, double timeLimit, bool draw)
    {
        bool drawn = false;
        while (!end.stop_requested()) {
            std::this_thread::sleep_for(kTick);
            const bool late = timeLimit > 0 && secondsSince(started) > timeLimit;
            if (signalSeen != 0 || late) {
                stop.request_stop();
            }
            if (draw) {
                const Progress now = progress.read();
                if (now.total > 0 || !now.text.empty()) {
                    const std::string line = progressLine(now);
                    std::fwrite(line.data(), 1, line.size(), stderr);
                    std::fflush(stderr);
                    drawn = true;
                }
            }
        }
        if (drawn) {
            std::fputs("\r\x1b[K", stderr);
        }
    }
};

Session::Session(const CommonOptions& options)
    : m_options(options), m_state(std::make_unique<State>())
{
    struct sigaction action = {};
    action.sa_handler = onSignal;
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
    if (options.memoryLimitBytes > 0) {
        // The soft limit only: a child that reads a foreign file has bounds of its own, and what it
        // runs into must not be taken for damage.
        rlimit limit{};
        getrlimit(RLIMIT_DATA, &limit);
        limit.rlim_cur = std::min(limit.rlim_max, static_cast<rlim_t>(options.memoryLimitBytes));
        setrlimit(RLIMIT_DATA, &limit);
    }
}

Session::~Session() = default;

JobContext Session::job() const
{
    // Started at the first job only: loading may fork a child to look at a foreign file first.
    if (!m_state->watcher.joinable()) {
        const bool draw = !m_options.quiet && !m_options.json && ::isatty(STDERR_FILENO) != 0;
        jobListens = 1;
        m_state->watcher =
            std::jthread([state = m_state.get(), limit = m_options.timeLimitSeconds,
                          draw](const std::stop_token& end) { state->watch(end, limit, draw); });
    }
    return {m_state->stop.get_token(), &m_state->progress};
}

Parallel& Session::parallel()
{
    if (!m_state->parallel) {
        m_state->parallel = std::make_unique<Parallel>(m_options.threads);
    }
    return *m_state->parallel;
}

void Session::loaded()
{
    m_state->loadSeconds = secondsSince(m_state->started);
}

void Session::warn(Warning warning)
{
    m_warnings.push_back(std::move(warning));
}

void Session::warn(const Warnings& warnings)
{
    m_warnings.insert(m_warnings.end(), warnings.begin(), warnings.end());
}

bool Session::timeLimitReached() const
{
    return m_options.timeLimitSeconds > 0 &&
           secondsSince(m_state->started) > m_options.timeLimitSeconds;
}

void Session::endProgress()
{
    if (m_state->watcher.joinable()) {
        m_state->watcher.request_stop();
        m_state->watcher.join();
    }
}

Json Session::timing() const
{
    const double total = secondsSince(m_state->started);
    const double load = m_state->loadSeconds.value_or(total);
    return {{"load_s", load}, {"compute_s", total - load}, {"total_s", total}};
}

} // namespace bitscape::cli
