// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/base/job.h"
#include "core/base/parallel.h"
#include "core/graph/execution.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bitscape::bench {

/// What the speed of a work is held against.
enum class Bound {
    None,
    Compute, ///< the machine's fastest SGEMM
    Memory   ///< a copy of the same bytes
};

/// A work made ready to run.
struct Task {
    double flops = 0; ///< of one run, 2 per multiply-accumulate; 0: not counted
    double bytes = 0; ///< read and written by one run; 0: not counted
    Index items = 0;  ///< images or values of one run; 0: not counted
    /// Does it once; seconds of the part that counts. Ends early, Canceled or not, where the job is
    /// stopped.
    std::function<Result<double>(const JobContext&)> run;
};

/// A row of the table of figures. Names are paths: "step/resnet8/4bit".
struct Work {
    std::string name;
    Bound bound = Bound::None;
    bool isParallel = true; ///< measured with one thread and with all, else as it is
    std::function<Result<Task>(Parallel&)> prepare;
};

/// All figures that speed is judged by, in the order of the table.
[[nodiscard]] std::vector<Work> works();

/// Training steps and inference of the networks of networks.h.
[[nodiscard]] std::vector<Work> networkWorks();
/// Quantizers on large and small tensors, and on kernels.
[[nodiscard]] std::vector<Work> quantizerWorks();
/// What the program does around the engine: opening, starting, searching.
[[nodiscard]] std::vector<Work> programWorks();

/// Makes a network ready to run.
using PlanMaker = std::function<Result<std::shared_ptr<const graph::InferencePlan>>()>;
/// Inference of a network that reads one tensor, with batches of 1, 32 and 256:
/// "infer/NAME/MODE/BATCH".
[[nodiscard]] std::vector<Work> inferenceWorks(const std::string& name, const std::string& mode,
                                               const graph::Graph& graph, const PlanMaker& make);

/// Seconds that a call takes.
template <class Body>
[[nodiscard]] double secondsOf(const Body& body)
{
    const auto start = std::chrono::steady_clock::now();
    body();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// The same of a call that gives a Result: its error, or the seconds.
template <class Body>
[[nodiscard]] Result<double> timed(const Body& body)
{
    std::optional<decltype(body())> outcome;
    const double seconds = secondsOf([&] { outcome = body(); });
    if (!*outcome) {
        return fail(std::move(*outcome).error());
    }
    return seconds;
}

struct Timing {
    double seconds = 0; ///< median of the runs
    double fastest = 0;
    int runs = 0;
};

/// Runs the task once to warm up, then again and again until `seconds` are over (at least once).
/// Errors: the task's; Canceled.
[[nodiscard]] Result<Timing> measure(const Task& task, double seconds, const JobContext& job = {});

/// What this machine can do at most, measured on the spot.
struct Limits {
    double sgemm = 0; ///< floating-point operations a second, product of 256×256 matrices
    double copy = 0;  ///< bytes a second, read and written, of copying 80 MB
};
[[nodiscard]] Result<Limits> measureLimits(Parallel& parallel, double seconds,
                                           const JobContext& job = {});

} // namespace bitscape::bench
