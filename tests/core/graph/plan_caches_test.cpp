// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/execution.h"
#include "core/graph/layer_cache.h"
#include "core/graph/tensor_cache.h"
#include "tests/support/networks.h"
#include "tests/support/reference.h"

#include <gtest/gtest.h>

#include <limits>
#include <thread>

namespace bitscape::graph {
namespace {

using networks::Builder;
using networks::conv;

constexpr Index kManyBytes = Index{16} << 20U;
constexpr Index kSamples = 41;

quant::QuantizerPtr quantizer(const std::string& text)
{
    return quant::parseQuantizer(text).value();
}

/// Two residual branches, one with a stride, and a second output in the middle.
GraphPtr network()
{
    Builder builder({8, 8, 3});
    builder.add("c1", "QConv2D", conv(8, 3)).add("a1", "QActivation", ActivationOp{});
    builder.add("c2", "QConv2D", conv(8, 3, Padding::Same, 1, {FunctionKind::Relu}))
        .add("add1", "Add", AddOp{}, {3, 2})
        .add("c3", "QConv2D", conv(12, 3, Padding::Same, 2))
        .add("n3", "BatchNormalization", BatchNormOp{})
        .add("a3", "QActivation", ActivationOp{})
        .add("short", "QConv2D", conv(12, 1, Padding::Same, 2), {4})
        .add("add2", "Add", AddOp{}, {7, 8})
        .add("p", "GlobalAveragePooling2D", GlobalPoolOp{})
        .add("d", "QDense", DenseOp{.units = 16})
        .add("e", "QDense", DenseOp{.units = 5})
        .add("s", "Activation", ActivationOp{.function = {FunctionKind::Softmax}});
    return builder.make(6, {builder.last(), 10});
}

/// Kernels of so many bits; one activation fits its scale to the samples it sees.
Configuration bits(std::initializer_list<int> kernels)
{
    Configuration configuration;
    const int* next = kernels.begin();
    for (const char* layer : {"c1", "c2", "c3", "short", "d", "e"}) {
        configuration.set(layer, Slot::Kernel,
                          quantizer("quantized_bits(" + std::to_string(*next++) + ",0,1)"));
    }
    configuration.set("a1", Slot::Activation, quantizer("quantized_bits(6,2,1,alpha='auto')"));
    configuration.set("a3", Slot::Activation, quantizer("quantized_relu(4,1)"));
    return configuration;
}

/// One after another, as a user changes them: one layer, several, back again, all.
std::vector<Configuration> edits()
{
    std::vector<Configuration> all{bits({4, 4, 4, 4, 4, 4}),
                                   bits({4, 4, 4, 4, 4, 3}),
                                   bits({4, 4, 4, 2, 4, 3}),
                                   bits({4, 4, 4, 4, 4, 4}),
                                   bits({3, 4, 4, 4, 4, 4}),
                                   bits({3, 5, 4, 4, 6, 4}),
                                   {}};
    Configuration folded = bits({4, 4, 4, 4, 4, 4});
    folded.foldBatchNorm = true;
    all.push_back(folded);
    folded.set("e", Slot::Kernel, quantizer("quantized_bits(2,0,1)"));
    all.push_back(folded);
    Configuration input = bits({4, 4, 4, 4, 4, 4});
    input.input = quantizer("quantized_bits(8,2,1)");
    all.push_back(input);
    return all;
}

Tensor samples(Index count = kSamples)
{
    return reference::randomTensor(Shape{count, 8, 8, 3}, 8);
}

std::shared_ptr<const InferencePlan> planOf(const GraphPtr& graph,
                                            const Configuration& configuration,
                                            std::shared_ptr<LayerCache> layers = nullptr,
                                            std::vector<int> taps = {})
{
    return InferencePlan::make(graph, configuration, graph->weights(),
                               {.taps = std::move(taps), .layers = std::move(layers)})
        .value();
}

std::vector<Tensor> runOf(const InferencePlan& plan, const Tensor& input, int threads = 1)
{
    Parallel parallel(threads);
    const std::vector<TensorView> inputs{input.view()};
    return plan.run(inputs, parallel).value();
}

std::vector<Tensor> runFrom(const InferencePlan& plan, TensorCache& cache, const Tensor& input,
                            int threads = 1)
{
    Parallel parallel(threads);
    const std::vector<TensorView> inputs{input.view()};
    return plan.runFrom(cache, "samples", inputs, parallel).value();
}

TEST(LayerCache, MakesTheLayersThatChangedAlone)
{
    const GraphPtr graph = network();
    auto cache = std::make_shared<LayerCache>();
    (void)planOf(graph, bits({4, 4, 4, 4, 4, 4}), cache);
    const Index first = cache->made();
    EXPECT_EQ(first, static_cast<Index>(graph->layers().size()));
    (void)planOf(graph, bits({4, 4, 4, 4, 4, 4}), cache);
    EXPECT_EQ(cache->made(), first);
    (void)planOf(graph, bits({4, 4, 3, 4, 4, 4}), cache);
    EXPECT_EQ(cache->made(), first + 1);
    (void)planOf(graph, bits({2, 4, 3, 4, 4, 2}), cache);
    EXPECT_EQ(cache->made(), first + 3);
}

TEST(LayerCache, FindsLayersByTheValuesOfTheirWeights)
{
    const GraphPtr graph = network();
    const Configuration configuration = bits({4, 4, 4, 4, 4, 4});
    auto cache = std::make_shared<LayerCache>();
    (void)planOf(graph, configuration, cache);
    const Index first = cache->made();
    WeightSet copies;
    for (const TensorPtr& weight : graph->weights()) {
        copies.push_back(std::make_shared<const Tensor>(*weight));
    }
    (void)InferencePlan::make(graph, configuration, copies, {.layers = cache}).value();
    EXPECT_EQ(cache->made(), first);
    Tensor other = *copies[0];
    other.data()[other.size() - 1] += 1.0F;
    copies[0] = std::make_shared<const Tensor>(std::move(other));
    const auto shared =
        InferencePlan::make(graph, configuration, copies, {.layers = cache}).value();
    EXPECT_EQ(cache->made(), first + 1);
    const auto alone = InferencePlan::make(graph, configuration, copies).value();
    EXPECT_EQ(runOf(*shared, samples()), runOf(*alone, samples()));
}

TEST(LayerCache, PlansThatShareLayersGiveTheSameBytes)
{
    const GraphPtr graph = network();
    auto cache = std::make_shared<LayerCache>();
    for (const Configuration& configuration : edits()) {
        const auto shared = planOf(graph, configuration, cache);
        const auto alone = planOf(graph, configuration);
        EXPECT_EQ(runOf(*shared, samples()), runOf(*alone, samples()));
        ASSERT_EQ(shared->quantizedWeights().size(), alone->quantizedWeights().size());
        for (std::size_t w = 0; w < alone->quantizedWeights().size(); ++w) {
            EXPECT_EQ(*shared->quantizedWeights()[w], *alone->quantizedWeights()[w]);
        }
    }
}

/// A clamp that one plan fuses and another does not must not stay in the shared kernel.
TEST(LayerCache, TapsBetweenAConvolutionAndItsClampAreRight)
{
    const GraphPtr graph =
        Builder({8, 8, 3})
            .add("c", "Conv2D", conv(4, 3))
            .add("r", "ReLU", ActivationOp{.function = {FunctionKind::Relu, 0.0F, 1.0F}})
            .make(6);
    auto cache = std::make_shared<LayerCache>();
    for (const std::vector<int>& taps : {std::vector<int>{}, {1}, {}}) {
        EXPECT_EQ(runOf(*planOf(graph, {}, cache, taps), samples()),
                  runOf(*planOf(graph, {}, nullptr, taps), samples()));
    }
}

TEST(LayerCache, IsBoundedByBytes)
{
    const GraphPtr graph = network();
    const auto alone = planOf(graph, bits({4, 4, 4, 4, 4, 4}));
    constexpr Index kFew = 6000;
    auto cache = std::make_shared<LayerCache>(kFew);
    const auto shared = planOf(graph, bits({4, 4, 4, 4, 4, 4}), cache);
    EXPECT_LE(cache->bytes(), kFew);
    EXPECT_GT(cache->bytes(), 0);
    EXPECT_EQ(runOf(*shared, samples()), runOf(*alone, samples()));
}

TEST(PrefixCache, GivesTheSameBytesAsAWholeRun)
{
    const GraphPtr graph = network();
    const Tensor input = samples();
    for (const Index limit : {Index{0}, Index{40000}, Index{200000}, kManyBytes}) {
        for (const int threads : {1, 2}) {
            auto layers = std::make_shared<LayerCache>();
            TensorCache cache(limit);
            for (const Configuration& configuration : edits()) {
                EXPECT_EQ(runFrom(*planOf(graph, configuration, layers), cache, input, threads),
                          runOf(*planOf(graph, configuration), input))
                    << limit << " bytes, " << threads << " threads, " << configuration.canonical();
                EXPECT_LE(cache.bytes(), limit);
            }
        }
    }
}

TEST(PrefixCache, KeepsTapsApart)
{
    const GraphPtr graph = network();
    const Tensor input = samples();
    auto layers = std::make_shared<LayerCache>();
    TensorCache cache(kManyBytes);
    const Configuration configuration = bits({4, 4, 4, 4, 4, 4});
    for (const std::vector<int>& taps : {std::vector<int>{}, {3, 4}, {1, 5, 12, 13}, {}}) {
        EXPECT_EQ(runFrom(*planOf(graph, configuration, layers, taps), cache, input),
                  runOf(*planOf(graph, configuration, nullptr, taps), input));
    }
}

/// What lies before a change is not looked at again: not even the input.
TEST(PrefixCache, RunsWhatFollowsTheFirstChangeAlone)
{
    const GraphPtr graph = network();
    const Tensor input = samples();
    Tensor nothing(input.shape());
    std::ranges::fill(nothing.values(), std::numeric_limits<float>::quiet_NaN());
    auto layers = std::make_shared<LayerCache>();
    TensorCache cache(kManyBytes);
    (void)runFrom(*planOf(graph, bits({4, 4, 4, 4, 4, 4}), layers), cache, input);
    const std::vector<Configuration> later{bits({4, 4, 4, 4, 4, 4}), bits({4, 4, 4, 4, 4, 3}),
                                           bits({4, 4, 4, 2, 4, 4}), bits({4, 4, 2, 3, 4, 4}),
                                           bits({4, 6, 4, 4, 4, 4})};
    for (const Configuration& configuration : later) {
        const Index found = cache.found();
        EXPECT_EQ(runFrom(*planOf(graph, configuration, layers), cache, nothing),
                  runOf(*planOf(graph, configuration), input));
        EXPECT_GT(cache.found(), found);
    }
    const auto first = planOf(graph, bits({3, 4, 4, 4, 4, 4}), layers);
    EXPECT_NE(runFrom(*first, cache, nothing), runOf(*first, input));
}

TEST(PrefixCache, StopsAndGoesOn)
{
    const GraphPtr graph = network();
    const Tensor input = samples();
    const std::vector<TensorView> inputs{input.view()};
    TensorCache cache(kManyBytes);
    Parallel parallel(2);
    const auto plan = planOf(graph, bits({4, 4, 4, 4, 4, 4}));
    std::stop_source stop;
    stop.request_stop();
    const auto stopped =
        plan->runFrom(cache, "samples", inputs, parallel, {stop.get_token(), nullptr});
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().code, ErrorCode::Canceled);
    EXPECT_EQ(cache.bytes(), 0);
    EXPECT_EQ(plan->runFrom(cache, "samples", inputs, parallel).value(), runOf(*plan, input));
}

TEST(PrefixCache, UsesTheMemoryOfWhatGoes)
{
    const Shape shape{10, 100};
    TensorCache cache(3 * 4000);
    const float* first = nullptr;
    for (const char* key : {"a", "b", "c", "d"}) {
        auto taken = cache.take(std::span(&shape, 1));
        if (first == nullptr) {
            first = taken[0]->data();
        }
        if (std::string_view(key) == "d") {
            EXPECT_EQ(taken[0]->data(), first);
        }
        cache.put(key, std::move(taken[0]));
    }
    EXPECT_EQ(cache.bytes(), 3 * 4000);
    EXPECT_EQ(cache.find("a"), nullptr);
    const TensorPtr used = cache.find("b");
    ASSERT_NE(used, nullptr);
    auto taken = cache.take(std::span(&shape, 1)); // c goes: b was used after it
    EXPECT_NE(taken[0]->data(), used->data());
    EXPECT_EQ(cache.find("c"), nullptr);
    EXPECT_NE(cache.find("b"), nullptr);
}

TEST(PlanCaches, ServeSeveralThreads)
{
    const GraphPtr graph = network();
    const Tensor input = samples();
    const std::vector<Configuration> all = edits();
    std::vector<std::vector<Tensor>> wanted;
    for (const Configuration& configuration : all) {
        wanted.push_back(runOf(*planOf(graph, configuration), input));
    }
    auto layers = std::make_shared<LayerCache>(20000);
    TensorCache cache(150000);
    std::vector<char> isRight(3, 1);
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < isRight.size(); ++t) {
        threads.emplace_back([&, t] {
            for (std::size_t i = 0; i < 2 * all.size(); ++i) {
                const std::size_t c = (i + t) % all.size();
                const auto results = runFrom(*planOf(graph, all[c], layers), cache, input,
                                             1 + static_cast<int>(t % 2));
                isRight[t] = isRight[t] != 0 && results == wanted[c] ? 1 : 0;
            }
        });
    }
    threads.clear();
    EXPECT_EQ(isRight, std::vector<char>(3, 1));
}

} // namespace
} // namespace bitscape::graph
