// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/bench/networks.h"
#include "app/cli/bench/work.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <stop_token>
#include <string>

namespace bitscape::bench {
namespace {

struct Size {
    const char* name;
    std::int64_t macs;       // published for MLPerf Tiny's, else counted by hand
    std::int64_t parameters; // statistics of normalizations included
};

/// Peers run the same networks: their sizes are those of the originals.
TEST(BenchNetworks, AreTheOriginals)
{
    const Size sizes[] = {
        {"example-cnn", 26 * 0 + 13 * 13 * 32 * 9 + 6 * 6 * 64 * 288 + 3 * 3 * 64 * 256 + 5760,
         320 + 18496 + 16448 + 5770},
        {"resnet8", 12'501'632, 78'666},
        {"ds-cnn", 2'656'768, 24'908},
        {"jet-mlp", 16 * 64 + 64 * 32 + 32 * 32 + 32 * 5, 4389},
        {"notebook", 25 * 18 + 9 * 54 + 270, 20 + 57 + 280},
        {"fc-ae", 264'192, 269'992},
    };
    for (const Size& size : sizes) {
        const Network* network = findNetwork(size.name);
        ASSERT_NE(network, nullptr) << size.name;
        const graph::GraphPtr graph = network->make();
        EXPECT_EQ(graph->macs(), size.macs) << size.name;
        EXPECT_EQ(graph->parameterCount(), size.parameters) << size.name;
    }
    EXPECT_EQ(findNetwork("no such network"), nullptr);
}

TEST(BenchNetworks, FourBitsReachEveryWeightAndRelu)
{
    const graph::GraphPtr graph = findNetwork("ds-cnn")->make();
    const graph::Configuration configuration = fourBits(*graph);
    for (const graph::Layer& layer : graph->layers()) {
        const bool isRelu = layer.name.starts_with("relu");
        const bool hasKernel = layer.findWeight("kernel") != nullptr ||
                               layer.findWeight("depthwise_kernel") != nullptr;
        EXPECT_EQ(configuration.layers.contains(layer.name), isRelu || hasKernel) << layer.name;
    }
}

TEST(BenchWorks, NamesAreUnique)
{
    std::set<std::string> names;
    for (const Work& work : works()) {
        EXPECT_TRUE(names.insert(work.name).second) << work.name;
    }
}

/// Every work but the long ones, once.
TEST(BenchWorks, CanBeRun)
{
    Parallel parallel(2);
    for (const Work& work : works()) {
        if (work.name.starts_with("search/") || work.name.ends_with("/256")) {
            continue;
        }
        const auto task = work.prepare(parallel);
        ASSERT_TRUE(task) << work.name << ": " << task.error().sentence();
        const auto seconds = task->run({});
        ASSERT_TRUE(seconds) << work.name << ": " << seconds.error().sentence();
        EXPECT_GT(*seconds, 0) << work.name;
        EXPECT_EQ(work.bound == Bound::Compute, task->flops > 0) << work.name;
    }
}

TEST(BenchWorks, MedianOfTheRunsIsSaid)
{
    int calls = 0;
    const Task task{.run = [&](const JobContext&) -> Result<double> { return ++calls; }};
    const auto timing = measure(task, 0.0);
    ASSERT_TRUE(timing);
    EXPECT_EQ(timing->runs, 1);
    EXPECT_EQ(timing->seconds, 2.0) << "the first call warms up";
    const Task failing{
        .run = [](const JobContext&) -> Result<double> { return fail(ErrorCode::Io, "No."); }};
    EXPECT_FALSE(measure(failing, 0.0));
}

/// A search goes on for seconds: it is left where the user stops it, and no figure comes of it.
TEST(BenchWorks, LongOnesAreStopped)
{
    Parallel parallel(1);
    const auto all = works();
    const auto search = std::ranges::find(all, "search/example-cnn", &Work::name);
    ASSERT_NE(search, all.end());
    const auto task = search->prepare(parallel);
    ASSERT_TRUE(task);
    std::stop_source stop;
    stop.request_stop();
    const auto timing = measure(*task, 0.0, {stop.get_token(), nullptr});
    ASSERT_FALSE(timing);
    EXPECT_EQ(timing.error().code, ErrorCode::Canceled);
}

} // namespace
} // namespace bitscape::bench
