// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tensor/convolution.h"
#include "tests/support/reference.h"

#include <benchmark/benchmark.h>

namespace bitscape {
namespace {

/// 2 floating-point operations per multiply-accumulate.
void countFlops(benchmark::State& state, double macs)
{
    state.counters["FLOP/s"] =
        benchmark::Counter(2.0 * macs, benchmark::Counter::kIsIterationInvariantRate);
}

ConvolutionGeometry middleLayer() // of ResNet-8: 3×3, 32×32×16 → 16
{
    return {.height = 32,
            .width = 32,
            .channels = 16,
            .outHeight = 32,
            .outWidth = 32,
            .filters = 16,
            .kernelHeight = 3,
            .kernelWidth = 3,
            .padTop = 1,
            .padLeft = 1};
}

ConvolutionGeometry dense(Index inputs, Index outputs)
{
    return {.channels = inputs, .filters = outputs};
}

ConvolutionGeometry stridedLayer() // of QKeras' example: 3×3 stride 2, 13×13×32 → 6×6×64
{
    return {.height = 13,
            .width = 13,
            .channels = 32,
            .outHeight = 6,
            .outWidth = 6,
            .filters = 64,
            .kernelHeight = 3,
            .kernelWidth = 3,
            .strideHeight = 2,
            .strideWidth = 2};
}

ConvolutionGeometry depthwiseLayer() // of DS-CNN: 3×3, 25×5×64
{
    return {.height = 25,
            .width = 5,
            .channels = 64,
            .outHeight = 25,
            .outWidth = 5,
            .filters = 64,
            .kernelHeight = 3,
            .kernelWidth = 3,
            .padTop = 1,
            .padLeft = 1};
}

struct Bench {
    Bench(std::unique_ptr<const Convolution> of, Index count)
        : convolution(std::move(of)), images(count),
          x(reference::randomValues(images * convolution->geometry().inputSize(), 1)),
          kernel(reference::randomValues(convolution->kernelSize(), 2)),
          y(reference::randomValues(images * convolution->geometry().outputSize(), 3)),
          packed(static_cast<std::size_t>(convolution->packedSize())),
          packedGradient(static_cast<std::size_t>(convolution->packedGradientSize())),
          scratch(static_cast<std::size_t>(convolution->scratchSize()) + 1)
    {
        convolution->pack(kernel.data(), packed.data());
        convolution->packGradient(kernel.data(), packedGradient.data());
    }

    [[nodiscard]] double macs(bool isDepthwise) const
    {
        const auto& g = convolution->geometry();
        const Index perOutput = g.taps() * (isDepthwise ? 1 : g.channels);
        return static_cast<double>(images * g.outputSize() * perOutput);
    }

    std::unique_ptr<const Convolution> convolution;
    Index images;
    std::vector<float> x, kernel, y, packed, packedGradient, scratch;
};

enum class Pass { Forward, Input, Weights };

void run(benchmark::State& state, Bench bench, Pass pass, bool isDepthwise = false)
{
    for ([[maybe_unused]] auto step : state) {
        switch (pass) {
        case Pass::Forward:
            bench.convolution->forward(bench.x.data(), bench.images, bench.packed.data(), {},
                                       bench.y.data(), bench.scratch.data());
            break;
        case Pass::Input:
            bench.convolution->inputGradient(bench.y.data(), bench.images,
                                             bench.packedGradient.data(), bench.x.data(), false,
                                             bench.scratch.data());
            break;
        case Pass::Weights:
            bench.convolution->weightGradient(bench.x.data(), bench.y.data(), bench.images,
                                              bench.kernel.data(), false, bench.scratch.data());
            break;
        }
        benchmark::ClobberMemory();
    }
    countFlops(state, bench.macs(isDepthwise));
}

Bench convolution(const ConvolutionGeometry& g, Index images)
{
    return {makeConvolution(g), images};
}

void conv3x3(benchmark::State& state, Pass pass)
{
    run(state, convolution(middleLayer(), 32), pass);
}
BENCHMARK_CAPTURE(conv3x3, forward, Pass::Forward);
BENCHMARK_CAPTURE(conv3x3, inputGradient, Pass::Input);
BENCHMARK_CAPTURE(conv3x3, weightGradient, Pass::Weights);

void convStrided(benchmark::State& state, Pass pass)
{
    run(state, convolution(stridedLayer(), 8), pass);
}
BENCHMARK_CAPTURE(convStrided, forward, Pass::Forward);
BENCHMARK_CAPTURE(convStrided, inputGradient, Pass::Input);
BENCHMARK_CAPTURE(convStrided, weightGradient, Pass::Weights);

void gemm256(benchmark::State& state, Pass pass)
{
    run(state, convolution(dense(256, 256), 256), pass);
}
BENCHMARK_CAPTURE(gemm256, forward, Pass::Forward);
BENCHMARK_CAPTURE(gemm256, inputGradient, Pass::Input);
BENCHMARK_CAPTURE(gemm256, weightGradient, Pass::Weights);

void denseLayer(benchmark::State& state)
{
    run(state, convolution(dense(784, 128), 32), Pass::Forward);
}
BENCHMARK(denseLayer);

void depthwise3x3(benchmark::State& state, Pass pass)
{
    run(state, {makeDepthwiseConvolution(depthwiseLayer()), 16}, pass, true);
}
BENCHMARK_CAPTURE(depthwise3x3, forward, Pass::Forward);
BENCHMARK_CAPTURE(depthwise3x3, inputGradient, Pass::Input);
BENCHMARK_CAPTURE(depthwise3x3, weightGradient, Pass::Weights);

void exponential(benchmark::State& state)
{
    const auto x = reference::randomValues(4096, 1);
    std::vector<float> y(x.size());
    for ([[maybe_unused]] auto step : state) {
        kernels::exponential(x.data(), static_cast<Index>(x.size()), y.data());
        benchmark::ClobberMemory();
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(x.size()));
}
BENCHMARK(exponential);

} // namespace
} // namespace bitscape
