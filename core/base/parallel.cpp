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

struct Parallel::State {
    std::mutex mutex;
    std::condition_variable_any started;
    std::condition_variable finished;
    const std::function<void(std::size_t, int)>* body = nullptr;
    std::size_t count = 0;
    std::atomic<std::size_t> next{0};
    int running = 0;
    std::uint64_t generation = 0;
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

    void serve(const std::stop_token& stop, int worker)
    {
        std::uint64_t seen = 0;
        while (true) {
            {
                std::unique_lock lock(mutex);
                if (!started.wait(lock, stop, [&] { return generation != seen; })) {
                    return;
                }
                seen = generation;
            }
            work(worker);
            const std::lock_guard lock(mutex);
            if (--running == 0) {
                finished.notify_one();
            }
        }
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
    {
        const std::lock_guard lock(state.mutex);
        state.body = &body;
        state.count = count;
        state.next = 0;
        state.running = static_cast<int>(state.helpers.size());
        state.thrown = nullptr;
        ++state.generation;
    }
    state.started.notify_all();
    state.work(0);
    std::unique_lock lock(state.mutex);
    state.finished.wait(lock, [&] { return state.running == 0; });
    if (state.thrown) {
        std::rethrow_exception(state.thrown);
    }
}

} // namespace bitscape
