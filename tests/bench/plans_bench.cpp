// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/activation.h"
#include "core/graph/execution.h"
#include "core/graph/integer/integer_plan.h"
#include "tests/support/networks.h"
#include "tests/support/reference.h"

#include <benchmark/benchmark.h>

namespace bitscape::graph {
namespace {

using networks::Builder;
using networks::conv;

/// QKeras' example network for MNIST: three strided convolutions and a dense layer.
GraphPtr exampleNetwork()
{
    const auto strided = [](Index filters, int kernel) {
        return conv(filters, kernel, Padding::Valid, 2, {FunctionKind::Relu});
    };
    return Builder({28, 28, 1})
        .add("conv2d_0", "QConv2D", strided(32, 3))
        .add("conv2d_1", "QConv2D", strided(64, 3))
        .add("conv2d_2", "QConv2D", strided(64, 2))
        .add("flatten", "Flatten", FlattenOp{})
        .add("dense", "QDense", DenseOp{.units = 10})
        .make();
}

GraphPtr resnetLike() // the float work of ResNet-8 in a chain: 3×3 layers of three sizes
{
    const auto same = [](Index filters, int stride) {
        return conv(filters, 3, Padding::Same, stride, {FunctionKind::Relu});
    };
    return Builder({32, 32, 3})
        .add("a", "Conv2D", same(16, 1))
        .add("b", "Conv2D", same(16, 1))
        .add("c", "Conv2D", same(16, 1))
        .add("d", "Conv2D", same(32, 2))
        .add("e", "Conv2D", same(32, 1))
        .add("f", "Conv2D", same(64, 2))
        .add("g", "Conv2D", same(64, 1))
        .add("p", "GlobalAveragePooling2D", GlobalPoolOp{})
        .add("fc", "Dense", DenseOp{.units = 10})
        .make();
}

Configuration fourBits(const Graph& graph)
{
    const auto parse = [](const char* text) { return quant::parseQuantizer(text).value(); };
    Configuration configuration;
    for (const Layer& layer : graph.layers()) {
        if (layer.weights.empty()) {
            continue;
        }
        configuration.set(layer.name, Slot::Kernel, parse("quantized_bits(4,0,1)"));
        configuration.set(layer.name, Slot::Bias, parse("quantized_bits(4,0,1)"));
        if (!functionOf(layer.op).isLinear()) {
            configuration.set(layer.name, Slot::Activation, parse("quantized_relu(4,0)"));
        }
    }
    return configuration;
}

void trainingStep(benchmark::State& state, const GraphPtr& graph, bool isQuantized)
{
    const Index batch = state.range(0);
    Parallel parallel(static_cast<int>(state.range(1)));
    const Configuration configuration = isQuantized ? fourBits(*graph) : Configuration{};
    auto plan = TrainingPlan::make(graph, configuration, batch, parallel).value();
    const Tensor input = reference::randomTensor(graph->layer(0).outputShape.batchOf(batch), 1);
    const Tensor upstream = reference::randomTensor(Shape{batch, 10}, 2);
    const std::vector<TensorView> inputs{input.view()};
    const std::vector<TensorView> gradients{upstream.view()};
    std::vector<Tensor> weights;
    for (const TensorPtr& weight : graph->weights()) {
        weights.push_back(*weight);
    }
    for ([[maybe_unused]] auto step : state) {
        benchmark::DoNotOptimize(plan->forward(inputs, weights, 1));
        benchmark::DoNotOptimize(plan->backward(gradients));
    }
    state.counters["FLOP/s"] = benchmark::Counter(6.0 * static_cast<double>(graph->macs() * batch),
                                                  benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK_CAPTURE(trainingStep, exampleFloat, exampleNetwork(), false)
    ->Args({64, 1})
    ->Args({64, 2})
    ->UseRealTime();
BENCHMARK_CAPTURE(trainingStep, example4Bits, exampleNetwork(), true)
    ->Args({64, 1})
    ->Args({64, 2})
    ->Args({128, 2})
    ->UseRealTime();
BENCHMARK_CAPTURE(trainingStep, resnetFloat, resnetLike(), false)
    ->Args({64, 1})
    ->Args({64, 2})
    ->UseRealTime();

/// 8 bits on grids of powers of two: a network of codes alone.
Configuration eightBits(const Graph& graph)
{
    const auto parse = [](const char* text) { return quant::parseQuantizer(text).value(); };
    Configuration configuration;
    configuration.input = parse("quantized_bits(8,0,1,alpha=1.0)");
    for (const Layer& layer : graph.layers()) {
        if (layer.weights.empty()) {
            continue;
        }
        configuration.set(layer.name, Slot::Kernel, parse("quantized_bits(8,0,1,alpha=1.0)"));
        configuration.set(layer.name, Slot::Bias, parse("quantized_bits(8,2,1,alpha=1.0)"));
        configuration.set(layer.name, Slot::Activation, parse("quantized_relu(8,2)"));
    }
    return configuration;
}

void runImages(benchmark::State& state, const InferencePlan& plan)
{
    Parallel parallel(static_cast<int>(state.range(0)));
    const Graph& graph = plan.graph();
    constexpr Index kImages = 256;
    const Tensor input = reference::randomTensor(graph.layer(0).outputShape.batchOf(kImages), 1);
    const std::vector<TensorView> inputs{input.view()};
    for ([[maybe_unused]] auto step : state) {
        benchmark::DoNotOptimize(plan.run(inputs, parallel));
    }
    state.SetItemsProcessed(state.iterations() * kImages);
    state.counters["FLOP/s"] = benchmark::Counter(2.0 * static_cast<double>(graph.macs() * kImages),
                                                  benchmark::Counter::kIsIterationInvariantRate);
}

void inference(benchmark::State& state, const GraphPtr& graph, bool isQuantized)
{
    const Configuration configuration = isQuantized ? fourBits(*graph) : Configuration{};
    runImages(state, *InferencePlan::make(graph, configuration, graph->weights()).value());
}
BENCHMARK_CAPTURE(inference, exampleFloat, exampleNetwork(), false)->Arg(1)->Arg(2)->UseRealTime();
BENCHMARK_CAPTURE(inference, example4Bits, exampleNetwork(), true)->Arg(1)->Arg(2)->UseRealTime();
BENCHMARK_CAPTURE(inference, resnetFloat, resnetLike(), false)->Arg(1)->Arg(2)->UseRealTime();

void integers(benchmark::State& state, const GraphPtr& graph)
{
    runImages(state, *IntegerPlan::make(graph, eightBits(*graph), graph->weights()).value());
}
BENCHMARK_CAPTURE(integers, example8Bits, exampleNetwork())->Arg(1)->Arg(2)->UseRealTime();
BENCHMARK_CAPTURE(integers, resnet8Bits, resnetLike())->Arg(1)->Arg(2)->UseRealTime();

} // namespace
} // namespace bitscape::graph
