// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/bench/work.h"

#include <benchmark/benchmark.h>

#include <thread>

// The works of `bitscape-cli bench` as cases: "step/resnet8/4bit/threads:2".
namespace bitscape::bench {
namespace {

void run(benchmark::State& state, const Work& work)
{
    Parallel parallel(static_cast<int>(state.range(0)));
    const auto task = work.prepare(parallel);
    if (!task) {
        state.SkipWithError(task.error().message.c_str());
        return;
    }
    for ([[maybe_unused]] auto one : state) {
        const auto seconds = task->run({});
        if (!seconds) {
            state.SkipWithError(seconds.error().message.c_str());
            return;
        }
        state.SetIterationTime(*seconds);
    }
    using benchmark::Counter;
    if (task->flops > 0) {
        state.counters["FLOP/s"] = Counter(task->flops, Counter::kIsIterationInvariantRate);
    }
    if (task->bytes > 0) {
        state.counters["B/s"] = Counter(task->bytes, Counter::kIsIterationInvariantRate);
    }
}

/// Registered before main() reads the command line.
const bool kRegistered = [] {
    const int cores = static_cast<int>(std::thread::hardware_concurrency());
    for (const Work& work : works()) {
        auto* const registered = benchmark::RegisterBenchmark(
            work.name.c_str(), [work](benchmark::State& state) { run(state, work); });
        registered->UseManualTime()->ArgName("threads")->Arg(1);
        if (work.isParallel && cores > 1) {
            registered->Arg(cores);
        }
    }
    return true;
}();

} // namespace
} // namespace bitscape::bench
