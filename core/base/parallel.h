// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace bitscape {

/// A small pool for parallel loops. Work is split by the caller in numbered items whose results do
/// not depend on who computes them, so the same bits come out for any number of threads.
class Parallel {
public:
    /// threads < 1 means all cores.
    explicit Parallel(int threads = 0);
    ~Parallel();
    Parallel(const Parallel&) = delete;
    Parallel& operator=(const Parallel&) = delete;
    Parallel(Parallel&&) = delete;
    Parallel& operator=(Parallel&&) = delete;

    [[nodiscard]] int threads() const;

    /// Calls body(item, worker) for item = 0 … count−1, worker = 0 … threads()−1; returns when all
    /// are done. Exceptions of the body reach the caller (the first one). Not reentrant: one loop
    /// at a time per pool.
    void forEach(std::size_t count, const std::function<void(std::size_t item, int worker)>& body);

private:
    struct State;
    std::unique_ptr<State> m_state;
};

} // namespace bitscape
