// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/bench/work.h"

#include "core/tensor/convolution.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace bitscape::bench {

namespace {

constexpr Index kEdge = 256; // of the matrices: three of them fit in the second cache
constexpr Index kRows = 4096;
constexpr std::size_t kCopied = 10'000'000; // floats, as many as the quantizers of the table read

double medianOf(std::vector<double> values)
{
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::ranges::nth_element(values, middle);
    return *middle;
}

/// One call per measured run, so that instruction counters can be switched on by its name.
[[gnu::noinline]] Result<double> measuredRun(const Task& task, const JobContext& job)
{
    return task.run(job);
}

} // namespace

std::vector<Work> works()
{
    std::vector<Work> all;
    for (const auto part : {networkWorks, quantizerWorks, programWorks}) {
        std::ranges::move(part(), std::back_inserter(all));
    }
    return all;
}

Result<Timing> measure(const Task& task, double seconds, const JobContext& job)
{
    const JobContext quiet{job.stop, nullptr}; // progress counts works, not what they count
    if (auto warm = task.run(quiet); !warm) {
        return fail(std::move(warm).error());
    }
    std::vector<double> measured;
    const auto start = std::chrono::steady_clock::now();
    do {
        auto one = measuredRun(task, quiet);
        if (!one) {
            return fail(std::move(one).error());
        }
        measured.push_back(*one);
        if (auto ok = job.proceed(); !ok) {
            return fail(std::move(ok).error());
        }
    } while (std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() <
             seconds);
    return Timing{.seconds = medianOf(measured),
                  .fastest = *std::ranges::min_element(measured),
                  .runs = static_cast<int>(measured.size())};
}

Result<Limits> measureLimits(Parallel& parallel, double seconds, const JobContext& job)
{
    const auto product = makeConvolution({.channels = kEdge, .filters = kEdge});
    const std::vector<float> a(kRows * kEdge, 0.5F);
    const std::vector<float> kernel(kEdge * kEdge, 0.25F);
    std::vector<float> packed(static_cast<std::size_t>(product->packedSize()));
    product->pack(kernel.data(), packed.data());
    std::vector<float> c(kRows * kEdge);
    constexpr Index kItems = kRows / kEdge;
    const Task multiply{.run = [&](const JobContext&) -> Result<double> {
        return secondsOf([&] {
            parallel.forEach(kItems, [&](std::size_t item, int /*worker*/) {
                const auto first = static_cast<Index>(item) * kEdge * kEdge;
                product->forward(a.data() + first, kEdge, packed.data(), {}, c.data() + first,
                                 nullptr);
            });
        });
    }};
    const std::vector<float> from(kCopied, 1.0F);
    std::vector<float> to(kCopied);
    const auto threads = static_cast<std::size_t>(parallel.threads());
    const Task copy{.run = [&](const JobContext&) -> Result<double> {
        return secondsOf([&] {
            parallel.forEach(threads, [&](std::size_t item, int /*worker*/) {
                const std::size_t first = item * kCopied / threads;
                const std::size_t end = (item + 1) * kCopied / threads;
                std::copy(from.data() + first, from.data() + end, to.data() + first);
            });
        });
    }};
    const auto multiplied = measure(multiply, seconds, job);
    const auto copied = multiplied ? measure(copy, seconds, job) : multiplied;
    if (!copied) {
        return fail(copied.error());
    }
    return Limits{.sgemm = 2.0 * kRows * kEdge * kEdge / multiplied->fastest,
                  .copy = 2.0 * sizeof(float) * kCopied / copied->fastest};
}

} // namespace bitscape::bench
