// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/train/what_if.h"
#include "tests/support/networks.h"
#include "tests/support/reference.h"

#include <gtest/gtest.h>

namespace bitscape::train {
namespace {

using graph::Slot;
using networks::conv;

constexpr Index kSamples = 150;
constexpr Index kClasses = 5;

graph::GraphPtr network()
{
    return networks::Builder({8, 8, 3})
        .add("c1", "QConv2D", conv(8, 3, graph::Padding::Same, 1, {graph::FunctionKind::Relu}))
        .add("c2", "QConv2D", conv(8, 3, graph::Padding::Same, 1, {graph::FunctionKind::Relu}))
        .add("add", "Add", graph::AddOp{}, {1, 2})
        .add("c3", "QConv2D", conv(8, 3, graph::Padding::Same, 2))
        .add("a3", "QActivation", graph::ActivationOp{})
        .add("p", "GlobalAveragePooling2D", graph::GlobalPoolOp{})
        .add("d", "QDense", graph::DenseOp{.units = kClasses})
        .add("s", "Activation", graph::ActivationOp{.function = {graph::FunctionKind::Softmax}})
        .make(6);
}

graph::Configuration bits(int first, int third, int last)
{
    graph::Configuration configuration;
    const auto set = [&](const char* layer, Slot slot, const std::string& text) {
        configuration.set(layer, slot, quant::parseQuantizer(text).value());
    };
    set("c1", Slot::Kernel, "quantized_bits(" + std::to_string(first) + ",0,1)");
    set("c3", Slot::Kernel, "quantized_bits(" + std::to_string(third) + ",0,1)");
    set("d", Slot::Kernel, "quantized_bits(" + std::to_string(last) + ",0,1)");
    set("a3", Slot::Activation, "quantized_bits(6,2,1,alpha='auto')");
    return configuration;
}

std::shared_ptr<const Samples> sample(Index count = kSamples)
{
    auto samples = std::make_shared<Samples>();
    samples->inputs.push_back(reference::randomTensor(Shape{count, 8, 8, 3}, 8));
    for (Index i = 0; i < count; ++i) {
        samples->labels.push_back(i * 7 % kClasses);
    }
    return samples;
}

Evaluation whole(const graph::GraphPtr& graph, const graph::Configuration& configuration,
                 const Samples& samples)
{
    Parallel parallel(1);
    const auto plan = graph::InferencePlan::make(graph, configuration, graph->weights()).value();
    return evaluate(*plan, samples, parallel).value();
}

void expectSame(const Evaluation& got, const Evaluation& wanted)
{
    EXPECT_EQ(got.count, wanted.count);
    EXPECT_EQ(got.loss, wanted.loss);
    EXPECT_EQ(got.confusion, wanted.confusion);
    for (const MetricInfo& metric : metrics()) {
        EXPECT_EQ(got.*metric.value, wanted.*metric.value) << metric.name;
    }
}

class WhatIfAnswers : public testing::TestWithParam<int> {};

TEST_P(WhatIfAnswers, AreThoseOfEvaluate)
{
    const graph::GraphPtr graph = network();
    Parallel parallel(GetParam());
    for (const Index bytes : {Index{0}, Index{300000}, Index{16} << 20U}) {
        WhatIf whatIf(graph, graph->weights(), sample(), {.tensorBytes = bytes});
        for (const auto& configuration : {bits(4, 4, 4), bits(4, 4, 3), bits(4, 2, 3),
                                          bits(2, 2, 3), bits(4, 4, 4), graph::Configuration{}}) {
            expectSame(whatIf.evaluate(configuration, parallel).value(),
                       whole(graph, configuration, *sample()));
            EXPECT_LE(whatIf.tensors().bytes(), bytes);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Threads, WhatIfAnswers, testing::Values(1, 2));

TEST(WhatIf, AnswersEarlyOnTheFirstSamples)
{
    const graph::GraphPtr graph = network();
    Parallel parallel(1);
    const auto samples = sample();
    WhatIf whatIf(graph, graph->weights(), samples, {.firstSamples = 50});
    constexpr Index kWholeGroups = 64;
    std::vector<Index> indices;
    for (Index i = 0; i < kWholeGroups; ++i) {
        indices.push_back(i);
    }
    const Samples first = samples->pick(indices);
    for (const auto& configuration : {bits(4, 4, 4), bits(4, 4, 3), bits(4, 4, 3)}) {
        int early = 0;
        const auto all = whatIf.evaluate(configuration, parallel, {}, [&](const Evaluation& seen) {
            ++early;
            expectSame(seen, whole(graph, configuration, first));
        });
        EXPECT_EQ(early, 1);
        expectSame(all.value(), whole(graph, configuration, *samples));
    }
    WhatIf small(graph, graph->weights(), sample(kWholeGroups), {.firstSamples = 50});
    (void)small.evaluate(bits(4, 4, 4), parallel, {}, [](const Evaluation&) { FAIL(); }).value();
}

TEST(WhatIf, KeepsWhatItHadWhenStopped)
{
    const graph::GraphPtr graph = network();
    Parallel parallel(1);
    WhatIf whatIf(graph, graph->weights(), sample());
    std::stop_source stop;
    const auto stopped = whatIf.evaluate(bits(4, 4, 4), parallel, {stop.get_token(), nullptr},
                                         [&](const Evaluation&) { stop.request_stop(); });
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().code, ErrorCode::Canceled);
    const Index found = whatIf.tensors().found();
    EXPECT_GT(whatIf.tensors().bytes(), 0);
    expectSame(whatIf.evaluate(bits(4, 4, 4), parallel).value(),
               whole(graph, bits(4, 4, 4), *sample()));
    EXPECT_GT(whatIf.tensors().found(), found);
}

TEST(WhatIf, MakesReadyWhatAnEditChangesAlone)
{
    const graph::GraphPtr graph = network();
    Parallel parallel(1);
    WhatIf whatIf(graph, graph->weights(), sample());
    (void)whatIf.evaluate(bits(4, 4, 4), parallel).value();
    const Index made = whatIf.layers()->made();
    (void)whatIf.evaluate(bits(4, 3, 4), parallel).value();
    EXPECT_EQ(whatIf.layers()->made(), made + 1);
}

TEST(WhatIf, RefusesWhatEvaluateRefuses)
{
    const graph::GraphPtr graph = network();
    Parallel parallel(1);
    WhatIf none(graph, graph->weights(), sample(0));
    EXPECT_EQ(none.evaluate({}, parallel).error().code, ErrorCode::ShapeMismatch);
    auto wrong = std::make_shared<Samples>(*sample());
    wrong->labels.front() = kClasses;
    WhatIf labels(graph, graph->weights(), wrong);
    EXPECT_EQ(labels.evaluate({}, parallel).error().code, ErrorCode::ShapeMismatch);
}

} // namespace
} // namespace bitscape::train
