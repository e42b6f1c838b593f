// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/bench/networks.h"
#include "core/train/what_if.h"
#include "tests/support/reference.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

namespace bitscape {
namespace {

constexpr Index kImages = 500;

/// One layer's bits changed, the accuracy on 500 images asked for: the kernels in turn.
void changeOneLayer(benchmark::State& state, const char* name)
{
    const bench::Network& network = *bench::findNetwork(name);
    const graph::GraphPtr graph = network.make();
    auto samples = std::make_shared<train::Samples>();
    const Shape& input = graph->layer(graph->inputs()[0]).outputShape;
    samples->inputs.push_back(reference::randomTensor(input.batchOf(kImages), 8));
    const Index classes = graph->layer(graph->outputs()[0]).outputShape.elementCount();
    for (Index i = 0; i < kImages; ++i) {
        samples->labels.push_back(i % classes);
    }
    const graph::Configuration four = bench::fourBits(*graph);
    std::vector<std::string> layers;
    for (const auto& [layer, quantizers] : four.layers) {
        if (quantizers.contains(graph::Slot::Kernel)) {
            layers.push_back(layer);
        }
    }
    Parallel parallel(static_cast<int>(state.range(0)));
    train::WhatIf whatIf(graph, graph->weights(), samples);
    (void)whatIf.evaluate(four, parallel).value();
    std::size_t next = 0;
    for (auto _ : state) {
        // Never the same twice: an answer that is known costs nothing.
        const double alpha = 1.0 + 1e-4 * static_cast<double>(next);
        graph::Configuration edited = four;
        edited.set(
            layers[next++ % layers.size()], graph::Slot::Kernel,
            quant::parseQuantizer(fmt::format("quantized_bits(3,0,1,alpha={})", alpha)).value());
        benchmark::DoNotOptimize(whatIf.evaluate(edited, parallel).value().accuracy);
    }
}
BENCHMARK_CAPTURE(changeOneLayer, resnet8, "resnet8")
    ->Arg(1)
    ->Arg(2)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

} // namespace
} // namespace bitscape
