// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/jobs/job_runner.h"

#include <functional>
#include <optional>
#include <utility>

namespace bitscape::app {

/// A computation for a view, kept up to date: while one runs, the newest further request waits and
/// older ones are forgotten; a result that is already outdated is not delivered.
template <class T>
class Latest {
public:
    using Work = std::function<Result<T>(JobContext)>;
    using Done = std::function<void(Result<T>)>;

    void request(Work work, Done done)
    {
        if (m_runner.isRunning()) {
            m_next.emplace(std::move(work), std::move(done));
            m_runner.stop();
            return;
        }
        m_runner.start<T>(std::move(work), [this, done = std::move(done)](Result<T> result) {
            if (!m_next) {
                done(std::move(result));
                return;
            }
            auto next = std::exchange(m_next, std::nullopt);
            request(std::move(next->first), std::move(next->second));
        });
    }
    [[nodiscard]] bool isRunning() const { return m_runner.isRunning(); }

private:
    std::optional<std::pair<Work, Done>> m_next;
    JobRunner m_runner; ///< last: stops before the rest goes
};

} // namespace bitscape::app
