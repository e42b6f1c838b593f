// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

namespace bitscape {

/// What a running job last said of itself.
struct Progress {
    std::int64_t done = 0;
    std::int64_t total = 0; ///< 0: not known
    std::string unit;       ///< plural noun: "images", "steps", "trials"
    std::string text;       ///< what happens now; may be empty
    double elapsedSeconds = 0.0;
    /// Time left from the rate so far; absent before 3 % of the work or without a total.
    std::optional<double> secondsLeft;
};

/// A mailbox with the latest value: writers never wait for readers, so a fast loop floods nothing.
/// Thread: any.
class ProgressBoard {
public:
    void begin(std::int64_t total, std::string unit);
    void set(std::int64_t done);
    void add(std::int64_t count);
    void say(std::string text);
    [[nodiscard]] Progress read() const;

private:
    mutable std::mutex m_mutex;
    Progress m_latest;
    std::chrono::steady_clock::time_point m_started = std::chrono::steady_clock::now();
};

/// What every long function gets: a way to be stopped and a board to write on. Cheap to copy.
struct JobContext {
    std::stop_token stop;
    ProgressBoard* progress = nullptr; ///< may be null; outlives the job

    /// Error Canceled once a stop was requested. Ask at least every 50 ms of work.
    [[nodiscard]] Result<void> proceed() const;
    void begin(std::int64_t total, std::string unit) const;
    void set(std::int64_t done) const;
    void add(std::int64_t count) const;
    void say(std::string text) const;
};

} // namespace bitscape
