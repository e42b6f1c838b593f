// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/bench/networks.h"
#include "app/cli/bench/work.h"
#include "core/train/train.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace bitscape::bench {

namespace {

constexpr Index kBatchesOfData = 4;
constexpr double kSecondsOfSteps = 0.05; // how long one run trains, about
constexpr double kFlopsPerSecond = 1e11; // assumed for that
constexpr int kFewestSteps = 5, kMostSteps = 50;

/// A step as `train` takes it: batch picked from shuffled data, forward, loss, backward, Adam.
Work stepWork(const Network& network, bool isQuantized)
{
    return {.name = fmt::format("step/{}/{}", network.name, isQuantized ? "4bit" : "float"),
            .bound = Bound::Compute,
            .prepare = [&network, isQuantized](Parallel& parallel) -> Result<Task> {
                train::TrainInput input;
                input.graph = network.make();
                input.weights = input.graph->weights();
                input.train = randomSamples(network, *input.graph, network.batch * kBatchesOfData);
                if (isQuantized) {
                    input.configuration = fourBits(*input.graph);
                }
                const double flops = 6.0 * static_cast<double>(input.graph->macs()) *
                                     static_cast<double>(network.batch);
                train::TrainOptions options;
                options.batch = network.batch;
                options.maxSteps =
                    std::clamp(static_cast<int>(kSecondsOfSteps * kFlopsPerSecond / flops),
                               kFewestSteps, kMostSteps);
                options.epochs = options.maxSteps;
                return Task{
                    .flops = flops,
                    .items = network.batch,
                    .run = [input, options, &parallel](const JobContext& job) -> Result<double> {
                        auto report = train::train(input, options, parallel, job);
                        if (!report) {
                            return fail(std::move(report).error());
                        }
                        return report->stepMillisecondsMedian / 1000.0;
                    }};
            }};
}

PlanMaker planOf(const graph::GraphPtr& graph, bool isQuantized)
{
    return [graph, isQuantized] {
        return graph::InferencePlan::make(
            graph, isQuantized ? fourBits(*graph) : graph::Configuration{}, graph->weights());
    };
}

} // namespace

std::vector<Work> inferenceWorks(const std::string& name, const std::string& mode,
                                 const graph::Graph& graph, const PlanMaker& make)
{
    std::vector<Work> works;
    const Shape shape = graph.layer(graph.inputs()[0]).outputShape;
    const double macs = static_cast<double>(graph.macs());
    for (const Index batch : {1, 32, 256}) {
        works.push_back(
            {.name = fmt::format("infer/{}/{}/{}", name, mode, batch),
             .bound = Bound::Compute,
             .prepare = [=](Parallel& parallel) -> Result<Task> {
                 auto plan = make();
                 if (!plan) {
                     return fail(std::move(plan).error());
                 }
                 const auto input =
                     std::make_shared<const Tensor>(randomTensor(shape.batchOf(batch), 1));
                 return Task{.flops = 2.0 * macs * static_cast<double>(batch),
                             .items = batch,
                             .run = [plan = *plan, input, &parallel](const JobContext& job) {
                                 const std::vector<TensorView> inputs{input->view()};
                                 return timed([&] { return plan->run(inputs, parallel, job); });
                             }};
             }});
    }
    return works;
}

std::vector<Work> networkWorks()
{
    std::vector<Work> works;
    for (const Network& network : networks()) {
        for (const bool isQuantized : {true, false}) {
            works.push_back(stepWork(network, isQuantized));
        }
    }
    for (const Network& network : networks()) {
        const graph::GraphPtr graph = network.make();
        for (const bool isQuantized : {false, true}) {
            std::ranges::move(inferenceWorks(std::string(network.name),
                                             isQuantized ? "4bit" : "float", *graph,
                                             planOf(graph, isQuantized)),
                              std::back_inserter(works));
        }
    }
    return works;
}

} // namespace bitscape::bench
