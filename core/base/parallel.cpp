// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/parallel.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace bitscape {

namespace {

constexpr int kSpins = 2000; // looks before a thread goes to sleep: about 30 µs

void relax()
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

/// True as soon as the condition holds, false if it takes long.
template <class Condition>
bool holdsSoon(const Condition& condition)
{
    for (int spin = 0; spin < kSpins; ++spin) {
        if (condition()) {
            return true;
        }
        relax();
    }
    return false;
}

} // namespace

/// Loops often follow each other closely, so threads look for the next one for a while before they
/// sleep. A helper that wakes up too late finds the loop closed and keeps nobody waiting.
struct Parallel::State {
    std::mutex mutex;
    std::condition_variable_any started;
    std::condition_variable finished;
    const std::function<void(std::size_t, int)>* body = nullptr;
    std::size_t count = 0;
    std::atomic<std::size_t> next{0};
    bool isOpen = false; ///< helpers may join the loop
    int sleeping = 0;
    std::atomic<int> running{0}; ///< helpers in the loop
    std::atomic<std::uint64_t> generation{0};
    std::exception_ptr thrown;
    std::vector<std::jthread> helpers; // last member: joins before the rest goes

    void work(int worker)
    {
        try {
            for (std::size_t item = next++; item < count; item = next++) {
                (*body)(item, worker);
            }
        } catch (...) {
            next = count;
            const std::lock_guard lock(mutex);
            if (!thrown) {
                thrown = std::current_exception();
            }
        }
    }

    /// Waits for a loop after the one `seen`; false: the pool ends.
    bool await(const std::stop_token& stop, std::uint64_t seen)
    {
        const auto isNew = [&] { return generation != seen; };
        if (holdsSoon([&] { return isNew() || stop.stop_requested(); })) {
            return !stop.stop_requested();
        }
        std::unique_lock lock(mutex);
        ++sleeping;
        const bool isThere = started.wait(lock, stop, isNew);
        --sleeping;
        return isThere;
    }

    void serve(const std::stop_token& stop, int worker)
    {
        std::uint64_t seen = 0;
        while (await(stop, seen)) {
            {
                const std::lock_guard lock(mutex);
                seen = generation;
                if (!isOpen) {
                    continue;
                }
                ++running;
            }
            work(worker);
            const std::lock_guard lock(mutex);
            if (--running == 0) {
                finished.notify_one();
            }
        }
    }

    void open(const std::function<void(std::size_t, int)>& loop, std::size_t items)
    {
        const std::lock_guard lock(mutex);
        body = &loop;
        count = items;
        next = 0;
        thrown = nullptr;
        isOpen = true;
        ++generation;
        if (sleeping > 0) {
            started.notify_all();
        }
    }

    /// Ends the loop when all helpers in it are through.
    void close()
    {
        {
            const std::lock_guard lock(mutex);
            isOpen = false;
        }
        const auto isDone = [&] { return running == 0; };
        static_cast<void>(holdsSoon(isDone));
        std::unique_lock lock(mutex);
        finished.wait(lock, isDone);
    }
};

Parallel::Parallel(int threads) : m_state(std::make_unique<State>())
{
    const int wanted =
        threads >= 1 ? threads : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
    State* state = m_state.get();
    for (int worker = 1; worker < wanted; ++worker) {
        state->helpers.emplace_back(
            [state, worker](const std::stop_token& stop) { state->serve(stop, worker); });
    }
}

Parallel::~Parallel() = default;

int Parallel::threads() const
{
    return static_cast<int>(m_state->helpers.size()) + 1;
}

void Parallel::forEach(std::size_t count, const std::function<void(std::size_t, int)>& body)
{
    State& state = *m_state;
    if (state.helpers.empty() || count <= 1) {
        for (std::size_t item = 0; item < count; ++item) {
            body(item, 0);
        }
        return;
    }
    state.open(body, count);
    state.work(0);
    state.close();
    if (state.thrown) {
        std::rethrow_exception(state.thrown);
    }
}

} // namespace bitscape
